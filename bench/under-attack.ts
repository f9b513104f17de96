// How long an API server's reviews take while somebody without a credential
// attacks the review port from other addresses: clients that take no answers,
// and connections that say nothing. The service runs as in its container, with
// the chart's memory limit. A minute:
//
//   npm run build && npx tap --disable-coverage --reporter=tap --timeout=300 bench/under-attack.ts
//
// The attacker and the API server share the machine with the service.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { startAttacked, type Attacked } from '../test/fixtures/attacked.js'
import { http2Session, overHttp2 } from '../test/fixtures/clients.js'
import { alice } from '../test/fixtures/people.js'

const SECONDS = Number(process.env['SECONDS'] ?? 20)
/** Milliseconds between two reviews over the connection that the API server keeps, and between two new connections. */
const PAUSE = 20
const CONNECT_PAUSE = 200
/** Milliseconds. */
const BAR = 1_000

const REVIEW = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: alice.token } })

interface Times {
  readonly kept: number[]
  readonly fresh: number[]
  readonly lost: string[]
}

/** Reviews over a connection that is kept, and over new ones. */
async function reviewFor (service: Attacked, seconds: number): Promise<Times> {
  const times: Times = { kept: [], fresh: [], lost: [] }
  const session = http2Session(service.port, { ca: service.ca, ...service.client })
  const end = performance.now() + seconds * 1_000
  const repeat = async (pause: number, into: number[], ask: () => Promise<string>): Promise<void> => {
    while (performance.now() < end) {
      const started = performance.now()
      const answer = await ask().catch((error: Error) => error.message)
      into.push(performance.now() - started)
      if (!answer.includes('"authenticated":true')) times.lost.push(answer)
      await sleep(pause)
    }
  }
  await Promise.all([
    repeat(PAUSE, times.kept, async () => (await overHttp2(session, { body: REVIEW })).body),
    repeat(CONNECT_PAUSE, times.fresh, async () => (await service.review(alice.token)).text)
  ])
  session.destroy()
  return times
}

function percentile (values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.min(Math.floor(values.length * share), values.length - 1)]!
}

for (const [attack, connections] of [['none', 0], ['silent', 1_024], ['stalled', 400]] as const) {
  test(`an API server beside ${connections} attackers: ${attack}`, async t => {
    const service = await startAttacked(t)
    if (connections > 0) {
      const attacker = fork(fileURLToPath(new URL('load/attack.mjs', import.meta.url)), [String(service.port), attack, String(connections)], { execArgv: [] })
      t.teardown(() => { attacker.kill('SIGKILL') })
      await once(attacker, 'message')
      await sleep(2_000)
    }
    const { kept, fresh, lost } = await reviewFor(service, SECONDS)
    for (const [name, values] of Object.entries({ 'kept connection': kept, 'new connections': fresh })) {
      t.comment(`${name}: ${values.length} reviews, p50 ${percentile(values, 0.5).toFixed(1)}, p99 ${percentile(values, 0.99).toFixed(1)}, most ${Math.max(...values).toFixed(1)} ms`)
      t.ok(percentile(values, 0.99) < BAR, `p99 under ${BAR} ms`)
    }
    t.strictSame(lost, [])
    const { resident, peak } = service.memory()!
    t.comment(`resident ${Math.round(resident / 2 ** 20)} MiB, at most ${Math.round(peak / 2 ** 20)} MiB, ${service.limited ? 'held to' : 'of'} 256 MiB`)
    t.equal(service.alive, true)
  })
}
