import { EventEmitter, once } from 'node:events'
import type { ClientHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { FastifyInstance } from 'fastify'
import { test, type Test } from 'tap'
import { http2Session, overHttp2 } from '../fixtures/clients.js'
import { listen } from '../fixtures/listener.js'

const JSON_POST = { ':method': 'POST', ':path': '/', 'content-type': 'application/json' }

async function start (t: Test, route: (fastify: FastifyInstance) => void): Promise<ClientHttp2Session> {
  const { port, ca } = await listen(t, { register: async fastify => { route(fastify) } })
  const session = http2Session(port, { ca })
  t.teardown(() => { session.destroy() })
  return session
}

async function statusOf (session: ClientHttp2Session, headers: Record<string, string>): Promise<number> {
  const stream = session.request(headers)
  stream.end()
  const [response] = await once(stream, 'response')
  stream.resume()
  await once(stream, 'close')
  return response[':status']
}

async function roundTrip (session: ClientHttp2Session): Promise<void> {
  await new Promise(resolve => { session.ping(resolve) })
}

test('a request is what the client sent', async t => {
  const session = await start(t, fastify => {
    fastify.post('/a', async ({ raw, method, url, headers, query, body }) =>
      ({ method, url, query, body, type: headers['content-type'], version: raw.httpVersion, major: raw.httpVersionMajor, aborted: raw.aborted, encrypted: 'encrypted' in raw.socket }))
  })
  const { body } = await overHttp2(session, { path: '/a?b=c', body: '{"d":1}' })
  t.same(JSON.parse(body), { method: 'POST', url: '/a?b=c', query: { b: 'c' }, body: { d: 1 }, type: 'application/json', version: '2.0', major: 2, aborted: false, encrypted: true })
})

test('a response is what the route said', async t => {
  const session = await start(t, fastify => {
    fastify.post('/', async (_request, reply) => {
      reply.raw.setHeader('x-raw', '1')
      reply.raw.setHeader('x-gone', '2')
      reply.header('x-fastify', '3').removeHeader('x-gone')
      t.strictSame([reply.hasHeader('x-raw'), reply.hasHeader('x-gone'), reply.getHeader('x-raw')], [true, false, '1'])
      t.match(reply.getHeaders(), { 'x-raw': '1', 'x-fastify': '3' })
      t.strictSame([reply.sent, reply.raw.headersSent], [false, false])
      await reply.code(201).send('made')
      t.strictSame([reply.sent, reply.raw.headersSent], [true, true])
      // too late, and without effect
      reply.raw.end('again')
    })
  })
  const { status, headers, body } = await overHttp2(session, { path: '/' })
  t.strictSame([status, body], [201, 'made'])
  t.match(headers, { 'x-raw': '1', 'x-fastify': '3', 'content-length': '4', date: /GMT$/ })
  t.notHas(headers, 'x-gone')
})

test('an answer without a body, and one to HEAD', async t => {
  const session = await start(t, fastify => {
    fastify.route({ method: ['DELETE', 'HEAD'], url: '/', handler: (request, reply) => reply.code(request.method === 'HEAD' ? 200 : 204).send(request.method === 'HEAD' ? 'long' : undefined) })
  })
  t.match(await overHttp2(session, { method: 'DELETE', path: '/' }), { status: 204, body: '' })
  t.match(await overHttp2(session, { method: 'HEAD', path: '/' }), { status: 200, headers: { 'content-length': '4' }, body: '' })
})

test('an answer longer than a window waits for the client to read', async t => {
  const long = 'x'.repeat(1_000_000)
  const session = await start(t, fastify => { fastify.get('/', async () => long) })
  const stream = session.request({ ':path': '/' })
  await once(stream, 'response')
  // nothing is read meanwhile, so no more than the window can have come
  await roundTrip(session)
  stream.setEncoding('utf8')
  let read = ''
  for await (const chunk of stream) read += chunk
  t.equal(read.length, long.length)
})

test('what a client may expect', async t => {
  const session = await start(t, fastify => { fastify.post('/', async request => request.body) })
  const stream = session.request({ ...JSON_POST, expect: '100-continue' })
  await once(stream, 'continue')
  stream.end('{}')
  const [response] = await once(stream, 'response')
  t.equal(response[':status'], 200)
  t.equal(await statusOf(session, { ...JSON_POST, expect: 'the-impossible' }), 417)
  t.equal(await statusOf(session, { ':method': 'CONNECT', ':authority': 'example.com:443' }), 405)
})

test('a client that resets its stream disturbs nobody', async t => {
  const events = new EventEmitter()
  const session = await start(t, fastify => {
    fastify.post('/', async request => request.body)
    fastify.post('/slow', async ({ raw }, reply) => {
      events.emit('asked')
      await once(raw, 'close')
      await reply.send({ too: 'late' })
      t.strictSame([raw.destroyed, raw.aborted], [true, true])
      events.emit('answered')
    })
  })

  for (const code of [0x8, 0x1]) { // CANCEL, PROTOCOL_ERROR
    const half = session.request(JSON_POST)
    half.on('error', () => {})
    half.write('{"half":')
    await roundTrip(session)
    const closed = new Promise(resolve => { half.on('close', resolve) })
    half.close(code)
    await closed
    t.match(await overHttp2(session, { path: '/' }), { status: 200, body: '{}' }, `in the middle of its body, code ${code}`)
  }

  const impatient = session.request({ ...JSON_POST, ':path': '/slow' })
  impatient.end('{}')
  await once(events, 'asked')
  impatient.close(0x8)
  await once(events, 'answered')
  t.match(await overHttp2(session, { path: '/' }), { status: 200, body: '{}' }, 'before its answer')
})

test('a stream that is closed has its error, and tells nobody of it', async t => {
  const errors: Error[] = []
  let stream: ServerHttp2Stream & { _writableState?: { errored: Error } } | undefined
  const session = await start(t, fastify => {
    fastify.post('/', async ({ raw }) => {
      stream = (raw as unknown as { stream: ServerHttp2Stream }).stream
      stream.on('error', error => { errors.push(error) })
      return 'answered'
    })
  })
  t.equal((await overHttp2(session, { path: '/' })).status, 200)
  await roundTrip(session)
  t.strictSame([stream?.closed, stream?.rstCode, stream?._writableState?.errored.message, errors], [true, 0, 'the stream is closed', []])
})
