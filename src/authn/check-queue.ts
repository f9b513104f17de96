/**
 * Bounds the password checks that run at once, in a threadpool or a directory,
 * and those that wait.
 *
 * A name that no account has is checked against nothing. Its decoy has to take
 * as long as an account's check would, and must cost the accounts nothing: it
 * waits in the same queue for the same turn, takes no place there, and then
 * sleeps for as long as checks take. One at a time, where a place is free, is
 * computed for real.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { UnavailableError } from '../errors.js'
import { CheckTimes } from './check-times.js'
import { Deadline } from './deadline.js'
import { FairQueue } from './fair-queue.js'

export type Check = () => Promise<boolean>

/** Who asks. */
export interface Asker {
  readonly signal: AbortSignal
  /** Callers share the queue evenly. */
  readonly caller: string
}

export interface CheckQueueOptions {
  readonly maxConcurrent: number
  /** Accounts' checks that wait. */
  readonly maxQueue: number
  /** Milliseconds; for tests. */
  readonly sleep?: (milliseconds: number) => Promise<unknown>
}

// milliseconds; no hash takes as long: this check hangs in a network
const LONGEST_CHECK = 60_000

/** Decoys that wait or sleep. Each is little more than a timer. */
const MAX_DECOYS = 1024

export class CheckQueue {
  readonly #maxConcurrent: number
  readonly #maxQueue: number
  readonly #sleep: (milliseconds: number) => Promise<unknown>
  readonly #queue = new FairQueue()
  readonly #times = new CheckTimes()
  #running = 0
  #decoys = 0
  #decoyRuns = false

  constructor ({ maxConcurrent, maxQueue, sleep: pause = sleep }: CheckQueueOptions) {
    this.#maxConcurrent = maxConcurrent
    this.#maxQueue = maxQueue
    this.#sleep = pause
  }

  /** @throws UnavailableError `busy`, or `deadline` if `signal` aborts before its turn */
  async run (check: Check, asker: Asker): Promise<boolean> {
    if (asker.signal.aborted) throw new UnavailableError('deadline')
    if (this.#running < this.#maxConcurrent) {
      this.#running++
    } else {
      if (this.#queue.length >= this.#maxQueue) this.#queue.pushOut(this.#rivalOf(asker))
      await this.#turn(asker, false)
    }
    return await this.#inPlace(check)
  }

  /**
   * Takes as long as `run` would, and fails as it would.
   * @param decoy what costs as much as a check, if there is anything of the kind
   */
  async spend (decoy: Check | undefined, asker: Asker): Promise<void> {
    const time = this.#times.draw()
    if (decoy !== undefined && time === undefined) {
      // nobody knows yet how long
      await this.run(decoy, asker)
      return
    }
    if (asker.signal.aborted) throw new UnavailableError('deadline')
    if (this.#decoys >= MAX_DECOYS) throw new UnavailableError('busy')
    this.#decoys++
    try {
      await this.#pretend(decoy, asker)
    } finally {
      this.#decoys--
    }
  }

  async #pretend (decoy: Check | undefined, asker: Asker): Promise<void> {
    if (this.#running < this.#maxConcurrent) {
      if (decoy !== undefined && !this.#decoyRuns) {
        await this.#compute(decoy)
        return
      }
    } else {
      if (this.#queue.length >= this.#maxQueue) this.#rivalOf(asker)
      await this.#turn(asker, true)
    }
    // as a check that runs, it heeds no signal: who leaves early has made a guess all the same
    await this.#sleep(this.#times.draw() ?? 0)
  }

  async #compute (decoy: Check): Promise<void> {
    this.#running++
    this.#decoyRuns = true
    try {
      await this.#inPlace(decoy)
    } finally {
      this.#decoyRuns = false
    }
  }

  async #inPlace (check: Check): Promise<boolean> {
    try {
      const started = performance.now()
      const right = await new Deadline(LONGEST_CHECK).race(check())
      this.#times.record(right, performance.now() - started)
      return right
    } finally {
      // a place is handed over rather than given back
      if (!this.#queue.next()) this.#running--
    }
  }

  #rivalOf ({ caller }: Asker): string {
    const rival = this.#queue.rivalOf(caller)
    if (rival === undefined) throw new UnavailableError('busy')
    return rival
  }

  async #turn ({ signal, caller }: Asker, decoy: boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        this.#queue.remove(waiter)
        reject(new UnavailableError('deadline'))
      }
      const waiter = {
        caller,
        decoy,
        enter () {
          signal.removeEventListener('abort', leave)
          resolve()
        },
        refuse () {
          signal.removeEventListener('abort', leave)
          reject(new UnavailableError('busy'))
        }
      }
      this.#queue.add(waiter)
      signal.addEventListener('abort', leave, { once: true })
    })
  }
}
