/**
 * The sign-in service over HTTP. The OpenID provider reads its requests itself, in
 * a scope that parses no body; our own pages are in a scope for forms. Whatever
 * Host or X-Forwarded-* a request has, the URLs of answers are those of the
 * issuer, and the address is the one that a trusted proxy vouches for.
 */
import type { IncomingMessage } from 'node:http'
import formbody from '@fastify/formbody'
import rateLimit from '@fastify/rate-limit'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Answer, BrowserRequest } from '../src/login/answer.js'
import { TEMPORARILY_UNAVAILABLE, translateOutage } from '../src/login/errors.js'
import { ERRORS } from '../src/login/pages/texts.js'
import { downloadKubeconfig, showClient, showHome, submitHomePassword } from '../src/login/home.js'
import { showInteraction, submitConsent, submitPassword } from '../src/login/interactions.js'
import { openLogin, type Login, type LoginOptions } from '../src/login/login.js'
import type { Asset } from '../src/login/pages/assets.js'
import type { ErrorModel } from '../src/login/pages/models.js'
import type { SigningKeys } from '../src/session-keys/signing-keys.js'
import { SECURITY_HEADERS, policyFor } from '../src/login/security-headers.js'

declare module 'fastify' {
  interface FastifyInstance {
    signingKeys: SigningKeys
  }
}

export interface LoginPluginOptions extends Omit<LoginOptions, 'isThrottled'> {
  /** Files of the pages, by their path below the issuer. Their names change with their content. */
  readonly assets: ReadonlyMap<string, Asset>
}

/** What the OpenID provider may be asked; other paths and methods are not its. */
const PROVIDER_ROUTES: ReadonlyArray<readonly ['GET' | 'POST' | 'OPTIONS', string]> = [
  ['GET', '/.well-known/openid-configuration'], ['OPTIONS', '/.well-known/openid-configuration'],
  ['GET', '/.well-known/oauth-authorization-server'], ['OPTIONS', '/.well-known/oauth-authorization-server'],
  ['GET', '/jwks'], ['OPTIONS', '/jwks'],
  ['GET', '/auth'], ['GET', '/auth/:uid'],
  ['POST', '/token'],
  ['GET', '/session/end'], ['POST', '/session/end/confirm'], ['GET', '/session/end/success']
]

/** Those that start a sign-in. */
const STARTS = ['/auth', '/device/auth']
/** More than a person needs, since a browser starts over, and fewer than fill the store. */
const STARTED_PER_ATTEMPT = 5
/** Of `state`, `nonce` and the rest of an authorization request, which the store keeps. */
const MAX_URL_BYTES = 4_096

/** If a client uses the device flow. */
const DEVICE_ROUTES: typeof PROVIDER_ROUTES = [['POST', '/device/auth'], ['GET', '/device'], ['POST', '/device'], ['GET', '/device/:uid']]

async function login (fastify: FastifyInstance, { assets, ...options }: LoginPluginOptions): Promise<void> {
  await fastify.register(rateLimit, { global: false })
  // by address, and by /64 of IPv6
  const limitTo = (max: number): (request: FastifyRequest) => Promise<boolean> => {
    const count = fastify.createRateLimit({ max, timeWindow: '1 minute', ipv6Subnet: 64 })
    return async request => {
      const limit = await count(request)
      return !limit.isAllowed && limit.isExceeded
    }
  }
  const isGuessing = limitTo(options.config.maxAttemptsPerMinute)
  const isFlooding = limitTo(options.config.maxAttemptsPerMinute * STARTED_PER_ATTEMPT)
  // the OpenID provider knows Node's request alone
  const requests = new WeakMap<IncomingMessage, FastifyRequest>()
  const isThrottled = async (request: IncomingMessage): Promise<boolean> => await isGuessing(requests.get(request)!)
  const service = await openLogin({ ...options, isThrottled })

  const issuer = new URL(options.config.issuer)
  fastify.addHook('onRequest', async (request, { raw }) => {
    const { ip } = request
    requests.set(request.raw, request)
    // connections of proxies are kept
    if (ip !== request.socket.remoteAddress) fastify.httpSessions.reviewed(request.raw, true)
    Object.assign(request.raw.headers, { 'x-forwarded-for': ip, 'x-forwarded-host': issuer.host, 'x-forwarded-proto': 'https' })
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) raw.setHeader(name, value)
  })
  fastify.setNotFoundHandler((request, reply) => {
    fastify.rejections.request('not-found', { peer: request.ip })
    sendError(service, request, reply, 404, ERRORS.notFound, 'the sign-in service has no such endpoint, or it is switched off')
  })
  fastify.setErrorHandler((error: FastifyError, request, reply) => { handleError(service, options, error, request, reply) })
  await fastify.register(async scope => { mountProvider(scope, service, isFlooding) })
  await fastify.register(async scope => {
    scope.removeAllContentTypeParsers()
    await scope.register(formbody)
    mountPages(scope, service, assets)
  })
}

