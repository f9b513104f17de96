/**
 * The route that the API server calls. It only translates between HTTP and
 * the domain: what a review means is decided in src/authn/review.ts.
 */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Logger } from 'pino'
import { TokenReviewRequest, TokenReviewResponse, type ApiVersion } from '../schemas/token-review.js'
import { parseCredential } from '../src/authn/credential.js'
import { Deadline } from '../src/authn/deadline.js'
import { parseDuration } from '../src/authn/duration.js'
import { review, unavailableStatus, type Review, type ReviewRules, type Spec } from '../src/authn/review.js'
import { MethodNotAllowedError } from '../src/errors.js'

export interface TokenReviewOptions {
  readonly path: string
  /** Milliseconds that a review may take. */
  readonly timeout: number
  readonly rules: ReviewRules
  readonly log: Logger
}

const VERSION_LABELS = { 'authentication.k8s.io/v1': 'v1', 'authentication.k8s.io/v1beta1': 'v1beta1' } as const satisfies Record<ApiVersion, string>

const tokenReview: FastifyPluginAsyncTypebox<TokenReviewOptions> = async (fastify, { path, timeout, rules, log }) => {
  fastify.post(path, {
    onRequest: fastify.requireClientCertificate,
    schema: { body: TokenReviewRequest, response: { 200: TokenReviewResponse } }
  }, async (request) => {
    const started = performance.now()
    const { body: { apiVersion, spec }, ip } = request
    const credential = parseCredential(spec.token)
    const review = await reviewed({ credential, audiences: spec.audiences }, budget(request, timeout), callerOf(request, ip))
    const seconds = (performance.now() - started) / 1000
    fastify.metrics.reviewed(review, VERSION_LABELS[apiVersion], seconds)
    fastify.httpSessions.reviewed(request.raw, review.outcome === 'authenticated')
    fastify.audit({ review, credential, apiVersion, client: request.clientCertificateName, peer: ip, seconds })
    // the version that was asked: the API server can't decode another one
    return { apiVersion, kind: 'TokenReview' as const, status: review.status }
  })

  fastify.route({
    method: ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url: path,
    handler: async (_request, reply) => {
      reply.header('allow', 'POST')
      throw new MethodNotAllowedError()
    }
  })

  /** A bug of ours is "unavailable" as well: as a 500 it would cost 25 to 30 reviews a kubectl command. */
  async function reviewed (spec: Spec, budget: number, caller: string): Promise<Review> {
    try {
      return await review(spec, new Deadline(budget), rules, { caller })
    } catch (error) {
      log.error({ err: error }, 'a review failed; this is a bug of authn-webhook')
      return { outcome: 'unavailable', reason: 'failed', status: unavailableStatus('internal error', spec.audiences ?? []) }
    }
  }
}

/** `?timeout=30s` is the API server's patience: it may shorten our budget, never stretch it. */
function budget ({ query }: FastifyRequest, limit: number): number {
  const { timeout } = query as { timeout?: unknown }
  const asked = typeof timeout === 'string' ? parseDuration(timeout) : undefined
  return asked !== undefined && asked > 0 ? Math.min(asked, limit) : limit
}

/** API servers may share a certificate, and behind a load balancer an address. */
function callerOf ({ clientCertificateName }: FastifyRequest, ip: string): string {
  return `${clientCertificateName ?? ''} ${ip}`
}

export default fp(tokenReview, { name: 'token-review', encapsulate: true, decorators: { fastify: ['requireClientCertificate', 'metrics', 'httpSessions', 'audit'] } })
