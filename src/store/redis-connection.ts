/**
 * The connection to Redis: opened in the background, with a time limit on each
 * command, and replaced if it stays broken. Tells the log once for each problem.
 */
import type { ProviderLog } from '../authn/provider.js'
import { Deadline } from '../authn/deadline.js'
import { describeProblem, NoAnswerError } from './redis-problem.js'
import type { RedisClient } from './redis-client.js'
import { StoreUnavailableError } from './store.js'

export interface RedisConnectionOptions {
  /** Makes a client that is not connected yet. */
  readonly createClient: () => RedisClient
  /** Host and port, for errors and the log. */
  readonly address: string
  /** Keys to try what the service needs with; in a cluster, some of each node. */
  readonly probes: readonly string[]
  /** Of each command, in milliseconds. */
  readonly timeout: number
  readonly log: ProviderLog
}

/** Milliseconds between probes while Redis is unavailable: three quarters to all of it. */
const PROBE_INTERVAL = 1_000
/** Milliseconds after which a client that stays broken is replaced. */
const REPLACE_AFTER = 10_000
/** Milliseconds until a replacement is ready. */
const OPEN_TIMEOUT = 5_000

export class RedisConnection {
  readonly #options: RedisConnectionOptions
  #client: RedisClient
  #replacedAt = performance.now()
  #available = false
  /** Since Redis was last available. */
  readonly #logged = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #probing: Promise<void> | undefined
  #closed = false

  /** @throws Error as `createClient` */
  constructor (options: RedisConnectionOptions) {
    this.#options = options
    this.#client = options.createClient()
    this.#watch(this.#client)
    this.#client.connect().then(() => { void this.#probe() }, error => { this.#report(error) })
    this.#scheduleProbe()
  }

  /** Whether it is worth a try. */
  get available (): boolean {
    return this.#available
  }

  /**
   * @param limit milliseconds, if less than the timeout: a slow answer alone does not make Redis unavailable
   * @throws StoreUnavailableError
   */
  async run<T> (command: (client: RedisClient) => Promise<T>, limit = this.#options.timeout): Promise<T> {
    try {
      return await new Deadline(limit).race(command(this.#client), () => new NoAnswerError(limit))
    } catch (error) {
      if (error instanceof NoAnswerError && limit < this.#options.timeout) void this.#probe()
      else this.#report(error)
      throw new StoreUnavailableError(`redis ${this.#options.address} ${describeProblem(error) ?? 'is unavailable'}`)
    }
  }

  /** @throws StoreUnavailableError if Redis does not do all that the service needs */
  async ping (): Promise<void> {
    const { probes } = this.#options
    await this.run(async client => await Promise.all(probes.map(async key => await client.probe(key))))
  }

  close (): void {
    this.#closed = true
    this.#available = false
    clearTimeout(this.#timer)
    this.#client.destroy()
  }

  #watch (client: RedisClient): void {
    const report = (error: unknown): void => { this.#report(error) }
    client.on('error', report)
    // of one node of a cluster
    client.on('node-error', report)
    client.on('ready', () => { void this.#probe() })
  }

  #report (error: unknown): void {
    const problem = describeProblem(error)
    if (problem === undefined || this.#closed) return
    this.#available = false
    this.#scheduleProbe()
    if (this.#logged.has(problem)) return
    this.#logged.add(problem)
    this.#options.log.error({ store: this.#options.address, reason: `redis ${problem}` }, 'store is unavailable')
  }

  #scheduleProbe (): void {
    if (this.#closed) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#probe()
    }, PROBE_INTERVAL * (0.75 + Math.random() / 4)).unref()
  }

  /** One at a time. Resolves in any case. */
  async #probe (): Promise<void> {
    if (this.#closed) return
    this.#probing ??= this.#probeOnce().finally(() => { this.#probing = undefined })
    await this.#probing
  }

  async #probeOnce (): Promise<void> {
    try {
      await this.ping()
    } catch {
      this.#available = false
      await this.#replaceIfBroken()
      this.#scheduleProbe()
      return
    }
    if (this.#closed) return
    this.#available = true
    if (this.#logged.size > 0) this.#options.log.info({ store: this.#options.address }, 'store is available again')
    this.#logged.clear()
  }

  /** A client reconnects by itself, but does not notice a host that is gone without a word, and that of a cluster gives up at its start. */
  async #replaceIfBroken (): Promise<void> {
    if (this.#closed || (this.#client.isOpen && performance.now() - this.#replacedAt < REPLACE_AFTER)) return
    this.#replacedAt = performance.now()
    let next: RedisClient | undefined
    try {
      next = this.#options.createClient()
      this.#watch(next)
      await new Deadline(OPEN_TIMEOUT).race(next.connect(), () => new NoAnswerError(OPEN_TIMEOUT))
    } catch (error) {
      this.#report(error)
      next?.destroy()
      return
    }
    const previous = this.#closed ? next : this.#client
    if (!this.#closed) this.#client = next
    previous.destroy()
  }
}
