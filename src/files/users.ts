/**
 * The users file of the static provider: schema, then everything that a schema
 * can't say, each fault with its path and line and all at once. What comes out
 * is ready to be asked.
 */
import { createHash, type Hash } from 'node:crypto'
import { getHeapStatistics } from 'node:v8'
import type { UserInfo } from '../../schemas/token-review.js'
import { USERS_VERSION, UsersFile, type User, type UserToken } from '../../schemas/users.js'
import { canonicalName, isText, whyNoName } from '../authn/mapping.js'
import { parsePasswordHash } from '../authn/password-hash.js'
import { isReservedKey } from '../authn/reserved.js'
import { parseTimestamp } from '../authn/timestamp.js'
import { UsersTableBuilder, type TokenRecord, type UsersTable } from '../authn/users-table.js'
import { Users } from '../authn/users.js'
import { FaultsError, MAX_FAULTS, type Fault } from '../errors.js'
import { draftDocument, faultsError, type Draft } from './document.js'
import { findFaults } from './faults.js'
import { joinPath } from './outline.js'
import { refuseLarge, splitUsers, type UsersPart } from './users-parts.js'
import { MAX_USERS_BYTES, readBytes, readBytesSync, readPiecesSync, type FileVersion, type Read, type ReadOptions } from './read.js'
import { decodeText } from './text.js'

/** @throws FaultsError with everything that is wrong; also where the file can't be read */
export async function readUsers (file: string, options?: ReadOptions): Promise<Users> {
  return new Users(tabulateUsers(await readUsersBytes(file, options), file))
}

/** @throws FaultsError where the file can't be read */
export async function readUsersBytes (file: string, options: ReadOptions = {}): Promise<Buffer> {
  return orThrow(await readBytes(file, { maxBytes: MAX_USERS_BYTES, ...options }), file)
}

function orThrow (read: Read, file: string): Buffer {
  if ('fault' in read) throw new FaultsError(file, [{ path: '', message: read.fault }])
  return read.bytes
}

/** @throws FaultsError where the file can't be read or isn't UTF-8 */
export async function readUsersText (file: string, options?: ReadOptions): Promise<string> {
  return decodeText(await readUsersBytes(file, options), file)
}

/**
 * @param file what faults call the text
 * @throws FaultsError with everything that is wrong, in the order of lines
 */
export function parseUsers (text: string, file: string): Users {
  return new Users(tabulateUsers(Buffer.from(text), file))
}

/** What {@link parseUsers} would find wrong with these entries, with paths such as `users[3].uid`. */
export function findUserFaults (users: readonly User[]): Fault[] {
  const value: UsersFile = { apiVersion: USERS_VERSION, users: [...users] }
  const reading = new Reading()
  const faults = findFaults(value, UsersFile)
  readEntries({ value, faults }, 0, reading)
  return [...faults, ...reading.faults]
}

/** The same as what one thread can hand over to another. */
export function tabulateUsers (bytes: Buffer, file: string): UsersTable {
  return tabulateParts(splitUsers([bytes]), file) ?? tabulateWhole(decodeText(bytes, file), file)
}

/**
 * The same of a file that is read piece by piece.
 * @param heapLimit of the thread that keeps it
 * @returns undefined if the file is not this version of it any more
 */
export function tabulateFile (file: string, { digest, size }: FileVersion, heapLimit = getHeapStatistics().heap_size_limit): UsersTable | undefined {
  const hash = createHash('sha256')
  const parts = splitUsers(piecesOf(file, hash))
  if (parts !== undefined) refuseLarge(size, file, heapLimit)
  const table = tabulateParts(parts, file)
  if (table !== undefined) return hash.digest('hex') === digest ? table : undefined
  const bytes = orThrow(readBytesSync(file, { maxBytes: MAX_USERS_BYTES }), file)
  return createHash('sha256').update(bytes).digest('hex') === digest ? tabulateWhole(decodeText(bytes, file), file) : undefined
}

