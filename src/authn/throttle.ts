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
import { Deadline } from './deadline.js'

export interface ThrottleOptions {
  /** Wrong passwords in a row that an account has free. */
  readonly maxFailures: number
  /** Milliseconds. */
  readonly baseDelay: number
  /** Milliseconds. */
  readonly maxDelay: number
  /** Checks that run at once. */
  readonly maxConcurrent: number
  /** Checks that may wait for one of those. */
  readonly maxQueue: number
  /** Accounts whose failures are remembered. */
  readonly maxIdentities?: number
  readonly onThrottled: () => void
  /** Milliseconds of a clock that is never set back. */
  readonly now?: () => number
}

/** Checks run in Node's pool of four threads, which DNS and files need too. */
export function defaultConcurrency (processors: number): number {
  return Math.min(Math.max(processors - 1, 1), 3)
}

// of the check that only spends the time an account's would take
const NOBODY = ''

// milliseconds; no hash takes as long: this check hangs in a network
const LONGEST_CHECK = 60_000

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

interface Failures {
  readonly count: number
  readonly last: number
}

/**
 * Failures in a row by account, in bounded memory. Accounts with equally many
 * lie in one bucket, the one that failed longest ago first. When memory is
 * full, a count that is over is dropped, else the first of the lowest bucket:
 * whoever sprays many names can't wash away the count of an account under attack.
 */
class FailureCounts {
  readonly #options: ThrottleOptions
  readonly #now: () => number
  readonly #maxIdentities: number
  /** More make no difference: the wait is at its longest. It bounds the number of buckets. */
  readonly #maxCount: number
  readonly #counts = new Map<string, Failures>()
  readonly #buckets = new Map<number, Set<string>>()

  constructor (options: ThrottleOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#maxIdentities = options.maxIdentities ?? 10_000
    const doublings = Math.ceil(Math.log2(options.maxDelay / options.baseDelay))
    this.#maxCount = options.maxFailures + 1 + (doublings > 0 && doublings < Infinity ? doublings : 0)
  }

  of (identity: string): number {
    const failures = this.#counts.get(identity)
    return failures === undefined || this.#isForgotten(failures) ? 0 : failures.count
  }

  isOpen (identity: string): boolean {
    const failures = this.#counts.get(identity)
    return failures === undefined || this.#now() - failures.last >= this.#delay(failures.count)
  }

  add (identity: string): void {
    const count = Math.min(this.of(identity) + 1, this.#maxCount)
    this.forget(identity)
    if (this.#counts.size >= this.#maxIdentities) this.forget(this.#leastWorthKeeping())
    this.#counts.set(identity, { count, last: this.#now() })
    const bucket = this.#buckets.get(count)
    if (bucket === undefined) this.#buckets.set(count, new Set([identity]))
    else bucket.add(identity)
  }

  forget (identity: string): void {
    const failures = this.#counts.get(identity)
    if (failures === undefined) return
    this.#counts.delete(identity)
    const bucket = this.#buckets.get(failures.count)!
    bucket.delete(identity)
    if (bucket.size === 0) this.#buckets.delete(failures.count)
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
   * After `maxDelay` for each failure. Were it less, waiting for a clean slate
   * would give more guesses than going on at the slowest pace; so nobody gets
   * more than one in `maxDelay` on the average.
   */
  #isForgotten ({ count, last }: Failures): boolean {
    return this.#now() - last >= count * this.#options.maxDelay
  }
}

/** Of a set that is not empty. */
function first (set: Set<string>): string {
  return set.values().next().value!
}

/** Places for checks that run, and a bounded queue for those that wait, first come, first served. */
class Slots {
  readonly #maxConcurrent: number
  readonly #maxQueue: number
  readonly #queue = new Set<() => void>()
  #running = 0

  constructor (maxConcurrent: number, maxQueue: number) {
    this.#maxConcurrent = maxConcurrent
    this.#maxQueue = maxQueue
  }

  async run<T> (work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (signal.aborted) throw new UnavailableError('deadline')
    if (this.#running < this.#maxConcurrent) this.#running++
    else await this.#turn(signal)
    try {
      return await new Deadline(LONGEST_CHECK).race(work())
    } finally {
      this.#next()
    }
  }

  /** Resolves with a place, which is handed over, not given back. */
  async #turn (signal: AbortSignal): Promise<void> {
    if (this.#queue.size >= this.#maxQueue) throw new UnavailableError('busy')
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = (): void => {
        this.#queue.delete(enter)
        reject(new UnavailableError('deadline'))
      }
      this.#queue.add(enter)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  #next (): void {
    const [enter] = this.#queue
    if (enter === undefined) {
      this.#running--
    } else {
      this.#queue.delete(enter)
      enter()
    }
  }
}
