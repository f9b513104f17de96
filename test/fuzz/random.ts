/** Random choices that a seed repeats: of every case its own, so that one alone can be played again. */
export class Random {
  #state: number

  constructor (seed: number, ...more: number[]) {
    this.#state = seed >>> 0
    for (const part of more) this.#state = (Math.imul(this.#state ^ (this.#state >>> 15), 0x2c1b3c6d) ^ part) >>> 0
    // neighbours in seed and number must not look alike
    for (let turns = 0; turns < 4; turns++) this.next()
  }

  /** 32 bits: mulberry32. */
  next (): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  /** From 0 to below `limit`. */
  below (limit: number): number {
    return this.next() % limit
  }

  between (least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  chance (probability: number): boolean {
    return this.next() < probability * 0x1_0000_0000
  }

  pick<T> (choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }

  /** One of `[weight, choice]`. */
  weighted<T> (choices: ReadonlyArray<readonly [number, T]>): T {
    let left = this.below(choices.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, choice] of choices) {
      left -= weight
      if (left < 0) return choice
    }
    return choices[0]![1]
  }

  bytes (length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    for (let at = 0; at < length; at++) bytes[at] = this.next()
    return bytes
  }

  shuffle<T> (items: T[]): T[] {
    for (let at = items.length - 1; at > 0; at--) {
      const other = this.below(at + 1)
      const item = items[at]!
      items[at] = items[other]!
      items[other] = item
    }
    return items
  }
}