function * piecesOf (file: string, hash: Hash): Generator<Buffer, void> {
  for (const read of readPiecesSync(file, { maxBytes: MAX_USERS_BYTES })) {
    const bytes = orThrow(read, file)
    hash.update(bytes)
    yield bytes
  }
}

/** Of everything at once: values take a hundred times the memory of their text. */
function tabulateWhole (text: string, file: string): UsersTable {
  const draft = draftDocument<UsersFile>(text, { file, schema: UsersFile })
  const reading = new Reading()
  reading.faults.push(...draft.faults)
  readEntries(draft, 0, reading)
  if (reading.faults.length > 0) throw faultsError(draft, reading.faults)
  return reading.builder.finish()
}

/** Part by part; `undefined` for a text that has to be read as a whole. */
function tabulateParts (parts: Iterable<UsersPart> | undefined, file: string): UsersTable | undefined {
  if (parts === undefined) return undefined
  const reading = new Reading()
  for (const { bytes, line } of parts) {
    const draft = draftPart(bytes, file)
    if (draft === undefined) return undefined
    const first = reading.count
    const known = reading.faults.length
    reading.faults.push(...draft.faults.map(fault => ({ ...fault, path: shift(fault.path, first) })))
    readEntries(draft, first, reading)
    // lines are found now: of each part, only its faults are kept
    for (const fault of reading.faults.splice(known)) {
      const within = fault.line ?? draft.lineOf(shift(fault.path, -first))
      reading.faults.push({ ...fault, line: within === undefined ? line : within + line - 1 })
    }
    if (reading.faults.length > MAX_FAULTS) break
    reading.builder.endPart()
    if (reading.builder.bytes > MAX_USERS_BYTES) throw new FaultsError(file, [{ path: '', message: 'holds too many values; split it up' }])
  }
  if (reading.faults.length > 0) throw new FaultsError(file, reading.faults.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)))
  return reading.builder.finish()
}

/** A part by itself; `undefined` if it is none: its end is not that of a user, or it refers to another part. */
function draftPart (bytes: Buffer, file: string): Draft<UsersFile> | undefined {
  const text = decodeText(bytes, file)
  if (ALIAS.test(text)) return undefined
  try {
    const draft = draftDocument<UsersFile>(text, { file, schema: UsersFile })
    const isPart = Array.isArray(draft.value?.users) && Object.keys(draft.value).sort().join() === 'apiVersion,users'
    return isPart ? draft : undefined
  } catch (error) {
    if (error instanceof FaultsError) return undefined
    throw error
  }
}

/** What may be an anchor or an alias of YAML. */
const ALIAS = /(?:^|[\s[\]{},:-])[&*][^\s]/

/** `users[3].uid` → `users[1003].uid` */
function shift (path: string, by: number): string {
  return by === 0 ? path : path.replace(/^users\[(\d+)\]/, (_, index: string) => `users[${Number(index) + by}]`)
}

/** What has been read so far. */
class Reading {
  readonly faults: Fault[] = []
  readonly builder = new UsersTableBuilder()
  /** Of each user of the builder, its place in the file. */
  readonly places: number[] = []
  /** Entries, the malformed ones included. */
  count = 0

  readonly report: Report = (path, message) => {
    if (this.faults.length <= MAX_FAULTS) this.faults.push({ path, message })
  }
}

/** Takes note of what is wrong, and where. */
type Report = (path: string, message: string) => void

/** Adds the entries that have the form of the schema; the others have their faults already. */
function readEntries ({ value, faults }: Pick<Draft<UsersFile>, 'value' | 'faults'>, first: number, reading: Reading): void {
  const users: unknown = value?.users
  // of very many faults not all are known, nor which entries are sound
  if (!Array.isArray(users) || faults.length > MAX_FAULTS) return
  const malformed = new Set(faults.map(({ path }) => /^users\[\d+\]/.exec(path)?.[0]))
  users.forEach((user: User, index) => {
    if (!malformed.has(`users[${index}]`)) readEntry(user, first + index, reading)
  })
  reading.count += users.length
}

