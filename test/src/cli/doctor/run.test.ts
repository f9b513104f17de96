/**
 * What `doctor` finds: the real service with every certificate that it may be
 * given, and small stand-ins for what the real service never does. The API
 * server is always a stand-in.
 */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createHttpsServer, type ServerOptions } from 'node:https'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { createServer as createTlsServer } from 'node:tls'
import { test, type Test } from 'tap'
import type { Target } from '../../../../src/cli/client.js'
import type { DoctorOutcome } from '../../../../src/cli/doctor/check.js'
import { runDoctor, type DoctorOptions, type DoctorResult } from '../../../../src/cli/doctor/run.js'
import { createCA, issueClient, issueServing, type CertificatePair } from '../../../../src/certificates/issue.js'
import { issueOdd, withTime } from '../../../fixtures/certificates.js'
import { alice } from '../../../fixtures/people.js'
import { startService, V1, type TestProvider, type TestServiceOptions } from '../../../fixtures/service.js'

const DAY = 24 * 3_600_000
const monthAgo = () => Date.now() - 30 * DAY
const NAMES = ['localhost', '127.0.0.1']

const ca = await createCA({ commonName: 'serving CA', days: 400, now: monthAgo })
const otherCA = await createCA({ commonName: 'other CA', days: 400 })
const clientCA = await createCA({ commonName: 'client CA', days: 400 })
const leaf = await issueServing(ca, { names: NAMES, days: 200 })
const client = await issueClient(clientCA, { commonName: 'kube-apiserver', days: 200 })

const people: TestProvider = {
  authenticateToken: token => token === alice.token ? { user: alice.user } : null,
  authenticatePassword: () => null
}
const mutual = { files: { 'client-ca.crt': clientCA.cert }, config: { tls: { clientCAFile: 'client-ca.crt', clientNames: ['kube-apiserver'] } } }

/** The real service on a certificate of the test's, and how to reach it. */
async function serve (t: Test, { cert, key }: CertificatePair = leaf, { files, ...options }: TestServiceOptions = {}): Promise<Target> {
  const { port } = await startService(t, { providers: { people }, ...options, files: { 'tls.crt': cert, 'tls.key': key, ...files } })
  return targetAt(port)
}

function targetAt (port: number, server = 'https://127.0.0.1'): Target {
  return { server: new URL(`${server}:${port}/authenticate`), ca: ca.cert }
}

async function listen (t: Test, server: Server): Promise<Target> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  return targetAt((server.address() as AddressInfo).port)
}

type Handler = (review: any, response: ServerResponse, request: IncomingMessage) => void

const DEMANDING = { requestCert: true, rejectUnauthorized: true, ca: clientCA.cert }

/** Something that speaks TLS with a good certificate, and answers as a test says. It offers HTTP/2, of which no review makes use here. */
async function standIn (t: Test, handler: Handler, options: ServerOptions = {}): Promise<Target> {
  const server = createHttpsServer({ ...leaf, ALPNProtocols: ['h2', 'http/1.1'], ...options }, (request, response) => {
    text(request).then(body => { handler(JSON.parse(body), response, request) }, () => { response.destroy() })
  })
  t.teardown(() => { server.closeAllConnections() })
  return await listen(t, server)
}

/** A webhook that refuses everybody, with something odd about it. */
function oddWebhook (odd: (review: any, response: ServerResponse) => object): Handler {
  return (review, response) => {
    const { apiVersion, kind } = review
    response.end(JSON.stringify({ apiVersion, kind, status: { authenticated: false }, ...odd(review, response) }))
  }
}

type Finding = readonly [outcome: DoctorOutcome, message: RegExp]

/** What isn't well, by name; whatever was skipped has said why. */
function findings ({ checks }: DoctorResult): Record<string, [DoctorOutcome, string]> {
  const unwell = checks.filter(({ outcome, message }) => outcome !== 'ok' && !(outcome === 'skipped' && message.startsWith('not run')))
  return Object.fromEntries(unwell.map(({ name, outcome, message, advice = '' }) => [name, [outcome, `${message} / ${advice}`]]))
}

