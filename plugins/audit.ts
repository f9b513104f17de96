/**
 * One line a review: who was let in, who was not and why. These lines are a
 * channel of their own, which `log.level` does not turn off. What was merely
 * typed appears only as a keyed digest, since people type passwords into name
 * fields, and so does the token: enough to find lines that belong together,
 * useless without the key.
 */
import fp from 'fastify-plugin'
import type { FastifyInstance } from 'fastify'
import type { DestinationStream, Logger } from 'pino'
import type { Secret } from '../schemas/primitives.js'
import type { ApiVersion } from '../schemas/token-review.js'
import type { Failure } from '../src/authn/failure.js'
import { keyedDigest } from '../src/authn/keyed-digest.js'
import type { DroppedNames } from '../src/authn/mapping.js'
import type { Review } from '../src/authn/review.js'
import { plainAddress } from '../src/http/network.js'

declare module 'fastify' {
  interface FastifyInstance {
    audit: (entry: AuditEntry) => void
  }
}

export interface AuditEntry {
  readonly review: Review
  readonly token: string
  readonly apiVersion: ApiVersion
  /** Of the API server's client certificate, where one is asked for. */
  readonly client: string | null
  /** Address of the other side. */
  readonly peer: string | undefined
  readonly seconds: number
}

export interface AuditOptions {
  readonly log: Logger
  /** Whether the line of a review is written. */
  readonly enabled: boolean
  /** Where the logger writes. */
  readonly destination: DestinationStream
  /** Replicas with the same key write the same fingerprints. Random for each process where absent. */
  readonly fingerprintKey?: Secret | undefined
}

async function audit (fastify: FastifyInstance, { enabled, log, destination, fingerprintKey }: AuditOptions): Promise<void> {
  const fingerprint = fingerprints(fingerprintKey)
  const time = clock()
  fastify.decorate('audit', ({ review, token, apiVersion, client, peer, seconds }: AuditEntry) => {
    const { outcome, reason, provider, username, typedName, status, dropped, failure } = review
    if (enabled) {
      // neither by pino, whose redaction takes longer than the review, nor as an object: half a microsecond
      let line = `{"level":"info","time":"${time()}","audit":"TokenReview","outcome":"${outcome}"`
      if (reason !== undefined) line += `,"reason":"${reason}"`
      if (provider !== undefined) line += `,"provider":${JSON.stringify(provider)}`
      if (username !== undefined) line += `,"username":${JSON.stringify(username)}`
      if (typedName !== undefined) line += `,"typedName":"${fingerprint(typedName)}"`
      if (status.user?.groups !== undefined) line += `,"groups":${status.user.groups.length}`
      if (dropped !== undefined) line += describeDropped(dropped)
      line += `,"ms":${Math.round(seconds * 1e5) / 100},"apiVersion":"${apiVersion}"`
      if (client !== null) line += `,"client":${JSON.stringify(client)}`
      if (peer !== undefined) line += `,"peer":${JSON.stringify(plainAddress(peer))}`
      destination.write(`${line},"fingerprint":"${fingerprint(token)}","msg":"review"}\n`)
    }
    if (failure !== undefined) logFailure(log, { provider, fingerprint: fingerprint(token) }, failure)
  })
}

/** The lines of several reviews interleave: the fingerprint says which one a failure belongs to. */
function logFailure (log: Logger, fields: object, { detail, stack }: Failure): void {
  log.warn({ ...fields, detail }, 'the identity provider failed')
  if (stack !== undefined) log.debug({ ...fields, err: { stack } }, 'stack of the failure')
}

/** How many names of the user were kept back: `,"droppedGroups":1`. */
function describeDropped ({ uid, group, extra }: DroppedNames): string {
  const counts = { droppedUid: uid.length, droppedGroups: group.length, droppedExtra: extra.length }
  return Object.entries(counts).map(([field, count]) => count === 0 ? '' : `,"${field}":${count}`).join('')
}

/** 96 bits of a keyed digest: enough to tell tokens apart, and short enough to be read aloud. */
function fingerprints (key: Secret | undefined): (text: string) => string {
  const digest = keyedDigest(key?.reveal())
  return text => digest(text).slice(0, 24)
}

/** ISO 8601 of now; under load it is asked for many times a millisecond, and takes longer than the rest of the line. */
function clock (): () => string {
  let at = 0
  let text = ''
  return () => {
    const now = Date.now()
    if (now !== at) {
      at = now
      text = new Date(now).toISOString()
    }
    return text
  }
}

export default fp(audit, { name: 'audit' })
