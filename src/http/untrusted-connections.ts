/**
 * Bounds untrusted connections: their number, in total and per network, and
 * their open streams. A bound that is reached evicts a connection of the network
 * that holds the most: of connections the oldest, since an honest client has
 * finished its handshake by then.
 *
 * Connections whose bytes arrive at the same time are read in the same turn of
 * the event loop, and a request is not freed before its end, refused or not. So
 * there is a bound on the requests of a turn: beyond it, what a network that
 * still sends has not been read of is evicted unread.
 */
import { networkOf } from './network.js'

export interface UntrustedLimits {
  readonly connections: number
  /** Per IPv4 address or IPv6 /64. */
  readonly perNetwork: number
  /** Open streams of all untrusted connections. */
  readonly streams: number
  /** Requests, streams or not, of all untrusted connections in one turn of the event loop. */
  readonly requestsPerTurn: number
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
/** Streams of the network that holds most of them, to those of the one that needs another. */
const DOMINANT = 2
/** Times {@link UntrustedLimits.requestsPerTurn}: so many networks send at once that each connection is one of them. */
const EMERGENCY = 8

export class UntrustedConnections {
  readonly #limits: UntrustedLimits
  readonly #onEvict: (connection: UntrustedConnection) => void
  /** The networks of the connections, the oldest first. */
  readonly #connections = new Map<UntrustedConnection, string>()
  /** Number of connections by network. */
  readonly #networks = new Map<string, number>()
  #streams = 0
  /** Those that have been read in this turn of the event loop. */
  readonly #readInTurn = new Set<UntrustedConnection>()
  #requestsInTurn = 0

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
    else if (this.#connections.size >= this.#limits.connections) this.#evictOldestOf(largestOf(this.#networks, Math.min(MODEST, this.#limits.perNetwork / 4)))
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

  /** Called after `connection.streams` was incremented. @returns whether the stream may open; if not, another connection may have been evicted */
  openStream (connection: UntrustedConnection): boolean {
    this.countRequest(connection)
    if (!this.#connections.has(connection)) return true
    if (++this.#streams <= this.#limits.streams) return true
    this.#evictDominant(networkOf(connection.address))
    return false
  }

  /** Called after `connection.streams` was decremented. */
  closeStream (connection: UntrustedConnection): void {
    if (this.#connections.has(connection)) this.#streams--
  }

  /** Called for each request, before it is answered. */
  countRequest (connection: UntrustedConnection): void {
    // one that was evicted in this turn is read to its end
    if (!this.#connections.has(connection) && !this.#readInTurn.has(connection)) return
    if (this.#requestsInTurn === 0) setImmediate(() => { this.#endTurn() })
    this.#readInTurn.add(connection)
    const excess = ++this.#requestsInTurn / this.#limits.requestsPerTurn
    if (excess > EMERGENCY) this.#evictUnread(() => true)
    else if (excess > 1) this.#evictUnread(network => network === networkOf(connection.address))
  }

  #evictUnread (matches: (network: string) => boolean): void {
    for (const [connection, network] of this.#connections) if (!this.#readInTurn.has(connection) && matches(network)) this.#evict(connection)
  }

  #endTurn (): void {
    this.#readInTurn.clear()
    this.#requestsInTurn = 0
  }

  /** Evicts where most streams are, unless `network` itself has about as many: in a burst of honest clients, some wait for the others. */
  #evictDominant (network: string): void {
    const streams = new Map<string, number>()
    for (const [connection, other] of this.#connections) streams.set(other, (streams.get(other) ?? 0) + connection.streams)
    const dominant = largestOf(streams, DOMINANT * (streams.get(network) ?? 0))
    if (dominant === undefined) return
    const connection = largestOf(new Map([...this.#connections].flatMap(([connection, other]) => other === dominant ? [[connection, connection.streams]] : [])))
    if (connection !== undefined) this.#evict(connection)
  }

  #sizeOf (network: string): number {
    return this.#networks.get(network) ?? 0
  }

  /** @param network `undefined`: any */
  #evictOldestOf (network: string | undefined): void {
    for (const [connection, other] of this.#connections) if (network === undefined || other === network) return this.#evict(connection)
  }

  #evict (connection: UntrustedConnection): void {
    this.delete(connection)
    this.#onEvict(connection)
    if (this.#readInTurn.has(connection)) connection.destroy()
    else connection.destroyUnread()
  }
}

/** The first of those with most, and more than `bound`. A walk over a few hundred takes less time than a handshake. */
function largestOf<Key> (sizes: ReadonlyMap<Key, number>, bound = 0): Key | undefined {
  let largest: Key | undefined
  let most = bound
  for (const [key, size] of sizes) if (size > most) [largest, most] = [key, size]
  return largest
}
