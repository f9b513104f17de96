/**
 * The whole service: every plugin, in its order. A security chain must be
 * readable on one screen, so nothing registers itself.
 */
import { setTimeout } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import audit from '../plugins/audit.js'
import draining from '../plugins/draining.js'
import errorHandler from '../plugins/error-handler.js'
import health, { healthRoutes } from '../plugins/health.js'
import identityProviders from '../plugins/identity-providers.js'
import metrics, { metricsRoute, type Metrics } from '../plugins/metrics.js'
import pressure from '../plugins/pressure.js'
import tls from '../plugins/tls.js'
import tokenReview from '../plugins/token-review.js'
import { milliseconds } from './authn/duration.js'
import { createAuthenticators, type OpenProvider } from './authn/authenticator.js'
import { Reachability } from './authn/reachability.js'
import type { ReviewRules } from './authn/review.js'
import type { LoadedConfig } from './config/load.js'
import { sessionsOf } from './config/sessions.js'
import { readServingCertificate } from './certificates/serving-certificate.js'
import type { Limits } from './http/limits.js'
import { openListener } from './http/listen.js'
import { createAdminServer, createReviewServer } from './http/server.js'
import { version } from './version.js'

export interface ServiceOptions {
  readonly loaded: LoadedConfig
  readonly log: Logger
  /** Log lines dropped so far; for metrics. */
  readonly droppedLines?: () => number
  /** Only `serve --mock` says yes without the config's `allowMock`. */
  readonly allowMock?: boolean
  /** For tests. */
  readonly limits?: Partial<Limits>
}

export interface Service {
  /** The HTTPS listener. */
  readonly review: FastifyInstance
  /** The plain HTTP listener for probes and metrics, where configured. */
  readonly admin: FastifyInstance | undefined
  /** @throws ListenError */
  listen: () => Promise<void>
  /** Unready from here on, still serving; after `shutdownDelay` drains and closes. */
  close: (options?: { immediately?: boolean }) => Promise<void>
}

export async function createService ({ loaded, log, droppedLines = () => 0, allowMock = false, limits }: ServiceOptions): Promise<Service> {
  const { config, dir, providers } = loaded
  const certificate = await readServingCertificate(config.tls)
  const review = createReviewServer({ config, certificate, ...limits && { limits } })

  await review.register(draining, { maxConnectionAge: milliseconds(config.server.maxConnectionAge), log: log.child({ listener: 'review' }), clientCertificateOnly: config.admin !== undefined })
  await review.register(errorHandler, { log, paths: `POST TokenReviews to ${config.server.path}` })
  await review.register(metrics, { version })
  await review.register(health)
  await review.register(tls, { config: config.tls, log, observer: review.metrics })
  await review.register(audit, { enabled: config.log.audit, log, fingerprintKey: config.log.fingerprintKey })
  await review.register(identityProviders, { providers, dir, throttle: config.throttle, allowMock, log, observer: review.metrics })
  await registerSessions(review, loaded, log)
  await review.register(async scope => {
    // in the scope of the review route alone: probes and metrics answer while it sheds
    await scope.register(pressure, { config: config.pressure, onShed: () => { review.metrics.shed() } })
    await scope.register(tokenReview, {
      path: config.server.path,
      timeout: milliseconds(config.server.timeout),
      rules: rulesOf(review, loaded),
      log
    })
  })

  const admin = config.admin && createAdminServer(config)
  if (admin !== undefined) {
    await admin.register(draining, { maxConnectionAge: 0, log: log.child({ listener: 'admin' }) })
    await admin.register(errorHandler, { log, paths: 'this port has /livez, /readyz and /metrics' })
  }
  const probed = admin ?? review
  await probed.register(healthRoutes, { readiness: review.readiness })
  await probed.register(metricsRoute, { metrics: review.metrics })
  watchOver(review)
  countConnections(review.metrics, admin === undefined ? { review } : { review, admin })
  review.metrics.counter('log_lines_dropped_total', 'Log lines dropped because stdout could not be written.', [], set => { set({}, droppedLines()) })
  return { review, admin, ...lifecycle(review, admin, loaded, log) }
}

/** Session tokens, unless the config accepts none: then nothing of them is loaded. */
async function registerSessions (review: FastifyInstance, { config }: LoadedConfig, log: Logger): Promise<void> {
  const settings = sessionsOf(config)
  if (settings === undefined) return
  const { default: sessions } = await import('../plugins/sessions.js')
  try {
    await review.register(sessions, { settings, log })
  } catch (error) {
    // providers watch files, which would keep the process alive
    await review.close()
    throw error
  }
}

