/**
 * The hosts of one directory, and which of them are down. A host that failed is
 * probed in the background until it answers, so that it delays no review.
 */
import type { ProviderLog } from '../../../../src/authn/provider.js'
import type { Host } from './dial.js'

export interface HostsOptions {
  /** In order of preference. */
  readonly hosts: readonly Host[]
  /** Resolves if the host answers. */
  readonly probe: (host: Host, signal: AbortSignal) => Promise<void>
  readonly onLost: (host: Host) => void
  readonly log: ProviderLog
  /** Milliseconds. */
  readonly probeInterval?: number
}

const PROBE_INTERVAL = 5_000

export class Hosts {
  readonly #options: HostsOptions
  /** Hosts that are down, with the timers of their next probes. */
  readonly #down = new Map<Host, NodeJS.Timeout>()
  readonly #closing = new AbortController()

  constructor (options: HostsOptions) {
    this.#options = options
  }

  /** Hosts that are down come last, as a fallback. */
  inOrder (): Host[] {
    const { hosts } = this.#options
    return [...hosts.filter(host => !this.#down.has(host)), ...hosts.filter(host => this.#down.has(host))]
  }

  markDown (host: Host, error: Error): void {
    if (this.#down.has(host) || this.#closing.signal.aborted) return
    this.#options.log.warn({ host: host.name, reason: error.message }, 'lost connection to directory host; retrying')
    this.#scheduleProbe(host)
    this.#options.onLost(host)
  }

  close (): void {
    this.#closing.abort(new Error('closed'))
    for (const timer of this.#down.values()) clearTimeout(timer)
  }

  #scheduleProbe (host: Host): void {
    this.#down.set(host, setTimeout(() => { void this.#probe(host) }, this.#options.probeInterval ?? PROBE_INTERVAL).unref())
  }

  async #probe (host: Host): Promise<void> {
    const { log, probe } = this.#options
    try {
      await probe(host, this.#closing.signal)
    } catch {
      if (!this.#closing.signal.aborted) this.#scheduleProbe(host)
      return
    }
    this.#down.delete(host)
    log.info({ host: host.name }, 'directory host is reachable again')
  }
}
