/**
 * Bounds untrusted connections: their number, in total and per network, and
 * their open streams. A bound that is reached evicts the oldest connection: an
 * honest client has finished its handshake by then. If all places are taken, the
 * network that holds the most gives way first.
 *
 * Connections whose bytes arrive at the same time are read in the same turn of
 * the event loop, and a stream is not freed before its end, refused or not. So
 * there is a bound on the streams of a turn: beyond it, connections that it has
 * not read yet are evicted unread.
 */
import { networkOf } from './network.js'

export interface UntrustedLimits {
  readonly connections: number
  /** Per IPv4 address or IPv6 /64. */
  readonly perNetwork: number
  /** Open streams of all untrusted connections. */
  readonly streams: number
  /** Streams that all untrusted connections open in one turn of the event loop. */
  readonly streamsPerTurn: number
}

export interface UntrustedConnection {
  /** IP address of the client. */
  readonly address: string
  /** Number of open HTTP/2 streams. */
  streams: number
  /** On the next turn: its bytes may be being read. */
  readonly destroy: () => void
  /** At once, so that bytes which have arrived are not read. */
  readonly destroyUnread: () => void
}

/** Connections that an API server may open at once; a network with more is suspect. */
const MODEST = 16

export class UntrustedConnections {
  readonly #limits: UntrustedLimits
  readonly #onEvict: (connection: UntrustedConnection) => void
  /** The networks of the connections, the oldest first. */
  readonly #connections = new Map<UntrustedConnection, string>()
  /** Number of connections by network. */
  readonly #networks = new Map<string, number>()
  #streams = 0
  /** Those that have opened streams in this turn of the event loop. */
  readonly #readInTurn = new Set<UntrustedConnection>()
  #streamsInTurn = 0

  constructor (limits: UntrustedLimits, onEvict: (connection: UntrustedConnection) => void) {
    this.#limits = limits
    this.#onEvict = onEvict
  }

  get size (): number {
    return this.#connections.size
  }

  /** Adds a connection, and evicts another one if there is no room for it. */
  add (connection: UntrustedConnection): void {
    const network = networkOf(connection.address)
    if (this.#sizeOf(network) >= this.#limits.perNetwork) this.#evictOldestOf(network)
    else if (this.#connections.size >= this.#limits.connections) this.#evictOldestOf(largestNetwork(this.#networks))
    this.#connections.set(connection, network)
    this.#networks.set(network, this.#sizeOf(network) + 1)
  }

  /** Removes a connection that was closed or is trusted now. */
  delete (connection: UntrustedConnection): void {
    const network = this.#connections.get(connection)
    if (network === undefined) return
    this.#connections.delete(connection)
    this.#streams -= connection.streams
    if (this.#sizeOf(network) === 1) this.#networks.delete(network)
    else this.#networks.set(network, this.#sizeOf(network) - 1)
  }

  /** Called after `connection.streams` was incremented. @returns whether the stream may open; if not, the oldest connection with streams is evicted */
  openStream (connection: UntrustedConnection): boolean {
    const isUntrusted = this.#connections.has(connection)
    // one that was evicted in this turn is read to its end
    if (isUntrusted || this.#readInTurn.has(connection)) this.#boundTurn(connection)
    if (!isUntrusted) return true
    if (++this.#streams <= this.#limits.streams) return true
    this.#evictOldest(({ streams }) => streams > 0)
    return false
  }

  /** Called after `connection.streams` was decremented. */
  closeStream (connection: UntrustedConnection): void {
    if (this.#connections.has(connection)) this.#streams--
  }

  #boundTurn (connection: UntrustedConnection): void {
    if (this.#streamsInTurn === 0) setImmediate(() => { this.#endTurn() })
    this.#readInTurn.add(connection)
    if (++this.#streamsInTurn <= this.#limits.streamsPerTurn) return
    const isUnread = (other: UntrustedConnection): boolean => !this.#readInTurn.has(other)
    const unread = new Map<string, number>()
    for (const [other, network] of this.#connections) if (isUnread(other)) unread.set(network, (unread.get(network) ?? 0) + 1)
    this.#evictOldestOf(largestNetwork(unread), isUnread)
  }

  #endTurn (): void {
    this.#readInTurn.clear()
    this.#streamsInTurn = 0
  }

  #sizeOf (network: string): number {
    return this.#networks.get(network) ?? 0
  }

  /** @param network of the connection; `undefined`: any */
  #evictOldestOf (network: string | undefined, matches: (connection: UntrustedConnection) => boolean = () => true): void {
    this.#evictOldest(connection => (network === undefined || this.#connections.get(connection) === network) && matches(connection))
  }

  #evictOldest (matches: (connection: UntrustedConnection) => boolean): void {
    for (const connection of this.#connections.keys()) {
      if (!matches(connection)) continue
      this.delete(connection)
      this.#onEvict(connection)
      if (this.#readInTurn.has(connection)) connection.destroy()
      else connection.destroyUnread()
      return
    }
  }
}

/** @returns `undefined` if every network is modest. A walk over a few hundred networks takes less time than a handshake */
function largestNetwork (sizes: ReadonlyMap<string, number>): string | undefined {
  let largest: [network: string | undefined, size: number] = [undefined, MODEST]
  for (const network of sizes) if (network[1] > largest[1]) largest = network
  return largest[0]
}
