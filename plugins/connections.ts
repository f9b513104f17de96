/**
 * Connections of both protocols: how they grow old, how they are drained, and
 * the slow ones that no setting of Node's cuts.
 *
 * HTTP/2: GOAWAY, and the session ends with its last stream. Streams that cross
 * it on the wire are refused unseen, which tells clients to repeat them at once
 * on a new connection (RFC 9113, 6.8 and 8.7; Go's does). A first GOAWAY that
 * announces the second would only delay that: Node then ignores new streams
 * without a word. HTTP/1.1: `Connection: close` on the next reply, since a close
 * at any other time can cross a request.
 */
import type { Server, ServerResponse } from 'node:http'
import { constants, type Http2SecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Limits } from '../src/server.js'

declare module 'fastify' {
  interface FastifyInstance {
    connections: Connections
  }
}

interface Connection {
  /** Tells the other side to send no more here; ends when that is safe. */
  retire: () => void
  /** Ends as soon as nothing is in flight. */
  close: () => void
  /** Cuts what is too slow. */
  sweep: (now: number) => void
}

class Http2Connection implements Connection {
  readonly #session: ServerHttp2Session
  readonly #limits: Limits
  readonly #streams = new Map<ServerHttp2Stream, number>()
  #greeted = false
  /** Whether a request ever came; until then the client has less time. */
  #used = false
  #idleSince = performance.now()

  constructor (session: ServerHttp2Session, limits: Limits) {
    this.#session = session
    this.#limits = limits
    // the client's first SETTINGS are the end of its preface
    session.once('remoteSettings', () => { this.#greeted = true })
    session.on('stream', stream => { this.#track(stream) })
  }

  #track (stream: ServerHttp2Stream): void {
    this.#used = true
    this.#streams.set(stream, performance.now())
    stream.once('close', () => {
      this.#streams.delete(stream)
      this.#idleSince = performance.now()
    })
  }

  retire (): void {
    this.close()
  }

  close (): void {
    this.#session.close()
  }

  sweep (now: number): void {
    const { handshake, headers, request, idle, grace, drain } = this.#limits
    for (const [stream, since] of this.#streams) {
      const age = now - since
      // the second: an answer that the client's flow control never lets out
      if ((age > request && !stream.readableEnded) || age > request + drain) stream.close(constants.NGHTTP2_CANCEL)
    }
    if (this.#streams.size > 0) return
    const quiet = now - this.#idleSince
    if (!this.#greeted && quiet > handshake) this.#session.destroy()
    // half of a request's headers keep nghttp2 from ending a closed session
    else if (this.#session.closed && quiet > grace) this.#session.destroy()
    // headers in the making are seen by nobody but nghttp2: to us they are silence
    else if (quiet > (this.#used ? idle : headers)) this.close()
  }
}

class Http1Connection implements Connection {
  readonly #socket: TLSSocket
  readonly #responses = new Set<ServerResponse>()
  #retired = false
  #closing = false

  constructor (socket: TLSSocket) {
    this.#socket = socket
  }

  answer (response: ServerResponse): void {
    this.#responses.add(response)
    response.once('close', () => {
      this.#responses.delete(response)
      if (this.#closing) this.close()
    })
    if (this.#retired) response.setHeader('connection', 'close')
  }

  retire (): void {
    this.#retired = true
    const last = [...this.#responses].at(-1)
    // Node itself ends the socket after a reply with this header
    if (last?.headersSent === false) last.setHeader('connection', 'close')
  }

  close (): void {
    this.#closing = true
    this.retire()
    if (this.#responses.size === 0) this.#socket.destroySoon()
  }

  // Node's own time limits do that for HTTP/1.1
  sweep (): void {}
}

export class Connections {
  readonly #limits: Limits
  /** Milliseconds; 0: they don't grow old. */
  readonly #maxAge: number
  readonly #open = new Map<Connection, { retireAt: number }>()
  readonly #http1 = new WeakMap<Socket, Http1Connection>()
  /** Handshakes too. */
  readonly #sockets = new Set<Socket>()
  #draining = false

  constructor (server: Http2SecureServer, limits: Limits, maxAge: number) {
    this.#limits = limits
    this.#maxAge = maxAge
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => { this.#sockets.delete(socket) })
    })
    server.on('session', session => {
      const connection = new Http2Connection(session, limits)
      this.#add(connection)
      session.once('close', () => { this.#open.delete(connection) })
    })
    server.on('secureConnection', socket => {
      if (socket.alpnProtocol === 'h2') return
      const connection = new Http1Connection(socket)
      this.#http1.set(socket, connection)
      this.#add(connection)
      socket.once('close', () => { this.#open.delete(connection) })
    })
    // before Fastify's own listener, which may answer at once
    server.prependListener('request', (request, response) => {
      if (request.httpVersionMajor === 1) this.#http1.get(request.socket)?.answer(response as unknown as ServerResponse)
    })
  }

  #add (connection: Connection): void {
    const age = this.#maxAge * (0.8 + 0.4 * Math.random())
    this.#open.set(connection, { retireAt: age === 0 ? Infinity : performance.now() + age })
    // a handshake that ends during a drain brings the request that it was made for
    if (this.#draining) setTimeout(() => { connection.close() }, this.#limits.grace)
  }

  /** True from the start of a shutdown. */
  get draining (): boolean {
    return this.#draining
  }

  /** Connections beyond their handshake. */
  get open (): number {
    return this.#open.size
  }

  /** Drains every connection that is open now; new ones are welcome. */
  async retireAll (): Promise<void> {
    const connections = [...this.#open.keys()]
    for (const connection of connections) connection.retire()
    await delay(this.#limits.grace)
    for (const connection of connections) connection.close()
  }

  /** Drains for good. Whatever is still open at the end of the limit is cut. */
  async drain (): Promise<void> {
    this.#draining = true
    setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy()
    }, this.#limits.drain).unref()
    if (this.#open.size > 0) await this.retireAll()
  }

  sweep (now: number): void {
    for (const [connection, { retireAt }] of this.#open) {
      connection.sweep(now)
      if (now >= retireAt) connection.retire()
    }
  }
}

export interface ConnectionsOptions {
  /** Milliseconds, ± 20 %; 0: never. */
  readonly maxConnectionAge: number
}

async function connections (fastify: FastifyInstance, { maxConnectionAge }: ConnectionsOptions): Promise<void> {
  const server = fastify.server as Server as unknown as Http2SecureServer
  const tracked = new Connections(server, fastify.limits, maxConnectionAge)
  fastify.decorate('connections', tracked)
  const sweeper = setInterval(() => { tracked.sweep(performance.now()) }, fastify.limits.sweep).unref()
  // Fastify stops listening after this hook: what comes meanwhile is still answered
  fastify.addHook('preClose', async () => { await tracked.drain() })
  fastify.addHook('onClose', async () => { clearInterval(sweeper) })
}

export default fp(connections, { name: 'connections', decorators: { fastify: ['limits'] } })
