/**
 * A circuit breaker: after some failures in a row, calls are rejected for a
 * while; then one call goes through as a probe, and its outcome decides.
 */
import type { UnavailableReason } from '../errors.js'
import { isUnavailable, unavailable, type Outcome } from './answer.js'

export type BreakerState = 'closed' | 'open' | 'half-open'

export interface BreakerOptions {
  /** In a row. By default 5: one lost packet or one restarted server is no outage, and more at 3 s each would be felt. */
  readonly failureThreshold?: number
  /** Milliseconds. By default 10 s: longer than a directory's failover, short compared to how long the API server caches denials. */
  readonly pause?: number
  readonly onStateChange?: (state: BreakerState) => void
  /** Milliseconds of a clock that is never set back. */
  readonly now?: () => number
}

export class Breaker {
  readonly #options: BreakerOptions
  readonly #threshold: number
  readonly #pause: number
  readonly #now: () => number
  #state: BreakerState = 'closed'
  #failures = 0
  #pauseEnds = 0

  constructor (options: BreakerOptions = {}) {
    const { failureThreshold = 5, pause = 10_000, now = () => performance.now() } = options
    this.#options = options
    this.#threshold = failureThreshold
    this.#pause = pause
    this.#now = now
  }

  get state (): BreakerState {
    return this.#state
  }

  /** What `call` gives, or unavailable `breaker-open`. @param call must not reject */
  async run (call: () => Promise<Outcome>): Promise<Outcome> {
    if (this.#state === 'half-open' || (this.#state === 'open' && this.#now() < this.#pauseEnds)) return unavailable('breaker-open')
    const probe = this.#state === 'open'
    if (probe) this.#become('half-open')
    const outcome = await call()
    if (probe) this.#settleProbe(outcome)
    else if (this.#state === 'closed') this.#count(outcome)
    return outcome
  }

  /** The next call is the probe: the provider's source is another one now. */
  endPause (): void {
    this.#pauseEnds = 0
  }

  /** A full queue, a throttled account, a caller who left or one source of several doesn't speak against the provider, nor for it. */
  #count (outcome: Outcome): void {
    if (!isUnavailable(outcome)) this.#failures = 0
    else if (isFailure(outcome.unavailable) && ++this.#failures >= this.#threshold) this.#open(this.#pause)
  }

  #settleProbe (outcome: Outcome): void {
    if (!isUnavailable(outcome)) {
      this.#failures = 0
      this.#become('closed')
    } else {
      // a probe that never reached the provider: the next call is the probe
      this.#open(isUntested(outcome.unavailable) ? 0 : this.#pause)
    }
  }

  #open (pause: number): void {
    this.#pauseEnds = this.#now() + pause
    this.#become('open')
  }

  #become (state: BreakerState): void {
    this.#state = state
    this.#options.onStateChange?.(state)
  }
}

function isFailure (reason: UnavailableReason): boolean {
  return reason === 'timeout' || reason === 'failed'
}

function isUntested (reason: UnavailableReason): boolean {
  return reason === 'busy' || reason === 'throttled' || reason === 'source-down'
}
