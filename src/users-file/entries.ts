/** Reads the entries of a users file: what the schema can't check of each, and names and tokens that occur twice. */
import type { UserInfo } from '../../schemas/token-review.js'
import type { User, UsersFile, UserToken } from '../../schemas/users.js'
import { canonicalName, isText, whyNoName } from '../authn/mapping.js'
import { parsePasswordHash } from '../authn/password-hash.js'
import { isReservedKey } from '../authn/reserved.js'
import { parseTimestamp } from '../authn/timestamp.js'
import type { ParsedDocument } from '../documents/yaml-file.js'
import { joinPath } from '../documents/yaml-positions.js'
import { MAX_ERRORS, messageOf, type FieldError } from '../errors.js'
import { UsersTableBuilder } from './table.js'
import type { TokenRecord } from './user-record.js'

export class EntryReader {
  readonly errors: FieldError[]
  readonly builder = new UsersTableBuilder()
  /** Entries so far, invalid ones included. */
  count = 0
  /** The index in the file of each user of the builder. */
  readonly #indexes: number[] = []

  constructor (errors: Iterable<FieldError> = []) {
    this.errors = [...errors]
  }

  /** Reads the next entries. Skips the fields that have errors already. */
  read ({ value, errors }: Pick<ParsedDocument<UsersFile>, 'value' | 'errors'>): void {
    const users: unknown = value?.users
    // if there are very many errors, not all are known, nor which entries are valid
    if (!Array.isArray(users) || errors.length > MAX_ERRORS) return
    const invalid = new Map<number, Set<string>>()
    for (const { path } of errors) {
      const [, index, field = ''] = /^users\[(\d+)\](?:\.(\w+))?/.exec(path) ?? []
      if (index !== undefined) invalid.set(Number(index), (invalid.get(Number(index)) ?? new Set()).add(field))
    }
    const first = this.count
    this.count += users.length
    users.forEach((entry: unknown, index) => {
      const fields = invalid.get(index)
      const user = fields === undefined ? entry as User : withoutInvalid(entry, fields)
      if (user !== undefined) this.#readUser(user, first + index)
    })
  }

  #readUser (user: User, index: number): void {
    const path = `users[${index}]`
    const info = this.#readInfo(user, path)
    if (user.passwordHash !== undefined && user.username.includes(':')) {
      this.#report(`${path}.username`, 'a name with a colon can\'t have a password, since the first colon of "username:password" ends the name; use a token instead')
    }
    const cost = this.#readCost(user.passwordHash, `${path}.passwordHash`)
    const expiresAt = this.#readTimestamp(user.expiresAt, `${path}.expiresAt`)
    const tokens = (user.tokens ?? []).map((token, index) => this.#readToken(token, `${path}.tokens[${index}]`))
    this.#indexes.push(index)
    const sameName = this.builder.addUser({ info, disabled: user.disabled === true, expiresAt, passwordHash: user.passwordHash, tokens }, cost)
    if (sameName !== undefined) this.#report(`${path}.username`, `the same name as users[${this.#indexes[sameName]}].username; names are compared in Unicode's normal form NFC`)
    user.tokens?.forEach(({ hash }, index) => {
      const same = this.builder.addToken(hash, index)
      if (same !== undefined) this.#report(`${path}.tokens[${index}].hash`, `the same token as users[${this.#indexes[same.user]}].tokens[${same.index}].hash; a token belongs to one user, and is listed once`)
    })
  }

  #readInfo ({ username, uid, groups, extra }: User, path: string): UserInfo {
    const info: UserInfo = { username: this.#readName(username, `${path}.username`) }
    if (uid !== undefined && uid !== '') info.uid = this.#readName(uid, `${path}.uid`)
    if (groups !== undefined) info.groups = groups.map((group, index) => this.#readName(group, `${path}.groups[${index}]`))
    if (extra !== undefined) info.extra = this.#readExtra(extra, `${path}.extra`)
    return info
  }

  #readExtra (extra: Record<string, string[]>, path: string): Record<string, string[]> {
    const read = new Map<string, string[]>()
    for (const [typed, values] of Object.entries(extra)) {
      const at = joinPath(path, typed)
      // no config can allow such a key, unlike a `system:` name, which is left to the guard
      if (isReservedKey(typed)) this.#report(at, 'keys must be lower-case, and those under kubernetes.io and k8s.io are reserved for Kubernetes')
      const key = this.#readName(typed, at)
      if (read.has(key)) this.#report(at, 'the same key as another one; keys are compared in Unicode\'s normal form NFC')
      values.forEach((value, index) => {
        if (!isText(value)) this.#report(`${at}[${index}]`, 'half a character, such as \\ud83d; write the whole character')
      })
      read.set(key, [...values])
    }
    // fromEntries defines properties, also one with the name __proto__
    return Object.fromEntries(read)
  }

  #readToken ({ name, expiresAt, audiences }: UserToken, path: string): TokenRecord {
    return { name: this.#readName(name, `${path}.name`), expiresAt: this.#readTimestamp(expiresAt, `${path}.expiresAt`), audiences }
  }

  /** A name in NFC. One that every review would deny or drop is an error here. */
  #readName (name: string, path: string): string {
    const canonical = canonicalName(name)
    if (canonical === undefined) this.#report(path, whyNoName(name))
    return canonical ?? name
  }

  /** Milliseconds since 1970. */
  #readTimestamp (text: string | undefined, path: string): number | undefined {
    if (text === undefined) return undefined
    const moment = parseTimestamp(text)
    if (moment === undefined) this.#report(path, 'no such date or time')
    return moment?.getTime()
  }

  #readCost (text: string | undefined, path: string): string | undefined {
    if (text === undefined) return undefined
    try {
      return parsePasswordHash(text).cost
    } catch (error) {
      this.#report(path, messageOf(error))
      return undefined
    }
  }

  #report (path: string, message: string): void {
    if (this.errors.length <= MAX_ERRORS) this.errors.push({ path, message })
  }
}

/** The entry without the fields that have errors; `undefined` if its name has one. */
function withoutInvalid (entry: unknown, fields: ReadonlySet<string>): User | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry) || fields.has('username')) return undefined
  // a key that is not shown in the error is usually the rest of the hash
  const valid = Object.entries(entry).filter(([key]) => !fields.has(key) && !(key === 'passwordHash' && fields.has('')))
  return Object.fromEntries(valid) as User
}
