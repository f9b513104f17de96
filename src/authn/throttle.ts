/**
 * `ctx.attempt` and `ctx.attemptUnknown` of one provider: slows down password
 * guessing and bounds the checks that run at once.
 *
 * `maxFailures` wrong passwords in a row are free; each further one closes the
 * account for `baseDelay`, doubled each time up to `maxDelay`. While it is
 * closed, attempts are rejected at once: not even the right password is checked,
 * or the wait would tell it from wrong ones.
 *
 * A name without an account is treated the same way, or the first answer that
 * differs would tell which names exist. Unknown names have a table of their own,
 * so that spraying them evicts no account's count.
 */
import { CheckQueue, type CheckQueueOptions, type PasswordCheck } from './check-queue.js'
import { FailureBudgets, type FailureBudgetsOptions } from './failure-budgets.js'
import { keyedDigest } from './keyed-digest.js'
import { CHECK_OUTCOMES, type CheckOutcome } from './provider.js'
import type { FailureTable, SharedFailures } from './shared-failures.js'

export interface ThrottleOptions extends Omit<FailureBudgetsOptions, 'keyOf' | 'shared'>, CheckQueueOptions {
  /** Counts that other processes share; by default none are. */
  readonly sharedFailuresOf?: ((table: FailureTable) => SharedFailures | undefined) | undefined
}

/** Where an attempt comes from; never shown to a provider. */
export interface Attempt {
  /** See `Question.caller`. */
  readonly caller?: string | undefined
  /** That is checked, or the token that carries it: the same wrong one again is not counted again. */
  readonly password?: string | undefined
}

/** Checks run in Node's pool of four threads, which DNS and files need too. */
export function defaultConcurrency (cpus: number): number {
  return Math.min(Math.max(cpus - 1, 1), 3)
}

// a check that only takes time
const NOBODY = ''

export class Throttle {
  readonly #accounts: FailureBudgets
  readonly #unknown: FailureBudgets
  readonly #queue: CheckQueue
  constructor (options: ThrottleOptions) {
    const { sharedFailuresOf } = options
    this.#accounts = new FailureBudgets({ ...options, shared: sharedFailuresOf?.('accounts') })
    // of one length, whatever people type, and of no use outside of this process
    this.#unknown = new FailureBudgets({ ...options, keyOf: keyedDigest(undefined, 'base64'), shared: sharedFailuresOf?.('unknown') })
    this.#queue = new CheckQueue(options)
  }

  /**
   * What `check` gives, counted. Once it runs, it counts and holds its place
   * until it ends (or a minute is over), even if its caller leaves:
   * leaving early must not avoid the count, nor the bound. Checks of
   * the empty account are never throttled, and never `correct`.
   * @throws UnavailableError `throttled`, `busy`, or `deadline` if `signal` aborts before its turn
   */
  async attempt (account: string, check: PasswordCheck, signal: AbortSignal, { caller = '', password }: Attempt = {}): Promise<CheckOutcome> {
    const valid = async (): Promise<CheckOutcome> => assertCheckOutcome(await check())
    if (account === NOBODY) {
      await this.#queue.spend(valid, { signal, caller })
      return 'incorrect'
    }
    return await this.#accounts.spend(account, password, async () => await this.#queue.run(valid, { signal, caller }))
  }

  /**
   * Takes as long as a wrong password of an account, counts as one against
   * `name`, and is rejected as one.
   * @param decoy a check that costs as much as an account's; its result does not matter
   */
  async attemptUnknown (name: string, decoy: (() => Promise<unknown>) | undefined, signal: AbortSignal, { caller = '', password }: Attempt = {}): Promise<void> {
    const check = decoy && (async () => { await decoy(); return 'incorrect' as const })
    await this.#unknown.spend(name, password, async () => {
      await this.#queue.spend(check, { signal, caller })
      return 'incorrect'
    })
  }
}

/** A provider may be JavaScript: a boolean must not pass for an outcome. */
function assertCheckOutcome (outcome: CheckOutcome): CheckOutcome {
  if (!CHECK_OUTCOMES.includes(outcome)) throw new TypeError(`the provider broke its contract: a password check resolves to ${CHECK_OUTCOMES.join(', ')}`)
  return outcome
}
