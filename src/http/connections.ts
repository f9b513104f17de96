/**
 * The connections of a listener beyond their handshake: how they grow old, how
 * they are drained, and the slow ones that no setting of Node's cuts.
 *
 * HTTP/2: GOAWAY, and the session ends with its last stream. Streams that cross
 * it on the wire are refused unseen, which tells clients to repeat them at once
 * on a new connection (RFC 9113, 6.8 and 8.7; Go's does). A first GOAWAY that
 * announces the second would only delay that: Node then ignores new streams
 * without a word. HTTP/1.1: `Connection: close` on the next reply, since a close
 * at any other time can cross a request.
 */
import type { ServerResponse } from 'node:http'
import { constants, type Http2SecureServer, type ServerHttp2Session, type Settings } from 'node:http2'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Server as TlsServer, type TLSSocket } from 'node:tls'
import { statusOf } from '../errors.js'
import { isAccepted, type Accepted, type Admission, type ClientVerdict } from './admission.js'
import type { Connection, StreamObserver } from './connection.js'
import { Http1Connection } from './http1-connection.js'
import { Http2Connection } from './http2-connection.js'
import type { Limits } from './limits.js'
import { RefusedHttp2Connection } from './refused-http2-connection.js'
import type { Rejections } from './rejections.js'

/** What the requests of both protocols have of their connection. */
export interface RawRequest {
  readonly socket: object
  /** HTTP/2 alone has one. */
  readonly stream?: { readonly session?: object | undefined }
}

export interface ConnectionsOptions {
  readonly server: Http2SecureServer
  readonly limits: Limits
  /** Milliseconds, ± 20 %; 0: connections don't grow old. */
  readonly maxConnectionAge: number
  readonly admission: Admission
  readonly rejections: Rejections
  /** Whether the listener serves only clients whose certificate is accepted. */
  readonly refuseStrangers: boolean
}

interface Open {
  readonly accepted: Accepted
  readonly retireAt: number
}

export class Connections {
  readonly #limits: Limits
  readonly #maxAge: number
  readonly #admission: Admission
  readonly #rejections: Rejections
  readonly #refuseStrangers: boolean
  readonly #open = new Map<Connection, Open>()
  /** By HTTP/2 session and HTTP/1.1 socket. */
  readonly #connections = new WeakMap<object, Connection>()
  readonly #byAccepted = new WeakMap<Accepted, Connection>()
  #draining = false

  constructor ({ server, limits, maxConnectionAge, admission, rejections, refuseStrangers }: ConnectionsOptions) {
    this.#limits = limits
    this.#maxAge = maxConnectionAge
    this.#admission = admission
    this.#rejections = rejections
    this.#refuseStrangers = refuseStrangers
    this.#listen(server)
  }

