/**
 * Bounds the password checks that run at once, in a threadpool or a directory,
 * and those that wait.
 *
 * A name without an account gets a decoy, which must take as long as the check
 * of an account without delaying one. It waits its turn in the same queue but
 * does not count towards its limit, and then sleeps for as long as checks take.
 * At most one decoy at a time really computes a hash, and only if a place is free.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { UnavailableError } from '../errors.js'
import { CheckTimes } from './check-times.js'
import { Deadline } from './deadline.js'
import { FairQueue } from './fair-queue.js'
import type { CheckOutcome } from './provider.js'

export type PasswordCheck = () => Promise<CheckOutcome>

export interface Asker {
  readonly signal: AbortSignal
  /** Callers share the queue evenly. */
  readonly caller: string
}

export interface CheckQueueOptions {
  readonly maxConcurrent: number
  /** Checks that wait. */
  readonly maxQueue: number
  /** Milliseconds; for tests. */
  readonly sleep?: (milliseconds: number) => Promise<unknown>
}

// milliseconds; no hash takes this long: the check is stuck on the network
const LONGEST_CHECK = 60_000

/** Decoys that wait or sleep at once. Each is little more than a timer. */
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
  async run (check: PasswordCheck, asker: Asker): Promise<CheckOutcome> {
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
   * @param decoy costs as much as a check; by default the time of recent checks passes
   */
  async spend (decoy: PasswordCheck | undefined, asker: Asker): Promise<void> {
    const time = this.#times.draw()
    if (decoy !== undefined && time === undefined) {
      // how long checks take is not known yet
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

  async #pretend (decoy: PasswordCheck | undefined, asker: Asker): Promise<void> {
    if (this.#running < this.#maxConcurrent) {
      if (decoy !== undefined && !this.#decoyRuns) {
        await this.#compute(decoy)
        return
      }
    } else {
      if (this.#queue.length >= this.#maxQueue) this.#rivalOf(asker)
      await this.#turn(asker, true)
    }
    // like a running check, it ignores the signal: a caller that leaves early has still made a guess
    await this.#sleep(this.#times.draw() ?? 0)
  }

  async #compute (decoy: PasswordCheck): Promise<void> {
    this.#running++
    this.#decoyRuns = true
    try {
      await this.#inPlace(decoy)
    } finally {
      this.#decoyRuns = false
    }
  }

  async #inPlace (check: PasswordCheck): Promise<CheckOutcome> {
    try {
      const started = performance.now()
      const outcome = await new Deadline(LONGEST_CHECK).race(check())
      this.#times.record(outcome, performance.now() - started)
      return outcome
    } finally {
      // the place is handed over to the next one, if any waits
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
