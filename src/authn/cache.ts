/**
 * Caches the answers of one provider, and shares questions under way among
 * their callers.
 *
 * - Successes and failures have separate stores: a flood of wrong tokens evicts
 *   no user.
 * - An unavailable outcome is never stored.
 * - Keys are digests under a key of this process: neither memory nor a core dump
 *   of the cache holds a credential, and no caller can choose a bucket.
 */
import { LRUCache } from 'lru-cache'
import { UnavailableError } from '../errors.js'
import { isUnavailable, isVettedDenial, unavailable, type Outcome, type VettedAnswer } from './answer.js'
import type { Deadline } from './deadline.js'
import { frozenCopy } from './immutable.js'
import { keyedDigest } from './keyed-digest.js'
import type { CacheResult } from './observer.js'
import type { CredentialType } from './provider.js'

export interface AnswerCacheOptions {
  /** Milliseconds; 0 stores none. */
  readonly successTTL: number
  /** Milliseconds, of denials and of unknown credentials; 0 stores none. */
  readonly failureTTL: number
  /** Of each of the two stores. 0 stores nothing; single flight still works. */
  readonly maxEntries: number
  readonly onResult: (result: CacheResult) => void
  /** Milliseconds of the wall clock, since `expiresAt` is on it. */
  readonly now?: () => number
}

/** One question that is under way. */
interface Flight {
  readonly outcome: Promise<Outcome>
  readonly controller: AbortController
  waiters: number
}

type Ask = (asked: AbortController) => Promise<Outcome>

const digest = keyedDigest(undefined, 'base64')

export class AnswerCache {
  readonly #onResult: (result: CacheResult) => void
  readonly #now: () => number
  readonly #successes: AnswerStore
  readonly #failures: AnswerStore
  readonly #flights = new Map<string, Flight>()
  /** Counts flushes: an answer is stored only in the generation that asked for it. */
  #generation = 0

  constructor ({ successTTL, failureTTL, maxEntries, onResult, now = Date.now }: AnswerCacheOptions) {
    this.#onResult = onResult
    this.#now = now
    this.#successes = new AnswerStore(successTTL, maxEntries)
    this.#failures = new AnswerStore(failureTTL, maxEntries)
  }

  /** Answers in both stores, including expired ones that are not evicted yet. */
  get entries (): number {
    return this.#successes.size + this.#failures.size
  }

  key (type: CredentialType | 'lookup', text: string, audiences: readonly string[]): string {
    // JSON keeps the parts apart, whatever they contain
    return digest(JSON.stringify([type, text, audiences]))
  }

  /** The stored answer, if there is one. */
  lookUp (key: string): VettedAnswer | undefined {
    const now = this.#now()
    const stored = this.#successes.get(key, now) ?? this.#failures.get(key, now)
    if (stored === undefined) return undefined
    this.#onResult('hit')
    return stored.answer
  }

  /**
   * What `ask` gives, for a key that {@link lookUp} doesn't find. Callers of one
   * key share the question under way, which is aborted when the last of them has
   * stopped waiting, and may be by `ask` itself. The answer is a frozen copy.
   * @returns unavailable `deadline` if the caller's time is over first
   */
  async authenticate (key: string, deadline: Deadline, ask: Ask): Promise<Outcome> {
    if (deadline.remaining <= 0) return unavailable('deadline')
    const joined = this.#flights.get(key)
    this.#onResult(joined === undefined ? 'miss' : 'coalesced')
    return await this.#wait(key, joined ?? this.#begin(key, ask), deadline)
  }

  /** Drops every answer. Questions under way still answer their callers, but no others. */
  flush (): void {
    this.#generation++
    this.#successes.clear()
    this.#failures.clear()
    this.#flights.clear()
  }

  #begin (key: string, ask: Ask): Flight {
    const controller = new AbortController()
    const flight = { outcome: this.#land(key, controller, ask), controller, waiters: 0 }
    this.#flights.set(key, flight)
    return flight
  }

  async #land (key: string, asked: AbortController, ask: Ask): Promise<Outcome> {
    const generation = this.#generation
    const outcome = await ask(asked)
    if (isUnavailable(outcome)) return outcome
    const answer = shareable(outcome)
    // the answer of a provider that was told to stop is not stored
    if (generation === this.#generation && !asked.signal.aborted) this.#store(key, answer)
    return answer
  }

  async #wait (key: string, flight: Flight, deadline: Deadline): Promise<Outcome> {
    flight.waiters++
    let landed = true
    try {
      return await deadline.raceOr(flight.outcome, () => {
        landed = false
        return unavailable('deadline')
      })
    } finally {
      flight.waiters--
      if (flight.waiters === 0) this.#end(key, flight, landed)
    }
  }

  /** It has landed, or its last caller has left: no other can join it. Only one that has not landed is aborted. */
  #end (key: string, flight: Flight, landed: boolean): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
    if (!landed) flight.controller.abort(new UnavailableError('deadline'))
  }

  #store (key: string, answer: VettedAnswer): void {
    const now = this.#now()
    if (answer === null || isVettedDenial(answer)) this.#failures.set(key, answer, now)
    else if (answer.cacheable !== false) this.#successes.set(key, answer, now, answer.expiresAt?.getTime())
  }
}

/** Of an entry, if all are used: users with many groups take more, and leave room for fewer. */
const BYTES_PER_ENTRY = 2_048
const LEAST_BYTES = 1_048_576
/** Of an entry, and of a string besides its text. */
const SMALL = 512
const STRING = 40

interface StoredAnswer {
  readonly answer: VettedAnswer
  /** The time from which on it is not served. */
  readonly until: number
}

/**
 * Bounded by number, size and age. lru-cache's own TTL would set a timer on a hit,
 * treats 0 as no limit, and assumes that the clock is never set back.
 */
class AnswerStore {
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
    if (now < until) this.#entries?.set(key, { answer, until })
  }

  clear (): void {
    this.#entries?.clear()
  }
}

/** Roughly the bytes of heap that an answer takes: most are strings. */
function sizeOf (answer: VettedAnswer): number {
  if (answer === null || isVettedDenial(answer)) return SMALL
  const { user: { username, uid = '', groups = [], extra = {} }, dropped } = answer
  const lists = [groups, ...Object.values(extra), ...dropped === undefined ? [] : [dropped.group, dropped.extra]]
  return lists.flat().reduce((size, text) => size + STRING + text.length, SMALL + username.length + uid.length)
}

/** A frozen copy: neither the provider nor a caller can change what others get. */
function shareable (answer: VettedAnswer): VettedAnswer {
  const copy = frozenCopy(answer)
  if (copy === null || isVettedDenial(copy)) return copy
  const { user, audiences, expiresAt, cacheable, dropped } = copy
  // nearly all answers; an undefined property takes memory too
  if (audiences === undefined && expiresAt === undefined && cacheable === undefined && dropped === undefined) return Object.freeze({ user })
  if (expiresAt === undefined) return copy
  const expiry = expiresAt.getTime()
  // freezing doesn't stop a Date's setters: each reader gets a Date of its own
  return Object.freeze({ ...copy, get expiresAt () { return new Date(expiry) } })
}
