/** Bounds the questions that are with a provider at once. */
import { UnavailableError } from '../errors.js'

/**
 * What `work` gives. It has a bound of its own: while it goes on, the question
 * holds no place in the bulkhead.
 */
export type Apart = <T>(work: () => Promise<T>) => Promise<T>

export interface Place {
  readonly apart: Apart
  readonly leave: () => void
}

export class Bulkhead {
  readonly #max: number
  #taken = 0

  constructor (max: number) {
    this.#max = max
  }

  /** @throws UnavailableError `busy`: there is no queue, since the next provider could be asked meanwhile */
  enter (): Place {
    if (this.#taken >= this.#max) throw new UnavailableError('busy')
    this.#taken++
    let state: 'inside' | 'apart' | 'left' = 'inside'
    return {
      apart: async work => {
        if (state !== 'inside') return await work()
        state = 'apart'
        this.#taken--
        try {
          return await work()
        } finally {
          // it has been admitted before, and does not wait again
          if (this.#isApart(state)) {
            state = 'inside'
            this.#taken++
          }
        }
      },
      leave: () => {
        if (state === 'inside') this.#taken--
        state = 'left'
      }
    }
  }

  /** Meanwhile the question may be over. */
  #isApart (state: 'inside' | 'apart' | 'left'): boolean {
    return state === 'apart'
  }
}
