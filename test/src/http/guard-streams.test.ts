/** Requests of both protocols on their way to Fastify, and those whose stream is gone by then. */
import { EventEmitter, once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import { test, type Test } from 'tap'
import { http2Session, overHttp2, rawTls } from '../../fixtures/clients.js'
import { listen, type Listener } from '../../fixtures/listener.js'

const JSON_POST = { ':method': 'POST', ':path': '/authenticate', 'content-type': 'application/json' }

async function start (t: Test, route: (fastify: FastifyInstance) => void = echo): Promise<Listener> {
  return await listen(t, { register: async fastify => { route(fastify) } })
}

function echo (fastify: FastifyInstance): void {
  fastify.post('/authenticate', async request => request.body)
}

test('Expect and CONNECT over HTTP/2', async t => {
  const { port, ca, fastify } = await start(t)
  const session = http2Session(port, { ca })
  t.teardown(() => { session.destroy() })
  const status = async (headers: Record<string, string>): Promise<number> => {
    const stream = session.request(headers)
    stream.end('{}')
    const [response] = await once(stream, 'response')
    stream.resume()
    await once(stream, 'close')
    return response[':status']
  }

  const stream = session.request({ ...JSON_POST, expect: '100-continue' })
  await once(stream, 'continue')
  stream.end('{}')
  const [response] = await once(stream, 'response')
  t.equal(response[':status'], 200)

  t.equal(await status({ ...JSON_POST, expect: 'the-impossible' }), 417)
  t.equal(await status({ ':method': 'CONNECT', ':authority': 'example.com:443' }), 405)
  t.match(Object.fromEntries(fastify.rejections.requests), { malformed: 1, method: 1, closed: 0 })
})

test('Expect and CONNECT over HTTP/1.1', async t => {
  const { port, ca, fastify } = await start(t)
  for (const [head, answer] of [
    ['POST /authenticate HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}', /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/],
    ['POST /authenticate HTTP/1.1\r\nHost: localhost\r\nExpect: the-impossible\r\nContent-Length: 0\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 417 /],
    ['CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n', /^$/]
  ] as const) {
    const client = await rawTls(port, 'http/1.1', { ca })
    client.socket.write(head)
    await client.closed
    t.match(client.text, answer, head.slice(0, 12))
  }
  t.match(Object.fromEntries(fastify.rejections.requests), { malformed: 1, method: 1, closed: 0 })
})

test('a client that resets its stream disturbs nobody', async t => {
  const events = new EventEmitter()
  const { port, ca } = await start(t, fastify => {
    echo(fastify)
    fastify.post('/slow', ({ raw }, reply) => {
      raw.once('close', () => {
        reply.send({ too: 'late' })
        events.emit('answered', raw.aborted)
      })
      events.emit('asked')
    })
  })
  const session = http2Session(port, { ca })
  t.teardown(() => { session.destroy() })

  for (const code of [0x8, 0x1]) { // CANCEL, PROTOCOL_ERROR
    const half = session.request(JSON_POST)
    half.on('error', () => {})
    half.write('{"half":')
    await new Promise(resolve => { session.ping(resolve) })
    const closed = new Promise(resolve => { half.on('close', resolve) })
    half.close(code)
    await closed
    t.match(await overHttp2(session), { status: 200, body: '{}' }, `in the middle of its body, code ${code}`)
  }

  const impatient = session.request({ ...JSON_POST, ':path': '/slow' })
  impatient.end('{}')
  await once(events, 'asked')
  const answered = once(events, 'answered')
  impatient.close(0x8)
  t.same(await answered, [true], 'before its answer')
  t.match(await overHttp2(session), { status: 200, body: '{}' })
})
