/**
 * The serving certificate while it serves, and who may ask.
 *
 * Certificate, key and client CA are read again when their directories change
 * and are put to use together; a bad or half-written set keeps the old one.
 * Kubelet's probes carry no client certificate: it is asked for in every
 * handshake, and enforced where a route says so.
 */
import { X509Certificate } from 'node:crypto'
import type { Server } from 'node:https'
import type { TLSSocket } from 'node:tls'
import type { FastifyInstance, onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { Logger } from 'pino'
import type { TlsConfig } from '../schemas/config.js'
import type { Observer } from '../src/authn/observer.js'
import { ClientCertificateRequiredError } from '../src/errors.js'
import { openReloadable } from '../src/files/reloadable.js'
import { findCertificateProblems, readServingCertificate, type ServingCertificate } from '../src/certificates/serving-certificate.js'
import type { ClientVerdict } from '../src/http/admission.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Of the certificate that new connections see. */
    readonly servingCertificate: { readonly validTo: Date }
    /** An `onRequest` hook; lets everyone in where no client CA is configured. */
    requireClientCertificate: onRequestHookHandler
  }
  interface FastifyRequest {
    /** Set by `requireClientCertificate`, accepted or not, for the log. */
    clientCertificateName: string | null
  }
}

export interface TlsOptions {
  readonly config: TlsConfig
  readonly log: Logger
  readonly observer: Observer
}

async function tls (fastify: FastifyInstance, { config, log, observer }: TlsOptions): Promise<void> {
  const server = fastify.server as unknown as Server
  const files = [config.certFile, config.keyFile, ...config.clientCAFile === undefined ? [] : [config.clientCAFile]]
  const certificate = await openReloadable<ServingCertificate>({
    name: 'serving certificate',
    files,
    log,
    // once more, now that it is watched: what changed since the listener was made would go unseen
    read: async () => {
      const next = await readServingCertificate(config)
      server.setSecureContext(next.secureOptions)
      return next
    },
    async onReload (next, previous) {
      // open connections keep the verdict of the old CA. Before anything that may fail: the next reload sees no change of it
      if (next.clientCA !== previous.clientCA) await fastify.connections.renew()
      describe(next, log, 'serving certificate reloaded')
    },
    reportReload: error => { observer.reloaded('certificate', error) }
  })
  describe(certificate.current, log, 'serving certificate loaded')

  fastify.addHook('onClose', async () => { await certificate.close() })
  fastify.decorate('servingCertificate', { get validTo () { return certificate.current.validTo } })
  fastify.decorateRequest('clientCertificateName', null)
  fastify.decorate('requireClientCertificate', requireClientCertificate(fastify, config))
}

const WEEK = 7 * 24 * 3_600_000

/** Says what API servers will think of it. */
function describe (certificate: ServingCertificate, log: Logger, message: string): void {
  const facts = { subject: certificate.subject, names: certificate.names, validTo: certificate.validTo.toISOString() }
  log.info(facts, message)
  for (const { rejected, message } of findCertificateProblems(certificate, Date.now(), WEEK)) {
    if (rejected) log.error(facts, `the serving certificate ${message}`)
    else log.warn(facts, `the serving certificate ${message}`)
  }
}

function requireClientCertificate ({ admission, connections }: FastifyInstance, { clientCAFile, clientNames }: TlsConfig): onRequestHookHandler {
  if (clientCAFile === undefined) return (_request, _reply, done) => { done() }
  admission.judgeBy(socket => judge(socket, clientNames))
  return (request, _reply, done) => {
    const verdict = connections.verdictOn(request.raw) ?? CLOSED
    if ('refusal' in verdict) {
      request.clientCertificateName = verdict.shown ?? null
      done(new ClientCertificateRequiredError(verdict.refusal))
      return
    }
    request.clientCertificateName = verdict.name
    done()
  }
}

/** Nobody reads this answer. */
const CLOSED: ClientVerdict = { refusal: 'the connection is closed' }

const REFUSALS: Record<string, string> = {
  CERT_HAS_EXPIRED: 'the client certificate has expired',
  CERT_NOT_YET_VALID: 'the client certificate is not valid yet',
  INVALID_PURPOSE: 'the client certificate is not one for client authentication'
}

function judge (socket: TLSSocket, allowed: readonly string[]): ClientVerdict {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return { refusal: 'a client certificate is required' }
  if (!socket.authorized) {
    // typed as an Error, in fact OpenSSL's name of the error
    const code = String(socket.authorizationError)
    return { refusal: REFUSALS[code] ?? 'the client certificate is not signed by the client CA of this service', shown: shownName(certificate) }
  }
  const common = commonName(certificate)
  if (allowed.length === 0) return { name: common ?? certificate.subjectAltName ?? '' }
  const name = allowed.find(candidate => candidate === common || bearsDnsName(certificate, candidate))
  return name === undefined ? { refusal: 'the name of the client certificate is not one that may ask for reviews', shown: shownName(certificate) } : { name }
}

/** For the log. Nothing else is read of a certificate that nobody has vouched for. */
function shownName ({ subject, subjectAltName }: X509Certificate): string | undefined {
  return subject?.replaceAll('\n', ', ') ?? subjectAltName
}

/** Of several the last one, as Go and with it the API server read a subject. */
function commonName (certificate: X509Certificate): string | undefined {
  const { CN: names = [] } = certificate.toLegacyObject().subject as { CN?: string | string[] } ?? {}
  return [names].flat().at(-1)
}

/** By OpenSSL's comparison: the names are not cut out of a text that a certificate may have shaped. */
function bearsDnsName (certificate: X509Certificate, name: string): boolean {
  // to OpenSSL a leading dot means every name beneath
  return !name.startsWith('.') && certificate.checkHost(name, { subject: 'never', wildcards: false }) !== undefined
}

export default fp(tls, { name: 'tls', dependencies: ['connections'] })
