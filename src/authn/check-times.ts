/** How long recent password checks took, so that a decoy can take as long. */

import type { CheckOutcome } from './provider.js'

// few, so that a change of load shows soon; enough to leave out the outer quarters
const KEPT = 16

export class CheckTimes {
  readonly #random: () => number
  /** Milliseconds, the oldest first. */
  readonly #incorrect: number[] = []
  readonly #correct: number[] = []

  constructor (random: () => number = Math.random) {
    this.#random = random
  }

  record (outcome: CheckOutcome, milliseconds: number): void {
    if (outcome === 'uncounted') return
    const times = outcome === 'correct' ? this.#correct : this.#incorrect
    times.push(milliseconds)
    if (times.length > KEPT) times.shift()
  }

  /**
   * One of the recent times, without the outliers; `undefined` before the first
   * check. Those of wrong passwords are preferred: a directory may be asked more
   * about one of these.
   */
  draw (): number | undefined {
    const times = (this.#incorrect.length > 0 ? this.#incorrect : this.#correct).toSorted((a, b) => a - b)
    const [first, end] = [Math.floor(times.length / 4), Math.ceil(times.length * 3 / 4)]
    return times[first + Math.floor(this.#random() * (end - first))]
  }
}