/** What readiness and the gauges read of the others. */
function watchOver ({ readiness, metrics, identityProviders, servingCertificate }: FastifyInstance): void {
  readiness.add('certificate', () => servingCertificate.validTo.getTime() > Date.now() ? undefined : 'the serving certificate has expired')
  metrics.gauge('serving_certificate_expiry_timestamp_seconds', 'When the serving certificate expires.', [], set => {
    set({}, servingCertificate.validTo.getTime() / 1000)
  })
  const problemOf = (source: string): string | undefined => metrics.reloadFailed(source) ? 'its files have errors; the previous version stays active' : undefined
  const sources = identityProviders.map(open => ({ name: open.name, source: reachabilityOf(open) }))
  metrics.gauge('provider_up', 'Whether the source of identities is reachable; 1 if a provider has none to reach.', ['provider'], async set => {
    await Promise.all(sources.map(async ({ name, source }) => { set({ provider: name }, await source.check() ? 1 : 0) }))
  })
  for (const { name, source } of sources) {
    readiness.inform(`provider ${name}`, async () => await source.check() ? problemOf(name) : 'unreachable')
  }
  readiness.inform('certificate reload', async () => problemOf('certificate'))
  metrics.gauge('cache_entries', 'Answers in the cache.', ['provider'], set => {
    for (const { name, cache } of identityProviders) set({ provider: name }, cache.entries)
  })
}

/** What the listeners hold, and what they turn away. */
function countConnections ({ gauge, counter }: Metrics, listeners: Record<string, FastifyInstance>): void {
  const each = Object.entries(listeners)
  gauge('connections', 'Open connections, by whether their client has presented an accepted credential.', ['listener', 'state'], set => {
    for (const [listener, { tcpConnections: { size, untrusted } }] of each) {
      set({ listener, state: 'untrusted' }, untrusted)
      set({ listener, state: 'trusted' }, size - untrusted)
    }
  })
  counter('connections_dropped_total', 'Connections that were evicted, or not accepted because all were in use.', ['listener', 'reason'], set => {
    for (const [listener, { rejections }] of each) rejections.connections.forEach((count, reason) => { set({ listener, reason }, count) })
  })
  counter('requests_rejected_total', 'Requests and handshakes that were rejected before a review.', ['listener', 'reason'], set => {
    for (const [listener, { rejections }] of each) rejections.requests.forEach((count, reason) => { set({ listener, reason }, count) })
  })
}

/** For information alone, so the reason goes to the log. */
function reachabilityOf ({ provider, log }: OpenProvider): Reachability {
  return new Reachability({
    ping: async signal => { await provider.ping?.({ signal, log }) },
    onUnreachable: error => { log.debug({ err: error }, 'the identity provider is unreachable') }
  })
}

function lifecycle (review: FastifyInstance, admin: FastifyInstance | undefined, { config }: LoadedConfig, log: Logger): Pick<Service, 'listen' | 'close'> {
  let listening = false
  review.readiness.add('listeners', () => listening ? undefined : 'not listening yet')
  return {
    async listen () {
      await openListener(review, 'server', config.server)
      if (admin !== undefined && config.admin !== undefined) await openListener(admin, 'admin', config.admin)
      // an accept that fails for want of a file or memory concerns one connection
      for (const fastify of [review, admin]) fastify?.server.on('error', err => { log.error({ err }, 'a connection could not be accepted') })
      listening = true
    },
    async close ({ immediately = false } = {}) {
      review.readiness.drain()
      if (listening && !immediately) await leave(review, milliseconds(config.server.shutdownDelay))
      await review.close()
      await admin?.close()
    }
  }
}

/** Serves until load balancers have noticed that it is not ready, then until clients have left the connections they use. */
async function leave ({ httpSessions }: FastifyInstance, delay: number): Promise<void> {
  if (delay === 0) return
  await setTimeout(delay / 2)
  httpSessions.closeAfterAnswers()
  await setTimeout(delay / 2)
}

function rulesOf (review: FastifyInstance, { config }: LoadedConfig): ReviewRules {
  const sessions = review.hasDecorator('sessions') ? review.sessions : undefined
  return { chain: review.identityProviders.flatMap(createAuthenticators), sessions, audiences: config.audiences, maxTokenBytes: config.server.maxTokenBytes }
}
