/**
 * Reloads the serving certificate and checks client certificates.
 *
 * Certificate, key and client CA are reloaded together when their directories
 * change; if the new set has errors, the previous one stays active. If a client
 * CA is configured, every handshake requests a client certificate, but only
 * routes with `requireClientCertificate` require it: kubelet's probes have none.
 */
import { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { FastifyInstance, onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { Logger } from 'pino'
import type { TlsConfig } from '../schemas/config.js'
import type { Observer } from '../src/authn/observer.js'
import { ClientCertificateRequiredError } from '../src/errors.js'
import { openReloadable } from '../src/files/reloadable.js'
import { findCertificateProblems, readServingCertificate, type ServingCertificate } from '../src/certificates/serving-certificate.js'
import { listenerOf } from '../src/http/fastify-types.js'
import type { ClientCertificate } from '../src/http/tcp-connections.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Of new connections. */
    readonly servingCertificate: { readonly validTo: Date }
    /** An `onRequest` hook; a no-op if no client CA is configured. */
    requireClientCertificate: onRequestHookHandler
  }
  interface FastifyRequest {
    /** Set by `requireClientCertificate`, for the log; accepted or not. */
    clientCertificateName: string | null
  }
}

export interface TlsOptions {
  readonly config: TlsConfig
  /** Of the reports of reloads; each listener has its own. */
  readonly source?: string
  readonly log: Logger
  readonly observer: Observer
}

async function tls (fastify: FastifyInstance, { config, source = 'certificate', log, observer }: TlsOptions): Promise<void> {
  const server = listenerOf(fastify)
  const files = [config.certFile, config.keyFile, ...config.clientCAFile === undefined ? [] : [config.clientCAFile]]
  const certificate = await openReloadable<ServingCertificate>({
    name: 'serving certificate',
    files,
    log,
    // once more, now that files are watched: they may have changed since the listener was created
    read: async () => {
      const next = await readServingCertificate(config)
      server.setSecureContext(next.secureOptions)
      return next
    },
    async onReload (next, previous) {
      // open connections were checked against the old CA. First, since the next reload would see no change if something else failed
      if (next.clientCA !== previous.clientCA) await fastify.httpSessions.renew()
      logCertificate(next, log, 'serving certificate reloaded')
    },
    reportReload: error => { observer.reloaded(source, error) }
  })
  logCertificate(certificate.current, log, 'serving certificate loaded')

  fastify.addHook('onClose', async () => { await certificate.close() })
  fastify.decorate('servingCertificate', { get validTo () { return certificate.current.validTo } })
  fastify.decorateRequest('clientCertificateName', null)
  fastify.decorate('requireClientCertificate', requireClientCertificate(fastify, config))
}

const WEEK = 7 * 24 * 3_600_000

/** Warns if API servers will reject the certificate, or soon. */
function logCertificate (certificate: ServingCertificate, log: Logger, message: string): void {
  const facts = { subject: certificate.subject, names: certificate.names, validTo: certificate.validTo.toISOString() }
  log.info(facts, message)
  for (const { rejected, message } of findCertificateProblems(certificate, Date.now(), { soon: WEEK })) {
    if (rejected) log.error(facts, `the serving certificate ${message}`)
    else log.warn(facts, `the serving certificate ${message}`)
  }
}

function requireClientCertificate ({ tcpConnections, httpSessions }: FastifyInstance, { clientCAFile, clientNames }: TlsConfig): onRequestHookHandler {
  if (clientCAFile === undefined) return (_request, _reply, done) => { done() }
  tcpConnections.requireClientCertificate(socket => checkClientCertificate(socket, clientNames))
  return (request, _reply, done) => {
    const certificate = httpSessions.tcpConnectionOf(request.raw)?.clientCertificate ?? CLOSED
    request.clientCertificateName = (certificate.accepted ? certificate.name : certificate.subject) ?? null
    if (certificate.accepted) done()
    else done(new ClientCertificateRequiredError(certificate.reason))
  }
}

/** Not received by the client. */
const CLOSED: ClientCertificate = { accepted: false, reason: 'the connection is closed' }

const REASONS: Record<string, string> = {
  CERT_HAS_EXPIRED: 'the client certificate has expired',
  CERT_NOT_YET_VALID: 'the client certificate is not valid yet',
  INVALID_PURPOSE: 'the client certificate is not one for client authentication'
}

function checkClientCertificate (socket: TLSSocket, allowed: readonly string[]): ClientCertificate {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return { accepted: false, reason: 'a client certificate is required' }
  // the only part that is read of a certificate that no CA has signed, for the log
  const subject = certificate.subject?.replaceAll('\n', ', ') ?? certificate.subjectAltName
  if (!socket.authorized) {
    // typed as an Error, in fact OpenSSL's name of the error
    const code = String(socket.authorizationError)
    return { accepted: false, reason: REASONS[code] ?? 'the client certificate is not signed by the client CA of this service', subject }
  }
  const common = commonName(certificate)
  if (allowed.length === 0) return { accepted: true, name: common ?? certificate.subjectAltName ?? '' }
  const name = allowed.find(candidate => candidate === common || hasDnsName(certificate, candidate))
  return name === undefined ? { accepted: false, reason: 'client certificate name is not in tls.clientNames', subject } : { accepted: true, name }
}

/** If there are several, the last one, as Go and hence the API server read a subject. */
function commonName (certificate: X509Certificate): string | undefined {
  const { CN: names = [] } = certificate.toLegacyObject().subject as { CN?: string | string[] } ?? {}
  return [names].flat().at(-1)
}

/** Compared by OpenSSL, since a certificate can forge the text of `subjectAltName`. */
function hasDnsName (certificate: X509Certificate, name: string): boolean {
  // to OpenSSL, a leading dot matches every subdomain
  return !name.startsWith('.') && certificate.checkHost(name, { subject: 'never', wildcards: false }) !== undefined
}

export default fp(tls, { name: 'tls', dependencies: ['draining'], decorators: { fastify: ['tcpConnections', 'httpSessions'] } })
