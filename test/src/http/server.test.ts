import { Agent } from 'node:https'
import { get as plainGet } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import draining from '../../../plugins/draining.js'
import errorHandler from '../../../plugins/error-handler.js'
import { readServingCertificate } from '../../../src/certificates/serving-certificate.js'
import { createAdminServer, createReviewServer } from '../../../src/http/server.js'
import { FrameFlag, FrameType, POST_HEADERS, PREFACE, frame, frameTypes, http2Session, overHttp1, overHttp2, rawTcp, rawTls, type Answer, type Request } from '../../fixtures/clients.js'
import { listen, silent, makeConfig, makeFiles, type Listener, type ListenerOptions } from '../../fixtures/listener.js'

/** A route that reads JSON, and the sweeper of connections. */
async function start (t: Test, options: ListenerOptions = {}): Promise<Listener> {
  return await listen(t, {
    ...options,
    async register (fastify) {
      await fastify.register(draining, { maxConnectionAge: 0, log: silent })
      await fastify.register(errorHandler, { log: silent, paths: 'POST TokenReviews to /authenticate' })
      fastify.post('/authenticate', async request => ({ read: request.body }))
      fastify.get('/livez', async () => 'ok')
    }
  })
}

type Send = (request?: Request) => Promise<Answer>

/** One client of each protocol. */
function clients (t: Test, { port, ca }: Listener): Record<'HTTP/2' | 'HTTP/1.1', Send> {
  const session = http2Session(port, { ca })
  const agent = new Agent({ ca, keepAlive: true })
  t.teardown(() => {
    session.destroy()
    agent.destroy()
  })
  return {
    'HTTP/2': async request => await overHttp2(session, request),
    'HTTP/1.1': async request => await overHttp1({ port, agent, ...request })
  }
}

test('without http2, HTTP/1.1 alone', async t => {
  const { port, ca } = await start(t, { server: { http2: false } })
  const agent = new Agent({ ca, keepAlive: true })
  t.teardown(() => { agent.destroy() })
  t.match(await overHttp1({ port, agent, body: '{"kind":"TokenReview"}' }), { status: 200 })
  await t.rejects(rawTls(port, 'h2', { ca }), /no application protocol/)
})

test('both protocols on one port', async t => {
  const warnings: Error[] = []
  // the deprecation is of the loader that runs this test, and late on Node.js 26
  const note = (warning: Error & { code?: string }): void => { if (warning.code !== 'DEP0205') warnings.push(warning) }
  process.on('warning', note)
  t.teardown(() => { process.off('warning', note) })
  const listener = await start(t)
  for (const [protocol, send] of Object.entries(clients(t, listener))) {
    await t.test(protocol, async t => {
      t.match(await send({ body: '{"kind":"TokenReview"}' }), { status: 200, body: '{"read":{"kind":"TokenReview"}}' })
      t.match(await send({ method: 'GET', path: '/livez' }), { status: 200, body: 'ok' })
      t.match(await send({ method: 'HEAD', path: '/livez' }), { status: 404 }, 'no HEAD routes by themselves')
      t.match(await send({ path: '/Authenticate' }), { status: 404 }, 'paths are case-sensitive')
      t.match(await send({ headers: { 'content-type': 'text/plain' } }), { status: 415 })
      t.match(await send({ body: JSON.stringify('x'.repeat(70_000)) }), { status: 413 })
      t.match(await send(), { status: 200 }, 'and serves on')
    })
  }
  t.same(warnings, [], 'no header that the protocol does not know')
})

test('requests that never reach a route', async t => {
  const listener = await start(t)
  const both = clients(t, listener)
  for (const [protocol, send] of Object.entries(both)) {
    const { status, body } = await send({ method: 'GET', path: '/%c0hunter2' })
    t.equal(status, 400, protocol)
    t.match(JSON.parse(body), { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'BadRequest', code: 400 })
    t.notMatch(body, 'hunter2', 'the path is not repeated')
  }

  t.match(await both['HTTP/1.1']({ headers: { 'x-long': 'x'.repeat(17_000) } }), { status: 431, body: /"kind":"Status"/ })
  await t.rejects(both['HTTP/2']({ headers: { 'x-long': 'x'.repeat(17_000) } }), 'the stream is reset')

  const garbage = await rawTls(listener.port, 'http/1.1', { ca: listener.ca })
  garbage.socket.write('hunter2 hunter2\r\n\r\n')
  await garbage.closed
  t.match(garbage.text, /^HTTP\/1\.1 400 Bad Request\r\n[^]*"this is not HTTP\/1\.1"/)
  t.notMatch(garbage.text, 'hunter2')
})

