/** The connections of a listener, bounded, watched and drained by src/http. */
import type { Server } from 'node:http'
import type { Http2SecureServer } from 'node:http2'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Logger } from 'pino'
import { Admission } from '../src/http/admission.js'
import { Connections } from '../src/http/connections.js'
import { RejectionLog } from '../src/http/rejection-log.js'

declare module 'fastify' {
  interface FastifyInstance {
    admission: Admission
    connections: Connections
  }
}

export interface ConnectionsOptions {
  /** Milliseconds, ± 20 %; 0: never. */
  readonly maxConnectionAge: number
  readonly log: Pick<Logger, 'warn' | 'debug'>
  /** Whether the listener serves only clients whose certificate is accepted: no probes, no metrics. */
  readonly refuseStrangers?: boolean
}

async function connections (fastify: FastifyInstance, { maxConnectionAge, log, refuseStrangers = false }: ConnectionsOptions): Promise<void> {
  const { limits, rejections } = fastify
  // an HTTP/2 listener is not assignable to what Fastify's types expect
  const server = fastify.server as Server as unknown as Http2SecureServer
  const admission = new Admission({ maxConnections: server.maxConnections, streams: limits.streams, rejections, log })
  const tracked = new Connections({ server, limits, maxConnectionAge, admission, rejections, refuseStrangers })
  fastify.decorate('admission', admission)
  fastify.decorate('connections', tracked)
  const rejectionLog = new RejectionLog(log)
  rejections.onRequest = (reason, details) => { rejectionLog.note(reason, details) }
  const sweeper = setInterval(() => {
    tracked.sweep(performance.now())
    rejectionLog.flush(performance.now())
  }, limits.sweep).unref()
  // Fastify stops listening after this hook: what comes meanwhile is still answered
  fastify.addHook('preClose', async () => { await tracked.drain() })
  fastify.addHook('onClose', async () => { clearInterval(sweeper) })
}

export default fp(connections, { name: 'connections', decorators: { fastify: ['limits', 'rejections'] } })