function readEntry (user: User, place: number, { places, report, builder }: Reading): void {
  const at = `users[${place}]`
  const info = readInfo(user, at, report)
  if (user.passwordHash !== undefined && user.username.includes(':')) {
    report(`${at}.username`, 'a name with a colon can\'t have a password, since the first colon of "username:password" ends the name; give it a token')
  }
  const cost = readCost(user.passwordHash, `${at}.passwordHash`, report)
  const expiresAt = readTimestamp(user.expiresAt, `${at}.expiresAt`, report)
  const tokens = (user.tokens ?? []).map((token, index) => readToken(token, `${at}.tokens[${index}]`, report))
  places.push(place)
  const namesake = builder.add({ info, disabled: user.disabled === true, expiresAt, passwordHash: user.passwordHash, tokens }, cost)
  if (namesake !== undefined) report(`${at}.username`, `the same name as users[${places[namesake]}].username; names are compared in Unicode's normal form NFC`)
  user.tokens?.forEach(({ hash }, index) => {
    const twin = builder.addToken(hash, index)
    if (twin !== undefined) report(`${at}.tokens[${index}].hash`, `the same token as users[${places[twin.user]}].tokens[${twin.token}].hash; a token belongs to one user, and is listed once`)
  })
}

function readInfo ({ username, uid, groups, extra }: User, at: string, report: Report): UserInfo {
  const info: UserInfo = { username: readName(username, `${at}.username`, report) }
  if (uid !== undefined && uid !== '') info.uid = readName(uid, `${at}.uid`, report)
  if (groups !== undefined) {
    info.groups = groups.map((group, index) => readName(group, `${at}.groups[${index}]`, report))
  }
  if (extra !== undefined) info.extra = readExtra(extra, `${at}.extra`, report)
  return info
}

function readExtra (extra: Record<string, string[]>, at: string, report: Report): Record<string, string[]> {
  const read = new Map<string, string[]>()
  for (const [typed, values] of Object.entries(extra)) {
    const path = joinPath(at, typed)
    const key = readKey(typed, path, report)
    if (read.has(key)) report(path, 'the same key as another one; keys are compared in Unicode\'s normal form NFC')
    read.set(key, readValues(values, path, report))
  }
  // fromEntries defines properties, so that a key such as __proto__ is one like any other
  return Object.fromEntries(read)
}

function readToken (token: UserToken, at: string, report: Report): TokenRecord {
  return {
    name: readName(token.name, `${at}.name`, report),
    expiresAt: readTimestamp(token.expiresAt, `${at}.expiresAt`, report),
    audiences: token.audiences
  }
}

/** A name in NFC. What the guard would refuse or drop at every review is a fault already here. */
function readName (name: string, path: string, report: Report): string {
  const canonical = canonicalName(name)
  if (canonical === undefined) report(path, whyNoName(name))
  return canonical ?? name
}

/** No config can allow such a key, unlike a `system:` name, which is left to the guard. */
function readKey (key: string, path: string, report: Report): string {
  if (isReservedKey(key)) report(path, 'keys must be lower-case, and those under kubernetes.io and k8s.io are Kubernetes\' own')
  return readName(key, path, report)
}

function readValues (values: readonly string[], path: string, report: Report): string[] {
  values.forEach((value, index) => {
    if (!isText(value)) report(`${path}[${index}]`, 'half a character, such as \\ud83d; write the whole of it')
  })
  return [...values]
}

/** Milliseconds since 1970. */
function readTimestamp (text: string | undefined, path: string, report: Report): number | undefined {
  if (text === undefined) return undefined
  const moment = parseTimestamp(text)
  if (moment === undefined) report(path, 'no such date or time')
  return moment?.getTime()
}

function readCost (text: string | undefined, path: string, report: Report): string | undefined {
  if (text === undefined) return undefined
  try {
    return parsePasswordHash(text).cost
  } catch (error) {
    report(path, (error as Error).message)
    return undefined
  }
}