test('plain HTTP on the TLS port is told so', async t => {
  const { port } = await start(t)
  for (const method of ['GET', 'POST']) {
    const client = await rawTcp(port)
    client.socket.write(`${method} /authenticate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}`)
    await client.closed
    const [head, body] = client.text.split('\r\n\r\n') as [string, string]
    t.match(head, /^HTTP\/1\.1 400 Bad Request\r\nContent-Type: application\/json\r\n/, method)
    t.match(JSON.parse(body), { kind: 'Status', code: 400, message: /https/ })
  }
})

// each case shortens the one limit that it is about: a busy machine is slow at all the others
test('slow clients are cut', async t => {
  const post = frame(FrameType.headers, FrameFlag.endHeaders, 1, POST_HEADERS)
  const body = (text: string, flags = 0): Buffer => frame(FrameType.data, flags, 1, Buffer.from(text))
  const sweep = 10

  await t.test('no handshake, half a handshake', async t => {
    const { port } = await start(t, { limits: { handshake: 40 } })
    for (const bytes of [[], [0x16, 0x03, 0x01, 0x02, 0x00, 0x01]]) {
      const client = await rawTcp(port)
      client.socket.write(Buffer.from(bytes))
      await client.closed
      t.equal(client.text, '')
    }
  })

  for (const [name, bytes, limits] of [
    ['nothing', '', { headers: 40 }],
    ['half the headers', 'POST /authenticate HTTP/1.1\r\nHost: localhost\r\n', { headers: 40 }],
    ['half the body', 'POST /authenticate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{', { request: 40 }]
  ] as const) {
    await t.test(`HTTP/1.1: ${name}`, async t => {
      const { port, ca } = await start(t, { limits: { ...limits, sweep } })
      const client = await rawTls(port, 'http/1.1', { ca })
      client.socket.write(bytes)
      await client.closed
      t.match(client.text, /^HTTP\/1\.1 408 [^]*"kind":"Status"/)
    })
  }

  await t.test('HTTP/1.1: idle after an answer', async t => {
    const { port, ca } = await start(t, { limits: { idle: 40, sweep } })
    const client = await rawTls(port, 'http/1.1', { ca })
    client.socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await client.closed
    t.match(client.text, /^HTTP\/1\.1 200 [^]*ok$/)
  })

  for (const [name, bytes, limits] of [
    ['no preface', Buffer.alloc(0), { handshake: 300 }],
    ['half a preface', PREFACE.subarray(0, 10), { handshake: 300 }],
    ['no headers', PREFACE, { headers: 40 }],
    ['half the headers', Buffer.concat([PREFACE, frame(FrameType.headers, 0, 1, POST_HEADERS)]), { headers: 40 }],
    ['half a frame', Buffer.concat([PREFACE, post.subarray(0, 12)]), { headers: 40 }]
  ] as const) {
    await t.test(`HTTP/2: ${name}`, async t => {
      const { port, ca } = await start(t, { limits: { ...limits, sweep } })
      const client = await rawTls(port, 'h2', { ca })
      client.socket.write(bytes)
      await client.closed
      t.notOk(frameTypes(client.received).includes(FrameType.headers), 'no answer')
    })
  }

  for (const [name, bytes, limits] of [
    ['half the body', Buffer.concat([PREFACE, post, body('{')]), { request: 40 }],
    // SETTINGS_INITIAL_WINDOW_SIZE (4) of 0
    ['an answer that is never let out', Buffer.concat([PREFACE, frame(FrameType.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0])), post, body('{}', FrameFlag.endStream)]), { answer: 20 }]
  ] as const) {
    await t.test(`HTTP/2: ${name}`, async t => {
      const { port, ca } = await start(t, { limits: { ...limits, sweep } })
      const client = await rawTls(port, 'h2', { ca })
      client.socket.write(bytes)
      await client.until(({ received }) => frameTypes(received).includes(FrameType.reset))
      client.socket.destroy()
      await client.closed
      t.pass('the stream is reset')
    })
  }

  await t.test('HTTP/2: idle after an answer', async t => {
    const { port, ca } = await start(t, { limits: { idle: 40, sweep } })
    const session = http2Session(port, { ca })
    const goaway = once(session, 'goaway')
    t.match(await overHttp2(session), { status: 200 })
    const [code] = await goaway
    t.equal(code, 0)
  })
})

