/** What never becomes a review is counted and logged, with the peer's address, whatever way it takes. */
import { once } from 'node:events'
import { connect } from 'node:tls'
import { test, type Test } from 'tap'
import { createCA, issueClient } from '../../../src/certificates/issue.js'
import { http2Session, overHttp2, rawTcp } from '../../fixtures/clients.js'
import { alice } from '../../fixtures/people.js'
import { authority, startService, tokenReview, type TestService } from '../../fixtures/service.js'
import { until } from '../../fixtures/waiting.js'

const people = { authenticateToken: (token: string) => token === alice.token ? { user: alice.user } : null }
const PEER = '127.0.0.1'
/** Asked for by nobody but its service's clients. */
const CLIENT_CA = { clientCAFile: 'ca.crt', clientNames: ['kube-apiserver'] }
const apiServer = await issueClient(authority, { commonName: 'kube-apiserver', days: 1 })
const mallory = await issueClient(authority, { commonName: 'mallory', days: 1 })
const stranger = await issueClient(await createCA({ commonName: 'another CA', days: 1 }), { commonName: 'canary', days: 1 })

/** As Prometheus sees it. */
async function rejected ({ service }: TestService, reason: string, listener = 'review'): Promise<number> {
  const text = await service.review.metrics.registry.metrics()
  return Number(new RegExp(`requests_rejected_total{listener="${listener}",reason="${reason}"} (\\d+)`).exec(text)?.[1])
}

type Line = Record<string, any>

/** Waits for a line of the log, since some come with the next sweep or with the end of a socket. */
async function lineOf ({ lines }: TestService, found: (line: Line) => boolean): Promise<Line> {
  await until(`a line of the log for which ${found} holds`, () => lines.some(found))
  return lines.find(found)!
}

async function plainHttp (_t: Test, { port }: TestService): Promise<void> {
  const client = await rawTcp(port)
  client.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await client.closed
}

async function noTls (_t: Test, { port }: TestService): Promise<void> {
  const client = await rawTcp(port)
  client.socket.write('\x16\x03\x01\x00\x05hello')
  await client.closed
}

/** As an API server that does not trust the serving certificate: it ends the handshake. */
async function untrusting (_t: Test, { port }: TestService): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, maxVersion: 'TLSv1.2', ca: authority.cert, ciphers: 'NULL-SHA256:@SECLEVEL=0' })
  await once(socket, 'error')
}

async function malformedHttp1 (_t: Test, { port }: TestService): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, ca: authority.cert })
  await once(socket, 'secureConnect')
  socket.end('\x00\x01\x02\r\n\r\n')
  socket.resume()
  await once(socket, 'close')
}

const rejections: Array<[what: string, reason: string, detail: RegExp, act: (t: Test, service: TestService) => Promise<unknown>]> = [
  ['another path', 'not-found', /./, async (_t, { post }) => await post({}, { path: '/canary' })],
  ['another method', 'method', /POST/, async (_t, { post }) => await post('', { method: 'GET' })],
  ['a form', 'media-type', /Content-Type/, async (_t, { post }) => await post('canary=1', { headers: { 'content-type': 'application/x-www-form-urlencoded' } })],
  ['no JSON', 'malformed', /JSON/, async (_t, { post }) => await post('{"canary')],
  ['no TokenReview', 'malformed', /spec is missing/, async (_t, { post }) => await post({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview' })],
  ['a path that is no UTF-8', 'malformed', /percent-encoded/, async (_t, { post }) => await post({}, { path: '/%E0%A4%A?canary' })],
  ['a large body', 'too-large', /larger/, async (_t, { post }) => await post('canary'.repeat(20_000))],
  ['plain HTTP', 'plain-http', /HTTPS/, plainHttp],
  ['no TLS at all', 'tls-handshake', /^(ERR_SSL|E[A-Z]+)/, noTls],
  ['a handshake that fails', 'tls-handshake', /^(ERR_SSL|E[A-Z]+)/, untrusting],
  ['no HTTP/1.1', 'malformed', /HTTP\/1\.1/, malformedHttp1]
]

for (const [what, reason, detail, act] of rejections) {
  test(`${what}: counted, and a debug line with the peer`, async t => {
    const service = await startService(t, { providers: { people } })
    t.equal(await rejected(service, reason), 0)
    await act(t, service)
    const line = await lineOf(service, ({ msg }) => msg === 'rejected a request')
    t.match(line, { level: 'debug', listener: 'review', reason, peer: PEER, detail })
    t.equal(await rejected(service, reason), 1)
    t.notMatch(JSON.stringify(service.lines), 'canary', 'no input')
  })
}

test('the admin listener counts and logs its own', async t => {
  const service = await startService(t, { providers: { people }, config: { admin: { host: '127.0.0.1', port: 0 } } })
  const { port } = service.service.admin!.server.address() as { port: number }
  t.equal((await fetch(`http://127.0.0.1:${port}/canary`)).status, 404)
  t.match(await lineOf(service, ({ msg }) => msg === 'rejected a request'), { level: 'debug', listener: 'admin', reason: 'not-found', peer: PEER })
  t.equal(await rejected(service, 'not-found', 'admin'), 1)
  t.equal(await rejected(service, 'not-found'), 0)
})

const certificates: Array<[what: string, certificate: { cert?: string, key?: string }, name: string | undefined, detail: RegExp]> = [
  ['no certificate', {}, undefined, /a client certificate is required/],
  ['one under another name', mallory, 'CN=mallory', /client certificate name is not in tls\.clientNames/],
  ['one of another CA', stranger, 'CN=canary', /not signed/]
]

for (const [what, certificate, name, detail] of certificates) {
  for (const admin of [undefined, { host: '127.0.0.1', port: 0 }]) {
    test(`${what}, ${admin === undefined ? 'one listener' : 'with an admin listener'}: a warning with the peer and the name`, async t => {
      const service = await startService(t, { providers: { people }, config: { tls: CLIENT_CA, admin }, limits: { sweep: 10 } })
      t.equal((await service.post(tokenReview(alice.token), certificate)).code, 401)
      const session = http2Session(service.port, { ca: authority.cert, ...certificate })
      t.equal((await overHttp2(session, { body: JSON.stringify(tokenReview(alice.token)) })).status, 401)
      session.destroy()
      const line = await lineOf(service, ({ level, peer }) => level === 'warn' && peer !== undefined)
      t.match(line, { level: 'warn', listener: 'review', peer: PEER, clientCertificate: name, detail, msg: /client certificate/ })
      t.equal(await rejected(service, 'client-certificate'), 2)
      t.notMatch(JSON.stringify(service.lines), alice.token)
    })
  }
}

test('the audit line has the address of the peer, and the name of its certificate', async t => {
  const service = await startService(t, { providers: { people }, config: { tls: CLIENT_CA } })
  await service.post(tokenReview(alice.token), { ...apiServer, localAddress: '127.0.0.2' })
  t.match(service.lines.filter(({ audit }) => audit === 'TokenReview'), [{ outcome: 'authenticated', client: 'kube-apiserver', peer: '127.0.0.2' }])
})

test('an IPv4 address is one, also on a listener for both families', async t => {
  const service = await startService(t, { providers: { people }, config: { server: { host: '::' } } })
  await service.review(alice.token)
  t.match(service.lines.filter(({ audit }) => audit === 'TokenReview'), [{ peer: PEER }])
})
