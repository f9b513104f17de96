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
import { UnavailableError } from '../errors.js'
import { isUnavailable, isVettedDenial, unavailable, type Outcome, type VettedAnswer } from './answer.js'
import { AnswerStore } from './answer-store.js'
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

  /** When the answer that {@link lookUp} gives was stored, in milliseconds since 1970. */
  storedAt (key: string): number | undefined {
    const now = this.#now()
    return (this.#successes.get(key, now) ?? this.#failures.get(key, now))?.at
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

/** A frozen copy: neither the provider nor a caller can change what others get. */
function shareable (answer: VettedAnswer): VettedAnswer {
  const copy = frozenCopy(answer)
  if (copy === null || isVettedDenial(copy)) return copy
  const { user, audiences, expiresAt, cacheable, passwordVersion, dropped } = copy
  // nearly all answers; an undefined property takes memory too
  if (audiences === undefined && expiresAt === undefined && cacheable === undefined && passwordVersion === undefined && dropped === undefined) return Object.freeze({ user })
  if (expiresAt === undefined) return copy
  const expiry = expiresAt.getTime()
  // freezing doesn't stop a Date's setters: each reader gets a Date of its own
  return Object.freeze({ ...copy, get expiresAt () { return new Date(expiry) } })
}