/** Streams that are opened and reset at once, in one TLS record if they are few. */
function resets (count: number): Buffer {
  return Buffer.concat([PREFACE, ...Array.from({ length: count }, (_, index) => [
    frame(FrameType.headers, FrameFlag.endHeaders | FrameFlag.endStream, 2 * index + 1, POST_HEADERS),
    frame(FrameType.reset, 0, 2 * index + 1, Buffer.from([0, 0, 0, 8]))
  ]).flat()])
}

const NODE_20 = process.version.startsWith('v20.') && 'Node.js 20 cannot limit resets to fewer than 1,000'

test('the streams that a client may reset at once', { skip: NODE_20 }, async t => {
  const PING = 6
  const { dir } = await makeFiles(t)
  const ping = frame(PING, 0, 0, Buffer.alloc(8))
  const tls = { clientCAFile: join(dir, 'client-ca.crt') }
  for (const [name, options, goaway] of [
    ['fewer if anyone may have a session', { admin: true }, true],
    ['fewer if probes have sessions without a certificate', { tls }, true],
    ['as many as a trusted client may open, if every session has a certificate', { tls, admin: true }, false]
  ] as const) {
    await t.test(name, async t => {
      const { port, ca } = await start(t, options)
      const client = await rawTls(port, 'h2', { ca })
      const pinged = async (count: number) => { await client.until(({ received }) => frameTypes(received).filter(type => type === PING).length === count) }
      client.socket.write(Buffer.concat([resets(200), ping]))
      await Promise.race([client.closed, pinged(1)])
      client.socket.write(ping)
      await Promise.race([client.closed, pinged(2)])
      t.equal(frameTypes(client.received).includes(FrameType.goaway), goaway)
      client.socket.destroy()
    })
  }
})

test('floods end their connection', async t => {
  const { port, ca } = await start(t, { limits: { idle: 40, sweep: 10 } })

  await t.test('rapid reset', async t => {
    const client = await rawTls(port, 'h2', { ca })
    client.socket.write(resets(3000))
    await client.closed
    t.ok(frameTypes(client.received).includes(FrameType.goaway))
  })

  await t.test('streams', async t => {
    const session = http2Session(port, { ca })
    await once(session, 'remoteSettings')
    t.match(session.remoteSettings, { maxConcurrentStreams: 100, initialWindowSize: 16_384, maxHeaderListSize: 16_384 })
    session.destroy()
    await once(session, 'close')
  })

  await t.test('connections', async t => {
    const { port, ca, fastify } = await start(t, { server: { maxConnections: 4 } })
    const first = await rawTls(port, 'h2', { ca })
    const others = [await rawTls(port, 'h2', { ca }), await rawTls(port, 'http/1.1', { ca })]
    await first.closed
    t.equal(first.text.includes('HTTP/1.1'), false)
    t.equal(fastify.tcpConnections.untrusted, 1, 'a quarter of all for one network')
    t.equal(fastify.rejections.connections.get('evicted'), 2)
    for (const { socket } of others) socket.destroy()
  })
})

test('the admin listener speaks plain HTTP/1.1', async t => {
  const { tls } = await makeFiles(t)
  const admin = createAdminServer(makeConfig(tls))
  admin.get('/livez', async () => 'ok')
  await admin.listen({ host: 'localhost', port: 0 })
  t.teardown(async () => { await admin.close() })
  const [response] = await once(plainGet({ port: (admin.server.address() as AddressInfo).port, path: '/livez' }), 'response')
  response.resume()
  t.equal(response.statusCode, 200)
  t.match(admin.server, { headersTimeout: 10_000, requestTimeout: 20_000, maxConnections: 64 })
})

test('the default limits are the ones that the listener gets', async t => {
  const { tls } = await makeFiles(t)
  const certificate = await readServingCertificate(tls)
  const fastify = createReviewServer({ config: makeConfig(tls), certificate })
  t.match(fastify.limits, { handshake: 10_000, idle: 100_000, drain: 10_000 })
  t.match(fastify.server, { headersTimeout: 10_000, requestTimeout: 20_000, keepAliveTimeout: 100_000 })
})
