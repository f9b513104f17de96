/** Checks a running service as an API server would use it, and stops where an API server would stop. */
import type { Target } from '../client.js'
import { API_SERVER_CHECKS, checkApiServer, type ApiServerReview } from './api-server.js'
import { isBlocking, skipped, type DoctorCheck } from './check.js'
import { checkReviews, REVIEW_CHECKS } from './reviews.js'
import type { Clock } from './test-review.js'
import { checkTrust, withVerifiableCA } from './trust.js'

export interface DoctorResult {
  readonly server: string
  /** The worst outcome: `failed` is worse than `unavailable`, and warnings count as `ok`. */
  readonly outcome: 'ok' | 'failed' | 'unavailable'
  readonly checks: readonly DoctorCheck[]
}

export interface DoctorOptions {
  /** Also checks that the API server authenticates with the service. */
  readonly apiServer?: ApiServerReview | undefined
  readonly clock?: Clock
  /** Milliseconds for a connection, and for a handshake: less than the 30 s of an API server, since a person waits. */
  readonly timeout?: number
}

const SERVICE_CHECKS = ['dns', 'tcp', 'tls', 'protocol', 'san', 'chain', 'expiry', ...REVIEW_CHECKS]
const CLOCK: Clock = { now: Date.now, elapsed: () => performance.now() }

export async function runDoctor (target: Target, { apiServer, clock = CLOCK, timeout = 10_000 }: DoctorOptions = {}): Promise<DoctorResult> {
  const trust = await checkTrust(target, clock.now(), timeout)
  // credentials are only sent to a server that an API server would trust
  const reviews = trust.checks.some(isBlocking) ? [] : await checkReviews(trust.target, clock)
  const checks = inOrder([...trust.checks, ...reviews], SERVICE_CHECKS)
  if (apiServer !== undefined) {
    // even if the service is unreachable: it may be so from this machine only
    const admin = await withVerifiableCA(apiServer.admin, clock.now(), timeout)
    checks.push(...inOrder(await checkApiServer({ ...apiServer, admin }, trust.target), API_SERVER_CHECKS))
  }
  const has = (outcome: DoctorCheck['outcome']) => checks.some(check => check.outcome === outcome)
  return { server: target.server.href, outcome: has('failed') ? 'failed' : has('unavailable') ? 'unavailable' : 'ok', checks }
}

/** One check for each of `names`; those that were not run say why. */
function inOrder (checks: readonly DoctorCheck[], names: readonly string[]): DoctorCheck[] {
  const blocking = checks.find(isBlocking)
  return names.map(name => checks.find(check => check.name === name) ?? skipped(name, `not run because ${blocking?.name ?? 'an earlier check'} did not pass`))
}
