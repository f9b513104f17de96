/**
 * The people and programs of a users file, ready to be asked about: made once
 * a load, never changed, replaced as a whole. Every question is one look-up,
 * however many there are.
 */
import type { UserInfo } from '../../schemas/token-review.js'
import { decoyOf, type PasswordHash } from './password-hash.js'
import { digestToken } from './token-digest.js'

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
  readonly #byName = new Map<string, UserEntry>()
  readonly #byDigest = new Map<string, FoundToken>()

  /** What checking a password costs, the most frequent first; more than one kind is told apart by its time. */
  readonly costs: readonly string[]

  /**
   * What the password of an unknown name is checked against: never right, and
   * as costly as most of the users' hashes. `undefined` where nobody has a
   * password, so that there is no time to tell anything.
   */
  readonly decoy: PasswordHash | undefined

  /** @param entries whose names and digests are all different; src/files/users.ts has checked that */
  constructor (entries: readonly UserEntry[]) {
    const models = new Map<string, { hash: PasswordHash, count: number }>()
    for (const user of entries) {
      this.#byName.set(user.info.username, user)
      for (const token of user.tokens) this.#byDigest.set(token.digest, { token, user })
      if (user.passwordHash === undefined) continue
      const model = models.get(user.passwordHash.cost)
      if (model === undefined) models.set(user.passwordHash.cost, { hash: user.passwordHash, count: 1 })
      else model.count++
    }
    const byCount = [...models].sort(([, a], [, b]) => b.count - a.count)
    this.costs = byCount.map(([cost]) => cost)
    this.decoy = byCount[0] && decoyOf(byCount[0][1].hash)
  }

  get size (): number {
    return this.#byName.size
  }

  byName (username: string): UserEntry | undefined {
    return this.#byName.get(username.normalize('NFC'))
  }

  /**
   * Whose token this is. A look-up needs no comparison in constant time: what its
   * time could tell is of the digest, which nobody can steer towards another's.
   */
  byToken (token: string): FoundToken | undefined {
    return this.#byDigest.get(digestToken(token))
  }

  [Symbol.iterator] (): Iterator<UserEntry> {
    return this.#byName.values()
  }
}
