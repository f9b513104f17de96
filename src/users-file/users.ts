/**
 * The users of one version of a users file, immutable. Finding one is a look-up
 * in a hash table; a user that was found is kept as an object.
 */
import { createHash } from 'node:crypto'
import type { UserInfo } from '../../schemas/token-review.js'
import { findEntry, hashOf } from './hash-table.js'
import { immutable } from '../authn/immutable.js'
import { decoyOf, parsePasswordHash, type PasswordHash } from '../authn/password-hash.js'
import { digestToken } from '../authn/token-digest.js'
import type { UserRecord } from './user-record.js'
import { digestAt, digestBytes, formatDigest, recordOf, type UsersTable } from './table.js'

export interface UserEntry {
  /** Names in NFC; immutable, since every answer about this user shares it. */
  readonly info: UserInfo
  readonly disabled: boolean
  readonly expiresAt: Date | undefined
  readonly passwordHash: PasswordHash | undefined
  /** A digest of the password hash; absent without one. */
  readonly passwordVersion: string | undefined
  readonly tokens: readonly TokenEntry[]
}

export interface TokenEntry {
  readonly name: string
  /** `sha256:…` */
  readonly digest: string
  readonly expiresAt: Date | undefined
  readonly audiences: readonly string[] | undefined
}

export interface FoundToken {
  readonly token: TokenEntry
  readonly user: UserEntry
}

export class Users {
  readonly #table: UsersTable
  /** Those that were looked up, by number and by digest. */
  readonly #entries = new Map<number, UserEntry>()
  readonly #found = new Map<string, FoundToken>()

  /** The costs of password hashes, the most frequent first; response times tell several apart. */
  readonly costs: readonly string[]

  /**
   * For checking the password of an unknown name: never right, and as costly as
   * most of the users' hashes. `undefined` if nobody has a password.
   */
  readonly decoy: PasswordHash | undefined

  /** @param table checked by read.ts: its names and digests are all different */
  constructor (table: UsersTable) {
    this.#table = table
    this.costs = table.hashesByCost.map(({ cost }) => cost)
    this.decoy = table.hashesByCost[0] && decoyOf(parsePasswordHash(table.hashesByCost[0].hash))
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

  /** `ambiguous`: several users have this uid. */
  byUid (typed: string): UserEntry | 'ambiguous' | undefined {
    const uid = typed.normalize('NFC')
    const { uids, uidOwners, sharedUids } = this.#table
    const entry = findEntry(uids, hashOf(Buffer.from(uid), uids.seed), entry => this.#entry(uidOwners[entry]!).info.uid === uid)
    if (entry === undefined) return undefined
    return sharedUids[entry] === 1 ? 'ambiguous' : this.#entry(uidOwners[entry]!)
  }

  byToken (token: string): FoundToken | undefined {
    return this.byDigest(digestToken(token))
  }

  /**
   * By `digestToken` of a presented token.
   * Needs no comparison in constant time: its time depends on the digest only,
   * which nobody can steer towards that of another token.
   */
  byDigest (digest: string): FoundToken | undefined {
    return this.#found.get(digest) ?? this.#findToken(digest)
  }

  * [Symbol.iterator] (): Iterator<UserEntry> {
    for (let user = 0; user < this.size; user++) yield this.#entry(user)
  }

  #findToken (digest: string): FoundToken | undefined {
    const { tokens, owners, firstTokens } = this.#table
    const bytes = digestBytes(digest)
    const token = findEntry(tokens, hashOf(bytes, tokens.seed), entry => digestAt(this.#table, entry).equals(bytes))
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
      entry = new StoredUser(recordOf(this.#table, user), index => formatDigest(digestAt(this.#table, first + index)))
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
  /** Not `#private`, since edit.ts compares users before and after a change. */
  protected readonly hash: string | undefined
  #passwordHash: PasswordHash | undefined
  #passwordVersion: string | undefined

  constructor ({ info, disabled, expiresAt, passwordHash, tokens }: UserRecord, digestOf: (token: number) => string) {
    this.info = immutable(info)
    this.disabled = disabled
    this.expiresAt = dateOf(expiresAt)
    this.tokens = tokens.map(({ name, expiresAt, audiences }, index) => ({ name, digest: digestOf(index), expiresAt: dateOf(expiresAt), audiences: audiences && Object.freeze([...audiences]) }))
    this.hash = passwordHash
  }

  /** Parsed when it is needed: not for a token. */
  get passwordHash (): PasswordHash | undefined {
    if (this.hash !== undefined) this.#passwordHash ??= parsePasswordHash(this.hash)
    return this.#passwordHash
  }

  /** Computed when it is needed: not for a token. */
  get passwordVersion (): string | undefined {
    if (this.hash !== undefined) this.#passwordVersion ??= createHash('sha256').update(this.hash).digest('base64url')
    return this.#passwordVersion
  }
}

function dateOf (time: number | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(time)
}
