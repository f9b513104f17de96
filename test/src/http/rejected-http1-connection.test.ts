/** Strangers over HTTP/1.1, on a port that serves only clients whose certificate is accepted. */
import { Agent } from 'node:https'
import { test } from 'tap'
import { overHttp1, rawTls } from '../../fixtures/clients.js'
import { clientCertificate } from '../../fixtures/listener.js'
import { startForCertificates as start } from '../../fixtures/certificate-only.js'

const REQUEST = 'POST /authenticate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'

test('a stranger is told why, and its connection ends', async t => {
  const { port, ca, fastify } = await start(t)
  for (const [certificate, message] of [[{}, /a client certificate is required/], [await clientCertificate('mallory'), /client certificate name is not in tls\.clientNames/]] as const) {
    const { status, headers, body } = await overHttp1({ port, agent: new Agent({ ca, ...certificate, keepAlive: true }), body: '{}' })
    t.match({ status, headers }, { status: 401, headers: { 'content-type': 'application/json', connection: 'close' } })
    t.match(JSON.parse(body), { kind: 'Status', reason: 'Unauthorized', message })
  }
  t.equal(fastify.rejections.requests.get('client-certificate'), 2)
})

test('an accepted client gets a connection', async t => {
  const { port, ca, fastify } = await start(t)
  const agent = new Agent({ ca, ...await clientCertificate('kube-apiserver'), keepAlive: true, maxSockets: 1 })
  t.teardown(() => { agent.destroy() })
  for (let count = 0; count < 3; count++) t.match(await overHttp1({ port, agent, body: '{}' }), { status: 200, body: '{"client":"kube-apiserver"}' })
  t.match([fastify.tcpConnections.untrusted, fastify.tcpConnections.size], [0, 1])
})

test('one answer, whatever comes', async t => {
  const { port, ca, fastify } = await start(t)
  for (const [name, bytes] of Object.entries({
    'a request': REQUEST,
    'many requests': REQUEST.repeat(100),
    'a part of a request': REQUEST.slice(0, 9),
    'an expectation': REQUEST.replace('Host', 'Expect: 100-continue\r\nHost'),
    'something else': 'SSH-2.0-OpenSSH_9.2p1\r\n'
  })) {
    const before = fastify.rejections.requests.get('client-certificate')!
    const client = await rawTls(port, 'http/1.1', { ca })
    // two records: the second finds the answer on its way
    for (const part of [bytes.slice(0, 1), bytes.slice(1)]) client.socket.write(part)
    await client.closed
    const [head, body, ...more] = String(client.received).split('\r\n\r\n')
    t.match(head, /^HTTP\/1\.1 401 Unauthorized\r\n/, name)
    t.match(JSON.parse(body!), { code: 401 }, name)
    t.strictSame(more, [], name)
    t.equal(fastify.rejections.requests.get('client-certificate'), before + 1, name)
  }
})

test('what is too long or too slow is cut', async t => {
  const { port, ca } = await start(t, { headers: 100 })
  for (const [name, bytes] of Object.entries({ silence: '', 'more than is read': REQUEST.repeat(2_000) })) {
    const client = await rawTls(port, 'http/1.1', { ca })
    client.socket.write(bytes)
    await client.closed
    t.notMatch(String(client.received), '200', name)
  }
})
