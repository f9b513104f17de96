/**
 * The time budget of one review. Making one costs a clock reading; a timer is
 * set only while somebody waits for a provider.
 */
import { UnavailableError } from '../errors.js'

/** Milliseconds. Node fires a timer that is set for longer at once. */
export const LONGEST_TIMER = 2 ** 31 - 1

/**
 * Milliseconds that a provider has to load, to open, to check its files, and to
 * close in a command. Local files are read in less; what takes longer waits for
 * a network, which it must not.
 */
export const PROVIDER_PATIENCE = 10_000

export class Deadline {
  /** On the clock of `performance.now()`, milliseconds. */
  readonly #end: number

  constructor (budget: number) {
    this.#end = performance.now() + budget
  }

  /** Milliseconds left; zero or less when the budget is spent. */
  get remaining (): number {
    return this.#end - performance.now()
  }

  /**
   * What `work` gives, or a rejection with `expired()` when the budget ends
   * first. `work` itself goes on: whoever started it decides about that.
   */
  async race<T> (work: Promise<T>, expired: () => Error = outOfTime): Promise<T> {
    const remaining = this.remaining
    // a rejection that comes too late has nobody who waits for it
    work.catch(() => {})
    if (remaining <= 0) throw expired()
    let timer: NodeJS.Timeout | undefined
    const expiry = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => { reject(expired()) }, Math.min(remaining, LONGEST_TIMER))
    })
    try {
      return await Promise.race([work, expiry])
    } finally {
      clearTimeout(timer)
    }
  }
}

function outOfTime (): UnavailableError {
  return new UnavailableError('deadline')
}
