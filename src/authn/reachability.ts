/**
 * Whether a provider's source of identities is reachable, for readiness and
 * metrics. The endpoints are open to everyone, so at most one ping is under way,
 * and its result is shared for a while.
 */
import { Deadline } from './deadline.js'

export interface ReachabilityOptions {
  /** Rejects if the source is unreachable. */
  readonly ping: (signal: AbortSignal) => void | Promise<void>
  readonly onUnreachable: (error: unknown) => void
  /** Milliseconds that a caller waits for a ping. */
  readonly timeout?: number
  /** Milliseconds for which a result is shared. */
  readonly life?: number
  /** Milliseconds of a clock that is never set back. */
  readonly now?: () => number
}

/** A scrape of the metrics waits for it. */
const TIMEOUT = 2_000

/** Shorter than the usual interval between scrapes, which is 15 s or more. */
const LIFE = 5_000

export class Reachability {
  readonly #options: ReachabilityOptions
  readonly #timeout: number
  readonly #life: number
  readonly #now: () => number
  #last: { readonly reachable: boolean, readonly until: number } | undefined
  #current: Promise<boolean> | undefined
  /** A ping that ignores its signal continues after the timeout; no other one is sent meanwhile. */
  #pinging = false

  constructor (options: ReachabilityOptions) {
    const { timeout = TIMEOUT, life = LIFE, now = () => performance.now() } = options
    this.#options = options
    this.#timeout = timeout
    this.#life = life
    this.#now = now
  }

  async check (): Promise<boolean> {
    if (this.#last !== undefined && this.#now() < this.#last.until) return this.#last.reachable
    if (this.#current !== undefined) return await this.#current
    if (this.#pinging) return false
    this.#current = this.#measure()
    return await this.#current
  }

  async #measure (): Promise<boolean> {
    const reachable = await this.#ping()
    this.#last = { reachable, until: this.#now() + this.#life }
    this.#current = undefined
    return reachable
  }

  async #ping (): Promise<boolean> {
    const late = new AbortController()
    try {
      await new Deadline(this.#timeout).race(this.#send(late.signal))
      return true
    } catch (error) {
      late.abort(error)
      this.#options.onUnreachable(error)
      return false
    }
  }

  async #send (signal: AbortSignal): Promise<void> {
    this.#pinging = true
    try {
      await this.#options.ping(signal)
    } finally {
      this.#pinging = false
    }
  }
}
