/**
 * Passwords that the directory rejected, so that a stale one in a kubeconfig
 * costs searches instead of binds, and locks nobody out. It stores keyed
 * digests, with the password version from before the bind: an entry is stale
 * when the password changes, even during the bind.
 */
import { LRUCache } from 'lru-cache'
import { keyedDigest } from '../../../../src/authn/keyed-digest.js'
import { isUnchanged, type PasswordVersion } from './password-version.js'

/** Milliseconds. */
const TTL = 30 * 60_000
const MAX_ENTRIES = 10_000

export class RejectedPasswordCache {
  readonly #keyed = keyedDigest()
  /** Digest of account and password → password version. */
  readonly #versions: LRUCache<string, PasswordVersion>

  /** @param now milliseconds of a monotonic clock */
  constructor (now: () => number = () => performance.now()) {
    this.#versions = new LRUCache({ max: MAX_ENTRIES, ttl: TTL, perf: { now }, ttlResolution: 0 })
  }

  /** No-op without a version, which is needed to notice a change. */
  add (account: string, password: string, version: PasswordVersion | undefined): void {
    if (version !== undefined) this.#versions.set(this.#digest(account, password), version)
  }

  has (account: string, password: string, version: PasswordVersion | undefined): boolean {
    if (version === undefined || this.#versions.size === 0) return false
    const then = this.#versions.get(this.#digest(account, password))
    return then !== undefined && isUnchanged(then, version)
  }

  #digest (account: string, password: string): string {
    // the length separates the two
    return this.#keyed(`${account.length}:${account}${password}`)
  }
}
