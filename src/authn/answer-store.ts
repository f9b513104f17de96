/**
 * The answers of one cache, bounded by number, size and age. lru-cache's own TTL
 * would set a timer on a hit, treats 0 as no limit, and assumes that the clock is
 * never set back.
 */
import { LRUCache } from 'lru-cache'
import { isVettedDenial, type VettedAnswer } from './answer.js'

/** Of an entry, if all are used: users with many groups take more, and leave room for fewer. */
const BYTES_PER_ENTRY = 2_048
const LEAST_BYTES = 1_048_576
/** Of an entry, and of a string besides its text. */
const SMALL = 512
const STRING = 40

export interface StoredAnswer {
  readonly answer: VettedAnswer
  /** When it was stored. */
  readonly at: number
  /** The time from which on it is not served. */
  readonly until: number
}

export class AnswerStore {
  readonly #ttl: number
  readonly #entries: LRUCache<string, StoredAnswer> | undefined

  constructor (ttl: number, maxEntries: number) {
    this.#ttl = ttl
    this.#entries = maxEntries === 0 || ttl <= 0
      ? undefined
      : new LRUCache({ max: maxEntries, maxSize: Math.max(maxEntries * BYTES_PER_ENTRY, LEAST_BYTES), sizeCalculation: ({ answer }) => sizeOf(answer) })
  }

  get size (): number {
    return this.#entries?.size ?? 0
  }

  get (key: string, now: number): StoredAnswer | undefined {
    const entry = this.#entries?.get(key)
    if (entry === undefined) return undefined
    // a clock that was set back must not extend an entry beyond the TTL
    if (now < entry.until && entry.until - now <= this.#ttl) return entry
    this.#entries?.delete(key)
    return undefined
  }

  set (key: string, answer: VettedAnswer, now: number, expiresAt = Infinity): void {
    const until = Math.min(now + this.#ttl, expiresAt)
    if (now < until) this.#entries?.set(key, { answer, at: now, until })
  }

  clear (): void {
    this.#entries?.clear()
  }
}

/** Roughly the bytes of heap that an answer takes: most are strings. */
function sizeOf (answer: VettedAnswer): number {
  if (answer === null || isVettedDenial(answer)) return SMALL
  const { user: { username, uid = '', groups = [], extra = {} }, passwordVersion = '', dropped } = answer
  const lists = [groups, ...Object.values(extra), ...dropped === undefined ? [] : [dropped.group, dropped.extra]]
  return lists.flat().reduce((size, text) => size + STRING + text.length, SMALL + username.length + uid.length + passwordVersion.length)
}
