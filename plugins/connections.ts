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
import type { Http2SecureServer } from 'node:http2'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Limits } from '../src/server.js'
import { Http1Connection, Http2Connection, type Connection } from './connection.js'

declare module 'fastify' {
  interface FastifyInstance {
    connections: Connections
  }
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
