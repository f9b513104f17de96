/** Bounds the requests that a provider handles concurrently. */
export class Semaphore {
  readonly #max: number
  #held = 0

  constructor (max: number) {
    this.#max = max
  }

  /** @returns `undefined` if all permits are held: there is no queue, since the next provider can be asked meanwhile */
  tryAcquire (): Permit | undefined {
    return this.#held < this.#max ? new Permit(change => { this.#held += change }) : undefined
  }
}

/** Returns what `work` returns. The permit is available to others while it runs, since `work` has a limit of its own. */
export type WithoutPermit = <T>(work: () => Promise<T>) => Promise<T>

type PermitState = 'held' | 'suspended' | 'released'

class Permit {
  readonly #count: (change: 1 | -1) => void
  #state: PermitState = 'held'

  constructor (count: (change: 1 | -1) => void) {
    this.#count = count
    count(1)
  }

  readonly suspend: WithoutPermit = async work => {
    if (this.#state !== 'held') return await work()
    this.#become('suspended')
    try {
      return await work()
    } finally {
      // it was admitted before, and does not wait again
      if (!this.#isReleased()) this.#become('held')
    }
  }

  release (): void {
    this.#become('released')
  }

  /** The request may have ended while `work` ran. */
  #isReleased (): boolean {
    return this.#state === 'released'
  }

  #become (state: PermitState): void {
    if (this.#state === 'held' && state !== 'held') this.#count(-1)
    if (this.#state !== 'held' && state === 'held') this.#count(1)
    this.#state = state
  }
}
