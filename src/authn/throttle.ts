/**
 * What stands behind `ctx.attempt` and `ctx.attemptUnknown`, one per provider:
 * slows the guessing of passwords down and bounds the checks that run at once.
 *
 * `maxFailures` wrong passwords in a row are free; each further one closes the
 * account for `baseDelay`, doubled each time up to `maxDelay`. While it is
 * closed, attempts are refused at once: nobody sleeps, and not even the right
 * password is looked at, or the wait would tell it from wrong ones.
 *
 * A name that no account has is treated in the same way, or the first answer
 * that differs would tell which names exist. Unknown names have a table of
 * their own, so that no spray of them evicts the count of an account.
 */
import { CheckQueue, type Check, type CheckQueueOptions } from './check-queue.js'
import { FailureBudgets, type FailureBudgetsOptions } from './failure-budgets.js'
import { keyedDigest } from './keyed-digest.js'

export type ThrottleOptions = FailureBudgetsOptions & CheckQueueOptions

/** Whose attempt it is; never shown to a provider. */
export interface Attempt {
  /** Callers share the queue evenly: an address, an API server. */
  readonly caller?: string | undefined
  /** A short digest of the password: the same one again is not counted again. */
  readonly guess?: number | undefined
}

/** Checks run in Node's pool of four threads, which DNS and files need too. */
export function defaultConcurrency (processors: number): number {
  return Math.min(Math.max(processors - 1, 1), 3)
}

// of a check that only spends time, and under no name
const NOBODY = ''

export class Throttle {
  readonly #accounts: FailureBudgets
  readonly #unknown: FailureBudgets
  readonly #queue: CheckQueue
  /** Of one length, whatever people type, and of no use outside of this process. */
  readonly #digest = keyedDigest(undefined, 'base64')

  constructor (options: ThrottleOptions) {
    this.#accounts = new FailureBudgets(options)
    this.#unknown = new FailureBudgets(options)
    this.#queue = new CheckQueue(options)
  }

  /**
   * What `check` gives: true forgets the failures of `identity`, false counts
   * one, a throw neither. Once it runs, it counts and holds its place until it
   * is settled (or a minute is over), whether or not anybody still waits:
   * leaving early must be no way around the count, nor around the bound. The
   * empty identity is nobody's: its checks are never throttled.
   * @throws UnavailableError `throttled`, `busy`, or `deadline` where `signal` aborted before its turn
   */
  async attempt (identity: string, check: Check, signal: AbortSignal, { caller = '', guess }: Attempt = {}): Promise<boolean> {
    if (identity === NOBODY) {
      await this.#queue.spend(check, { signal, caller })
      return false
    }
    return await this.#accounts.spend(identity, guess, async () => await this.#queue.run(check, { signal, caller }))
  }

  /**
   * Takes as long as a wrong password of an account, counts as one against
   * `name`, and is refused as one.
   * @param decoy a check as costly as an account's, and never right
   */
  async attemptUnknown (name: string, decoy: Check | undefined, signal: AbortSignal, { caller = '', guess }: Attempt = {}): Promise<void> {
    await this.#unknown.spend(this.#digest(name), guess, async () => {
      await this.#queue.spend(decoy, { signal, caller })
      return false
    })
  }
}
