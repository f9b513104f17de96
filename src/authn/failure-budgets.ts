/** What each account, or each unknown name, may still get wrong; attempts under way included. */
import { UnavailableError } from '../errors.js'
import { FailureCounts, type FailureLimits } from './failure-counts.js'

export interface FailureBudgetsOptions extends FailureLimits {
  readonly onThrottled: () => void
}

export class FailureBudgets {
  readonly #maxFailures: number
  readonly #onThrottled: () => void
  readonly #failures: FailureCounts
  /** Attempts of each identity that are waiting or running. */
  readonly #reserved = new Map<string, number>()

  constructor (options: FailureBudgetsOptions) {
    this.#maxFailures = options.maxFailures
    this.#onThrottled = options.onThrottled
    this.#failures = new FailureCounts(options)
  }

  /**
   * What `test` gives: true forgets the failures of `identity`, false counts
   * one, a throw neither.
   * @param guess a digest of the password, for `FailureCounts.add`
   * @throws UnavailableError `throttled`
   */
  async spend (identity: string, guess: number | undefined, test: () => Promise<boolean>): Promise<boolean> {
    if (!this.#admits(identity)) {
      this.#onThrottled()
      throw new UnavailableError('throttled')
    }
    this.#reserved.set(identity, this.#reservedFor(identity) + 1)
    try {
      const right = await test()
      if (right) this.#failures.forget(identity)
      else this.#failures.add(identity, guess)
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
