/**
 * A queue in which callers take turns, so that one with many requests does not
 * delay the others.
 */
export interface Waiter {
  readonly caller: string
  /** Takes no place: its turn ends at once. */
  readonly decoy: boolean
  /** Called when its turn has come. */
  readonly enter: () => void
  /** Called when it is evicted. */
  readonly refuse: () => void
}

interface Line {
  readonly waiters: Set<Waiter>
  /** Waiters that are not decoys. */
  length: number
}

export class FairQueue {
  /** In the order of the turns. */
  readonly #lines = new Map<string, Line>()
  #length = 0

  /** Waiters that will take a place. */
  get length (): number {
    return this.#length
  }

  add (waiter: Waiter): void {
    let line = this.#lines.get(waiter.caller)
    if (line === undefined) this.#lines.set(waiter.caller, line = { waiters: new Set(), length: 0 })
    line.waiters.add(waiter)
    if (waiter.decoy) return
    line.length++
    this.#length++
  }

  remove (waiter: Waiter): void {
    const line = this.#lines.get(waiter.caller)
    if (line?.waiters.delete(waiter) !== true) return
    if (line.waiters.size === 0) this.#lines.delete(waiter.caller)
    if (waiter.decoy) return
    line.length--
    this.#length--
  }

  /**
   * Admits the next waiter: of the caller whose turn it is, the first that takes
   * a place, and the decoys before it.
   * @returns whether the place is taken
   */
  next (): boolean {
    for (const [caller, line] of this.#lines) {
      for (const waiter of line.waiters) {
        this.remove(waiter)
        waiter.enter()
        if (waiter.decoy) continue
        // to the end of the turns
        if (this.#lines.delete(caller)) this.#lines.set(caller, line)
        return true
      }
    }
    return false
  }

  /** The caller with the most waiters, if it has at least two more than `caller`: it makes room for one more. */
  rivalOf (caller: string): string | undefined {
    let rival: string | undefined
    let longest = (this.#lines.get(caller)?.length ?? 0) + 1
    for (const [other, { length }] of this.#lines) {
      if (length > longest) [rival, longest] = [other, length]
    }
    return rival
  }

  /** Evicts the last waiter of a caller, and the decoys behind it: they must not fare better. */
  pushOut (caller: string): void {
    for (const waiter of [...this.#lines.get(caller)?.waiters ?? []].reverse()) {
      this.remove(waiter)
      waiter.refuse()
      if (!waiter.decoy) return
    }
  }
}
