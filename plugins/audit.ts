/**
 * One line a review: who was let in, who was not and why. What was merely
 * typed appears only as a keyed digest, since people type passwords into name
 * fields, and so does the token: enough to find lines that belong together,
 * useless without the key.
 */
import { createHash, hash, randomBytes } from 'node:crypto'
import fp from 'fastify-plugin'
import type { FastifyInstance } from 'fastify'
import type { DestinationStream, Logger } from 'pino'
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
  /** Where the logger writes. */
  readonly destination: DestinationStream
  /** Replicas with the same key write the same fingerprints. Random for each process where absent. */
  readonly fingerprintKey?: Secret | undefined
}

async function audit (fastify: FastifyInstance, { log, destination, fingerprintKey }: AuditOptions): Promise<void> {
  const lines = new Batch(destination)
  const fingerprint = fingerprints(fingerprintKey)
  fastify.addHook('onClose', async () => { lines.flush() })
  fastify.decorate('audit', ({ review, token, apiVersion, client, seconds }: AuditEntry) => {
    const { outcome, reason, provider, username, typedName, detail } = review
    if (log.isLevelEnabled('info')) {
      // not by pino: its redaction takes longer than the review, and here is nothing to redact
      lines.add(JSON.stringify({
        level: 'info',
        time: new Date().toISOString(),
        audit: 'TokenReview',
        outcome,
        reason,
        provider,
        username,
        typedName: typedName === undefined ? undefined : fingerprint(typedName),
        groups: review.status.user?.groups?.length,
        ms: Math.round(seconds * 1e5) / 100,
        apiVersion,
        client: client ?? undefined,
        fingerprint: fingerprint(token),
        msg: 'review'
      }))
    }
    if (detail === undefined) return
    // behind the line that it belongs to
    lines.flush()
    log.warn({ provider, detail }, 'the identity provider failed')
  })
}

/**
 * A keyed digest of 96 bits: enough to tell tokens apart, and short enough to
 * be read aloud. One hash of key and text: that SHA-256 could be continued by
 * who knows a whole digest is of no use with half of one, which proves nothing anyway.
 */
function fingerprints (key: Secret | undefined): (text: string) => string {
  // of one length, so that key and text are kept apart
  const prefix = createHash('sha256').update(key === undefined ? randomBytes(32) : key.reveal()).digest('hex')
  return text => hash('sha256', prefix + text).slice(0, 24)
}

/** The lines of one turn of the event loop, written together: a write each takes as long as the rest of a review. */
class Batch {
  #lines = ''
  readonly #destination: DestinationStream

  constructor (destination: DestinationStream) {
    this.#destination = destination
  }

  add (line: string): void {
    if (this.#lines === '') setImmediate(() => { this.flush() })
    this.#lines += `${line}\n`
  }

  flush (): void {
    const lines = this.#lines
    this.#lines = ''
    if (lines !== '') this.#destination.write(lines)
  }
}

export default fp(audit, { name: 'audit' })
