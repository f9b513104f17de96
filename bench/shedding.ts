// What a service that drowns had better answer, as those see it who call the
// API server: 429, which makes the API server ask again, or 200 with `error`,
// which doesn't. Twice as many come as it can serve, or it stands still for 2 s.
// 20 minutes: npm run e2e -- bench/shedding.ts
// A part of it, or with another pressure.maxEventLoopDelay than the default:
// SCENARIO=stalls ROUNDS=1 PRESSURE=200ms npm run e2e -- bench/shedding.ts
import { setTimeout as sleep } from 'node:timers/promises'
import tap, { test } from 'tap'
import { startCluster, type Cluster } from '../test/e2e/cluster.js'
import { busy, busyFile, crowd, type Visit } from '../test/e2e/crowd.js'
import { createWebhook } from '../test/e2e/webhook.js'
import { startWiretap, type Answer, type Review } from '../test/e2e/wiretap.js'
import type { Running } from '../test/fixtures/running.js'

const { SCENARIO = '', ROUNDS = '2', PRESSURE = '1s' } = process.env
/** Of load. */
const SECONDS = 45
/** Of the event loop, for each review: it serves 50 a second. */
const BURNS = 20
const CAPACITY = 1000 / BURNS
/** Between two stalls, and how long one is. */
const PERIOD = 7500
const STALL = 2000
const HOUR = 3_600_000
const VARIANTS = ['429', '200 with `error`'] as const

type Call = (token: string) => Promise<boolean>

interface Scenario {
  readonly rate: number
  readonly visit: (call: Call) => Call
  readonly during?: (service: Running) => Promise<void>
}

const SCENARIOS: Record<string, Scenario> = {
  'double load, one call each': { rate: 2 * CAPACITY, visit: call => call },
  'double load, kubectl': { rate: 2 * CAPACITY, visit: kubectl },
  'stalls of 2 s at half load, one call each': { rate: CAPACITY / 2, visit: call => call, during: stall },
  'stalls of 2 s at half load, kubectl': { rate: CAPACITY / 2, visit: kubectl, during: stall }
}

// the runner's limit is meant for tests
tap.setTimeout(HOUR)

test('shedding', { timeout: HOUR }, async t => {
  let variant: typeof VARIANTS[number] = VARIANTS[0]
  const webhook = await createWebhook(t, { identityProviders: [busy({ burns: BURNS })], files: busyFile, config: { pressure: { maxEventLoopDelay: PRESSURE } } })
  const wiretap = await startWiretap(t, {
    to: () => ({ port: webhook.port }),
    change: (answer, review) => answer.status === 429 && variant !== '429' ? unavailable(review) : answer
  })
  const cluster = await startCluster(t, { webhook: await webhook.kubeconfig('--server', `https://127.0.0.1:${wiretap.port}`) })
  const call = callOf(cluster)

  let run = 0
  for (const [scenario, { rate, visit, during }] of Object.entries(SCENARIOS).filter(([name]) => name.includes(SCENARIO))) {
    t.comment(scenario)
    t.comment('| answer | let in | after (p50, p95, p99) | refused after | reviews a visit | calm again after |')
    for (let round = 0; round < Number(ROUNDS); round++) {
      for (variant of VARIANTS) {
        const name = `run-${++run}`
        const service = await webhook.start()
        await calm(call, `${name}-before`)
        const before = wiretap.reviews.length
        const visits = crowd({ name: `${name}-visit`, rate, seconds: SECONDS, visit: visit(call) })
        await Promise.all([sleep(SECONDS * 1000), during?.(service)])
        const recovery = await calm(call, `${name}-after`)
        const done = await visits
        const reviews = wiretap.reviews.slice(before).filter(({ token }) => token.startsWith(`${name}-visit`))
        t.comment(row(variant, done, reviews.length, recovery))
        await service.stop()
      }
    }
  }
})

/** Whether the API server knows who it is: RBAC allows them nothing, so 403 means yes. */
function callOf (cluster: Cluster): Call {
  return async token => (await cluster.call(token)).code === 403
}

/** Five calls as kubectl makes them without a discovery cache; its user repeats the command after 1 to 3 s, three times in all. */
function kubectl (call: Call): Call {
  return async token => {
    for (let command = 0; command < 3; command++) {
      if (command > 0) await sleep(1000 + 2000 * Math.random())
      for (let n = 0; n < 5; n++) if (await call(token)) return true
    }
    return false
  }
}

/** As processes do that get no processor. */
async function stall (service: Running): Promise<void> {
  for (let left = SECONDS * 1000; left >= PERIOD; left -= PERIOD) {
    const before = Math.random() * 1000
    await sleep(before)
    service.child.kill('SIGSTOP')
    await sleep(STALL)
    service.child.kill('SIGCONT')
    await sleep(PERIOD - STALL - before)
  }
}

/** Waits until three newcomers in a row get in at once; @returns how long that took */
async function calm (call: Call, name: string): Promise<number> {
  const start = performance.now()
  for (let n = 0, quick = 0; quick < 3; n++) {
    const before = performance.now()
    quick = await call(`${name}-${n}`) && performance.now() - before < 200 ? quick + 1 : 0
    await sleep(50)
  }
  return performance.now() - start
}

/** As src/authn/review.ts answers if a provider is unavailable. */
function unavailable ({ body }: Review): Answer {
  const { apiVersion, spec: { audiences } } = JSON.parse(body)
  return { status: 200, body: JSON.stringify({ apiVersion, kind: 'TokenReview', status: { authenticated: false, error: 'overloaded', audiences } }) }
}

function row (variant: string, visits: readonly Visit[], reviews: number, recovery: number): string {
  const letIn = visits.filter(({ letIn }) => letIn)
  const refused = visits.filter(({ letIn }) => !letIn)
  const cells = [variant, `${Math.round(100 * letIn.length / visits.length)} %`, spread(letIn), spread(refused), (reviews / visits.length).toFixed(1), inSeconds(recovery)]
  return `| ${cells.join(' | ')} |`
}

function spread (visits: readonly Visit[]): string {
  const sorted = visits.map(({ duration }) => duration).sort((a, b) => a - b)
  if (sorted.length === 0) return '–'
  return [0.5, 0.95, 0.99].map(share => inSeconds(sorted[Math.floor(share * sorted.length)]!)).join(', ')
}

function inSeconds (milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(milliseconds < 1000 ? 2 : 1)} s`
}
