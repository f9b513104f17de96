/**
 * Bounds what connections may hold that have not shown an accepted credential:
 * how many there are, how many of them come from one network, and how many
 * streams they have open. A bound that is reached evicts the oldest: a client
 * that means well is through with its handshake by the time its turn comes.
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

export class UnprovenConnections {
  readonly #limits: UnprovenLimits
  readonly #onEvict: (connection: Unproven) => void
  /** The oldest first. */
  readonly #entries = new Map<Unproven, Entry>()
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
    const isNeighbour = (entry: Entry): boolean => entry.network === network
    if (this.#count(isNeighbour) >= this.#limits.perNetwork) this.#evictOldest(isNeighbour)
    else if (this.#entries.size >= this.#limits.connections) this.#evictOldest(() => true)
    this.#entries.set(connection, { network, streams: 0 })
  }

  /** It is closed, or has proved itself. */
  delete (connection: Unproven): void {
    this.#streams -= this.#entries.get(connection)?.streams ?? 0
    this.#entries.delete(connection)
  }

  openStream (connection: Unproven): void {
    this.#changeStreams(connection, 1)
    if (this.#streams > this.#limits.streams) this.#evictOldest(({ streams }) => streams > 0)
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

  /** A walk over a few hundred entries: less than the handshake that comes with it. */
  #count (matches: (entry: Entry) => boolean): number {
    let count = 0
    for (const entry of this.#entries.values()) if (matches(entry)) count++
    return count
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
