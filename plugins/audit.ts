/**
 * Writes one log line per review, sign-in and session token: the outcome, the
 * user, the reason. `log.level` does not turn these lines off. Typed names and tokens appear only as keyed
 * digests, since people type passwords into name fields: enough to correlate
 * lines, useless without the key.
 */
import fp from 'fastify-plugin'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Secret } from '../schemas/primitives.js'
import type { ApiVersion } from '../schemas/token-review.js'
import type { ParsedCredential } from '../src/authn/credential.js'
import type { ProviderError } from '../src/authn/provider-error.js'
import { keyedDigest } from '../src/authn/keyed-digest.js'
import type { Review } from '../src/authn/review.js'
import { plainAddress } from '../src/http/network.js'
import type { SignInEvent, TokenEvent } from '../src/login/observer.js'

declare module 'fastify' {
  interface FastifyInstance {
    audit: (entry: AuditEntry) => void
    auditSignIn: (event: SignInEvent) => void
    auditSessionToken: (event: TokenEvent) => void
  }
}

export interface AuditEntry {
  readonly review: Review
  readonly credential: ParsedCredential
  readonly apiVersion: ApiVersion
  /** Name of the client certificate, if one is required. */
  readonly client: string | null
  /** Address of the client. */
  readonly peer: string | undefined
  readonly seconds: number
}

export interface AuditOptions {
  readonly log: Logger
  /** Whether these lines are written. */
  readonly enabled: boolean
  /** Replicas with the same key write the same fingerprints. Default: a random key for each process. */
  readonly fingerprintKey?: Secret | undefined
}

async function audit (fastify: FastifyInstance, { enabled, log, fingerprintKey }: AuditOptions): Promise<void> {
  const digest = keyedDigest(fingerprintKey?.reveal())
  // 96 bits: enough to tell tokens apart, and short enough to read aloud
  const fingerprint = (text: string): string => digest(text).slice(0, 24)
  // redaction takes longer than a review, and these fields hold nothing to redact
  const auditLog = log.child({ audit: 'TokenReview' }, { level: 'info', redact: [] })
  fastify.decorate('audit', ({ review, credential, apiVersion, client, peer, seconds }: AuditEntry) => {
    const tokenFingerprint = fingerprint(credential.digest)
    const { outcome, reason, provider, username, typedName, status, dropped, failure } = review
    if (enabled) {
      auditLog.info({
        outcome,
        reason,
        provider,
        username,
        typedName: typedName === undefined ? undefined : fingerprint(typedName),
        groups: status.user?.groups?.length,
        droppedUid: dropped?.uid.length || undefined,
        droppedGroups: dropped?.group.length || undefined,
        droppedExtra: dropped?.extra.length || undefined,
        ms: Math.round(seconds * 1e5) / 100,
        apiVersion,
        client: client ?? undefined,
        peer: peer && plainAddress(peer),
        fingerprint: tokenFingerprint
      }, 'review')
    }
    if (failure !== undefined) logFailure(log, { provider, fingerprint: tokenFingerprint }, failure)
  })

  const signInLog = log.child({ audit: 'SignIn' }, { level: 'info', redact: [] })
  fastify.decorate('auditSignIn', ({ typedName, address, ...event }: SignInEvent) => {
    if (enabled) signInLog.info({ ...event, typedName: typedName === undefined ? undefined : fingerprint(typedName), address: plainAddress(address) }, 'sign-in')
  })
  const tokenLog = log.child({ audit: 'SessionToken' }, { level: 'info', redact: [] })
  fastify.decorate('auditSessionToken', ({ address, ...event }: TokenEvent) => {
    if (enabled) tokenLog.info({ ...event, address: plainAddress(address) }, 'issued a session token')
  })
}

/** The lines of concurrent reviews interleave: the fingerprint tells which review a failure belongs to. */
function logFailure (log: Logger, fields: object, { detail, stack }: ProviderError): void {
  log.warn({ ...fields, detail }, 'the identity provider failed')
  if (stack !== undefined) log.debug({ ...fields, err: { stack } }, 'stack of the failure')
}

export default fp(audit, { name: 'audit' })
