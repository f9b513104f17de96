/**
 * Answers every error with a Kubernetes `Status`, since the caller is a Kubernetes
 * client. A message names the invalid field or header and never repeats input.
 * Must be registered before any route.
 */
import fp from 'fastify-plugin'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { BodyTooLargeError, InvalidTokenReviewError, MalformedJsonError, NotJsonError, RouteNotFoundError, statusOf } from '../src/errors.js'
import type { Rejection } from '../src/http/rejections.js'

export interface ErrorHandlerOptions {
  readonly log: Logger
  /** Paths of this listener, for the message of a 404. */
  readonly paths: string
}

async function errorHandler (fastify: FastifyInstance, { log, paths }: ErrorHandlerOptions): Promise<void> {
  fastify.setNotFoundHandler(() => { throw new RouteNotFoundError(paths) })
  fastify.setErrorHandler((error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
    const known = knownError(error)
    if (known === undefined) {
      log.error({ err: error, method: request.method, route: request.routeOptions.url }, 'a request failed; this is a bug of authn-webhook')
    }
    // the metric of reviews counts overload
    if (known?.code !== 'AUTHN_OVERLOADED') reject(request, known)
    // Fastify closes the connection after a body that it rejects; HTTP/2 has no such header
    if (request.raw.httpVersionMajor === 2) reply.removeHeader('connection')
    const code = known?.statusCode ?? 500
    reply.code(code).type('application/json').send(statusOf(code, known?.message ?? 'internal error'))
  })
}

const REASONS: Record<string, Rejection> = {
  AUTHN_CLIENT_CERTIFICATE_REQUIRED: 'client-certificate',
  AUTHN_METHOD_NOT_ALLOWED: 'method',
  AUTHN_NOT_JSON: 'media-type',
  AUTHN_BODY_TOO_LARGE: 'too-large',
  AUTHN_NOT_FOUND: 'not-found'
}

function reject ({ server, raw, clientCertificateName }: FastifyRequest, known: FastifyError | undefined): void {
  server.rejections.request(known === undefined ? 'internal' : REASONS[known.code] ?? 'malformed', {
    peer: server.httpSessions.tcpConnectionOf(raw)?.address,
    clientCertificate: clientCertificateName ?? undefined,
    detail: known?.message
  })
}

/** @returns the error as one of src/errors.ts, whose message is safe to send; `undefined` for a bug */
function knownError (error: FastifyError): FastifyError | undefined {
  if (error.validation !== undefined) return new InvalidTokenReviewError(describe(error.validation[0]))
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE': return new NotJsonError()
    case 'FST_ERR_CTP_BODY_TOO_LARGE': return new BodyTooLargeError()
  }
  if (error.code?.startsWith('AUTHN_')) return error
  // Fastify's other errors: an empty body, bad JSON, a wrong content length, a URL that can't be decoded
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) return new MalformedJsonError()
  return undefined
}

type Violation = NonNullable<FastifyError['validation']>[number]

/** Every path is one of the schema's, not input: unknown properties are tolerated. */
function describe (violation: Violation | undefined): string {
  if (violation === undefined) return 'the body is not a TokenReview'
  const { keyword, instancePath, params } = violation
  const field = instancePath === '' ? 'the body' : instancePath.slice(1).replace(/\/(\d+)/g, '[$1]').replaceAll('/', '.')
  switch (keyword) {
    case 'required': return `${instancePath === '' ? '' : `${field}.`}${String(params.missingProperty)} is missing`
    case 'type': return `${field} must be ${article(String(params.type))}`
    case 'enum': return `${field} must be one of ${(params.allowedValues as string[]).join(', ')}`
    case 'const': return `${field} must be ${String(params.allowedValue)}`
    case 'pattern': return `${field} must not be empty`
    default: return `${field} is not valid`
  }
}

function article (type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`
}

export default fp(errorHandler, { name: 'error-handler', dependencies: ['draining'], decorators: { fastify: ['httpSessions', 'rejections'] } })
