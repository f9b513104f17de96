/** Strangers over HTTP/2, on a port that serves only clients whose certificate is accepted. */
import { once } from 'node:events'
import { test } from 'tap'
import { frame, FrameFlag, FrameType, frameTypes, http2Session, overHttp2, POST_HEADERS, PREFACE, rawTls } from '../../fixtures/clients.js'
import { clientCertificate } from '../../fixtures/listener.js'
import { startForCertificates as start } from '../../fixtures/certificate-only.js'

const request = frame(FrameType.headers, FrameFlag.endHeaders, 1, POST_HEADERS)

test('a stranger is told why, and its connection ends', async t => {
  const { port, ca, fastify } = await start(t)
  for (const [certificate, message] of [[{}, /a client certificate is required/], [await clientCertificate('mallory'), /client certificate name is not in tls\.clientNames/]] as const) {
    const session = http2Session(port, { ca, ...certificate })
    const goaway = once(session, 'goaway')
    const { status, headers, body } = await overHttp2(session)
    t.equal(status, 401)
    t.equal(headers['content-type'], 'application/json')
    t.match(JSON.parse(body), { kind: 'Status', reason: 'Unauthorized', message })
    t.match(await goaway, [0, 1])
    await once(session, 'close')
  }
  t.equal(fastify.rejections.requests.get('client-certificate'), 2)
})

test('an accepted client gets a session', async t => {
  const { port, ca, fastify } = await start(t)
  const session = http2Session(port, { ca, ...await clientCertificate('kube-apiserver') })
  for (let count = 0; count < 3; count++) t.match(await overHttp2(session), { status: 200, body: '{"client":"kube-apiserver"}' })
  t.match([fastify.tcpConnections.untrusted, fastify.tcpConnections.size], [0, 1])
  session.destroy()
})

test('frames are passed over, however they are cut', async t => {
  const { port, ca } = await start(t)
  const bytes = Buffer.concat([
    PREFACE, frame(6, 1, 0, Buffer.alloc(8)), frame(0xbb, 0, 0, Buffer.alloc(5_000)), frame(FrameType.settings, 1, 0), request,
    frame(FrameType.data, FrameFlag.endStream, 1, Buffer.alloc(9_000, 'a'))
  ])
  for (const size of [1, 7, 4_096, bytes.length]) {
    const client = await rawTls(port, 'h2', { ca })
    for (let at = 0; at < bytes.length; at += size) client.socket.write(bytes.subarray(at, at + size))
    await client.closed
    t.same(frameTypes(client.received), [FrameType.settings, FrameType.settings, FrameType.headers, FrameType.data, FrameType.goaway], `${size} bytes at a time`)
  }
})

test('what is too long or too slow is cut', async t => {
  const { port, ca } = await start(t, { headers: 100 })
  for (const [name, bytes] of Object.entries({
    silence: Buffer.alloc(0),
    'half a preface': PREFACE.subarray(0, 9),
    'half the headers of a frame': Buffer.concat([PREFACE, request.subarray(0, 5)]),
    'a frame of 16 MiB': Buffer.concat([PREFACE, Buffer.from([0xff, 0xff, 0xff, 0xbb, 0, 0, 0, 0, 0])]),
    'no end of frames': Buffer.concat([PREFACE, ...new Array<Buffer>(8).fill(frame(0xbb, 0, 0, Buffer.alloc(9_000)))])
  })) {
    const client = await rawTls(port, 'h2', { ca })
    client.socket.write(bytes)
    await client.closed
    t.notOk(frameTypes(client.received).includes(FrameType.headers), name)
  }
})
