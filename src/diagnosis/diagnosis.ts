/**
 * Examines a running service as an API server would meet it: each stage only
 * where the one before is well, since no API server would get further.
 */
import type { Target } from '../client.js'
import { judgeCertificate } from './certificate.js'
import { skipped, stops, type Check } from './check.js'
import { DRILL_CHECKS, runDrill, type Drill } from './drill.js'
import { shakeHands } from './handshake.js'
import type { Clock } from './interview.js'
import { reach } from './reach.js'
import { REVIEW_CHECKS, checkReviews } from './reviews.js'

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
  const service = completed(await examineService(target, clock, patience), SERVICE_CHECKS)
  // it may be out of reach from here alone: the API server is asked in any case
  const hops = drill === undefined ? [] : completed(await runDrill(drill, target), DRILL_CHECKS)
  const checks = [...service, ...hops]
  const has = (outcome: Check['outcome']) => checks.some(check => check.outcome === outcome)
  return { server: target.server.href, outcome: has('failed') ? 'failed' : has('unavailable') ? 'unavailable' : 'ok', checks }
}

async function examineService (target: Target, clock: Clock, patience: number): Promise<Check[]> {
  const way = await reach(target.server, patience)
  if (way.some(stops)) return way
  const handshake = await shakeHands(target, patience)
  if ('outcome' in handshake) return [...way, handshake]
  const trust = [...way, ...handshake.checks, ...judgeCertificate(handshake, target, clock.now())]
  // the kubeconfig's credentials go to nobody whom the API server would not trust
  return trust.some(stops) ? trust : [...trust, ...await checkReviews(target, clock)]
}

/** In the order of `names`; what was not looked at says after which one. */
function completed (checks: readonly Check[], names: readonly string[]): Check[] {
  const first = checks.find(stops)
  return names.map(name => checks.find(check => check.name === name) ?? skipped(name, `not looked at, because of ${first?.name ?? 'an earlier check'}`))
}
