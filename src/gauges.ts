/** What readiness and the metrics read of the parts of the service. */
import type { FastifyInstance } from 'fastify'
import type { OpenProvider } from './authn/authenticator.js'
import { Reachability } from './authn/reachability.js'

/** What readiness and the gauges read of the others. */
export function watchOver ({ readiness, metrics, identityProviders, servingCertificate }: FastifyInstance): void {
  readiness.add('certificate', () => servingCertificate.validTo.getTime() > Date.now() ? undefined : 'the serving certificate has expired')
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
export function countConnections ({ gauge, counter }: FastifyInstance['metrics'], listeners: Record<string, FastifyInstance>): void {
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

/**
 * The store, the keys and the certificates. The metrics exist without a sign-in
 * service, so that alerts and dashboards find them.
 * @param login the listener of the sign-in service, if there is one
 */
export function watchOverLogin ({ metrics, readiness, store, servingCertificate }: FastifyInstance, login: FastifyInstance | undefined): void {
  // the store itself logs why it is unreachable
  const reachability = new Reachability({ ping: async () => { await store.ping() }, onUnreachable () {} })
  metrics.gauge('store_up', 'Whether the store of sign-ins answers.', [], async set => { set({}, await reachability.check() ? 1 : 0) })
  metrics.gauge('signing_key_created_timestamp_seconds', 'When the keys of session tokens were created.', ['kid'], set => {
    for (const { kid, createdAt } of login?.signingKeys.current ?? []) set({ kid }, createdAt.getTime() / 1000)
  })
  const certificates = { review: servingCertificate, ...login?.hasDecorator('servingCertificate') === true && { login: login.servingCertificate } }
  metrics.gauge('serving_certificate_expiry_timestamp_seconds', 'When the serving certificate of a listener expires.', ['listener'], set => {
    for (const [listener, { validTo }] of Object.entries(certificates)) set({ listener }, validTo.getTime() / 1000)
  })
  if (login === undefined) return
  readiness.inform('store', async () => await reachability.check() ? undefined : 'unreachable: nobody can sign in')
  for (const source of ['login-certificate', 'signing-keys']) {
    readiness.inform(`${source} reload`, async () => metrics.reloadFailed(source) ? 'its files have errors; the previous version stays active' : undefined)
  }
}
