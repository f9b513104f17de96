import type { FastifyInstance } from 'fastify'
import { Agent } from 'node:https'
import { test, type Test } from 'tap'
import pressure from '../../plugins/pressure.js'
import type { PressureConfig } from '../../schemas/config.js'
import { FrameFlag, FrameType, POST_HEADERS, PREFACE, frame, frameTypes, overHttp1, rawTls } from '../fixtures/clients.js'
import { listen, type Listener } from '../fixtures/listener.js'

const CALM: PressureConfig = { maxEventLoopDelay: '1h', maxHeapUsedRatio: 1 }

/** The review route in a scope that sheds, a probe beside it. */
async function start (t: Test, config: PressureConfig, sampleInterval = 10): Promise<Listener & { shed: () => number }> {
  let shed = 0
  const listener = await listen(t, {
    async register (fastify: FastifyInstance) {
      await fastify.register(async scope => {
        await scope.register(pressure, { config, sampleInterval, onShed: () => { shed += 1 } })
        scope.post('/authenticate', async () => ({}))
      })
      fastify.get('/livez', async () => 'ok')
    }
  })
  return { ...listener, shed: () => shed }
}

/** Keeps the event loop busy for a while, as a process does that drowns. */
async function drown (): Promise<void> {
  for (let round = 0; round < 5; round += 1) {
    const end = performance.now() + 40
    while (performance.now() < end);
    await new Promise(resolve => setTimeout(resolve, 1))
  }
}

for (const [name, config] of [
  ['a blocked event loop', { ...CALM, maxEventLoopDelay: '1ms' }],
  ['a full heap', { ...CALM, maxHeapUsedRatio: 0.000001 }]
] as const) {
  test(`${name} sheds reviews, and reviews alone`, async t => {
    const { port, ca, shed } = await start(t, config)
    const agent = new Agent({ ca, keepAlive: true })
    t.teardown(() => { agent.destroy() })
    await drown()

    const client = await rawTls(port, 'h2', { ca })
    client.socket.write(PREFACE)
    await drown()
    // headers alone: it answers before there is a body
    client.socket.write(frame(FrameType.headers, FrameFlag.endHeaders, 1, POST_HEADERS))
    await client.until(({ received }) => frameTypes(received).includes(FrameType.headers))
    client.socket.destroy()
    t.equal(shed(), 1)

    await drown()
    const review = await overHttp1({ port, agent })
    t.match(review, { status: 429, body: /AUTHN_OVERLOADED/ })
    t.notOk('retry-after' in review.headers)
    t.equal(shed(), 2)
    t.match(await overHttp1({ port, agent, method: 'GET', path: '/livez' }), { status: 200, body: 'ok' })
  })
}

test('a calm process sheds nothing', async t => {
  const { port, ca, shed } = await start(t, CALM, 50)
  const agent = new Agent({ ca, keepAlive: true })
  t.teardown(() => { agent.destroy() })
  // several samples
  await new Promise(resolve => setTimeout(resolve, 200))
  t.match(await overHttp1({ port, agent }), { status: 200 })
  t.equal(shed(), 0)
})
