/**
 * How many wrong passwords each account, or each unknown name, has left; attempts
 * under way included. With shared counts, those decide as long as they can be
 * reached. The counts of this process are kept all the same: they decide alone
 * during an outage, and what they counted in it is passed on after it.
 */
import { UnavailableError } from '../errors.js'
import type { CheckOutcome } from './provider.js'
import { FailureCounts, type FailureLimits } from './failure-counts.js'
import { keyedDigest } from './keyed-digest.js'
import type { Admission, SharedFailures, SharedOutcome } from './shared-failures.js'

export interface FailureBudgetsOptions extends FailureLimits {
  readonly onThrottled: () => void
  /** Gives the key of an account in this process; by default the account itself. */
  readonly keyOf?: (account: string) => string
  readonly shared?: SharedFailures | undefined
}

const digest = keyedDigest()

export class FailureBudgets {
  readonly #options: FailureBudgetsOptions
  readonly #failures: FailureCounts
  /** Attempts of each account that are waiting or running. */
  readonly #reserved = new Map<string, number>()

  constructor (options: FailureBudgetsOptions) {
    this.#options = options
    this.#failures = new FailureCounts(options)
  }

  /**
   * What `check` gives: `correct` forgets the failures of `account`,
   * `incorrect` counts one, `uncounted` and an error do neither.
   * @param password the same wrong one again is not counted again; absent: one that was not tried before
   * @throws UnavailableError `throttled`
   */
  async spend (account: string, password: string | undefined, check: () => Promise<CheckOutcome>): Promise<CheckOutcome> {
    const { shared, keyOf, onThrottled } = this.#options
    const key = keyOf?.(account) ?? account
    // nothing is awaited without shared counts: parallel attempts find each other's reservations
    const admission = shared && await shared.begin(account, { delays: this.#options, local: this.#failures.run(key) })
    if (!this.#admits(key, admission)) {
      onThrottled()
      throw new UnavailableError('throttled')
    }
    this.#reserved.set(key, this.#reservedFor(key) + 1)
    const admitted = admission?.admitted === true ? admission : undefined
    let ended: SharedOutcome = 'uncounted'
    try {
      const outcome = await check()
      ended = this.#count(key, outcome, password, admitted?.generation)
      return outcome
    } finally {
      this.#release(key)
      // the next attempt, wherever it is made, finds the outcome of this one
      if (admitted !== undefined) await admitted.end(ended, password)
    }
  }

  /**
   * Attempts under way count as failures, or parallel guesses would exceed the
   * limit. So an account accepts as many concurrent attempts as it has failures
   * left, and then one at a time. An attacker who fills them up locks the owner
   * out only while the checks run, less than wrong guesses would.
   */
  #admits (key: string, admission: Admission | undefined): boolean {
    if (admission !== undefined) {
      if (admission.admitted && admission.outdated) this.#failures.forget(key)
      return admission.admitted
    }
    const reserved = this.#reservedFor(key)
    if (reserved === 0) return this.#failures.isOpen(key)
    return this.#failures.of(key) + reserved <= this.#options.maxFailures
  }

  #count (key: string, outcome: CheckOutcome, password: string | undefined, generation: number | undefined): SharedOutcome {
    if (outcome === 'correct') this.#failures.forget(key)
    if (outcome !== 'incorrect') return outcome
    return this.#failures.add(key, password === undefined ? undefined : guessOf(password), generation) ? 'incorrect' : 'repeated'
  }

  #reservedFor (key: string): number {
    return this.#reserved.get(key) ?? 0
  }

  #release (key: string): void {
    const rest = this.#reservedFor(key) - 1
    if (rest === 0) this.#reserved.delete(key)
    else this.#reserved.set(key, rest)
  }
}

/** 48 bits: two passwords that share them by chance count as one. */
function guessOf (password: string): number {
  return parseInt(digest(password).slice(0, 12), 16)
}
