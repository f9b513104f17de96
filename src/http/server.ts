/**
 * Creates the listeners: the review listener speaks HTTP/2 and HTTP/1.1 over TLS
 * on one port, the admin listener plain HTTP/1.1, the listener of the sign-in
 * service HTTP/1.1, over TLS or behind reverse proxies. Only this file calls
 * Fastify(). The limits keep clients from holding memory or connections; those
 * that Node has no setting for are enforced by src/http/http-sessions.ts.
 */
import { createServer, type RequestListener, type Server } from 'node:http'
import { createSecureServer } from 'node:http2'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Config, ServerConfig } from '../../schemas/config.js'
import type { LoginConfig } from '../../schemas/login.js'
import { milliseconds } from '../authn/duration.js'
import type { ServingCertificate } from '../certificates/serving-certificate.js'
import { rejectConnection, rejectUrl } from './client-errors.js'
import { toFastifyServer, toHttp2Handler } from './fastify-types.js'
import { guardRequests, guardStreams } from './guard-streams.js'
import { LIMITS, type Limits } from './limits.js'
import { Rejections } from './rejections.js'

declare module 'fastify' {
  interface FastifyInstance {
    limits: Limits
    rejections: Rejections
  }
}

const MAX_HEADER_BYTES = 16_384
/**
 * Of the admin listener. Node parses at once all requests of the 64 KiB that it
 * reads from a connection, 1,500 if they are short, and keeps them until the next
 * turn; no setting bounds that, and every connection of the turn adds to it.
 */
const ADMIN_CONNECTIONS = 64
/** Of the sign-in service: its forms hold a name, a password and a few tokens. */
const LOGIN_BODY_BYTES = 16_384
/** HTTP/2 streams that a client may reset, beyond the burst. */
const RESETS_PER_SECOND = 33

export interface ReviewServerOptions {
  readonly config: Config
  readonly certificate: ServingCertificate
  /** For tests. */
  readonly limits?: Partial<Limits>
}

export function createReviewServer ({ config, certificate, limits: overrides }: ReviewServerOptions): FastifyInstance {
  const limits = { ...LIMITS, drain: milliseconds(config.server.timeout) + 2_000, ...overrides }
  const { perTrusted, perUntrusted, untrustedWindow } = limits.streams
  // An API server that gives up on all its reviews resets as many. Node's default of 1,000 lets a client fill the heap;
  // if strangers have sessions too, so do 256: streams of one turn are freed at its end, and one record of TLS has hundreds.
  // Without the admin listener, probes need sessions without a certificate
  const burst = config.tls.clientCAFile === undefined || config.admin === undefined ? perUntrusted : perTrusted
  const resets = { streamResetBurst: burst, streamResetRate: RESETS_PER_SECOND }
  return createFastify(config.server, limits, (handler, rejections) => {
    const listener = createSecureServer({
      ...certificate.secureOptions,
      allowHTTP1: true,
      // an HTTP/2 listener in any case, so that connections are tracked and drained in one way; it overrides ALPNProtocols
      ...!config.server.http2 && { ALPNCallback: onlyHttp1 },
      noDelay: true,
      handshakeTimeout: limits.handshake,
      ...resets,
      // Node advertises no limit of its own. Floods of resets, pings, settings,
      // CONTINUATION and rejected streams end a session by Node's defaults.
      settings: { maxConcurrentStreams: perUntrusted, initialWindowSize: untrustedWindow, maxHeaderListSize: MAX_HEADER_BYTES }
    })
    guardStreams(listener, toHttp2Handler(handler), rejections)
    return toFastifyServer(listener)
  })
}

export interface LoginServerOptions {
  readonly server: ServerConfig
  readonly login: LoginConfig
  /** Absent: plain HTTP for the trusted proxies. */
  readonly certificate: ServingCertificate | undefined
  /** For tests. */
  readonly limits?: Partial<Limits>
}

/** Addresses are those of people, if the peer is a trusted proxy that forwards them; anyone else's X-Forwarded-* are ignored. */
export function createLoginServer ({ server, login, certificate, limits: overrides }: LoginServerOptions): FastifyInstance {
  const limits = { ...LIMITS, drain: milliseconds(server.timeout) + 2_000, ...overrides }
  const config = { ...server, bodyLimit: LOGIN_BODY_BYTES }
  return createFastify(config, limits, (handler, rejections) => {
    if (certificate === undefined) return createPlainServer(handler, rejections)
    const listener = createSecureServer({
      ...certificate.secureOptions,
      allowHTTP1: true,
      ALPNCallback: onlyHttp1,
      noDelay: true,
      handshakeTimeout: limits.handshake
    })
    guardStreams(listener, toHttp2Handler(handler), rejections)
    return toFastifyServer(listener)
  }, login.trustedProxies ?? [])
}

/** @returns undefined, which ends the handshake, where a client offers no HTTP/1.1 */
function onlyHttp1 ({ protocols }: { protocols: string[] }): string | undefined {
  return protocols.find(protocol => protocol === 'http/1.1')
}

export function createAdminServer ({ server }: Config): FastifyInstance {
  return createFastify({ ...server, maxConnections: Math.min(server.maxConnections, ADMIN_CONNECTIONS) }, { ...LIMITS, drain: 1_000 }, createPlainServer)
}

function createPlainServer (handler: RequestListener, rejections: Rejections): Server {
  const listener = createServer({ noDelay: true })
  guardRequests(listener, handler, rejections)
  return listener
}

function createFastify (config: ServerConfig, limits: Limits, listen: (handler: RequestListener, rejections: Rejections) => Server, trustedProxies: readonly string[] = []): FastifyInstance {
  const rejections = new Rejections()
  const fastify = Fastify({
    // with a factory, Fastify sets no time limits of its own
    serverFactory: handler => {
      const listener = listen(handler, rejections)
      // as properties, before listening: Node 20 ignores them as options of an HTTP/2 listener
      return Object.assign(listener, {
        maxConnections: config.maxConnections,
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: limits.headers,
        requestTimeout: limits.request,
        keepAliveTimeout: limits.idle,
        connectionsCheckingInterval: limits.sweep
      })
    },
    // plugins/audit.ts and src/logger.ts write the log
    logger: false,
    bodyLimit: config.bodyLimit,
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    // requests that arrive while a connection drains are still answered
    return503OnClosing: false,
    exposeHeadRoutes: false,
    // providers have a deadline of their own, with a clearer message
    pluginTimeout: 0,
    // the schemas are ours, and a test validates them
    ajv: { customOptions: { validateSchema: false, coerceTypes: false, removeAdditional: false, useDefaults: false } },
    clientErrorHandler: (error, socket) => { rejectConnection(error, socket, rejections) },
    frameworkErrors: rejectUrl
  })
  // Fastify reads text/plain by default; a TokenReview is JSON
  fastify.removeContentTypeParser('text/plain')
  fastify.decorate('limits', limits)
  fastify.decorate('rejections', rejections)
  fastify.addHook('onSend', endLine)
  return fastify
}

/** Ends JSON with a line break, so that a terminal shows its prompt on the next line. */
function endLine (_request: FastifyRequest, _reply: FastifyReply, payload: unknown, done: (error: null, payload: unknown) => void): void {
  done(null, typeof payload === 'string' && payload.endsWith('}') ? `${payload}\n` : payload)
}
