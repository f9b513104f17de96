/**
 * The service's metrics: no API server metric distinguishes webhooks. Label
 * values come from the code or the config, never from input.
 */
import fp from 'fastify-plugin'
import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry, type MetricConfiguration } from 'prom-client'
import { batched } from '../src/authn/batched.js'
import type { Review } from '../src/authn/review.js'
import { PROVIDER_RESULTS, RESERVED_KINDS, type Observer } from '../src/authn/observer.js'

declare module 'fastify' {
  interface FastifyInstance {
    metrics: Metrics
  }
}

/** From 0.5 ms to the API server's own limit of 30 s. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Version of a TokenReview, without its group. */
export type VersionLabel = 'v1' | 'v1beta1' | 'unknown'

export const SIGN_IN_RESULTS = ['authenticated', 'denied', 'unavailable'] as const
export type SignInResult = typeof SIGN_IN_RESULTS[number]

/** The domain's {@link Observer}, and what plugins count. */
export interface Metrics extends Observer {
  readonly registry: Registry
  reviewed: (review: Review, version: VersionLabel, seconds: number) => void
  /** The sign-in service is there: its counters start at 0. */
  loginOpened: (clients: readonly string[]) => void
  /** Someone submitted a password. @param client ID of a configured client; empty: none */
  signedIn: (result: SignInResult, client: string) => void
  /** A session token was issued. */
  issued: (client: string) => void
  /** A review was answered 429, unread. */
  shed: () => void
  /** Whether the last reload of a source (a provider or `certificate`) failed, so that the previous version stays active. */
  reloadFailed: (source: string) => boolean
  /** Adds a gauge whose values are read when it is scraped. */
  gauge: AddScraped
  /** Adds a counter that is counted elsewhere, and read when it is scraped. */
  counter: AddScraped
}

type AddScraped = (name: string, help: string, labels: readonly string[], collect: (set: SetValue) => void | Promise<void>) => void
type SetValue = (labels: Record<string, string>, value: number) => void

export function createMetrics (version: string): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const define: Define = (name, help, labelNames) => ({ name: `authn_webhook_${name}`, help, labelNames, registers: [registry] })

  const reviews = new Counter(define('token_reviews_total', 'TokenReviews by outcome.', ['result', 'version']))
  const duration = new Histogram({ ...define('token_review_duration_seconds', 'Time to answer a TokenReview.', ['result']), buckets: BUCKETS })
  const denials = new Counter(define('denials_total', 'Denied credentials, by the provider that denied them and the reason.', ['provider', 'reason']))
  const failures = new Counter(define('failures_total', 'Checks for which a provider was unavailable, by reason.', ['provider', 'reason']))
  const requests = new Counter(define('provider_requests_total', 'Checks that reached a provider.', ['provider', 'result']))
  const requestDuration = new Histogram({ ...define('provider_request_duration_seconds', 'Time a provider took to answer.', ['provider', 'result']), buckets: BUCKETS })
  const cacheRequests = new Counter(define('cache_requests_total', 'Lookups in the cache of answers.', ['provider', 'result']))
  const throttled = new Counter(define('throttled_total', 'Password checks rejected because the account had too many failures.', ['provider']))
  const reserved = new Counter(define('reserved_identities_total', 'Reserved or malformed names from a provider that were dropped.', ['provider', 'kind']))
  const events = new Counter(define('provider_events_total', 'Events that a provider reports for its operator.', ['provider', 'event', 'source']))
  const signIns = new Counter(define('sign_ins_total', 'Passwords submitted to the sign-in service, by result.', ['result', 'client']))
  const issued = new Counter(define('session_tokens_issued_total', 'Session tokens issued.', ['client']))
  const reloads = createReloads(define)
  new Gauge(define('build_info', 'Version of the service and of Node.js.', ['version', 'node'])).set({ version, node: process.version }, 1)

  // alerts watch for an increase, so the series they read start at 0
  for (const version of ['v1', 'v1beta1']) reviews.inc({ result: 'unavailable', version }, 0)
  reviews.inc({ result: 'shed', version: 'unknown' }, 0)
  reloads.start('certificate')

  return {
    registry,
    opened (provider) {
      for (const result of PROVIDER_RESULTS) requests.inc({ provider, result }, 0)
      for (const kind of RESERVED_KINDS) reserved.inc({ provider, kind }, 0)
      throttled.inc({ provider }, 0)
      reloads.start(provider)
    },
    reviewed ({ outcome: result, provider = '', reason = '' }, version, seconds) {
      reviews.inc({ result, version })
      duration.observe({ result }, seconds)
      if (result === 'denied') denials.inc({ provider, reason })
    },
    loginOpened (clients) {
      for (const client of ['', ...clients]) {
        for (const result of SIGN_IN_RESULTS) signIns.inc({ result, client }, 0)
      }
      for (const client of clients) issued.inc({ client }, 0)
      for (const source of ['signing-keys', 'login-certificate']) reloads.start(source)
    },
    signedIn (result, client) { signIns.inc({ result, client }) },
    issued (client) { issued.inc({ client }) },
    shed () { reviews.inc({ result: 'shed', version: 'unknown' }) },
    asked (provider, result, seconds) {
      requests.inc({ provider, result })
      requestDuration.observe({ provider, result }, seconds)
    },
    cached (provider, result) { cacheRequests.inc({ provider, result }) },
    throttled (provider) { throttled.inc({ provider }) },
    reserved (provider, kind, count) { reserved.inc({ provider, kind }, count) },
    unavailable (provider, reason) { failures.inc({ provider, reason }) },
    reloaded: reloads.report,
    reloadFailed: reloads.failed,
    event (provider, event, count, source) { events.inc({ provider, event, ...source !== undefined && { source } }, count) },
    gauge (...metric) { addScraped(Gauge, define, metric) },
    counter (...metric) { addScraped(Counter, define, metric) }
  }
}

