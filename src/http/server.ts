/**
 * The two listeners, and the only place that calls Fastify(): the review
 * listener speaks HTTP/2 and HTTP/1.1 over TLS on one port, the admin listener
 * plain HTTP/1.1. Here are the limits that keep strangers from holding on to
 * memory or connections; what no setting of Node's limits is swept by
 * src/http/connections.ts.
 */
import { createServer, type RequestListener, type Server } from 'node:http'
import { createSecureServer } from 'node:http2'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Config, ServerConfig } from '../../schemas/config.js'
import { milliseconds } from '../authn/duration.js'
import type { ServingCertificate } from '../certificates/serving-certificate.js'
import { guardRequests, guardStreams, type Http2Handler } from './guard-streams.js'
import { LIMITS, type Limits } from './limits.js'
import { Rejections } from './rejections.js'
import { refuseConnection, refuseUrl } from './refusals.js'

declare module 'fastify' {
  interface FastifyInstance {
    limits: Limits
    /** What was refused before it became a review. */
    rejections: Rejections
  }
}

const MAX_HEADER_BYTES = 16_384
/** Of HTTP/2 streams, by a client, beyond the burst. */
const RESETS_PER_SECOND = 33

export interface ReviewServerOptions {
  readonly config: Config
  readonly certificate: ServingCertificate
  /** For tests, which can't wait. */
  readonly limits?: Partial<Limits>
}

export function createReviewServer ({ config, certificate, limits: overrides }: ReviewServerOptions): FastifyInstance {
  const limits = { ...LIMITS, drain: milliseconds(config.server.timeout) + 2_000, ...overrides }
  const rejections = new Rejections()
  // an API server that gives up on all its reviews resets as many; Node's default of 1,000 lets strangers fill the heap
  const resets = { streamResetBurst: limits.streams.perConnection, streamResetRate: RESETS_PER_SECOND }
  return createFastify(config.server, limits, rejections, handler => {
    const listener = createSecureServer({
      ...certificate.secureOptions,
      allowHTTP1: true,
      noDelay: true,
      handshakeTimeout: limits.handshake,
      ...resets,
      // Node advertises no limit of its own. Floods of resets, pings, settings,
      // CONTINUATION and rejected streams end a session by Node's defaults.
      settings: { maxConcurrentStreams: limits.streams.perUnproven, initialWindowSize: limits.streams.unprovenWindow, maxHeaderListSize: MAX_HEADER_BYTES }
    })
    guardStreams(listener, handler as unknown as Http2Handler, (reason, details) => { rejections.request(reason, details) })
    // an HTTP/2 listener is not assignable to what Fastify's types expect: cast once, here
    return listener as unknown as Server
  })
}

export function createAdminServer ({ server }: Config): FastifyInstance {
  const rejections = new Rejections()
  return createFastify(server, { ...LIMITS, drain: 1_000 }, rejections, handler => createServer({ noDelay: true }, guardRequests(handler, (reason, details) => { rejections.request(reason, details) })))
}

function createFastify (config: ServerConfig, limits: Limits, rejections: Rejections, listen: (handler: RequestListener) => Server): FastifyInstance {
  const fastify = Fastify({
    // with a factory Fastify sets no time limits of its own, and HTTP/2 and
    // HTTP/1.1 get the same ones
    serverFactory: handler => {
      const listener = listen(handler)
      listener.maxConnections = config.maxConnections
      limitHttp1(listener, limits)
      return listener
    },
    // audit, metrics and a pino of our own do the logging
    logger: false,
    bodyLimit: config.bodyLimit,
    // requests that arrive while a connection drains are still answered
    return503OnClosing: false,
    exposeHeadRoutes: false,
    // providers have a deadline of their own, with a clearer message
    pluginTimeout: 0,
    // the schemas are ours, and a test validates them
    ajv: { customOptions: { validateSchema: false, coerceTypes: false, removeAdditional: false, useDefaults: false } },
    clientErrorHandler: (error, socket) => { refuseConnection(error, socket, (reason, details) => { rejections.request(reason, details) }) },
    frameworkErrors: refuseUrl
  })
  // Fastify reads text/plain by default; a TokenReview is JSON
  fastify.removeContentTypeParser('text/plain')
  fastify.decorate('limits', limits)
  fastify.decorate('rejections', rejections)
  fastify.addHook('onSend', endLine)
  return fastify
}

/** JSON ends a line, so that a terminal shows its prompt on the next one. */
function endLine (_request: FastifyRequest, _reply: FastifyReply, payload: unknown, done: (error: null, payload: unknown) => void): void {
  done(null, typeof payload === 'string' && payload.endsWith('}') ? `${payload}\n` : payload)
}

/** As properties, before listening: Node 20 ignores them as options of an HTTP/2 listener. */
function limitHttp1 (listener: Server, { headers, request, idle, sweep }: Limits): void {
  Object.assign(listener, {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: headers,
    requestTimeout: request,
    keepAliveTimeout: idle,
    connectionsCheckingInterval: sweep
  })
}
