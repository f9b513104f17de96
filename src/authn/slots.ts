/** Places for work that runs at once, in a threadpool or a directory. */
import { UnavailableError } from '../errors.js'
import { Deadline } from './deadline.js'

// milliseconds; no hash takes as long: this check hangs in a network
const LONGEST_CHECK = 60_000

/** Places for checks that run, and a bounded queue for those that wait, first come, first served. */
export class Slots {
  readonly #maxConcurrent: number
  readonly #maxQueue: number
  readonly #queue = new Set<() => void>()
  #running = 0

  constructor (maxConcurrent: number, maxQueue: number) {
    this.#maxConcurrent = maxConcurrent
    this.#maxQueue = maxQueue
  }

  async run<T> (work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (signal.aborted) throw new UnavailableError('deadline')
    if (this.#running < this.#maxConcurrent) this.#running++
    else await this.#turn(signal)
    try {
      return await new Deadline(LONGEST_CHECK).race(work())
    } finally {
      this.#next()
    }
  }

  /** Resolves with a place, which is handed over, not given back. */
  async #turn (signal: AbortSignal): Promise<void> {
    if (this.#queue.size >= this.#maxQueue) throw new UnavailableError('busy')
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = (): void => {
        this.#queue.delete(enter)
        reject(new UnavailableError('deadline'))
      }
      this.#queue.add(enter)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  #next (): void {
    const [enter] = this.#queue
    if (enter === undefined) {
      this.#running--
    } else {
      this.#queue.delete(enter)
      enter()
    }
  }
}
