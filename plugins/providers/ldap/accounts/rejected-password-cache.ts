/**
 * Passwords that the directory has refused, so that a stale one in somebody's
 * kubeconfig costs searches, not binds, and locks nobody out. What is kept is a
 * digest under a key of this process, with the mark that the entry had before the
 * bind: when the password changes, be it while the bind is under way, so does
 * the mark, and the memory is void.
 */
import { LRUCache } from 'lru-cache'
import { keyedDigest } from '../../../../src/authn/keyed-digest.js'
import { isUnchanged, type PasswordVersion } from './password-version.js'

/** Milliseconds. */
const MEMORY = 30 * 60_000
const MAX_ENTRIES = 10_000

export class RejectedPasswordCache {
  readonly #keyed = keyedDigest()
  /** Digest of account and password → the mark under which it was refused. */
  readonly #marks: LRUCache<string, PasswordVersion>

  /** @param now milliseconds of a clock that is never set back */
  constructor (now: () => number = () => performance.now()) {
    this.#marks = new LRUCache({ max: MAX_ENTRIES, ttl: MEMORY, perf: { now }, ttlResolution: 0 })
  }

  /** Without a mark nothing is remembered, since nothing would end the memory. */
  add (account: string, password: string, mark: PasswordVersion | undefined): void {
    if (mark !== undefined) this.#marks.set(this.#digest(account, password), mark)
  }

  has (account: string, password: string, mark: PasswordVersion | undefined): boolean {
    if (mark === undefined || this.#marks.size === 0) return false
    const then = this.#marks.get(this.#digest(account, password))
    return then !== undefined && isUnchanged(then, mark)
  }

  #digest (account: string, password: string): string {
    // the length keeps the two apart
    return this.#keyed(`${account.length}:${account}${password}`)
  }
}
