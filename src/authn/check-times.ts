/** How long recent password checks took, so that a check that is not made can take as long. */

// few, so that a change of the load shows soon; enough for the outer quarters to be outliers
const KEPT = 16

export class CheckTimes {
  readonly #random: () => number
  /** Milliseconds, the oldest first. */
  readonly #wrong: number[] = []
  readonly #right: number[] = []

  constructor (random: () => number = Math.random) {
    this.#random = random
  }

  record (right: boolean, milliseconds: number): void {
    const times = right ? this.#right : this.#wrong
    times.push(milliseconds)
    if (times.length > KEPT) times.shift()
  }

  /**
   * One of the recent times, without the outliers; `undefined` before the first
   * check. Those of wrong passwords come first: a directory may be asked more
   * about one of these than about a right one.
   */
  draw (): number | undefined {
    const times = (this.#wrong.length > 0 ? this.#wrong : this.#right).toSorted((a, b) => a - b)
    const [first, end] = [Math.floor(times.length / 4), Math.ceil(times.length * 3 / 4)]
    return times[first + Math.floor(this.#random() * (end - first))]
  }
}
