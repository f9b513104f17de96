/**
 * The hosts of one directory, and which of them are well. One that failed is
 * asked again in the background until it answers, so that a dead first host
 * costs the next review nothing.
 */
import type { ProviderLog } from '../../../../src/authn/provider.js'
import type { Host } from './dial.js'

export interface HostsOptions {
  /** In the order of preference. */
  readonly hosts: readonly Host[]
  /** Resolves once the host has answered something. */
  readonly probe: (host: Host, signal: AbortSignal) => Promise<void>
  readonly onLost: (host: Host) => void
  readonly log: ProviderLog
  /** Milliseconds between two probes of one host. */
  readonly probeInterval?: number
}

const PAUSE = 5_000

export class Hosts {
  readonly #options: HostsOptions
  readonly #pause: number
  /** Those that failed, and the timers of their next probes. */
  readonly #ill = new Map<Host, NodeJS.Timeout>()
  readonly #closing = new AbortController()

  constructor (options: HostsOptions) {
    this.#options = options
    this.#pause = options.probeInterval ?? PAUSE
  }

  /** The well ones first; the others too, for want of a better one. */
  inOrder (): Host[] {
    const { hosts } = this.#options
    return [...hosts.filter(host => !this.#ill.has(host)), ...hosts.filter(host => this.#ill.has(host))]
  }

  markDown (host: Host, error: Error): void {
    if (this.#ill.has(host) || this.#closing.signal.aborted) return
    this.#options.log.warn({ host: host.name, reason: error.message }, 'a directory host is lost; asked again in the background')
    this.#probeLater(host)
    this.#options.onLost(host)
  }

  markUp (host: Host): void {
    if (!this.#ill.has(host)) return
    clearTimeout(this.#ill.get(host))
    this.#ill.delete(host)
    this.#options.log.info({ host: host.name }, 'a directory host answers again')
  }

  close (): void {
    this.#closing.abort(new Error('closed'))
    for (const timer of this.#ill.values()) clearTimeout(timer)
  }

  #probeLater (host: Host): void {
    this.#ill.set(host, setTimeout(async () => { await this.#probe(host) }, this.#pause).unref())
  }

  async #probe (host: Host): Promise<void> {
    try {
      await this.#options.probe(host, this.#closing.signal)
      this.markUp(host)
    } catch {
      if (this.#ill.has(host) && !this.#closing.signal.aborted) this.#probeLater(host)
    }
  }
}
