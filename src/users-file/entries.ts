/** The entries of a users file: what a schema can't say of each, and which of them share a name or a token. */
import type { UserInfo } from '../../schemas/token-review.js'
import type { User, UsersFile, UserToken } from '../../schemas/users.js'
import { canonicalName, isText, whyNoName } from '../authn/mapping.js'
import { parsePasswordHash } from '../authn/password-hash.js'
import { isReservedKey } from '../authn/reserved.js'
import { parseTimestamp } from '../authn/timestamp.js'
import type { TokenRecord } from './user-record.js'
import { UsersTableBuilder } from './table.js'
import { MAX_ERRORS, type FieldError } from '../errors.js'
import type { ParsedDocument } from '../documents/yaml-file.js'
import { joinPath } from '../documents/yaml-positions.js'

/** What has been read so far. */
export class Reading {
  readonly errors: FieldError[]
  readonly builder = new UsersTableBuilder()
  /** Of each user of the builder, its place in the file. */
  readonly places: number[] = []
  /** Entries, the malformed ones included. */
  count = 0

  constructor (errors: Iterable<FieldError> = []) {
    this.errors = [...errors]
  }

  readonly report: Report = (path, message) => {
    if (this.errors.length <= MAX_ERRORS) this.errors.push({ path, message })
  }
}

/** Takes note of what is wrong, and where. */
type Report = (path: string, message: string) => void

/** Adds the entries, of those that have not the form of the schema what is sound: the rest has its errors already. */
export function readEntries ({ value, errors }: Pick<ParsedDocument<UsersFile>, 'value' | 'errors'>, first: number, reading: Reading): void {
  const users: unknown = value?.users
  // of very many errors not all are known, nor which entries are sound
  if (!Array.isArray(users) || errors.length > MAX_ERRORS) return
  const malformed = new Map<number, Set<string>>()
  for (const { path } of errors) {
    const [, index, field = ''] = /^users\[(\d+)\](?:\.(\w+))?/.exec(path) ?? []
    if (index !== undefined) malformed.set(Number(index), (malformed.get(Number(index)) ?? new Set()).add(field))
  }
  users.forEach((entry: unknown, index) => {
    const fields = malformed.get(index)
    const user = fields === undefined ? entry as User : soundPart(entry, fields)
    if (user !== undefined) readEntry(user, first + index, reading)
  })
  reading.count += users.length
}

/** Without the fields that have errors; nothing is left of an entry without a name. */
function soundPart (entry: unknown, fields: ReadonlySet<string>): User | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry) || fields.has('username')) return undefined
  // a key that is not shown is mostly the rest of the hash
  const left = Object.entries(entry).filter(([key]) => !fields.has(key) && !(key === 'passwordHash' && fields.has('')))
  return Object.fromEntries(left) as User
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

/** A name in NFC. What the guard would refuse or drop at every review is an error already here. */
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
