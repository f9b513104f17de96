/**
 * The people and programs of a users file, ready to be asked about: made once
 * a load, never changed, replaced as a whole. Every question is one look-up,
 * however many there are; a user that was asked about is kept as an object.
 */
import type { UserInfo } from '../../schemas/token-review.js'
import { findEntry, hashOf } from './hash-table.js'
import { immutable } from '../authn/immutable.js'
import { decoyOf, parsePasswordHash, type PasswordHash } from '../authn/password-hash.js'
import { digestToken } from '../authn/token-digest.js'
import type { TokenRecord, UserRecord } from './user-record.js'
import { digestAt, digestBytes, hasDigest, recordOf, type UsersTable } from './table.js'

export interface UserEntry {
  /** Names in NFC; immutable, since every answer about this user is this one object. */
  readonly info: UserInfo
  readonly disabled: boolean
  readonly expiresAt: Date | undefined
  readonly passwordHash: PasswordHash | undefined
  readonly tokens: readonly TokenEntry[]
}

export interface TokenEntry {
  readonly name: string
  /** `sha256:…` */
  readonly digest: string
  /** Its own end, whatever its user's. */
  readonly expiresAt: Date | undefined
  readonly audiences: readonly string[] | undefined
}

/** A token that somebody presented, and whose it is. */
export interface FoundToken {
  readonly token: TokenEntry
  readonly user: UserEntry
}

export class Users {
  readonly #table: UsersTable
  /** Those that were asked about, by their number and by digest. */
  readonly #entries = new Map<number, UserEntry>()
  readonly #found = new Map<string, FoundToken>()

  /** What checking a password costs, the most frequent first; more than one kind is told apart by its time. */
  readonly costs: readonly string[]

  /**
   * What the password of an unknown name is checked against: never right, and
   * as costly as most of the users' hashes. `undefined` where nobody has a
   * password, so that there is no time to tell anything.
   */
  readonly decoy: PasswordHash | undefined

  /** @param table whose names and digests are all different; src/users-file/read.ts has checked that */
  constructor (table: UsersTable) {
    this.#table = table
    this.costs = table.models.map(({ cost }) => cost)
    this.decoy = table.models[0] && decoyOf(parsePasswordHash(table.models[0].hash))
  }

  get size (): number {
    return this.#table.size
  }

  byName (username: string): UserEntry | undefined {
    const name = username.normalize('NFC')
    const { names } = this.#table
    const user = findEntry(names, hashOf(Buffer.from(name), names.seed), entry => this.#entry(entry).info.username === name)
    return user === undefined ? undefined : this.#entry(user)
  }

  /**
   * Whose token this is. A look-up needs no comparison in constant time: what its
   * time could tell is of the digest, which nobody can steer towards another's.
   */
  byToken (token: string): FoundToken | undefined {
    const digest = digestToken(token)
    return this.#found.get(digest) ?? this.#findToken(digest)
  }

  * [Symbol.iterator] (): Iterator<UserEntry> {
    for (let user = 0; user < this.size; user++) yield this.#entry(user)
  }

  #findToken (digest: string): FoundToken | undefined {
    const { tokens, owners, firstTokens } = this.#table
    const bytes = digestBytes(digest)
    const token = findEntry(tokens, hashOf(bytes, tokens.seed), entry => hasDigest(this.#table, entry, bytes))
    if (token === undefined) return undefined
    const owner = owners[token]!
    const user = this.#entry(owner)
    const found = { token: user.tokens[token - firstTokens[owner]!]!, user }
    this.#found.set(digest, found)
    return found
  }

  #entry (user: number): UserEntry {
    let entry = this.#entries.get(user)
    if (entry === undefined) {
      const first = this.#table.firstTokens[user]!
      entry = new StoredUser(recordOf(this.#table, user), index => digestAt(this.#table, first + index))
      this.#entries.set(user, entry)
    }
    return entry
  }
}

class StoredUser implements UserEntry {
  readonly info: UserInfo
  readonly disabled: boolean
  readonly expiresAt: Date | undefined
  readonly tokens: readonly TokenEntry[]
  /** No private one: users are compared before and after a change, src/users-file/edit.ts. */
  protected readonly hash: string | undefined
  #passwordHash: PasswordHash | undefined

  constructor ({ info, disabled, expiresAt, passwordHash, tokens }: UserRecord, digestOf: (token: number) => string) {
    this.info = immutable(info)
    this.disabled = disabled
    this.expiresAt = dateOf(expiresAt)
    this.tokens = tokens.map((token, index) => readToken(token, digestOf(index)))
    this.hash = passwordHash
  }

  /** Read when it is needed: nobody with a token alone pays for it. */
  get passwordHash (): PasswordHash | undefined {
    if (this.hash !== undefined) this.#passwordHash ??= parsePasswordHash(this.hash)
    return this.#passwordHash
  }
}

function readToken ({ name, expiresAt, audiences }: TokenRecord, digest: string): TokenEntry {
  return { name, digest, expiresAt: dateOf(expiresAt), audiences: audiences && Object.freeze([...audiences]) }
}

function dateOf (time: number | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(time)
}
