/** A time budget, such as that of one review. A timer is set only while something is awaited. */
import { UnavailableError } from '../errors.js'

/** Milliseconds. Node.js fires a longer timer at once. */
export const LONGEST_TIMER = 2 ** 31 - 1

/**
 * Milliseconds that a provider has to load, to open, to validate its files, and
 * to close in a command. Reading local files takes less; a provider that takes
 * longer waits for a network, which it must not.
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
   * What `work` gives, or a rejection with what `expired` returns if the budget
   * ends first. `work` itself goes on; the caller may stop it.
   * @param expired by default UnavailableError `deadline`
   */
  async race<T> (work: Promise<T>, expired: () => Error = outOfTime): Promise<T> {
    return await this.raceOr(work, () => { throw expired() })
  }

  /** As {@link race}, but resolves to what `expired` returns. */
  async raceOr<T, E> (work: Promise<T>, expired: () => E): Promise<T | E> {
    const remaining = this.remaining
    // nothing waits for a rejection that comes too late
    work.catch(() => {})
    if (remaining <= 0) return expired()
    let timer: NodeJS.Timeout | undefined
    const expiry = new Promise<typeof EXPIRED>(resolve => {
      timer = setTimeout(resolve, Math.min(remaining, LONGEST_TIMER), EXPIRED)
    })
    try {
      const first = await Promise.race([work, expiry])
      return first === EXPIRED ? expired() : first
    } finally {
      clearTimeout(timer)
    }
  }
}

const EXPIRED = Symbol('expired')

function outOfTime (): UnavailableError {
  return new UnavailableError('deadline')
}
