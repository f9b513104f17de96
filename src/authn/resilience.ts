/**
 * Circuit breaker, semaphore and timeout around a provider, so that a slow or
 * failing one does not delay the others in the chain: at most `maxConcurrent`
 * requests wait for it, each no longer than `timeout`, and after a few failures
 * it is not called for a while.
 */
import { UnavailableError } from '../errors.js'
import { unavailable, unavailableFrom, type Outcome, type Unavailable } from './answer.js'
import { Breaker, type BreakerOptions, type BreakerState } from './breaker.js'
import { LONGEST_TIMER } from './deadline.js'
import { Semaphore, type WithoutPermit } from './semaphore.js'

export interface ResilienceOptions extends BreakerOptions {
  /** Milliseconds of one question. */
  readonly timeout: number
  /** Questions at once, not counting those that are checking a password. */
  readonly maxConcurrent: number
}

type Call = (signal: AbortSignal, withoutPermit: WithoutPermit) => Promise<Outcome>

export class Resilience {
  readonly #timeout: number
  readonly #semaphore: Semaphore
  readonly #breaker: Breaker

  constructor (options: ResilienceOptions) {
    this.#timeout = Math.min(options.timeout, LONGEST_TIMER)
    this.#semaphore = new Semaphore(options.maxConcurrent)
    this.#breaker = new Breaker(options)
  }

  get state (): BreakerState {
    return this.#breaker.state
  }

  /** Lets the next question through an open breaker. */
  endPause (): void {
    this.#breaker.endPause()
  }

  /**
   * What `call` gives; it never rejects. The signal is that of `asked`, which
   * the caller aborts when it leaves, and which is aborted at the timeout. A
   * call that ignores it is no longer waited for.
   */
  async run (asked: AbortController, call: Call): Promise<Outcome> {
    if (asked.signal.aborted) return unavailable('deadline')
    return await this.#breaker.run(async () => await this.#bounded(asked, call))
  }

  async #bounded (asked: AbortController, call: Call): Promise<Outcome> {
    const permit = this.#semaphore.tryAcquire()
    if (permit === undefined) return unavailable('busy')
    const { signal } = asked
    let leave!: () => void
    const left = new Promise<Unavailable>(resolve => { leave = () => { resolve(stopped(signal)) } })
    signal.addEventListener('abort', leave)
    const timer = setTimeout(() => { asked.abort(new UnavailableError('timeout')) }, this.#timeout)
    try {
      return await Promise.race([call(signal, permit.suspend), left])
    } catch (error) {
      // what a provider throws when it is stopped says nothing
      return signal.aborted ? stopped(signal) : unavailableFrom(error)
    } finally {
      permit.release()
      clearTimeout(timer)
      signal.removeEventListener('abort', leave)
    }
  }
}

/** An abort without a reason is a caller who leaves. */
function stopped ({ reason }: AbortSignal): Unavailable {
  return reason instanceof UnavailableError ? unavailableFrom(reason) : unavailable('deadline')
}
