/**
 * Bounds what connections may hold that have not shown an accepted credential:
 * how many there are, how many of them come from one network, and how many
 * streams they have open. A bound that is reached evicts the oldest: a client
 * that means well is through with its handshake by the time its turn comes. If
 * they come faster than that, the network that holds the most gives way first.
 * Connections that have proved themselves are not in here, and never evicted.
 */
import { networkOf } from './network.js'

export interface UnprovenLimits {
  readonly connections: number
  /** Of one IPv4 address or one IPv6 /64. */
  readonly perNetwork: number
  /** Open streams of all of them. */
  readonly streams: number
}

/** What the bounds need to know of a connection. */
export interface Unproven {
  /** IP address of the other side. */
  readonly address: string
  readonly evict: () => void
}

interface Entry {
  readonly network: string
  streams: number
}

/** What an API server may open at once without being taken for the one that fills the listener. */
const MODEST = 16

export class UnprovenConnections {
  readonly #limits: UnprovenLimits
  readonly #onEvict: (connection: Unproven) => void
  /** The oldest first. */
  readonly #entries = new Map<Unproven, Entry>()
  /** Connections of each network. */
  readonly #networks = new Map<string, number>()
  #streams = 0

  constructor (limits: UnprovenLimits, onEvict: (connection: Unproven) => void) {
    this.#limits = limits
    this.#onEvict = onEvict
  }

  get size (): number {
    return this.#entries.size
  }

  /** Takes a connection in, and evicts another one where there is no room for it. */
  add (connection: Unproven): void {
    const network = networkOf(connection.address)
    if (this.#sizeOf(network) >= this.#limits.perNetwork) this.#evictOldest(entry => entry.network === network)
    else if (this.#entries.size >= this.#limits.connections) this.#makeRoom()
    this.#entries.set(connection, { network, streams: 0 })
    this.#networks.set(network, this.#sizeOf(network) + 1)
  }

  /** It is closed, or has proved itself. */
  delete (connection: Unproven): void {
    const entry = this.#entries.get(connection)
    if (entry === undefined) return
    const { network, streams } = entry
    this.#entries.delete(connection)
    this.#streams -= streams
    if (this.#sizeOf(network) === 1) this.#networks.delete(network)
    else this.#networks.set(network, this.#sizeOf(network) - 1)
  }

  /** @returns whether there is room for the stream; if not, the oldest connection with streams makes room for others */
  openStream (connection: Unproven): boolean {
    this.#changeStreams(connection, 1)
    if (this.#streams <= this.#limits.streams || !this.#entries.has(connection)) return true
    this.#evictOldest(({ streams }) => streams > 0)
    return false
  }

  closeStream (connection: Unproven): void {
    this.#changeStreams(connection, -1)
  }

  #changeStreams (connection: Unproven, change: number): void {
    const entry = this.#entries.get(connection)
    if (entry === undefined) return
    entry.streams += change
    this.#streams += change
  }

  #sizeOf (network: string): number {
    return this.#networks.get(network) ?? 0
  }

  /** A walk over a few hundred networks: less than the handshake that comes with it. */
  #makeRoom (): void {
    let [largest, size] = ['', MODEST]
    for (const network of this.#networks) if (network[1] > size) [largest, size] = network
    this.#evictOldest(entry => size === MODEST || entry.network === largest)
  }

  #evictOldest (matches: (entry: Entry) => boolean): void {
    for (const [connection, entry] of this.#entries) {
      if (!matches(entry)) continue
      this.delete(connection)
      this.#onEvict(connection)
      connection.evict()
      return
    }
  }
}
