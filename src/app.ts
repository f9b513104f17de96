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
import metrics, { metricsRoute } from '../plugins/metrics.js'
import pressure from '../plugins/pressure.js'
import store from '../plugins/store.js'
import tls from '../plugins/tls.js'
import tokenReview from '../plugins/token-review.js'
import { milliseconds } from './authn/duration.js'
import { createAuthenticators } from './authn/authenticator.js'
import type { ReviewRules } from './authn/review.js'
import type { LoadedConfig } from './config/load.js'
import { sessionsOf } from './config/sessions.js'
import { readServingCertificate } from './certificates/serving-certificate.js'
import { countConnections, watchOver, watchOverLogin } from './gauges.js'
import type { Limits } from './http/limits.js'
import { openListener } from './http/listen.js'
import { createAdminServer, createLoginServer, createReviewServer } from './http/server.js'
import type { LoginObserver } from './login/observer.js'
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
  /** The listener of the sign-in service, where configured. */
  readonly login: FastifyInstance | undefined
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
  await review.register(store, { config: config.store, log })
  await review.register(identityProviders, { providers, dir, throttle: config.throttle, allowMock, log, observer: review.metrics, sharedFailuresOf: review.store.sharedFailuresOf })
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
  const login = await closeIfFailed(review, async () => await createLogin(review, loaded, log, limits))
  const probed = admin ?? review
  await probed.register(healthRoutes, { readiness: review.readiness })
  await probed.register(metricsRoute, { metrics: review.metrics })
  watchOver(review)
  watchOverLogin(review, login)
  countConnections(review.metrics, { review, ...admin && { admin }, ...login && { login } })
  review.metrics.counter('log_lines_dropped_total', 'Log lines dropped because stdout could not be written.', [], set => { set({}, droppedLines()) })
  return { review, admin, login, ...lifecycle({ review, admin, login }, loaded, log) }
}

/** Session tokens, unless the config accepts none: then nothing of them is loaded. */
async function registerSessions (review: FastifyInstance, { config }: LoadedConfig, log: Logger): Promise<void> {
  const settings = sessionsOf(config)
  if (settings === undefined) return
  const { default: sessions } = await import('../plugins/sessions.js')
  await closeIfFailed(review, async () => { await review.register(sessions, { settings, log }) })
}

/** The sign-in service on a listener of its own; nothing of it is loaded without `login`. */
async function createLogin (review: FastifyInstance, { config }: LoadedConfig, log: Logger, limits: Partial<Limits> = {}): Promise<FastifyInstance | undefined> {
  const { login: settings, server } = config
  if (settings === undefined) return undefined
  const { metrics } = review
  const [{ default: plugin }, { openLoginParts }] = await Promise.all([import('../plugins/login.js'), import('./login/open.js')])
  const tlsSettings = settings.tls && { ...settings.tls, minVersion: 'TLSv1.2' as const, clientNames: [] }
  const login = createLoginServer({ server, login: settings, certificate: tlsSettings && await readServingCertificate(tlsSettings), limits })
  return await closeIfFailed(login, async () => {
    await login.register(draining, { maxConnectionAge: 0, log: log.child({ listener: 'login' }) })
    if (tlsSettings !== undefined) await login.register(tls, { config: tlsSettings, source: 'login-certificate', log, observer: metrics })
    const parts = await openLoginParts({ config: settings, open: review.identityProviders, timeout: milliseconds(server.timeout), log, reportReload: error => { metrics.reloaded('signing-keys', error) } })
    login.addHook('onClose', parts.close)
    login.decorate('signingKeys', parts.keys)
    metrics.loginOpened(settings.clients.map(({ id }) => id))
    await login.register(plugin, { ...parts, config: settings, store: review.store, observer: loginObserver(review), log })
    return login
  })
}

function loginObserver ({ auditSignIn, auditSessionToken, metrics }: FastifyInstance): LoginObserver {
  return {
    signIn (event) {
      auditSignIn(event)
      metrics.signedIn(event.outcome, event.client ?? '')
    },
    issued (event) {
      auditSessionToken(event)
      metrics.issued(event.client)
    }
  }
}

/** Watched files would keep a process alive that could not start. */
async function closeIfFailed<T> (fastify: FastifyInstance, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await fastify.close()
    throw error
  }
}

function lifecycle ({ review, admin, login }: Pick<Service, 'review' | 'admin' | 'login'>, { config }: LoadedConfig, log: Logger): Pick<Service, 'listen' | 'close'> {
  let listening = false
  review.readiness.add('listeners', () => listening ? undefined : 'not listening yet')
  return {
    async listen () {
      await openListener(review, 'server', config.server)
      if (admin !== undefined && config.admin !== undefined) await openListener(admin, 'admin', config.admin)
      if (login !== undefined && config.login !== undefined) await openListener(login, 'login', config.login)
      // an accept that fails for want of a file or memory concerns one connection
      for (const fastify of [review, admin, login]) fastify?.server.on('error', err => { log.error({ err }, 'a connection could not be accepted') })
      listening = true
    },
    async close ({ immediately = false } = {}) {
      review.readiness.drain()
      if (listening && !immediately) await leave([review, ...login === undefined ? [] : [login]], milliseconds(config.server.shutdownDelay))
      // it asks the providers and the store of the other
      await login?.close()
      await review.close()
      await admin?.close()
    }
  }
}

/** Serves until load balancers have noticed that it is not ready, then until clients have left the connections they use. */
async function leave (listeners: readonly FastifyInstance[], delay: number): Promise<void> {
  if (delay === 0) return
  await setTimeout(delay / 2)
  for (const { httpSessions } of listeners) httpSessions.closeAfterAnswers()
  await setTimeout(delay / 2)
}

function rulesOf (review: FastifyInstance, { config }: LoadedConfig): ReviewRules {
  const sessions = review.hasDecorator('sessions') ? review.sessions : undefined
  return { chain: review.identityProviders.flatMap(createAuthenticators), sessions, audiences: config.audiences, maxTokenBytes: config.server.maxTokenBytes }
}
