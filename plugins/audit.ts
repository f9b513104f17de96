/**
 * One line a review: who was let in, who was not and why. What was merely
 * typed appears only as a keyed digest, since people type passwords into name
 * fields, and so does the token: enough to find lines that belong together,
 * useless without the key.
 */
import { createHmac, createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import fp from 'fastify-plugin'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Secret } from '../schemas/primitives.js'
import type { Review } from '../src/authn/review.js'

declare module 'fastify' {
  interface FastifyInstance {
    audit: (entry: AuditEntry) => void
  }
}

export interface AuditEntry {
  readonly review: Review
  readonly token: string
  readonly apiVersion: string
  /** Of the API server's client certificate, where one is asked for. */
  readonly client: string | null
  readonly seconds: number
}

export interface AuditOptions {
  readonly log: Logger
  /** Replicas with the same key write the same fingerprints. Random for each process where absent. */
  readonly fingerprintKey?: Secret | undefined
}

async function audit (fastify: FastifyInstance, { log, fingerprintKey }: AuditOptions): Promise<void> {
  const key = createSecretKey(fingerprintKey === undefined ? randomBytes(32) : Buffer.from(fingerprintKey.reveal()))
  fastify.decorate('audit', ({ review, token, apiVersion, client, seconds }: AuditEntry) => {
    const { outcome, reason, provider, username, typedName, detail } = review
    log.info({
      audit: 'TokenReview',
      outcome,
      reason,
      provider,
      username,
      typedName: typedName === undefined ? undefined : fingerprint(key, typedName),
      groups: review.status.user?.groups?.length,
      ms: Math.round(seconds * 1e5) / 100,
      apiVersion,
      client: client ?? undefined,
      fingerprint: fingerprint(key, token)
    }, 'review')
    if (detail !== undefined) log.warn({ provider, detail }, 'the identity provider failed')
  })
}

/** 96 bits: enough to tell tokens apart, and short enough to be read aloud. */
function fingerprint (key: KeyObject, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex').slice(0, 24)
}

export default fp(audit, { name: 'audit' })