  #listen (server: Http2SecureServer): void {
    server.on('drop', data => { this.#admission.drop('full', data?.remoteAddress) })
    server.on('connection', socket => {
      const accepted = this.#admission.accept(socket)
      // Node does not always close what is layered on it
      socket.once('close', () => { this.#forget(accepted) })
      if (!(server instanceof TlsServer)) this.#addHttp1(socket, accepted)
    })
    server.on('session', session => { this.#addHttp2(session) })
    // in the place of Node's listener, which makes an HTTP/2 session or an HTTP/1.1 parser of the socket
    const listeners = server.listeners('secureConnection')
    server.removeAllListeners('secureConnection')
    server.on('secureConnection', socket => {
      if (!this.#isWelcome(server, socket)) return
      for (const listener of listeners) listener.call(server, socket)
      const accepted = this.#admission.find(socket)
      if (accepted !== undefined && !this.#byAccepted.has(accepted)) this.#addHttp1(socket, accepted)
    })
    // before Fastify's own listener, which may answer at once
    server.prependListener('request', (request, response) => {
      const connection = this.#of(request)
      if (connection instanceof Http1Connection) connection.answer(response as unknown as ServerResponse)
    })
  }

  /** Judges a handshake, and decides on whether and how HTTP/2 is spoken. */
  #isWelcome (server: Http2SecureServer, socket: TLSSocket): boolean {
    const accepted = this.#admission.find(socket)
    if (accepted === undefined) {
      // closed while it shook hands
      socket.destroy()
      return false
    }
    this.#admission.judge(accepted, socket)
    const { verdict } = accepted
    server.updateSettings(this.#settingsFor(verdict))
    if (!this.#refuseStrangers || socket.alpnProtocol !== 'h2' || verdict === undefined || isAccepted(verdict)) return true
    const rejection = { peer: accepted.address, clientCertificate: verdict.shown, detail: verdict.refusal }
    const refusal = { code: 401, body: JSON.stringify(statusOf(401, verdict.refusal)), onRefused: () => { this.#rejections.request('client-certificate', rejection) } }
    this.#add(new RefusedHttp2Connection(socket, this.#limits, refusal), socket, accepted)
    return false
  }

  #settingsFor (verdict: ClientVerdict | undefined): Settings {
    const { perConnection, perUnproven, perStranger, window, unprovenWindow } = this.#limits.streams
    if (isAccepted(verdict)) return { maxConcurrentStreams: perConnection, initialWindowSize: window }
    return { maxConcurrentStreams: verdict === undefined ? perUnproven : perStranger, initialWindowSize: unprovenWindow }
  }

  #addHttp1 (socket: Socket, accepted: Accepted): void {
    const connection = new Http1Connection(socket, this.#limits, { stalled: () => { this.#rejections.request('stalled', { peer: accepted.address }) } })
    this.#add(connection, socket, accepted)
  }

  #addHttp2 (session: ServerHttp2Session): void {
    const accepted = this.#admission.find(session.socket)
    if (accepted === undefined) session.destroy()
    else this.#add(new Http2Connection(session, this.#limits, this.#streamObserver(accepted)), session, accepted)
  }

  /** @param holder closes with it: an HTTP/2 session or an HTTP/1.1 socket */
  #add (connection: Connection, holder: ServerHttp2Session | Socket, accepted: Accepted): void {
    const age = this.#maxAge * (0.8 + 0.4 * Math.random())
    this.#connections.set(holder, connection)
    this.#byAccepted.set(accepted, connection)
    this.#open.set(connection, { accepted, retireAt: age === 0 ? Infinity : performance.now() + age })
    holder.once('close', () => {
      this.#open.delete(connection)
      // nor the socket beneath
      accepted.evict()
    })
    if (isAccepted(accepted.verdict)) connection.reviewed()
    if (this.#admission.isStale(accepted)) connection.close()
    // a handshake that ends during a drain brings the request that it was made for
    else if (this.#draining) setTimeout(() => { connection.close() }, this.#limits.grace)
  }

  #forget (accepted: Accepted): void {
    const connection = this.#byAccepted.get(accepted)
    if (connection !== undefined) this.#open.delete(connection)
  }

  #streamObserver (accepted: Accepted): StreamObserver {
    return {
      opened: stream => {
        // unseen, so that the client may repeat it (RFC 9113, 8.7)
        if (!this.#admission.openStream(accepted)) stream.close(constants.NGHTTP2_REFUSED_STREAM)
      },
      closed: () => { this.#admission.closeStream(accepted) },
      stalled: () => { this.#rejections.request('stalled', { peer: accepted.address }) }
    }
  }

  /** True from the start of a shutdown. */
  get draining (): boolean {
    return this.#draining
  }

  /** Connections beyond their handshake. */
  get open (): number {
    return this.#open.size
  }

  /** Of the handshake that a request's connection began with; `undefined` once the connection is closed. */
  verdictOn (request: RawRequest): ClientVerdict | undefined {
    const connection = this.#of(request)
    return connection && this.#open.get(connection)?.accepted.verdict
  }

  /** Address of the other side; `undefined` once the connection is closed. */
  peerOf (request: RawRequest): string | undefined {
    const connection = this.#of(request)
    return connection && this.#open.get(connection)?.accepted.address
  }

  /** A well-formed review came over this connection. If nothing else can, one that ended in a user proves it. */
  reviewed (request: RawRequest, authenticated: boolean): void {
    const connection = this.#of(request)
    const open = connection && this.#open.get(connection)
    if (open === undefined) return
    connection!.reviewed()
    if (!authenticated || this.#admission.judges) return
    this.#admission.prove(open.accepted)
    connection!.grow()
  }

  #of ({ socket, stream }: RawRequest): Connection | undefined {
    const holder = stream === undefined ? socket : stream.session
    return holder && this.#connections.get(holder)
  }

  /**
   * Drains every connection that is open now, and those whose handshake has
   * begun as soon as it ends: what clients are checked against has changed.
   */
  async renew (): Promise<void> {
    this.#admission.renew()
    await this.#retireAll()
  }

  async #retireAll (): Promise<void> {
    const connections = [...this.#open.keys()]
    for (const connection of connections) connection.retire()
    await delay(this.#limits.grace)
    for (const connection of connections) connection.close()
  }

  /** Drains for good. Whatever is still open at the end of the limit is cut. */
  async drain (): Promise<void> {
    this.#draining = true
    setTimeout(() => { this.#admission.cut() }, this.#limits.drain).unref()
    if (this.#open.size > 0) await this.#retireAll()
  }

  sweep (now: number): void {
    this.#admission.sweep(now)
    for (const [connection, { accepted, retireAt }] of this.#open) {
      if (connection.sweep(now)) accepted.evict()
      else if (now >= retireAt) connection.retire()
    }
  }
}
