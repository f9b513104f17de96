/**
 * Cases against the running service, many at a time. After each batch the
 * service has to be well; where it isn't, the case that made it unwell is
 * looked for.
 */
import { closeSync, fstatSync, openSync, readSync, truncateSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { startAttacked, type Attacked } from '../fixtures/attacked.js'
import { holdsNoSecret, Violation } from './answers.js'
import { Connector } from './connect.js'
import { Random } from './random.js'

/** Runs one case and gives its number of inputs. @throws Violation */
export type RunCase = (random: Random, connector: Connector) => Promise<number>

export interface Goal {
  readonly seed: number
  readonly seconds: number
  readonly inputs: number
  /** Plays these alone. */
  readonly cases: { readonly first: number, readonly last: number } | undefined
  /** The Node that runs the service. */
  readonly node: string
  readonly wildSessions: boolean
}

/** A rule that was broken, and by what. */
export interface Failure {
  readonly message: string
  /** Absent where no case alone does it again. */
  readonly number: number | undefined
  /** Absent where cases can't be played apart. */
  readonly range: readonly [first: number, last: number] | undefined
}

export interface Result {
  readonly inputs: number
  readonly failure?: Failure | undefined
  readonly comment: string
}

/** Milliseconds after which a line is surely in the log of a process that has the time. */
const LOG_DELAY = 30
const BATCH = 200
const WORKERS = 24
const MIB = 1_048_576
/** Of the resident memory from the first quarter to the last: the heap breathes within it. */
const GROWTH_MIB = 64
/** Milliseconds after the last client left in which every connection has to be gone; the service lets none be idle for longer than 100 s. */
const GONE = 150_000
/** File descriptors that a process may have more than when it began: watched folders, threads of the pool. */
const SPARE_FILES = 16

export async function fuzzService (id: number, runCase: RunCase, goal: Goal): Promise<Result> {
  const stops: Array<() => unknown> = []
  const start = async (): Promise<Attacked> => await startAttacked({ teardown: (stop: () => unknown) => { stops.push(stop) } }, { node: goal.node, passwordCost: 10 })
  try {
    return await new ServiceTarget(id, runCase, goal, start).run()
  } finally {
    for (const stop of stops) await stop()
  }
}

class ServiceTarget {
  readonly #id: number
  readonly #runCase: RunCase
  readonly #goal: Goal
  readonly #start: () => Promise<Attacked>
  readonly #memory: number[] = []

  constructor (id: number, runCase: RunCase, goal: Goal, start: () => Promise<Attacked>) {
    this.#id = id
    this.#runCase = runCase
    this.#goal = goal
    this.#start = start
  }

  async run (): Promise<Result> {
    const { seconds, inputs: most, cases } = this.#goal
    const service = await this.#start()
    await service.look()
    const files = service.openFiles()
    const began = performance.now()
    let inputs = 0
    let next = cases?.first ?? 0
    const last = cases?.last ?? Infinity
    while (next <= last && inputs < most && performance.now() - began < seconds * 1000) {
      const range = [next, Math.min(next + BATCH - 1, last)] as const
      const { done, violation } = await this.#batch(service, range)
      inputs += done
      const message = await this.#unwell(service) ?? violation?.message
      if (message !== undefined) return { inputs, failure: await this.#blame(message, violation?.number, range, service.alive), comment: '' }
      next = range[1] + 1
    }
    const elapsed = performance.now() - began
    const grown = growth(this.#memory)
    if (grown > GROWTH_MIB * MIB) return { inputs, failure: { message: `its memory grew by ${Math.round(grown / MIB)} MiB from the first quarter to the last`, number: undefined, range: [0, next - 1] }, comment: '' }
    const left = await this.#lingering(service, files)
    if (left > 0) return { inputs, failure: { message: `${left} connections are still open ${GONE / 1000} s after their clients left`, number: undefined, range: [0, next - 1] }, comment: '' }
    const rate = Math.round(inputs / elapsed * 1000)
    return { inputs, comment: `${next - (cases?.first ?? 0)} cases, ${rate} inputs/s, ${Math.round(Math.max(...this.#memory) / MIB)} MiB at most` }
  }

  async #batch (service: Attacked, [first, last]: readonly [number, number]): Promise<{ done: number, violation?: { number: number, message: string } }> {
    const connector = new Connector(service, this.#goal)
    let next = first
    let done = 0
    let violation: { number: number, message: string } | undefined
    const work = async (): Promise<void> => {
      while (next <= last && violation === undefined) {
        const number = next++
        try {
          const inputs = await this.#runCase(this.#randomOf(number), connector)
          done += inputs
        } catch (error) {
          if (!(error instanceof Violation)) throw error
          violation = { number, message: error.message }
        }
      }
    }
    await Promise.all(Array.from({ length: WORKERS }, work))
    return { done, ...violation && { violation } }
  }

  #randomOf (number: number): Random {
    return new Random(this.#goal.seed, this.#id, number)
  }

  async #unwell (service: Attacked): Promise<string | undefined> {
    const { errors, memory } = await service.look()
    if (errors.length > 0) return errors.join('; ')
    this.#memory.push(memory.resident)
    try {
      readLog(service)
    } catch (error) {
      return (error as Error).message
    }
    return undefined
  }

  /** How many connections nobody ends. */
  async #lingering (service: Attacked, before: number): Promise<number> {
    const started = performance.now()
    for (;;) {
      const left = service.openFiles() - before - SPARE_FILES
      if (left <= 0 || performance.now() - started > GONE) return Math.max(left, 0)
      await delay(100)
    }
  }

  /** A case whose answer broke a rule is known; where the process suffered, each is played alone, on a new one where the last has ended. */
  async #blame (message: string, number: number | undefined, [first, last]: readonly [number, number], alive: boolean): Promise<Failure> {
    const range = [first, last] as const
    if (alive && number !== undefined) return { message, number, range }
    let service = await this.#start()
    for (let candidate = first; candidate <= last; candidate++) {
      // what is raised on the way is a consequence
      await this.#runCase(this.#randomOf(candidate), new Connector(service, this.#goal)).catch(() => {})
      await delay(LOG_DELAY)
      const { errors } = await service.look()
      if (errors.length > 0) return { message: errors.join('; '), number: candidate, range }
      if (!service.alive) service = await this.#start()
    }
    return { message, number: undefined, range }
  }
}

const LOG_LIMIT = 8 * MIB

/** Searches the log for secrets, and empties it when it is long: a million reviews write 300 MB. */
function readLog ({ logFile }: Attacked): void {
  const file = openSync(logFile, 'r')
  try {
    const { size } = fstatSync(file)
    const bytes = Buffer.alloc(size)
    const length = readSync(file, bytes, 0, size, 0)
    holdsNoSecret(bytes.toString('latin1', 0, length), 'the log')
    if (size > LOG_LIMIT) truncateSync(logFile)
  } finally {
    closeSync(file)
  }
}

/** Of the median, in bytes. */
function growth (samples: readonly number[]): number {
  const quarter = Math.floor(samples.length / 4)
  return quarter === 0 ? 0 : median(samples.slice(-quarter)) - median(samples.slice(0, quarter))
}

function median (values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}
