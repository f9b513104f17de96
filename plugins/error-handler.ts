/**
 * Every refusal as a Kubernetes `Status`, since the caller is a Kubernetes
 * client. A message names the field or the header at fault and never repeats
 * input. Has to be registered first: routes keep the handler that they found.
 */
import fp from 'fastify-plugin'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { BodyTooLargeError, InvalidTokenReviewError, MalformedJsonError, NotJsonError, RouteNotFoundError, statusOf } from '../src/errors.js'
import type { Rejection, RejectionDetails } from '../src/http/rejections.js'

export interface ErrorHandlerOptions {
  readonly log: Logger
  /** What to ask this listener for instead of a path that it doesn't have. */
  readonly paths: string
}

async function errorHandler (fastify: FastifyInstance, { log, paths }: ErrorHandlerOptions): Promise<void> {
  fastify.setNotFoundHandler(() => { throw new RouteNotFoundError(paths) })
  fastify.setErrorHandler((error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
    const refusal = refusalOf(error)
    if (refusal === undefined) {
      log.error({ err: error, method: request.method, route: request.routeOptions.url }, 'a request failed; this is a bug of authn-webhook')
    }
    // overload has a count of its own, beside the reviews'
    if (refusal?.code !== OVERLOADED) request.server.rejections.request(rejectionOf(refusal), detailsOf(request, refusal))
    // Fastify would end the connection of a body that it refuses; HTTP/2 has no such header
    if (request.raw.httpVersionMajor === 2) reply.removeHeader('connection')
    const code = refusal?.statusCode ?? 500
    reply.code(code).type('application/json').send(statusOf(code, refusal?.message ?? 'internal error'))
  })
}

const OVERLOADED = 'AUTHN_OVERLOADED'

const REJECTIONS: Record<string, Rejection> = {
  AUTHN_CLIENT_CERTIFICATE_REQUIRED: 'client-certificate',
  AUTHN_METHOD_NOT_ALLOWED: 'method',
  AUTHN_NOT_JSON: 'media-type',
  AUTHN_BODY_TOO_LARGE: 'too-large',
  AUTHN_NOT_FOUND: 'not-found'
}

function detailsOf ({ server, raw, clientCertificateName }: FastifyRequest, refusal: FastifyError | undefined): RejectionDetails {
  return { peer: server.httpSessions.tcpConnectionOf(raw)?.address, clientCertificate: clientCertificateName ?? undefined, detail: refusal?.message }
}

function rejectionOf (refusal: FastifyError | undefined): Rejection {
  return refusal === undefined ? 'internal' : REJECTIONS[refusal.code] ?? 'malformed'
}

/** The error as one of ours, with a message of ours; `undefined` for a bug. */
function refusalOf (error: FastifyError): FastifyError | undefined {
  if (error.validation !== undefined) return new InvalidTokenReviewError(describe(error.validation[0]))
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE': return new NotJsonError()
    case 'FST_ERR_CTP_BODY_TOO_LARGE': return new BodyTooLargeError()
  }
  if (error.code?.startsWith('AUTHN_')) return error
  // what is left of Fastify's own: an empty body, bad JSON, a wrong content length, a URL that can't be decoded
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) return new MalformedJsonError()
  return undefined
}

type Violation = NonNullable<FastifyError['validation']>[number]

/** ajv's first error in words; unknown properties are tolerated, so every path here is one of the schema's. */
function describe (violation: Violation | undefined): string {
  if (violation === undefined) return 'the body is not a TokenReview'
  const { keyword, instancePath, params } = violation
  const field = instancePath === '' ? 'the body' : instancePath.slice(1).replace(/\/(\d+)/g, '[$1]').replaceAll('/', '.')
  switch (keyword) {
    case 'required': return `${instancePath === '' ? '' : `${field}.`}${String(params.missingProperty)} is missing`
    case 'type': return `${field} must be ${article(String(params.type))}`
    case 'enum': return `${field} must be one of ${(params.allowedValues as string[]).join(', ')}`
    case 'const': return `${field} must be ${String(params.allowedValue)}`
    case 'minLength': return `${field} must not be empty`
    default: return `${field} is not valid`
  }
}

function article (type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`
}

export default fp(errorHandler, { name: 'error-handler' })
