/**
 * The open HTTP sessions of a listener: their age, how they drain, and the slow
 * ones that no setting of Node's ends.
 *
 * HTTP/2 drains with one GOAWAY; the session ends with its last stream. Streams
 * that cross the GOAWAY are refused, which tells clients to retry them at once on
 * a new connection (RFC 9113, 6.8 and 8.7). HTTP/1.1 drains with `Connection:
 * close` on the next response, since a close at any other time can cross a request.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { HttpSession } from './http-session.js'
import type { Limits } from './limits.js'
import type { TcpConnection, TcpConnections } from './tcp-connections.js'

/** What requests of both protocols tell of their session. */
export interface RawRequest {
  readonly socket: object
  /** HTTP/2 only. */
  readonly stream?: { readonly session?: object | undefined }
}

interface OpenSession {
  readonly session: HttpSession
  readonly tcpConnection: TcpConnection
  readonly retireAt: number
}

export class HttpSessions {
  readonly #limits: Limits
  readonly #maxAge: number
  readonly #tcpConnections: TcpConnections
  /** By Node's HTTP/2 session or HTTP/1.1 socket. */
  readonly #open = new Map<object, OpenSession>()
  #closingAfterAnswers = false
  #draining = false

  /** @param maxAge milliseconds, ± 20 %; 0: unlimited */
  constructor (limits: Limits, maxAge: number, tcpConnections: TcpConnections) {
    this.#limits = limits
    this.#maxAge = maxAge
    this.#tcpConnections = tcpConnections
  }

  /** @param handle Node's HTTP/2 session or HTTP/1.1 socket, which closes with the session */
  add (session: HttpSession, handle: ServerHttp2Session | Socket, tcpConnection: TcpConnection): void {
    const age = this.#maxAge * (0.8 + 0.4 * Math.random())
    tcpConnection.session = session
    this.#open.set(handle, { session, tcpConnection, retireAt: age === 0 ? Infinity : performance.now() + age })
    // Node does not always close one with the other
    tcpConnection.socket.once('close', () => { this.#open.delete(handle) })
    handle.once('close', () => {
      this.#open.delete(handle)
      tcpConnection.destroy()
    })
    if (tcpConnection.clientCertificate?.accepted === true) session.reviewed?.()
    if (this.#closingAfterAnswers) session.closeAfterAnswer?.()
    if (this.#tcpConnections.isExpired(tcpConnection)) session.close()
    // a client that completes its handshake during a drain still has a request to send
    else if (this.#draining) setTimeout(() => { session.close() }, this.#limits.grace)
  }

  /** True from the start of a shutdown. */
  get draining (): boolean {
    return this.#draining
  }

  get size (): number {
    return this.#open.size
  }

  /** @returns `undefined` if the session is closed */
  sessionOf (request: RawRequest): HttpSession | undefined {
    return this.#find(request)?.session
  }

  /** @returns `undefined` if the session is closed */
  tcpConnectionOf (request: RawRequest): TcpConnection | undefined {
    return this.#find(request)?.tcpConnection
  }

  #find ({ socket, stream }: RawRequest): OpenSession | undefined {
    return this.#open.get(stream === undefined ? socket : stream.session ?? {})
  }

  /** Records a well-formed review, and whether it ended in a user. */
  reviewed (request: RawRequest, authenticated: boolean): void {
    const open = this.#find(request)
    if (open === undefined) return
    open.session.reviewed?.()
    if (authenticated && this.#tcpConnections.authenticated(open.tcpConnection)) open.session.trust?.()
  }

  /** Drains all open sessions, and handshakes that have begun as soon as they end: the client CA was replaced. */
  async renew (): Promise<void> {
    this.#tcpConnections.expire()
    await this.#retireAll()
  }

  async #retireAll (): Promise<void> {
    const sessions = [...this.#open.values()].map(({ session }) => session)
    for (const session of sessions) session.retire()
    await delay(this.#limits.grace)
    for (const session of sessions) session.close()
  }

  /**
   * From here on, HTTP/1.1 connections end with their next answer. Those that are still open when the drain begins have
   * been idle for a while, so that hardly any request crosses their close.
   */
  closeAfterAnswers (): void {
    this.#closingAfterAnswers = true
    for (const { session } of this.#open.values()) session.closeAfterAnswer?.()
  }

  /** Drains for a shutdown. What is still open after `limits.drain` is destroyed. */
  async drain (): Promise<void> {
    this.#draining = true
    setTimeout(() => { this.#tcpConnections.destroyAll() }, this.#limits.drain).unref()
    if (this.#open.size > 0) await this.#retireAll()
  }

  sweep (now: number): void {
    for (const { session, tcpConnection, retireAt } of this.#open.values()) {
      if (session.sweep(now)) tcpConnection.destroy()
      else if (now >= retireAt) session.retire()
    }
  }
}
