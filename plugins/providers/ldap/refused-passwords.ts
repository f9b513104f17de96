/**
 * Passwords that the directory has refused, so that a stale one in somebody's
 * kubeconfig costs searches, not binds, and locks nobody out. What is kept is an
 * HMAC under a key of this process, with the mark that the entry had: when the
 * password changes, so does the mark, and the memory is void.
 */
import { createHmac, createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** Milliseconds. */
const MEMORY = 30 * 60_000
const MAX_ENTRIES = 10_000

export class RefusedPasswords {
  readonly #key: KeyObject = createSecretKey(randomBytes(32))
  /** Digest of account and password → the mark under which it was refused. */
  readonly #marks: LRUCache<string, string>

  /** @param now milliseconds of a clock that is never set back */
  constructor (now: () => number = () => performance.now()) {
    this.#marks = new LRUCache({ max: MAX_ENTRIES, ttl: MEMORY, perf: { now }, ttlResolution: 0 })
  }

  /** Without a mark nothing is remembered, since nothing would end the memory. */
  add (account: string, password: string, mark: string | undefined): void {
    if (mark !== undefined) this.#marks.set(this.#digest(account, password), mark)
  }

  has (account: string, password: string, mark: string | undefined): boolean {
    return mark !== undefined && this.#marks.size > 0 && this.#marks.get(this.#digest(account, password)) === mark
  }

  #digest (account: string, password: string): string {
    // the length keeps the two apart
    return createHmac('sha256', this.#key).update(`${account.length}:${account}${password}`).digest('base64')
  }
}
