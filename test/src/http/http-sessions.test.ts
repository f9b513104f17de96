import { Agent } from 'node:https'
import { once } from 'node:events'
import type { ClientHttp2Session } from 'node:http2'
import { test, type Test } from 'tap'
import draining from '../../../plugins/draining.js'
import { LIMITS } from '../../../src/http/limits.js'
import { http2Session, overHttp1, overHttp2, rawTcp, rawTls, type Answer } from '../../fixtures/clients.js'
import { Gate, listen, silent, type Listener, type ListenerOptions } from '../../fixtures/listener.js'
import { until } from '../../fixtures/waiting.js'

const REVIEWS = 200
const POST_HTTP1 = 'POST /authenticate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'

interface Reviews extends Listener {
  readonly gate: Gate
  /** Reviews that came to the route. */
  readonly reviewed: () => number
}

/** `/authenticate` answers when the gate opens, `/soon` a moment later. */
async function start (t: Test, { maxConnectionAge = 0, ...options }: ListenerOptions & { maxConnectionAge?: number } = {}): Promise<Reviews> {
  const gate = new Gate()
  let reviewed = 0
  const listener = await listen(t, {
    ...options,
    // as if every client were trusted
    limits: { ...options.limits, streams: { ...LIMITS.streams, perUntrusted: REVIEWS } },
    async register (fastify) {
      await fastify.register(draining, { maxConnectionAge, log: silent })
      fastify.post('/authenticate', async () => {
        await gate.pass()
        return { reviewed: true }
      })
      fastify.post('/soon', async () => {
        reviewed += 1
        await new Promise(resolve => setTimeout(resolve, 2))
        return { reviewed: true }
      })
    }
  })
  return { ...listener, gate, reviewed: () => reviewed }
}

/** Repeats a stream that was refused unseen, on a new connection, as Go's client does (RFC 9113, 8.7). Anything else is a loss. */
class GoClient {
  #session: ClientHttp2Session | undefined
  sessions = 0

  constructor (readonly port: number, readonly ca: string) {}

