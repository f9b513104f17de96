/**
 * What stands behind `ctx.attempt`, one per provider: slows the guessing of
 * passwords down and bounds the checks that run at once.
 *
 * `maxFailures` wrong passwords in a row are free; each further one closes the
 * account for `baseDelay`, doubled each time up to `maxDelay`. While it is
 * closed, attempts are refused at once: nobody sleeps, and not even the right
 * password is looked at, or the wait would tell it from wrong ones.
 */
import { UnavailableError } from '../errors.js'
import { FailureCounts, type FailureLimits } from './failure-counts.js'
import { Slots } from './slots.js'

export interface ThrottleOptions extends FailureLimits {
  /** Checks that run at once. */
  readonly maxConcurrent: number
  /** Checks that may wait for one of those. */
  readonly maxQueue: number
  readonly onThrottled: () => void
}

/** Checks run in Node's pool of four threads, which DNS and files need too. */
export function defaultConcurrency (processors: number): number {
  return Math.min(Math.max(processors - 1, 1), 3)
}

// of the check that only spends the time an account's would take
const NOBODY = ''

export class Throttle {
  readonly #maxFailures: number
  readonly #onThrottled: () => void
  readonly #failures: FailureCounts
  readonly #slots: Slots
  /** Attempts of each account that are waiting or running. */
  readonly #reserved = new Map<string, number>()

  constructor (options: ThrottleOptions) {
    this.#maxFailures = options.maxFailures
    this.#onThrottled = options.onThrottled
    this.#failures = new FailureCounts(options)
    this.#slots = new Slots(options.maxConcurrent, options.maxQueue)
  }

  /**
   * What `check` gives: true forgets the failures of `identity`, false counts
   * one, a throw neither. Once it runs, it counts and holds its place until it
   * is settled (or a minute is over), whether or not anybody still waits:
   * leaving early must be no way around the count, nor around the bound. The
   * empty identity is nobody's: its checks are bounded, but never throttled.
   * @throws UnavailableError `throttled`, `busy`, or `deadline` where `signal` aborted before its turn
   */
  async attempt (identity: string, check: () => Promise<boolean>, signal: AbortSignal): Promise<boolean> {
    if (identity === NOBODY) return await this.#slots.run(check, signal)
    if (!this.#admits(identity)) {
      this.#onThrottled()
      throw new UnavailableError('throttled')
    }
    this.#reserved.set(identity, this.#reservedFor(identity) + 1)
    try {
      const right = await this.#slots.run(check, signal)
      if (right) this.#failures.forget(identity)
      else this.#failures.add(identity)
      return right
    } finally {
      this.#release(identity)
    }
  }

  /**
   * Attempts under way count as if they will fail, or parallel guesses would
   * slip through a door that is about to close. So an account takes as many at
   * once as it could take one after the other before it closes, and then one at
   * a time. Filling them up locks the owner out no longer than the checks run:
   * less than the wrong guesses themselves do.
   */
  #admits (identity: string): boolean {
    const reserved = this.#reservedFor(identity)
    if (reserved === 0) return this.#failures.isOpen(identity)
    return this.#failures.of(identity) + reserved <= this.#maxFailures
  }

  #reservedFor (identity: string): number {
    return this.#reserved.get(identity) ?? 0
  }

  #release (identity: string): void {
    const rest = this.#reservedFor(identity) - 1
    if (rest === 0) this.#reserved.delete(identity)
    else this.#reserved.set(identity, rest)
  }
}
