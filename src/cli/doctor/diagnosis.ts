/**
 * Examines a running service as an API server would meet it: each stage only
 * where the one before is well, since no API server would get further.
 */
import type { Target } from '../client.js'
import { skipped, stops, type Check } from './check.js'
import { DRILL_CHECKS, runDrill, type Drill } from './drill.js'
import type { Clock } from './interview.js'
import { REVIEW_CHECKS, checkReviews } from './reviews.js'
import { examineTrust, narrowTrust } from './trust.js'

export interface Diagnosis {
  readonly server: string
  /** The worst: `ok` allows for warnings; `failed` goes before `unavailable`. */
  readonly outcome: 'ok' | 'failed' | 'unavailable'
  readonly checks: readonly Check[]
}

export interface Examination {
  readonly drill?: Drill | undefined
  readonly clock?: Clock
  /** Milliseconds for a connection, and for a handshake. The API server gives 30 s; nobody at a terminal waits that long. */
  readonly patience?: number
}

const SERVICE_CHECKS = ['dns', 'tcp', 'tls', 'http2', 'san', 'chain', 'expiry', ...REVIEW_CHECKS]
const CLOCK: Clock = { now: Date.now, elapsed: () => performance.now() }

export async function examine (target: Target, { drill, clock = CLOCK, patience = 10_000 }: Examination = {}): Promise<Diagnosis> {
  const trust = await examineTrust(target, clock.now(), patience)
  // the kubeconfig's credentials go to nobody whom the API server would not trust
  const reviews = trust.checks.some(stops) ? [] : await checkReviews(trust.target, clock)
  const service = completed([...trust.checks, ...reviews], SERVICE_CHECKS)
  // it may be out of reach from here alone: the API server is asked in any case
  const admin = drill && await narrowTrust(drill.admin, clock.now(), patience)
  const hops = admin === undefined ? [] : completed(await runDrill({ ...drill, admin }, trust.target), DRILL_CHECKS)
  const checks = [...service, ...hops]
  const has = (outcome: Check['outcome']) => checks.some(check => check.outcome === outcome)
  return { server: target.server.href, outcome: has('failed') ? 'failed' : has('unavailable') ? 'unavailable' : 'ok', checks }
}

/** In the order of `names`; what was not looked at says after which one. */
function completed (checks: readonly Check[], names: readonly string[]): Check[] {
  const first = checks.find(stops)
  return names.map(name => checks.find(check => check.name === name) ?? skipped(name, `not looked at, because of ${first?.name ?? 'an earlier check'}`))
}