const ANYBODY: Record<string, Finding> = { 'client-certificate': ['warning', /none is required/] }

interface Case {
  readonly what: string
  readonly target: (t: Test) => Promise<Target>
  readonly outcome: DoctorResult['outcome']
  readonly finds: Record<string, Finding>
  readonly options?: DoctorOptions
}

const cases: Case[] = [
  {
    what: 'a service as it should be',
    target: async t => ({ ...await serve(t, leaf, mutual), cert: client.cert, key: client.key }),
    outcome: 'ok',
    finds: {}
  },
  { what: 'one that everybody may ask', target: async t => await serve(t), outcome: 'ok', finds: ANYBODY },
  { what: 'one that is found by its name', target: async t => targetAt(Number((await serve(t)).server.port), 'https://localhost'), outcome: 'ok', finds: ANYBODY },

  // the way there
  {
    what: 'nothing listens',
    target: async t => {
      const { server } = await serve(t)
      const nothing = createTcpServer()
      const target = await listen(t, nothing)
      nothing.close()
      return { ...target, server: new URL(target.server.href.replace(server.port, '1')) }
    },
    outcome: 'unavailable',
    finds: { tcp: ['unavailable', /cannot connect to .*: ECONNREFUSED \/ .*nothing listens there/] }
  },
  { what: 'a name that nobody has', target: async () => targetAt(8443, 'https://authn.invalid'), outcome: 'unavailable', finds: { dns: ['unavailable', /authn\.invalid does not resolve/] } },
  { what: 'a name of the cluster', target: async () => targetAt(8443, 'https://authn.kube-system.svc'), outcome: 'unavailable', finds: { dns: ['unavailable', /authn\.kube-system\.svc does not resolve.*cluster IP/] } },
  { what: 'an address behind a wall', target: async () => targetAt(8443, 'https://[100::1]'), outcome: 'unavailable', finds: { tcp: ['unavailable', /cannot connect to \[100::1\]:8443/] }, options: { timeout: 50 } },

  // the handshake
  { what: 'a process that hangs', target: async t => await listen(t, createTcpServer(socket => { t.teardown(() => { socket.destroy() }) })), outcome: 'unavailable', finds: { tls: ['unavailable', /TCP connects, but the TLS handshake times out/] }, options: { timeout: 50 } },
  {
    what: 'a process that shakes hands bit by bit',
    target: async t => await listen(t, createTcpServer(socket => {
      // the head of a record of 4 KiB
      socket.on('error', () => {}).write(Buffer.from('160303100002000ffc', 'hex'))
      const timer = setInterval(() => { socket.write('x') }, 20)
      socket.on('close', () => { clearInterval(timer) })
    })),
    outcome: 'unavailable',
    finds: { tls: ['unavailable', /TCP connects, but the TLS handshake times out/] },
    options: { timeout: 300 }
  },
  { what: 'a process that hangs up', target: async t => await listen(t, createTcpServer(socket => { socket.destroy() })), outcome: 'failed', finds: { tls: ['failed', /the TLS handshake failed: ECONNRESET/] } },
  {
    what: 'the admin port: plain HTTP',
    target: async t => {
      const { service } = await startService(t, { providers: { people }, config: { admin: { host: '127.0.0.1', port: 0 } } })
      return targetAt((service.admin!.server.address() as AddressInfo).port)
    },
    outcome: 'failed',
    finds: { tls: ['failed', /does not speak TLS.*not the admin port/] }
  },
  {
    what: 'a TLS of long ago',
    target: async t => await listen(t, createTlsServer({ ...leaf, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }).on('tlsClientError', () => {})),
    outcome: 'failed',
    finds: { tls: ['failed', /neither TLS 1\.2 nor 1\.3/] }
  },
  { what: 'HTTP/1.1 alone', target: async t => await standIn(t, oddWebhook(() => ({})), { ALPNProtocols: ['http/1.1'] }), outcome: 'ok', finds: ANYBODY },

  // the certificate
  { what: 'an expired certificate', target: async t => await serve(t, await issueServing(ca, { names: NAMES, days: 10, now: monthAgo })), outcome: 'failed', finds: { chain: ['skipped', /outside the validity period/], expiry: ['failed', /the certificate expired on \d{4}-.*certs --out DIR --renew/] } },
  { what: 'one that ends soon', target: async t => await serve(t, await issueServing(ca, { names: NAMES, days: 10 })), outcome: 'ok', finds: { ...ANYBODY, expiry: ['warning', /the certificate is valid until .*: 9 days left/] } },
  { what: 'one of tomorrow', target: async t => await serve(t, await issueServing(ca, { names: NAMES, days: 10, now: () => Date.now() + 2 * DAY })), outcome: 'failed', finds: { chain: ['skipped', /outside the validity period/], expiry: ['failed', /not valid before \d{4}-.*check the clock/] } },
  {
    what: 'an authority that ends soon',
    target: async t => {
      const old = await createCA({ commonName: 'old CA', days: 5 })
      return { ...await serve(t, await issueOdd(old, { commonName: 'x', names: ['localhost'], days: 90 })), ca: old.cert, serverName: 'localhost' }
    },
    outcome: 'ok',
    finds: { ...ANYBODY, expiry: ['warning', /the CA "CN=old CA" is valid until .*rotate the CA/] }
  },
  { what: 'a common name alone', target: async t => ({ ...await serve(t, await issueOdd(ca, { commonName: 'localhost', days: 90 })), serverName: 'localhost' }), outcome: 'failed', finds: { san: ['failed', /no subject alternative name.*--san localhost.*-addext "subjectAltName=DNS:localhost".*-copy_extensions copy/] } },
  { what: 'a certificate for clients', target: async t => await serve(t, await issueClient(ca, { commonName: 'localhost', days: 90 })), outcome: 'failed', finds: { san: ['failed', /no subject alternative name/], chain: ['failed', /INVALID_PURPOSE/] } },
  { what: 'a host that it does not name', target: async t => await serve(t, await issueServing(ca, { names: ['authn.example.test'], days: 90 })), outcome: 'failed', finds: { san: ['failed', /is for DNS:authn\.example\.test, not for 127\.0\.0\.1.*tls-server-name/] } },
  { what: 'tls-server-name, right', target: async t => ({ ...await serve(t, await issueServing(ca, { names: ['authn.example.test'], days: 90 })), serverName: 'authn.example.test' }), outcome: 'ok', finds: ANYBODY },
  { what: 'tls-server-name, wrong', target: async t => ({ ...await serve(t), serverName: 'authn.example.test' }), outcome: 'failed', finds: { san: ['failed', /is for DNS:localhost.*, not for authn\.example\.test/] } },
  { what: 'another CA', target: async t => ({ ...await serve(t), ca: otherCA.cert }), outcome: 'failed', finds: { chain: ['failed', /signed by "CN=serving CA", which is not in the CA file/] } },
  {
    what: 'a CA of the same name',
    target: async t => ({ ...await serve(t), ca: (await createCA({ commonName: 'serving CA', days: 1 })).cert }),
    outcome: 'failed',
    finds: { chain: ['failed', /but the CA in the CA file is a different one with the same name/] }
  },
  { what: 'no CA', target: async t => ({ ...await serve(t), ca: undefined }), outcome: 'failed', finds: { chain: ['failed', /which this machine does not trust.*certificate-authority/] } },

  // who may ask
  { what: 'a client certificate that is missing', target: async t => await serve(t, leaf, mutual), outcome: 'failed', finds: { 'client-certificate': ['failed', /a client certificate is required.*certs --out DIR --client/] } },
  {
    what: 'one of another CA',
    target: async t => ({ ...await serve(t, leaf, mutual), ...await issueClient(otherCA, { commonName: 'kube-apiserver', days: 90 }) }),
    outcome: 'failed',
    finds: { 'client-certificate': ['failed', /not signed by the client CA.*clientCAFile/] }
  },
  { what: 'one of another name', target: async t => ({ ...await serve(t, leaf, mutual), ...await issueClient(clientCA, { commonName: 'mallory', days: 90 }) }), outcome: 'failed', finds: { 'client-certificate': ['failed', /client certificate name is not in tls\.clientNames/] } },
  { what: 'one that ends soon', target: async t => ({ ...await serve(t, leaf, mutual), ...await issueClient(clientCA, { commonName: 'kube-apiserver', days: 9 }) }), outcome: 'ok', finds: { 'client-certificate': ['warning', /accepted; expires on \d{4}-/] } },
  { what: 'one that nobody asks for', target: async t => ({ ...await serve(t), ...client }), outcome: 'ok', finds: { 'client-certificate': ['warning', /sent, but not required/] } },
  { what: 'one that ends the handshake where it is missing', target: async t => await standIn(t, oddWebhook(() => ({})), DEMANDING), outcome: 'failed', finds: { 'client-certificate': ['failed', /alert.*certificate/] } },
  { what: 'one that ends the handshake, and lets this one in', target: async t => ({ ...await standIn(t, oddWebhook(() => ({})), DEMANDING), ...client }), outcome: 'ok', finds: {} },
  { what: 'a wrong bearer token of the kubeconfig', target: async t => ({ ...await standIn(t, (_, response) => { response.writeHead(401).end() }), authorization: 'Bearer x' }), outcome: 'failed', finds: { 'client-certificate': ['failed', /rejects this client: 401 \/ compare/] } },

  // the answers
  { what: 'a wrong path', target: async t => ({ ...await serve(t), server: new URL((await serve(t)).server.href.replace('authenticate', 'autenticate')) }), outcome: 'failed', finds: { v1: ['failed', /HTTP 404: not found: POST TokenReviews to \/authenticate.*server\.path/], v1beta1: ['failed', /404/] } },
  {
    what: 'something else that speaks TLS',
    target: async t => await standIn(t, (_, response) => { response.end('<html>\u001b[2J') }),
    outcome: 'failed',
    finds: { v1: ['failed', /HTTP 200: not a TokenReview/], v1beta1: ['failed', /./] }
  },
  { what: 'one that breaks', target: async t => await standIn(t, (_, response) => { response.writeHead(503).end(JSON.stringify({ kind: 'Status', message: `no\u001b[2J upstream${'!'.repeat(999)}` })) }), outcome: 'unavailable', finds: { v1: ['unavailable', /HTTP 503: no\uFFFD\[2J upstream!{200,300}… \/ look at the logs/], v1beta1: ['unavailable', /503/] } },
  { what: 'one that hangs up', target: async t => await standIn(t, (_, response) => { response.destroy() }), outcome: 'unavailable', finds: { v1: ['unavailable', /cannot reach .*: socket hang up/] } },
  { what: 'one version for both', target: async t => await standIn(t, oddWebhook(() => ({ apiVersion: V1 }))), outcome: 'failed', finds: { ...ANYBODY, v1beta1: ['failed', /has apiVersion authentication\.k8s\.io\/v1, which an API server can't decode/] } },
  ...[undefined, null, 'no', { authenticated: 'no' }].map((status): Case => ({
    what: `the status ${JSON.stringify(status)}`, target: async t => await standIn(t, oddWebhook(() => ({ status }))), outcome: 'failed', finds: { v1: ['failed', /no status that an API server can decode/], v1beta1: ['failed', /./] }
  })),
  { what: 'an error that is no text', target: async t => await standIn(t, oddWebhook(() => ({ status: { error: 1 } }))), outcome: 'failed', finds: { v1: ['failed', /status\.error must be string/], v1beta1: ['failed', /./] } },
  { what: 'a status as Go writes it, without false', target: async t => await standIn(t, oddWebhook(() => ({ status: {} }))), outcome: 'ok', finds: ANYBODY },
  { what: 'the token in the answer', target: async t => await standIn(t, oddWebhook(({ spec }) => ({ spec }))), outcome: 'failed', finds: { ...ANYBODY, echo: ['failed', /repeats the token/] } },
  { what: 'the token in a header', target: async t => await standIn(t, oddWebhook(({ spec }, response) => { response.setHeader('x-token', spec.token); return {} })), outcome: 'failed', finds: { ...ANYBODY, echo: ['failed', /repeats the token/] } },
  {
    what: 'the password in the answer',
    target: async t => await standIn(t, oddWebhook(({ spec }) => ({ seen: Buffer.from(spec.token, 'base64').toString() }))),
    outcome: 'failed',
    finds: { ...ANYBODY, echo: ['failed', /repeats the token/] }
  },
  {
    what: 'a mock',
    target: async t => await serve(t, leaf, { providers: { mock: { authenticateToken: () => ({ user: { username: 'mock' } }) } } }),
    outcome: 'failed',
    finds: { ...ANYBODY, 'bogus-token': ['failed', /authenticated as "mock".*now: it has a mock/], 'bogus-password': ['failed', /a random password is authenticated/] }
  },
  {
    what: 'a directory that is down',
    target: async t => await serve(t, leaf, { providers: { people: { authenticatePassword () { throw new Error('no route') } } } }),
    outcome: 'unavailable',
    finds: { ...ANYBODY, 'bogus-password': ['unavailable', /no answer for a random password: identity provider "people" is unavailable.*audit line/] }
  },
  { what: 'nonsense for one credential', target: async t => await standIn(t, oddWebhook(({ spec }) => spec.token.includes('.') ? {} : { kind: 'Pod' })), outcome: 'unavailable', finds: { ...ANYBODY, 'bogus-password': ['unavailable', /not a TokenReview/] } },

  // dates that are none, one of them with an escape sequence
  ...(['notBefore', 'notAfter'] as const).flatMap(field => ['999999999999Z', '\u001b[31m99999999'].map((text): Case => ({
    what: `a certificate whose ${field} is ${JSON.stringify(text)}`,
    target: async t => await standIn(t, oddWebhook(() => ({})), { cert: withTime(leaf.cert, field, text) }),
    outcome: 'failed',
    finds: { chain: ['skipped', /outside the validity period/], expiry: ['failed', new RegExp(`^the certificate has a ${field} that is not a date / .*--renew`)] }
  }))),

  // clocks
  { what: 'a clock ahead', target: async t => await standIn(t, oddWebhook((_, response) => { response.setHeader('date', new Date(Date.now() + 90_500).toUTCString()); return {} })), outcome: 'ok', finds: { ...ANYBODY, clock: ['warning', /the service's clock is (89|90|91) s ahead/] } },
  { what: 'a clock behind', target: async t => await standIn(t, oddWebhook((_, response) => { response.setHeader('date', new Date(Date.now() - 90_500).toUTCString()); return {} })), outcome: 'ok', finds: { ...ANYBODY, clock: ['warning', /the service's clock is \d+ s behind/] } },
  { what: 'no clock', target: async t => await standIn(t, oddWebhook((_, response) => { response.sendDate = false; return {} })), outcome: 'ok', finds: { ...ANYBODY, clock: ['skipped', /no Date header/] } },
  {
    what: 'slow answers',
    target: async t => await serve(t),
    outcome: 'ok',
    finds: { ...ANYBODY, latency: ['warning', /5 reviews: median 1500 ms, max 1500 ms/] },
    options: { clock: { now: Date.now, elapsed: leaping(1500) } }
  }
]

/** A clock that moves when it is read. */
function leaping (step: number): () => number {
  let time = 0
  return () => { time += step; return time }
}

test('a service', async t => {
  for (const { what, target, outcome, finds, options } of cases) {
    await t.test(what, async t => {
      const result = await runDoctor(await target(t), options)
      t.equal(result.outcome, outcome)
      const found = findings(result)
      t.strictSame(Object.keys(found).sort(), Object.keys(finds).sort(), 'nothing else is found')
      t.match(found, finds)
      t.equal(result.checks.length, 15, 'every check has its line')
      t.notMatch(JSON.stringify(result), /authn-webhook\.doctor\./, 'no token is shown')
    })
  }
})

test('after a failed check, nothing more is sent', async t => {
  const { checks } = await runDoctor({ ...await serve(t), ca: otherCA.cert })
  t.strictSame(checks.filter(({ outcome }) => outcome === 'skipped').map(({ message }) => message), Array(8).fill('not run because chain did not pass'))
  t.strictSame(checks.find(({ name }) => name === 'expiry')?.outcome, 'ok', 'what the same handshake tells is told')
})

// what the real API server says is for the end-to-end suite; here are the errors that it can't be made to have

interface ApiServerCase {
  readonly what: string
  /** Of the API server. */
  readonly answers: Handler
  readonly token?: string
  /** What the service itself would say; the real one, where absent. */
  readonly service?: (t: Test) => Promise<Target>
  readonly finds: Record<string, Finding>
}

const said = (status: object): Handler => (review, response) => { response.writeHead(201).end(JSON.stringify({ ...review, status })) }
const refused = (code: number, message: string): Handler => (_, response) => { response.writeHead(code).end(JSON.stringify({ kind: 'Status', message })) }
const away = async () => targetAt(1)
const knowsAlice = said({ authenticated: true, user: alice.user })
const POST = 'Post "https://192.0.2.1:8443/authenticate?timeout=30s": dial tcp 192.0.2.1:8443: connect: connection refused'

const apiServerCases: ApiServerCase[] = [
  { what: 'all well, with a good token', answers: knowsAlice, token: alice.token, finds: {} },
  { what: 'a random token is refused', answers: said({ error: '[invalid bearer token, invalid bearer token]' }), finds: { 'api-server-webhook': ['warning', /does not show whether the API server calls the webhook.*--token-file/] } },
  { what: 'an API server whose error is no text', answers: said({ error: 1 }), token: alice.token, finds: { 'api-server-connect': ['failed', /not an API server, or an unhealthy one: HTTP 201, no status that an API server can decode: status\.error must be string/] } },
  { what: 'an API server whose user is no user', answers: said({ authenticated: true, user: 'x' }), finds: { 'api-server-connect': ['failed', /status\.user must be object/] } },
  { what: 'an API server that is sick', answers: (_, response) => { response.writeHead(502).end('bad gateway') }, finds: { 'api-server-connect': ['failed', /not an API server, or an unhealthy one: HTTP 502/] } },
  { what: 'an admin whom it does not know', answers: refused(401, 'Unauthorized'), finds: { 'api-server-permission': ['failed', /rejects the admin's credentials: Unauthorized/] } },
  { what: 'an admin who may not', answers: refused(403, 'tokenreviews is forbidden: User "eve" cannot create'), finds: { 'api-server-permission': ['failed', /tokenreviews is forbidden.*system:auth-delegator/] } },
  { what: 'a refusal of another kind', answers: refused(404, 'not here'), finds: { 'api-server-permission': ['failed', /the API server rejects the request: 404 not here/] } },
  { what: 'it can not reach the webhook', answers: said({ error: `[invalid bearer token, ${POST}]` }), finds: { 'api-server-webhook': ['failed', /gets no answer from the webhook: Post "https:.*connection refused \/ .*Troubleshooting/] } },
  { what: 'the webhook is unavailable', answers: said({ error: '[invalid bearer token, identity provider "people" is unavailable]' }), finds: { 'api-server-review': ['unavailable', /the webhook reports: identity provider "people" is unavailable/] } },
  { what: 'an error that holds the token', answers: said({ error: `what is ${alice.token}?` }), token: alice.token, finds: { 'api-server-webhook': ['failed', /what is <token>\?/] } },
  { what: 'a random token is let in', answers: said({ authenticated: true, user: { username: 'mock' } }), finds: { 'api-server-webhook': ['skipped', /or another authenticator/], 'api-server-review': ['failed', /authenticates a random token as "mock"/] } },
  { what: 'it does not ask', answers: said({ error: 'invalid bearer token' }), token: alice.token, finds: { 'api-server-webhook': ['failed', /denies a token that the service authenticates as "alice".*webhook-config-file/] } },
  { what: 'a token that nobody knows', answers: said({ error: 'invalid bearer token' }), token: 'nobodys', finds: { 'api-server-webhook': ['skipped', /does not authenticate this token/], 'api-server-review': ['failed', /the service denies this token/] } },
  {
    what: 'a service that can not tell when it is asked directly',
    answers: said({ error: 'invalid bearer token' }),
    token: alice.token,
    service: async t => await serve(t, leaf, { providers: { people: { authenticateToken () { throw new Error('down') } } } }),
    finds: { 'api-server-webhook': ['skipped', /./], 'api-server-review': ['unavailable', /the service reports: identity provider "people"/] }
  },
  { what: 'another authenticator knows it', answers: said({ authenticated: true, user: { username: 'bob' } }), token: alice.token, finds: { 'api-server-webhook': ['failed', /authenticates this token as "bob", the service as "alice"/] } },
  { what: 'only another authenticator knows it', answers: knowsAlice, token: 'nobodys', finds: { 'api-server-webhook': ['failed', /authenticates this token as "alice", the service does not/] } },
  { what: 'the service is out of reach from here, and all well', answers: knowsAlice, token: alice.token, service: away, finds: { 'api-server-webhook': ['warning', /unreachable from here/] } },
  { what: 'the service is out of reach from here, and refused', answers: said({}), token: alice.token, service: away, finds: { 'api-server-webhook': ['warning', /unreachable from here/], 'api-server-review': ['failed', /denies this token/] } }
]

test('an API server', async t => {
  for (const { what, answers, token, service = serve, finds } of apiServerCases) {
    await t.test(what, async t => {
      const admin = { ...await standIn(t, answers), server: new URL((await standIn(t, answers)).server.origin) }
      const result = await runDoctor(await service(t), { apiServer: { admin, token } })
      const found = Object.fromEntries(Object.entries(findings(result)).filter(([name]) => name.startsWith('api-server-')))
      t.strictSame(Object.keys(found).sort(), Object.keys(finds).sort(), 'nothing else is found')
      t.match(found, finds)
      t.equal(result.checks.length, 19)
      t.notMatch(JSON.stringify(result), alice.token)
    })
  }
})

test('the API server is asked as an admin asks', async t => {
  const seen: string[] = []
  const api = await standIn(t, (review, response, { url, headers }) => {
    seen.push(url!, headers.authorization!, review.apiVersion, review.spec.token)
    said({ error: 'invalid bearer token' })(review, response, {} as IncomingMessage)
  })
  await runDoctor(await serve(t), { apiServer: { admin: { ...api, server: new URL('/clusters/one/', api.server), authorization: 'Bearer admin' } } })
  t.match(seen, ['/clusters/one/apis/authentication.k8s.io/v1/tokenreviews?timeout=30s', 'Bearer admin', V1, /^authn-webhook\.doctor\./])
})

test('an API server that is out of reach', async t => {
  const { checks, outcome } = await runDoctor(await serve(t), { apiServer: { admin: targetAt(1) } })
  t.match(checks.slice(-4), [{ name: 'api-server-connect', outcome: 'unavailable', message: /cannot reach/ }, { outcome: 'skipped', message: /api-server-connect/ }, {}, {}])
  t.equal(outcome, 'unavailable')
})
