/**
 * Bulkhead, circuit breaker and timeout around any provider, so that a sick one
 * costs its neighbours in the chain nothing: at most `maxConcurrent` questions
 * hang in it, each for `timeout`, and after a handful of those it is left alone
 * for a while.
 */
import {
  CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen, isBrokenCircuitError,
  type CircuitBreakerPolicy, type IBackoff, type IBackoffFactory, type IHalfOpenAfterBackoffContext
} from 'cockatiel'
import { UnavailableError } from '../errors.js'
import { Bulkhead, type Apart } from './bulkhead.js'
import { LONGEST_TIMER } from './deadline.js'

export type BreakerState = 'open' | 'half-open' | 'closed'

export interface ResilienceOptions {
  /** Milliseconds of one question. */
  readonly timeout: number
  /** Questions at once, without those that test a password just now. */
  readonly maxConcurrent: number
  readonly onStateChange?: (state: BreakerState) => void
  readonly failureThreshold?: number
  /** Milliseconds. */
  readonly halfOpenAfter?: number
  /** Milliseconds of a clock that is never set back. */
  readonly now?: () => number
}

export interface Resilience {
  /**
   * What `call` gives. Its signal is that of `asked`, by which the caller may
   * leave, and which is aborted at the timeout; a call that ignores it is left
   * alone then.
   * @throws UnavailableError and nothing else
   */
  run: <T>(asked: AbortController, call: (signal: AbortSignal, apart: Apart) => Promise<T>) => Promise<T>
  /** Ends an open breaker's pause: the next question is the probe. For a provider whose source is another one now. */
  endPause: () => void
  readonly state: BreakerState
}

/** In a row: one lost packet or one restarted server is no outage, and at 3 s each more would be felt. */
const FAILURE_THRESHOLD = 5

/** Longer than a directory's failover; short beside what the API server keeps denials for. */
const HALF_OPEN_AFTER = 10_000

const STATES: Record<CircuitState, BreakerState> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Isolated]: 'open'
}

export function createResilience (options: ResilienceOptions): Resilience {
  const { onStateChange, failureThreshold = FAILURE_THRESHOLD, halfOpenAfter = HALF_OPEN_AFTER, now = () => performance.now() } = options
  const longest = Math.min(options.timeout, LONGEST_TIMER)
  const bulkhead = new Bulkhead(options.maxConcurrent)
  let pauseEnds = 0
  // cockatiel takes a probe's unhandled error for a success; only an answer is one
  const breaker: CircuitBreakerPolicy = circuitBreaker(handleWhen(error => isFailure(error) || breaker.state === CircuitState.HalfOpen), {
    breaker: new ConsecutiveBreaker(failureThreshold),
    halfOpenAfter: pauses(error => isUntested(error) ? 0 : halfOpenAfter, now, () => pauseEnds)
  })
  if (onStateChange !== undefined) breaker.onStateChange(state => { onStateChange(STATES[state]) })

  // by hand: cockatiel's bulkhead and timeout cost a question to a directory another 4 µs, with the garbage they leave
  async function ask<T> (asked: AbortController, call: (signal: AbortSignal, apart: Apart) => Promise<T>): Promise<T> {
    const place = bulkhead.enter()
    const { signal } = asked
    let leave!: () => void
    const left = new Promise<never>((_resolve, reject) => { leave = () => { reject(new UnavailableError('deadline')) } })
    signal.addEventListener('abort', leave)
    const timer = setTimeout(() => { asked.abort(new UnavailableError('timeout')) }, longest)
    try {
      return await Promise.race([call(signal, place.apart), left])
    } catch (error) {
      // what a provider throws when it is stopped says nothing
      throw signal.aborted ? stopped(signal) : unavailable(error)
    } finally {
      place.leave()
      clearTimeout(timer)
      signal.removeEventListener('abort', leave)
    }
  }

  return {
    async run (asked, call) {
      if (asked.signal.aborted) throw new UnavailableError('deadline')
      // cockatiel would have everybody wait for the probe
      if (breaker.state === CircuitState.HalfOpen) throw new UnavailableError('breaker-open')
      try {
        return await breaker.execute(async () => await ask(asked, call))
      } catch (error) {
        throw isBrokenCircuitError(error) ? new UnavailableError('breaker-open') : error
      }
    },
    endPause () { pauseEnds++ },
    get state () {
      return STATES[breaker.state]
    }
  }
}

/** Whoever aborts without a word is a caller who leaves. */
function stopped ({ reason }: AbortSignal): UnavailableError {
  return reason instanceof UnavailableError ? reason : new UnavailableError('deadline')
}

function unavailable (error: unknown): UnavailableError {
  if (error instanceof UnavailableError) return error
  return new UnavailableError('failed', { cause: error })
}

/** What the breaker counts. A full queue, a throttled account, a caller who left don't speak against the provider. */
function isFailure (error: unknown): boolean {
  return error instanceof UnavailableError && (error.reason === 'timeout' || error.reason === 'failed')
}

/** A probe that never reached the provider: the next caller is the probe. */
function isUntested (error: unknown): boolean {
  return error instanceof UnavailableError && (error.reason === 'busy' || error.reason === 'throttled')
}

/**
 * cockatiel measures pauses on the wall clock: set back by an hour, it would
 * keep a breaker open for an hour. These are over when `now` says so, or once
 * `ends` has changed.
 */
function pauses (durationAfter: (error: unknown) => number, now: () => number, ends: () => number): IBackoffFactory<IHalfOpenAfterBackoffContext> {
  const next = ({ result }: IHalfOpenAfterBackoffContext): IBackoff<IHalfOpenAfterBackoffContext> => {
    const end = now() + durationAfter('error' in result ? result.error : undefined)
    const begun = ends()
    return { next, get duration () { return now() < end && ends() === begun ? Infinity : -Infinity } }
  }
  return { next }
}
