/** How often each account failed in a row, and whether it is closed for that. */
export interface FailureDelays {
  /** Wrong passwords in a row without a delay. */
  readonly maxFailures: number
  /** Milliseconds. */
  readonly baseDelay: number
  /** Milliseconds. */
  readonly maxDelay: number
}

export interface FailureLimits extends FailureDelays {
  /** Accounts whose failures are remembered. */
  readonly maxAccounts?: number
  /** Milliseconds of a clock that is never set back. */
  readonly now?: () => number
}

/** Failures in a row of one account. */
export interface FailureRun {
  readonly count: number
  /** Milliseconds since the first. */
  readonly firstAge: number
  /** Milliseconds since the latest. */
  readonly lastAge: number
  /** That of the shared counts when the first was counted, where known. */
  readonly generation: number | undefined
}

interface Failures {
  readonly count: number
  readonly first: number
  readonly last: number
  readonly generation: number | undefined
  /** The latest wrong passwords, as short digests. */
  readonly guesses: readonly number[]
}

/** Of one account. A program with an old password and a person with a new one make two or three. */
export const MAX_GUESSES = 8

/** More failures make no difference: the delay is at its maximum. */
export function maxCountOf ({ maxFailures, baseDelay, maxDelay }: FailureDelays): number {
  const doublings = Math.ceil(Math.log2(maxDelay / baseDelay))
  return maxFailures + 1 + (doublings > 0 && doublings < Infinity ? doublings : 0)
}

/**
 * Failures in a row by account, in bounded memory. Accounts with equally many
 * share a bucket, the one that failed longest ago first. When memory is full, a
 * count that has expired is evicted, else the first of the lowest bucket: an
 * attacker who sprays many names can't evict the count of an account under attack.
 *
 * The same wrong password again is not counted: a program with an old password
 * does not close its account, and neither does a user whom only a later provider
 * knows.
 */
export class FailureCounts {
  readonly #options: FailureLimits
  readonly #now: () => number
  readonly #maxAccounts: number
  /** Bounds the number of buckets. */
  readonly #maxCount: number
  readonly #counts = new Map<string, Failures>()
  readonly #buckets = new Map<number, Set<string>>()

  constructor (options: FailureLimits) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#maxAccounts = options.maxAccounts ?? 10_000
    this.#maxCount = maxCountOf(options)
  }

  of (account: string): number {
    const failures = this.#counts.get(account)
    return failures === undefined || this.#isForgotten(failures) ? 0 : failures.count
  }

  /** `undefined` if it has none, or they have expired. */
  run (account: string): FailureRun | undefined {
    const failures = this.#counts.get(account)
    if (failures === undefined || this.#isForgotten(failures)) return undefined
    const { count, first, last, generation } = failures
    const now = this.#now()
    return { count, firstAge: now - first, lastAge: now - last, generation }
  }

  isOpen (account: string): boolean {
    const failures = this.#counts.get(account)
    return failures === undefined || this.#now() - failures.last >= this.#delay(failures.count)
  }

  /**
   * Whether it was counted.
   * @param guess a digest of the password; absent: one that was not tried before
   * @param generation see {@link FailureRun}
   */
  add (account: string, guess?: number, generation?: number): boolean {
    const before = this.of(account)
    const run = before === 0 ? undefined : this.#counts.get(account)
    const known = run?.guesses ?? []
    if (guess !== undefined && known.includes(guess)) return false
    const guesses = guess === undefined ? known : [...known, guess].slice(-MAX_GUESSES)
    const count = Math.min(before + 1, this.#maxCount)
    this.forget(account)
    if (this.#counts.size >= this.#maxAccounts) this.forget(this.#leastWorthKeeping())
    const now = this.#now()
    this.#counts.set(account, { count, first: run?.first ?? now, last: now, generation: run === undefined ? generation : run.generation, guesses })
    const bucket = this.#buckets.get(count)
    if (bucket === undefined) this.#buckets.set(count, new Set([account]))
    else bucket.add(account)
    return true
  }

  forget (account: string): void {
    const failures = this.#counts.get(account)
    if (failures === undefined) return
    this.#counts.delete(account)
    const bucket = this.#buckets.get(failures.count)
    bucket?.delete(account)
    if (bucket?.size === 0) this.#buckets.delete(failures.count)
  }

  /** The cost is the number of buckets: a dozen or so with the default delays. */
  #leastWorthKeeping (): string {
    let lowest = Infinity
    for (const [count, bucket] of this.#buckets) {
      const oldest = first(bucket)
      if (this.#isForgotten(this.#counts.get(oldest)!)) return oldest
      lowest = Math.min(lowest, count)
    }
    return first(this.#buckets.get(lowest)!)
  }

  #delay (count: number): number {
    const beyond = count - this.#options.maxFailures
    return beyond <= 0 ? 0 : Math.min(this.#options.baseDelay * 2 ** (beyond - 1), this.#options.maxDelay)
  }

  /**
   * After `maxDelay` for each failure. With less, waiting to be forgotten would
   * allow more guesses than continuing at the slowest pace; so nobody gets more
   * than one in `maxDelay` on average.
   */
  #isForgotten ({ count, last }: Failures): boolean {
    return this.#now() - last >= count * this.#options.maxDelay
  }
}

/** Of a set that is not empty. */
function first (set: Set<string>): string {
  return set.values().next().value!
}
