/** Tracks the connections and HTTP sessions of a listener, enforces their limits, and drains them on close. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Logger } from 'pino'
import { listenerOf } from '../src/http/fastify-types.js'
import { HttpSessions } from '../src/http/http-sessions.js'
import { RejectionLog } from '../src/http/rejection-log.js'
import { TcpConnections } from '../src/http/tcp-connections.js'
import { trackSessions } from '../src/http/track-sessions.js'

declare module 'fastify' {
  interface FastifyInstance {
    tcpConnections: TcpConnections
    httpSessions: HttpSessions
  }
}

export interface DrainingOptions {
  /** Milliseconds, ± 20 %; 0: unlimited. */
  readonly maxConnectionAge: number
  readonly log: Pick<Logger, 'warn' | 'debug'>
  /** Whether clients without an accepted certificate may use no route at all: probes and metrics are on another listener. */
  readonly clientCertificateOnly?: boolean
}

async function draining (fastify: FastifyInstance, { maxConnectionAge, log, clientCertificateOnly = false }: DrainingOptions): Promise<void> {
  const { limits, rejections } = fastify
  const server = listenerOf(fastify)
  const tcpConnections = new TcpConnections(server.maxConnections, limits.streams, rejections)
  const httpSessions = new HttpSessions(limits, maxConnectionAge, tcpConnections)
  trackSessions({ server, limits, tcpConnections, httpSessions, rejections, clientCertificateOnly })
  fastify.decorate('tcpConnections', tcpConnections)
  fastify.decorate('httpSessions', httpSessions)
  const rejectionLog = new RejectionLog(log)
  rejections.log = rejectionLog
  const sweeper = setInterval(() => {
    httpSessions.sweep(performance.now())
    rejectionLog.flush(performance.now())
  }, limits.sweep).unref()
  // Fastify stops listening after this hook: requests that arrive meanwhile are still answered
  fastify.addHook('preClose', async () => { await httpSessions.drain() })
  fastify.addHook('onClose', async () => { clearInterval(sweeper) })
}

export default fp(draining, { name: 'draining', decorators: { fastify: ['limits', 'rejections'] } })
