/** Bounds the questions that wait for a provider at once. */
export class Bulkhead {
  readonly #max: number
  #taken = 0

  constructor (max: number) {
    this.#max = max
  }

  /** @returns `undefined` if all places are taken: there is no queue, since the next provider can be asked meanwhile */
  enter (): Place | undefined {
    return this.#taken < this.#max ? new Place(change => { this.#taken += change }) : undefined
  }
}

/**
 * What `work` gives. It has a bound of its own: while it runs, the question
 * holds no place in the bulkhead.
 */
export type Apart = <T>(work: () => Promise<T>) => Promise<T>

class Place {
  readonly #take: (change: 1 | -1) => void
  #state: 'inside' | 'apart' | 'left' = 'inside'

  constructor (take: (change: 1 | -1) => void) {
    this.#take = take
    take(1)
  }

  readonly apart: Apart = async work => {
    if (this.#state !== 'inside') return await work()
    this.#become('apart')
    try {
      return await work()
    } finally {
      // it was admitted before, and does not wait again
      if (!this.#hasLeft()) this.#become('inside')
    }
  }

  leave (): void {
    this.#become('left')
  }

  /** Meanwhile the question may be over. */
  #hasLeft (): boolean {
    return this.#state === 'left'
  }

  #become (state: 'inside' | 'apart' | 'left'): void {
    if (this.#state === 'inside' && state !== 'inside') this.#take(-1)
    if (this.#state !== 'inside' && state === 'inside') this.#take(1)
    this.#state = state
  }
}
