/** How many wrong passwords each account, or each unknown name, has left; attempts under way included. */
import { UnavailableError } from '../errors.js'
import type { CheckOutcome } from './provider.js'
import { FailureCounts, type FailureLimits } from './failure-counts.js'

export interface FailureBudgetsOptions extends FailureLimits {
  readonly onThrottled: () => void
}

export class FailureBudgets {
  readonly #maxFailures: number
  readonly #onThrottled: () => void
  readonly #failures: FailureCounts
  /** Attempts of each account that are waiting or running. */
  readonly #reserved = new Map<string, number>()

  constructor (options: FailureBudgetsOptions) {
    this.#maxFailures = options.maxFailures
    this.#onThrottled = options.onThrottled
    this.#failures = new FailureCounts(options)
  }

  /**
   * What `check` gives: `correct` forgets the failures of `account`,
   * `incorrect` counts one, `uncounted` and an error do neither.
   * @param guess a digest of the password, for `FailureCounts.add`
   * @throws UnavailableError `throttled`
   */
  async spend (account: string, guess: number | undefined, check: () => Promise<CheckOutcome>): Promise<CheckOutcome> {
    if (!this.#admits(account)) {
      this.#onThrottled()
      throw new UnavailableError('throttled')
    }
    this.#reserved.set(account, this.#reservedFor(account) + 1)
    try {
      const outcome = await check()
      if (outcome === 'correct') this.#failures.forget(account)
      if (outcome === 'incorrect') this.#failures.add(account, guess)
      return outcome
    } finally {
      this.#release(account)
    }
  }

  /**
   * Attempts under way count as failures, or parallel guesses would exceed the
   * limit. So an account accepts as many concurrent attempts as it has failures
   * left, and then one at a time. An attacker who fills them up locks the owner
   * out only while the checks run, less than wrong guesses would.
   */
  #admits (account: string): boolean {
    const reserved = this.#reservedFor(account)
    if (reserved === 0) return this.#failures.isOpen(account)
    return this.#failures.of(account) + reserved <= this.#maxFailures
  }

  #reservedFor (account: string): number {
    return this.#reserved.get(account) ?? 0
  }

  #release (account: string): void {
    const rest = this.#reservedFor(account) - 1
    if (rest === 0) this.#reserved.delete(account)
    else this.#reserved.set(account, rest)
  }
}