type Define = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) => MetricConfiguration<Label>

interface Reloads {
  /** The source exists, and its files have been read. */
  start: (source: string) => void
  report: (source: string, error?: unknown) => void
  failed: (source: string) => boolean
}

function createReloads (define: Define): Reloads {
  const counts = new Counter(define('reloads_total', 'Reloads of files.', ['source', 'result']))
  const successful = new Gauge(define('last_reload_successful', 'Whether the last reload of files succeeded; 1 before the first.', ['source']))
  const lastSuccess = new Gauge(define('last_reload_success_timestamp_seconds', 'Time of the last successful reload.', ['source']))
  const failed = new Set<string>()
  return {
    start (source) {
      for (const result of ['success', 'error']) counts.inc({ source, result }, 0)
      successful.set({ source }, 1)
    },
    report (source, error) {
      const success = error === undefined
      counts.inc({ source, result: success ? 'success' : 'error' })
      successful.set({ source }, success ? 1 : 0)
      if (success) {
        lastSuccess.setToCurrentTime({ source })
        failed.delete(source)
      } else {
        failed.add(source)
      }
    },
    failed: source => failed.has(source)
  }
}

function addScraped (Kind: typeof Gauge | typeof Counter, define: Define, [name, help, labelNames, collect]: Parameters<AddScraped>): void {
  const metric = new Kind({
    ...define(name, help, labelNames),
    async collect () {
      metric.reset()
      await collect((labels, value) => { metric.inc(labels, value) })
    }
  })
}

export interface MetricsOptions {
  readonly version: string
}

async function metrics (fastify: FastifyInstance, { version }: MetricsOptions): Promise<void> {
  fastify.decorate('metrics', createMetrics(version))
}

export default fp(metrics, { name: 'metrics' })

export interface MetricsRouteOptions {
  readonly metrics: Metrics
}

/** `GET /metrics`: a route of the admin listener, or of the review listener if there is no other. */
export async function metricsRoute (fastify: FastifyInstance, { metrics: { registry } }: MetricsRouteOptions): Promise<void> {
  // composing the text takes ten times as long as a review, and anyone may ask for it
  const text = batched(async () => await registry.metrics())
  fastify.get('/metrics', async (_request, reply) => {
    reply.type(registry.contentType)
    return await text()
  })
}
