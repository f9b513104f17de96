/**
 * The time budget of one review. Making one costs a clock reading; a timer is
 * set only while somebody waits for a provider.
 */
import { UnavailableError } from '../errors.js'

/** Milliseconds. Node fires a timer that is set for longer at once. */
export const LONGEST_TIMER = 2 ** 31 - 1

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
   * What `work` gives, or a rejection with `deadline` when the budget ends
   * first. `work` itself goes on: whoever started it decides about that.
   */
  async race<T> (work: Promise<T>): Promise<T> {
    const remaining = this.remaining
    // a rejection that comes too late has nobody who waits for it
    work.catch(() => {})
    if (remaining <= 0) throw new UnavailableError('deadline')
    let timer: NodeJS.Timeout | undefined
    const expiry = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => { reject(new UnavailableError('deadline')) }, Math.min(remaining, LONGEST_TIMER))
    })
    try {
      return await Promise.race([work, expiry])
    } finally {
      clearTimeout(timer)
    }
  }
}