/** @param isFlooding whether the address of a request starts too many sign-ins, each of which the store keeps for minutes */
function mountProvider (scope: FastifyInstance, service: Login, isFlooding: (request: FastifyRequest) => Promise<boolean>): void {
  const { base, config, pages, isThrottled } = service
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_request, _payload, done) => { done(null) })
  const devices = config.clients.some(({ grants }) => grants.includes('deviceCode'))
  for (const [method, path] of devices ? [...PROVIDER_ROUTES, ...DEVICE_ROUTES] : PROVIDER_ROUTES) {
    scope.route({
      method,
      url: `${base}${path}`,
      async onRequest (request, reply) {
        if (request.url.length > MAX_URL_BYTES) sendError(service, request, reply, 414, ERRORS.invalidRequest, `the URL is longer than ${MAX_URL_BYTES} bytes`)
        else if (isUnbounded(request, scope.initialConfig.bodyLimit!)) sendError(service, request, reply, 413, ERRORS.internal, 'the request is too large, or does not tell its length')
        else if (STARTS.includes(path) && await isFlooding(request)) sendError(service, request, reply, 429, ERRORS.throttled, 'too many sign-ins were started from this address; try again later')
        else if (method === 'POST' && path === '/device' && await isThrottled(request.raw)) sendPage(reply, { status: 429, html: pages.error(ERRORS.throttled) })
        if (reply.sent) return reply
      },
      async handler ({ raw }, reply) {
        reply.hijack()
        // a request target can be a whole URL (RFC 9112, 3.2.2)
        const { pathname, search } = new URL(raw.url ?? '/', config.issuer)
        raw.url = `${pathname.slice(base.length)}${search}`
        await service.handle(raw, reply.raw)
      }
    })
  }
}

/** The OpenID provider reads more than this listener allows, so the length must be known. */
function isUnbounded ({ headers }: FastifyRequest, limit: number): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > limit
}

function mountPages (scope: FastifyInstance, service: Login, assets: LoginPluginOptions['assets']): void {
  const { base } = service
  const page = (method: 'GET' | 'POST', path: string, answer: (request: BrowserRequest, params: Record<string, string>) => Promise<Answer>): void => {
    scope.route({
      method,
      url: `${base}${path}`,
      async handler (request, reply) { return sendAnswer(reply, await answer(browserRequest(request, reply), request.params as Record<string, string>)) }
    })
  }
  page('GET', '/', async request => await showHome(service, request))
  if (base !== '') page('GET', '', async () => ({ location: `${base}/` }))
  page('GET', '/sign-in', async () => ({ location: `${base}/` }))
  page('POST', '/sign-in', async request => await submitHomePassword(service, request))
  page('GET', '/clients/:id', async (request, { id }) => await showClient(service, id!, request))
  page('GET', '/clients/:id/kubeconfig/:variant', async (request, { id, variant }) => await downloadKubeconfig(service, id!, variant!, request))
  page('GET', '/interaction/:uid', async (request, { uid }) => await showInteraction(service, uid!, request))
  page('POST', '/interaction/:uid/login', async (request, { uid }) => await submitPassword(service, uid!, request))
  page('POST', '/interaction/:uid/consent', async (request, { uid }) => await submitConsent(service, uid!, request))
  for (const [path, { type, body }] of assets) {
    scope.get(`${base}${path}`, (_request, reply) => { reply.type(type).header('cache-control', 'public, max-age=31536000, immutable').send(body) })
  }
}

function browserRequest ({ raw, ip, body }: FastifyRequest, reply: FastifyReply): BrowserRequest {
  return { request: raw, response: reply.raw, address: ip, fields: body as Record<string, unknown> | undefined ?? {} }
}

function sendAnswer (reply: FastifyReply, answer: Answer): FastifyReply {
  if ('location' in answer) return reply.redirect(answer.location, 303)
  if ('html' in answer) return sendPage(reply, answer)
  return reply.type('application/yaml').header('content-disposition', `attachment; filename="${answer.fileName}"`).send(answer.text)
}

function sendPage (reply: FastifyReply, { status, html, formAction }: { status: number, html: string, formAction?: string | undefined }): FastifyReply {
  return reply.code(status).header('content-security-policy', policyFor(formAction)).type('text/html; charset=utf-8').send(html)
}

function handleError (service: Login, { log }: Pick<LoginOptions, 'log'>, error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const { server } = request
  const known = translateOutage(service.library, error)
  if (known instanceof service.library.errors.TemporarilyUnavailable) {
    sendError(service, request, reply, 503, ERRORS.unavailable)
  } else if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    server.rejections.request(error.statusCode === 413 ? 'too-large' : 'malformed', { peer: request.ip })
    sendError(service, request, reply, error.statusCode, ERRORS.internal, 'the request is malformed or too large')
  } else {
    log.error({ err: error, method: request.method, route: request.routeOptions.url }, 'a sign-in request failed; this is a bug of authn-webhook')
    sendError(service, request, reply, 500, ERRORS.internal)
  }
}

/** A page for a browser that shows one, an OAuth error for clients. */
function sendError ({ pages }: Login, { method, headers }: FastifyRequest, reply: FastifyReply, status: number, model: ErrorModel, description = ''): void {
  const form = headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true
  if ((method === 'GET' || form) && headers.accept?.includes('text/html') === true) {
    sendPage(reply, { status, html: pages.error(model) })
    return
  }
  const body = status === 503 ? TEMPORARILY_UNAVAILABLE : { error: status === 500 ? 'server_error' : 'invalid_request', error_description: description }
  reply.code(status).type('application/json').send(body)
}

export default fp(login, { name: 'login', dependencies: ['draining'], decorators: { fastify: ['httpSessions', 'rejections'] } })