  async review (): Promise<Answer> {
    while (true) {
      if (this.#session === undefined || this.#session.closed || this.#session.destroyed) {
        this.#session = http2Session(this.port, { ca: this.ca })
        this.sessions += 1
      }
      try {
        return await overHttp2(this.#session, { path: '/soon' })
      } catch (error) {
        if (!(error as Error).message.includes('NGHTTP2_REFUSED_STREAM')) throw error
      }
    }
  }

  close (): void {
    this.#session?.destroy()
  }
}

function makeAgent (t: Test, ca: string, maxSockets = Infinity): Agent {
  const agent = new Agent({ ca, keepAlive: true, maxSockets })
  t.teardown(() => { agent.destroy() })
  return agent
}

test('a shutdown loses no review', async t => {
  const count = (answers: Answer[]): number => answers.filter(({ status, body }) => status === 200 && body === '{"reviewed":true}\n').length

  await t.test('200 in flight over one HTTP/2 connection', async t => {
    const { fastify, gate, port, ca } = await start(t)
    const session = http2Session(port, { ca })
    const answers = Promise.all(Array.from({ length: REVIEWS }, async () => await overHttp2(session)))
    await gate.arrived(REVIEWS)
    t.match(fastify.httpSessions, { draining: false, size: 1 })

    const goaway = once(session, 'goaway')
    const closed = fastify.close()
    await goaway
    t.equal(fastify.httpSessions.draining, true)
    gate.open()
    t.equal(count(await answers), REVIEWS)
    await closed
  })

  await t.test('200 in flight over HTTP/1.1', async t => {
    const { fastify, gate, port, ca } = await start(t)
    const agent = makeAgent(t, ca)
    const answers = Promise.all(Array.from({ length: REVIEWS }, async () => await overHttp1({ port, agent })))
    await gate.arrived(REVIEWS)
    t.equal(fastify.httpSessions.size, REVIEWS)

    const closed = fastify.close()
    await until('a drain', () => fastify.httpSessions.draining)
    gate.open()
    t.equal(count(await answers), REVIEWS)
    t.ok((await answers).every(({ headers }) => headers.connection === 'close'))
    await closed
  })

  await t.test('reviews that are on their way', async t => {
    const { fastify, port, ca, reviewed } = await start(t, { limits: { grace: 100 } })
    const go = new GoClient(port, ca)
    const agent = makeAgent(t, ca)
    let left = 600
    const repeat = async (review: () => Promise<Answer>): Promise<Answer[]> => {
      const answers = []
      for (; left > 0 && !fastify.httpSessions?.draining; left -= 1) answers.push(await review())
      return answers
    }
    const loops = Array.from({ length: 20 }, async (_, index) =>
      await repeat(async () => index % 2 === 0 ? await go.review() : await overHttp1({ port, agent, path: '/soon' })))
    await until('a hundred reviews', () => reviewed() >= 100)
    const closed = fastify.close()
    const answers = (await Promise.all(loops)).flat()
    await closed
    t.ok(left > 0, 'the shutdown came in between')
    t.equal(count(answers), answers.length)
    t.equal(reviewed(), answers.length, 'none twice')
  })

  await t.test('idle connections end, and those that are opened meanwhile are served', async t => {
    const { fastify, gate, port, ca } = await start(t, { limits: { grace: 2_000 } })
    const idle = await rawTls(port, 'http/1.1', { ca })
    const session = http2Session(port, { ca })
    await once(session, 'remoteSettings')
    const closed = fastify.close()
    await once(session, 'goaway')

    const [late1, late2] = [await rawTls(port, 'http/1.1', { ca }), http2Session(port, { ca })]
    const [unused1, unused2] = [await rawTls(port, 'http/1.1', { ca }), http2Session(port, { ca })]
    late1.socket.write(POST_HTTP1)
    const answer = overHttp2(late2)
    await gate.arrived(2)
    await Promise.all([idle.closed, unused1.closed, once(unused2, 'close')])
    t.equal(idle.text, '')

    gate.open()
    t.match(await answer, { status: 200 })
    await late1.closed
    t.match(late1.text, /^HTTP\/1\.1 200 [^]*connection: close\r\n/i)
    await closed
  })

  await t.test('a review that never ends is cut at the limit, and so is a handshake', async t => {
    const { fastify, gate, port, ca } = await start(t, { limits: { drain: 60 } })
    const session = http2Session(port, { ca })
    const agent = makeAgent(t, ca)
    const answers = [overHttp2(session), overHttp1({ port, agent })]
    const refused = Promise.all(answers.map(async answer => { await t.rejects(answer) }))
    await gate.arrived(2)
    const handshake = await rawTcp(port)
    await fastify.close()
    await Promise.all([refused, handshake.closed])
  })
})

test('before a drain, HTTP/1.1 connections end with their next answer', async t => {
  const { fastify, port, ca } = await start(t)
  const session = http2Session(port, { ca })
  t.teardown(() => { session.destroy() })
  const agent = makeAgent(t, ca, 1)
  t.not((await overHttp1({ port, agent, path: '/soon' })).headers.connection, 'close')
  t.equal((await overHttp2(session, { path: '/soon' })).status, 200)
  fastify.httpSessions.closeAfterAnswers()
  t.equal((await overHttp1({ port, agent, path: '/soon' })).headers.connection, 'close', 'one that was open')
  t.equal((await overHttp1({ port, agent, path: '/soon' })).headers.connection, 'close', 'a new one')
  t.equal((await overHttp2(session, { path: '/soon' })).status, 200, 'an HTTP/2 session stays until the drain')
})

test('connections grow old', async t => {
  await t.test('HTTP/2: none is lost while sessions are drained every few milliseconds', async t => {
    const { port, ca, reviewed } = await start(t, { maxConnectionAge: 10, limits: { sweep: 5 } })
    const go = new GoClient(port, ca)
    for (let round = 0; round < 40; round += 1) {
      const answers = await Promise.all(Array.from({ length: 10 }, async () => await go.review()))
      if (!answers.every(({ status }) => status === 200)) t.fail('a review was lost')
    }
    t.equal(reviewed(), 400, 'none lost, none twice')
    t.ok(go.sessions > 3, `${go.sessions} sessions`)
    go.close()
  })

  await t.test('HTTP/1.1: the next reply says close', async t => {
    const { port, ca } = await start(t, { maxConnectionAge: 10, limits: { sweep: 5 } })
    const agent = makeAgent(t, ca, 4)
    let closes = 0
    for (let round = 0; round < 40; round += 1) {
      const answers = await Promise.all(Array.from({ length: 10 }, async () => await overHttp1({ port, agent, path: '/soon' })))
      if (!answers.every(({ status }) => status === 200)) t.fail('a review was lost')
      closes += answers.filter(({ headers }) => headers.connection === 'close').length
    }
    t.ok(closes > 3, `${closes} closed`)
  })

  await t.test('each at an age of its own, within 20 %', async t => {
    const { fastify, port, ca } = await start(t, { maxConnectionAge: 5_000, limits: { sweep: 60_000 } })
    const opening = performance.now()
    const sessions = await Promise.all(Array.from({ length: 40 }, async () => {
      const session = http2Session(port, { ca })
      t.teardown(() => { session.destroy() })
      await once(session, 'remoteSettings')
      return session
    }))
    const opened = performance.now()
    const retired = new Set<ClientHttp2Session>()
    for (const session of sessions) session.once('goaway', () => { retired.add(session) })
    const sweep = async (now: number): Promise<number> => {
      fastify.httpSessions.sweep(now)
      // a GOAWAY comes before the acknowledgement of a later ping
      await Promise.all(sessions.map(async session => { if (!session.closed && !session.destroyed) await new Promise(resolve => { session.ping(resolve) }) }))
      return retired.size
    }
    t.equal(await sweep(opening + 4_000), 0)
    t.ok(await sweep(opening + 4_950) > 0, 'some are younger')
    t.ok(await sweep(opened + 5_050) < sessions.length, 'some are older')
    t.equal(await sweep(opened + 6_000), sessions.length)
  })

  await t.test('an age of 0 is none', async t => {
    const { fastify, port, ca } = await start(t)
    const agent = makeAgent(t, ca)
    await overHttp1({ port, agent, path: '/soon' })
    fastify.httpSessions.sweep(performance.now() + 50_000)
    t.match((await overHttp1({ port, agent, path: '/soon' })).headers, { connection: 'keep-alive' })
    t.equal(fastify.httpSessions.size, 1)
  })
})

test('all connections can be retired while the service stays', async t => {
  const { fastify, gate, port, ca } = await start(t)
  const session = http2Session(port, { ca })
  const agent = makeAgent(t, ca)
  const idle = await rawTls(port, 'http/1.1', { ca })
  const answers = Promise.all([overHttp2(session), overHttp1({ port, agent })])
  await gate.arrived(2)
  t.equal(fastify.httpSessions.size, 3)

  await fastify.httpSessions.renew()
  await idle.closed
  // those with a review in flight wait for it
  await until('the idle connection to close', () => fastify.httpSessions.size <= 2)
  gate.open()
  t.match(await answers, [{ status: 200 }, { status: 200, headers: { connection: 'close' } }])
  await once(session, 'close')
  t.equal(fastify.httpSessions.draining, false)

  t.match(await overHttp1({ port, agent, path: '/soon' }), { status: 200, headers: { connection: 'keep-alive' } }, 'new ones are welcome')
})
