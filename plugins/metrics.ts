/**
 * What operators see of the webhook: no API server metric tells webhooks
 * apart. Labels hold words of ours or of the config, never input.
 */
import fp from 'fastify-plugin'
import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Counter as PromCounter, Gauge, Registry, type Metric } from 'prom-client'
import { batched } from '../src/authn/batched.js'
import type { Review } from '../src/authn/review.js'
import { ASK_RESULTS, RESERVED_KINDS, type Observer } from '../src/authn/observer.js'
import { Counter, Histogram } from '../src/http/series.js'

declare module 'fastify' {
  interface FastifyInstance {
    metrics: Metrics
  }
}

/** Half a millisecond to the API server's own limit of 30 s. */
const REVIEW_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

const RELOAD_RESULTS = ['success', 'error']

/** One of `TokenReview`'s versions, without the group. */
export type VersionLabel = 'v1' | 'v1beta1' | 'unknown'

/** The domain's {@link Observer}, and what the plugins count. */
export interface Metrics extends Observer {
  readonly registry: Registry
  reviewed: (review: Review, version: VersionLabel, seconds: number) => void
  /** Turned away under pressure, unread. */
  shed: () => void
  /** Whether the files of a source, a provider or `certificate`, could not be reloaded: the previous version stays active. */
  reloadFailed: (source: string) => boolean
  /** A gauge that is read when it is scraped. */
  gauge: ScrapedMetric
  /** A counter that somebody else counts, and that is read when it is scraped. */
  counter: ScrapedMetric
}

type Set = (labels: Record<string, string>, value: number) => void
type ScrapedMetric = (name: string, help: string, labels: readonly string[], collect: (set: Set) => void | Promise<void>) => void

export function createMetrics (version: string): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const counter = (name: string, help: string, labelNames: string[]): Counter =>
    new Counter({ name: `authn_webhook_${name}`, help, labelNames, registry })
  const histogram = (name: string, help: string, labelNames: string[]): Histogram =>
    new Histogram({ name: `authn_webhook_${name}`, help, labelNames, registry, buckets: REVIEW_BUCKETS })

  const reviews = counter('token_reviews_total', 'TokenReviews by outcome.', ['result', 'version'])
  const duration = histogram('token_review_duration_seconds', 'Time to answer a TokenReview.', ['result'])
  const denials = counter('denials_total', 'Credentials refused, by the provider that refused them and why.', ['provider', 'reason'])
  const failures = counter('failures_total', 'Questions to a provider that could not be answered, and why.', ['provider', 'reason'])
  const requests = counter('provider_requests_total', 'Questions that reached a provider.', ['provider', 'result'])
  const requestDuration = histogram('provider_request_duration_seconds', 'Time a provider took to answer.', ['provider', 'result'])
  const cacheRequests = counter('cache_requests_total', 'Look-ups in the cache of answers.', ['provider', 'result'])
  const throttled = counter('throttled_total', 'Password checks refused because the account had too many failures.', ['provider'])
  const reserved = counter('reserved_identities_total', 'Reserved or malformed names that a provider gave and that were kept back.', ['provider', 'kind'])
  const reloads = createReloads(registry)
  const events = counter('provider_events_total', 'What a provider wants its operator to know of, by its own words.', ['provider', 'event'])
  new Gauge({ name: 'authn_webhook_build_info', help: 'Version of the service and of Node.js.', labelNames: ['version', 'node'], registers: [registry] })
    .set({ version, node: process.version }, 1)

  start(reviews, 'error', ['v1', 'v1beta1'])
  start(reviews, 'shed', ['unknown'])
  reloads.begin('certificate')

  return {
    registry,
    opened (provider) {
      // the first use of a break-glass user must be seen
      start(requests, provider, ASK_RESULTS)
      reloads.begin(provider)
      start(reserved, provider, RESERVED_KINDS)
      start(throttled, provider, [''])
    },
    reviewed ({ outcome, provider = '', reason }, version, seconds) {
      reviews.inc(outcome, version)
      duration.observe(seconds, outcome)
      if (outcome === 'denied') denials.inc(provider, reason)
    },
    shed () { reviews.inc('shed', 'unknown') },
    asked (provider, result, seconds) {
      requests.inc(provider, result)
      requestDuration.observe(seconds, provider, result)
    },
    cached (provider, result) { cacheRequests.inc(provider, result) },
    throttled (provider) { throttled.inc(provider) },
    reserved (provider, kind, count) { reserved.inc(provider, kind, count) },
    unavailable (provider, reason) { failures.inc(provider, reason) },
    reloaded: reloads.done,
    reloadFailed: reloads.failed,
    event (provider, event, count) { events.inc(provider, event, count) },
    gauge (...metric) { registry.registerMetric(scraped(Gauge, metric)) },
    counter (...metric) { registry.registerMetric(scraped(PromCounter, metric)) }
  }
}

interface Reloads {
  /** A source is there, and its files have been read. */
  begin: (source: string) => void
  done: (source: string, error?: unknown) => void
  failed: (source: string) => boolean
}

function createReloads (registry: Registry): Reloads {
  const counts = new Counter({ name: 'authn_webhook_reloads_total', help: 'Reloads of files.', labelNames: ['source', 'result'], registry })
  const lastSuccess = new Gauge({ name: 'authn_webhook_last_reload_success_timestamp_seconds', help: 'When a file was last reloaded well.', labelNames: ['source'], registers: [registry] })
  const successful = new Map<string, boolean>()
  registry.registerMetric(scraped(Gauge, ['last_reload_successful', 'Whether the last reload of files succeeded; 1 before the first.', ['source'], set => {
    for (const [source, last] of successful) set({ source }, last ? 1 : 0)
  }]))
  return {
    begin (source) {
      start(counts, source, RELOAD_RESULTS)
      successful.set(source, true)
    },
    done (source, error) {
      counts.inc(source, error === undefined ? 'success' : 'error')
      successful.set(source, error === undefined)
      if (error === undefined) lastSuccess.setToCurrentTime({ source })
    },
    failed: source => successful.get(source) === false
  }
}

/** At 0, before anything is counted: an alarm sees a counter grow, and none begin. */
function start (counter: Counter, first: string, seconds: readonly string[]): void {
  for (const second of seconds) counter.inc(first, second, 0)
}

/** A metric whose values are set when it is scraped. */
function scraped (Kind: typeof Gauge | typeof PromCounter, [name, help, labelNames, collect]: Parameters<ScrapedMetric>): Metric {
  return new Kind({
    name: `authn_webhook_${name}`,
    help,
    labelNames,
    registers: [],
    async collect () {
      this.reset()
      await collect((labels, value) => { this.inc(labels, value) })
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

/** `GET /metrics`, on whichever listener it belongs to. */
export async function metricsRoute (fastify: FastifyInstance, { metrics }: MetricsRouteOptions): Promise<void> {
  // composing the text takes ten times as long as a review, and anyone may ask for it
  const text = batched(async () => await metrics.registry.metrics())
  fastify.get('/metrics', async (_request, reply) => {
    reply.type(metrics.registry.contentType)
    return await text()
  })
}
