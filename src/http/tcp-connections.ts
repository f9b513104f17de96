/**
 * Tracks every TCP connection of a listener from its first packet on, handshakes
 * included. A connection is trusted once its client has presented an accepted
 * credential; untrusted connections share a bounded part of the listener.
 */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { HttpSession } from './http-session.js'
import type { StreamLimits } from './limits.js'
import type { Rejections } from './rejections.js'
import { UntrustedConnections, type UntrustedConnection } from './untrusted-connections.js'

/** Result of checking a client certificate; `name` and `subject` are for the log. */
export type ClientCertificate =
  | { readonly accepted: true, readonly name: string }
  | { readonly accepted: false, readonly reason: string, readonly subject?: string | undefined }

export type CheckClientCertificate = (socket: TLSSocket) => ClientCertificate

export interface TcpConnection extends UntrustedConnection {
  readonly socket: Socket
  /** Number of client CAs that were replaced before its handshake. */
  readonly generation: number
  /** Set at the end of the handshake, if client certificates are required. */
  clientCertificate?: ClientCertificate
  session?: HttpSession
}

/** Share of the listener's connections that may be untrusted, and that one network may have of them. */
const UNTRUSTED_SHARE = 1 / 2
const NETWORK_SHARE = 1 / 4

export class TcpConnections {
  readonly #limits: StreamLimits
  readonly #rejections: Rejections
  readonly #connections = new Map<string, TcpConnection>()
  readonly #untrusted: UntrustedConnections
  #checkClientCertificate: CheckClientCertificate | undefined
  #generation = 0
  #streams = 0

  constructor (maxConnections: number, limits: StreamLimits, rejections: Rejections) {
    this.#limits = limits
    this.#rejections = rejections
    this.#untrusted = new UntrustedConnections({
      connections: atLeastOne(maxConnections * UNTRUSTED_SHARE),
      perNetwork: atLeastOne(maxConnections * NETWORK_SHARE),
      streams: limits.untrustedTotal,
      requestsPerTurn: limits.untrustedPerTurn
    }, ({ address }) => { rejections.connection('evicted', address) })
  }

  get size (): number {
    return this.#connections.size
  }

  get untrusted (): number {
    return this.#untrusted.size
  }

  accept (socket: Socket): TcpConnection {
    const connection: TcpConnection = {
      socket,
      address: socket.remoteAddress ?? '',
      generation: this.#generation,
      streams: 0,
      destroy () { setImmediate(() => { socket.destroy() }) },
      destroyUnread () { socket.destroy() }
    }
    const key = keyOf(socket)
    this.#connections.set(key, connection)
    this.#untrusted.add(connection)
    socket.once('close', () => {
      this.#connections.delete(key)
      this.#untrusted.delete(connection)
      // Node may not emit `close` for its streams
      this.#streams -= connection.streams
      connection.streams = 0
    })
    return connection
  }

  /** @param socket of TCP, or of TLS on top of it */
  find (socket: Socket): TcpConnection | undefined {
    return this.#connections.get(keyOf(socket))
  }

  /** From now on, only an accepted client certificate makes a connection trusted. */
  requireClientCertificate (check: CheckClientCertificate): void {
    this.#checkClientCertificate = check
  }

  /** Called at the end of a handshake. */
  checkClientCertificate (connection: TcpConnection, socket: TLSSocket): void {
    if (this.#checkClientCertificate === undefined) return
    connection.clientCertificate = this.#checkClientCertificate(socket)
    if (connection.clientCertificate.accepted) this.#untrusted.delete(connection)
  }

  /** A review that came over the connection ended in a user. @returns whether the connection is trusted for that */
  authenticated (connection: TcpConnection): boolean {
    if (this.#checkClientCertificate !== undefined) return false
    this.#untrusted.delete(connection)
    return true
  }

  /** The client CA was replaced: handshakes that have begun are checked against the old one. */
  expire (): void {
    this.#generation++
  }

  isExpired ({ generation }: TcpConnection): boolean {
    return generation !== this.#generation
  }

  /** @returns whether the stream may open; if not, an untrusted connection may have been evicted */
  openStream (connection: TcpConnection): boolean {
    this.#streams++
    connection.streams++
    if (this.#untrusted.openStream(connection) && this.#streams <= this.#limits.total) return true
    this.#rejections.request('too-many-streams', { peer: connection.address })
    return false
  }

  /** Of HTTP/1.1, which has no streams. */
  countRequest (connection: TcpConnection): void {
    this.#untrusted.countRequest(connection)
  }

  closeStream (connection: TcpConnection): void {
    if (connection.streams === 0) return
    this.#streams--
    connection.streams--
    this.#untrusted.closeStream(connection)
  }

  destroyAll (): void {
    for (const connection of this.#connections.values()) connection.destroy()
  }
}

/** Shared by a TCP socket and the TLS socket on top of it, which Node does not link in a documented way. */
function keyOf ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(' ')
}

function atLeastOne (count: number): number {
  return Math.max(Math.floor(count), 1)
}
