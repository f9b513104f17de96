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
   * What `work` gives, or what `expired` returns or throws if the budget ends
   * first. `work` itself goes on; the caller may stop it.
   * @param expired by default throws UnavailableError `deadline`
   */
  async race<T, E = never> (work: Promise<T>, expired: () => E = outOfTime): Promise<T | E> {
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

function outOfTime (): never {
  throw new UnavailableError('deadline')
}
