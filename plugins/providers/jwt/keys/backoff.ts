/** When to ask an issuer again that failed: after 1 s, then twice as long each time, up to a minute. */
const FIRST = 1_000
const LONGEST = 60_000
/** Share of the delay that is random, so that replicas don't ask together. */
const JITTER = 0.5

export class Backoff {
  readonly #now: () => number
  readonly #random: () => number
  #failures = 0
  #until = 0
  #error: unknown

  constructor (now: () => number, random = Math.random) {
    this.#now = now
    this.#random = random
  }

  /** Of the last attempt, if it failed. */
  get error (): unknown {
    return this.#error
  }

  get pending (): boolean {
    return this.#error !== undefined && this.#now() < this.#until
  }

  /** @returns milliseconds until the next attempt */
  fail (error: unknown): number {
    const delay = Math.min(FIRST * 2 ** this.#failures, LONGEST) * (1 - JITTER * this.#random())
    this.#failures++
    this.#error = error
    this.#until = this.#now() + delay
    return delay
  }

  succeed (): void {
    this.#failures = 0
    this.#error = undefined
  }
}
