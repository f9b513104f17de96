/**
 * The two listeners, and the only place that calls Fastify(): the review
 * listener speaks HTTP/2 and HTTP/1.1 over TLS on one port, the admin listener
 * plain HTTP/1.1. Here are the limits that keep strangers from holding on to
 * memory or connections; what no setting of Node's limits is swept by
 * plugins/connections.ts.
 */
import { createServer, type RequestListener, type Server } from 'node:http'
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Config, ServerConfig } from '../schemas/config.js'
import { milliseconds } from './authn/duration.js'
import type { ServingCertificate } from './files/serving-certificate.js'
import { Http2Request, Http2Response } from './http2-exchange.js'
import { refuseConnection, refuseUrl } from './refusals.js'

declare module 'fastify' {
  interface FastifyInstance {
    limits: Limits
  }
}

/** How long others may take, in milliseconds. */
export interface Limits {
  /** From the TCP connection to the end of the TLS handshake; then once more to the end of the HTTP/2 preface. */
  readonly handshake: number
  /** To the end of a request's headers. */
  readonly headers: number
  /** To the end of a request's body. */
  readonly request: number
  /** Between two requests. Longer than the 90 s of Go's clients, so that they close first. */
  readonly idle: number
  /** Between two looks at all connections: how late the others may come. */
  readonly sweep: number
  /** In which a drain still takes what was on its way: requests over HTTP/1.1, new connections. */
  readonly grace: number
  /** From the start of a drain to the end of every connection. */
  readonly drain: number
}

const LIMITS: Omit<Limits, 'drain'> = {
  handshake: 10_000,
  headers: 10_000,
  request: 20_000,
  idle: 100_000,
  sweep: 1_000,
  grace: 200
}

const MAX_HEADER_BYTES = 16_384
/** The API server was seen to have 200 reviews in flight on one connection. */
const MAX_CONCURRENT_STREAMS = 256

export interface ReviewServerOptions {
  readonly config: Config
  readonly certificate: ServingCertificate
  /** For tests, which can't wait. */
  readonly limits?: Partial<Limits>
}

export function createReviewServer ({ config, certificate, limits: overrides }: ReviewServerOptions): FastifyInstance {
  const limits = { ...LIMITS, drain: milliseconds(config.server.timeout) + 2_000, ...overrides }
  const fastify = createFastify(config.server, limits, handler => {
    const listener = createSecureServer({
      ...certificate.secureOptions,
      allowHTTP1: true,
      // typed as classes of Node's, of which Fastify uses what these have
      Http2ServerRequest: Http2Request as unknown as typeof Http2ServerRequest,
      Http2ServerResponse: Http2Response as unknown as typeof Http2ServerResponse,
      noDelay: true,
      handshakeTimeout: limits.handshake,
      // Node advertises no limit of its own. Floods of resets, pings, settings,
      // CONTINUATION and rejected streams end a session by Node's defaults.
      settings: { maxConcurrentStreams: MAX_CONCURRENT_STREAMS, maxHeaderListSize: MAX_HEADER_BYTES }
    }, handler as unknown as (request: Http2ServerRequest, response: Http2ServerResponse) => void)
    // an HTTP/2 listener is not assignable to what Fastify's types expect: cast once, here
    return listener as unknown as Server
  })
  fastify.decorate('limits', limits)
  return fastify
}

export function createAdminServer ({ server }: Config): FastifyInstance {
  return createFastify(server, { ...LIMITS, drain: 0 }, handler => createServer({ noDelay: true }, handler))
}

function createFastify (config: ServerConfig, limits: Limits, listen: (handler: RequestListener) => Server): FastifyInstance {
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
    clientErrorHandler: refuseConnection,
    frameworkErrors: refuseUrl
  })
  // Fastify reads text/plain by default; a TokenReview is JSON
  fastify.removeContentTypeParser('text/plain')
  return fastify
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
