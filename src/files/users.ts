/**
 * The users file of the static provider: schema, then everything that a schema
 * can't say, each fault with its path and line and all at once. What comes out
 * is ready to be asked.
 */
import type { UserInfo } from '../../schemas/token-review.js'
import { USERS_VERSION, UsersFile, type User, type UserToken } from '../../schemas/users.js'
import { immutable } from '../authn/immutable.js'
import { canonicalName, isText, MAX_NAME_BYTES } from '../authn/mapping.js'
import { parsePasswordHash, type PasswordHash } from '../authn/password-hash.js'
import { isReservedKey } from '../authn/reserved.js'
import { parseTimestamp } from '../authn/timestamp.js'
import { Users, type TokenEntry, type UserEntry } from '../authn/users.js'
import { MAX_FAULTS, type Fault } from '../errors.js'
import { draftDocument, faultsError, type Draft } from './document.js'
import { findFaults } from './faults.js'
import { joinPath } from './outline.js'
import { MAX_USERS_BYTES, type ReadOptions } from './read.js'
import { readText } from './text.js'

/** @throws FaultsError with everything that is wrong; also where the file can't be read */
export async function readUsers (file: string, options?: ReadOptions): Promise<Users> {
  return parseUsers(await readUsersText(file, options), file)
}

/** @throws FaultsError where the file can't be read */
export async function readUsersText (file: string, options: ReadOptions = {}): Promise<string> {
  return await readText(file, { maxBytes: MAX_USERS_BYTES, ...options })
}

/**
 * @param file what faults call the text
 * @throws FaultsError with everything that is wrong, in the order of lines
 */
export function parseUsers (text: string, file: string): Users {
  const draft = draftDocument<UsersFile>(text, { file, schema: UsersFile })
  const faults: Fault[] = [...draft.faults]
  const entries = readEntries(draft, (path, message) => { if (faults.length <= MAX_FAULTS) faults.push({ path, message }) })
  if (faults.length > 0) throw faultsError(draft, faults)
  return new Users(entries)
}

/** What {@link parseUsers} would find wrong with these entries, with paths such as `users[3].uid`. */
export function findUserFaults (users: readonly User[]): Fault[] {
  const value: UsersFile = { apiVersion: USERS_VERSION, users: [...users] }
  const faults = findFaults(value, UsersFile)
  const more: Fault[] = []
  readEntries({ value, faults }, (path, message) => { if (more.length <= MAX_FAULTS) more.push({ path, message }) })
  return [...faults, ...more]
}

/** Takes note of what is wrong, and where. */
type Report = (path: string, message: string) => void

/** Where each name and each digest was seen first. */
interface Seen {
  readonly names: Map<string, string>
  readonly digests: Map<string, string>
}

/** The entries that have the form of the schema; the others have their faults already. */
function readEntries ({ value, faults }: Pick<Draft<UsersFile>, 'value' | 'faults'>, report: Report): UserEntry[] {
  const users: unknown = value?.users
  // of very many faults not all are known, nor which entries are sound
  if (!Array.isArray(users) || faults.length > MAX_FAULTS) return []
  const malformed = new Set(faults.map(({ path }) => /^users\[\d+\]/.exec(path)?.[0]))
  const seen: Seen = { names: new Map(), digests: new Map() }
  return users.flatMap((user: User, index) => {
    const at = `users[${index}]`
    return malformed.has(at) ? [] : [readEntry(user, at, seen, report)]
  })
}

function readEntry (user: User, at: string, seen: Seen, report: Report): UserEntry {
  const info = readInfo(user, at, report)
  const namesake = claim(seen.names, info.username, `${at}.username`)
  if (namesake !== undefined) report(`${at}.username`, `the same name as ${namesake}; names are compared in Unicode's normal form NFC`)
  if (user.passwordHash !== undefined && user.username.includes(':')) {
    report(`${at}.username`, 'a name with a colon can\'t have a password, since the first colon of "username:password" ends the name; give it a token')
  }
  return {
    info,
    disabled: user.disabled === true,
    expiresAt: readTimestamp(user.expiresAt, `${at}.expiresAt`, report),
    passwordHash: readPasswordHash(user.passwordHash, `${at}.passwordHash`, report),
    tokens: (user.tokens ?? []).map((token, index) => readToken(token, `${at}.tokens[${index}]`, seen, report))
  }
}

function readInfo ({ username, uid, groups, extra }: User, at: string, report: Report): UserInfo {
  const info: UserInfo = { username: readName(username, `${at}.username`, report) }
  if (uid !== undefined && uid !== '') info.uid = readName(uid, `${at}.uid`, report)
  if (groups !== undefined) {
    info.groups = groups.map((group, index) => readName(group, `${at}.groups[${index}]`, report))
  }
  if (extra !== undefined) info.extra = readExtra(extra, `${at}.extra`, report)
  return immutable(info)
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

function readToken (token: UserToken, at: string, seen: Seen, report: Report): TokenEntry {
  const twin = claim(seen.digests, token.hash, `${at}.hash`)
  if (twin !== undefined) report(`${at}.hash`, `the same token as ${twin}; a token belongs to one user, and is listed once`)
  return {
    name: readName(token.name, `${at}.name`, report),
    digest: token.hash,
    expiresAt: readTimestamp(token.expiresAt, `${at}.expiresAt`, report),
    audiences: token.audiences && Object.freeze([...token.audiences])
  }
}

/** A name in NFC. What the guard would refuse or drop at every review is a fault already here. */
function readName (name: string, path: string, report: Report): string {
  const canonical = canonicalName(name)
  if (canonical === undefined) report(path, `control or invisible characters, outer white space, a combining mark at the beginning, or more than ${MAX_NAME_BYTES} bytes; retype it`)
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

function readTimestamp (text: string | undefined, path: string, report: Report): Date | undefined {
  if (text === undefined) return undefined
  const moment = parseTimestamp(text)
  if (moment === undefined) report(path, 'no such date or time')
  return moment
}

function readPasswordHash (text: string | undefined, path: string, report: Report): PasswordHash | undefined {
  if (text === undefined) return undefined
  try {
    return parsePasswordHash(text)
  } catch (error) {
    report(path, (error as Error).message)
    return undefined
  }
}

/** Gives the path that had the key before, if any did. */
function claim (owners: Map<string, string>, key: string, path: string): string | undefined {
  const owner = owners.get(key)
  if (owner === undefined) owners.set(key, path)
  return owner
}
