/**
 * What `doctor` finds: the real service with every certificate that it may be
 * given, and small stand-ins for what the real service never does. The API
 * server of the drill is a stand-in throughout.
 */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createHttpsServer, type ServerOptions } from 'node:https'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { createServer as createTlsServer } from 'node:tls'
import { test, type Test } from 'tap'
import type { Target } from '../../../../src/cli/client.js'
import type { CheckOutcome } from '../../../../src/cli/doctor/check.js'
import { examine, type Diagnosis, type Examination } from '../../../../src/cli/doctor/diagnosis.js'
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

type Finding = readonly [outcome: CheckOutcome, message: RegExp]

/** What isn't well, by name; whatever was skipped has said why. */
function findings ({ checks }: Diagnosis): Record<string, [CheckOutcome, string]> {
  const unwell = checks.filter(({ outcome, message }) => outcome !== 'ok' && !(outcome === 'skipped' && message.startsWith('not looked at')))
  return Object.fromEntries(unwell.map(({ name, outcome, message, advice = '' }) => [name, [outcome, `${message} / ${advice}`]]))
}

const ANYBODY: Record<string, Finding> = { 'client-certificate': ['warning', /none is required/] }

interface Case {
  readonly what: string
  readonly target: (t: Test) => Promise<Target>
  readonly outcome: Diagnosis['outcome']
  readonly finds: Record<string, Finding>
  readonly examination?: Examination
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
    finds: { tcp: ['unavailable', /can't be reached: ECONNREFUSED \/ nothing listens there/] }
  },
  { what: 'a name that nobody has', target: async () => targetAt(8443, 'https://authn.invalid'), outcome: 'unavailable', finds: { dns: ['unavailable', /authn\.invalid has no address/] } },
  { what: 'a name of the cluster', target: async () => targetAt(8443, 'https://authn.kube-system.svc'), outcome: 'unavailable', finds: { dns: ['unavailable', /authn\.kube-system\.svc has no address.*cluster IP/] } },
  { what: 'an address behind a wall', target: async () => targetAt(8443, 'https://[100::1]'), outcome: 'unavailable', finds: { tcp: ['unavailable', /\[100::1\]:8443 can't be reached/] }, examination: { patience: 50 } },

  // the handshake
  { what: 'a process that hangs', target: async t => await listen(t, createTcpServer(socket => { t.teardown(() => { socket.destroy() }) })), outcome: 'unavailable', finds: { tls: ['unavailable', /nothing shakes hands/] }, examination: { patience: 50 } },
  {
    what: 'a process that shakes hands bit by bit',
    target: async t => await listen(t, createTcpServer(socket => {
      // the head of a record of 4 KiB
      socket.on('error', () => {}).write(Buffer.from('160303100002000ffc', 'hex'))
      const timer = setInterval(() => { socket.write('x') }, 20)
      socket.on('close', () => { clearInterval(timer) })
    })),
    outcome: 'unavailable',
    finds: { tls: ['unavailable', /nothing shakes hands/] },
    examination: { patience: 300 }
  },
  { what: 'a process that hangs up', target: async t => await listen(t, createTcpServer(socket => { socket.destroy() })), outcome: 'failed', finds: { tls: ['failed', /the handshake fails: ECONNRESET/] } },
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
  { what: 'HTTP/1.1 alone', target: async t => await standIn(t, oddWebhook(() => ({})), { ALPNProtocols: ['http/1.1'] }), outcome: 'ok', finds: { ...ANYBODY, http2: ['warning', /not offered/] } },

  // the certificate
  { what: 'an expired certificate', target: async t => await serve(t, await issueServing(ca, { names: NAMES, days: 10, now: monthAgo })), outcome: 'failed', finds: { chain: ['skipped', /when the time/], expiry: ['failed', /the certificate expired on \d{4}-.*certs --out DIR --renew/] } },
  { what: 'one that ends soon', target: async t => await serve(t, await issueServing(ca, { names: NAMES, days: 10 })), outcome: 'ok', finds: { ...ANYBODY, expiry: ['warning', /the certificate is good until .*: 9 days/] } },
  { what: 'one of tomorrow', target: async t => await serve(t, await issueServing(ca, { names: NAMES, days: 10, now: () => Date.now() + 2 * DAY })), outcome: 'failed', finds: { chain: ['skipped', /when the time/], expiry: ['failed', /not valid before \d{4}-.*a clock is wrong/] } },
  {
    what: 'an authority that ends soon',
    target: async t => {
      const old = await createCA({ commonName: 'old CA', days: 5 })
      return { ...await serve(t, await issueOdd(old, { commonName: 'x', names: ['localhost'], days: 90 })), ca: old.cert, serverName: 'localhost' }
    },
    outcome: 'ok',
    finds: { ...ANYBODY, expiry: ['warning', /the authority "CN=old CA" is good until .*rotate the authority/] }
  },
  { what: 'a common name alone', target: async t => ({ ...await serve(t, await issueOdd(ca, { commonName: 'localhost', days: 90 })), serverName: 'localhost' }), outcome: 'failed', finds: { san: ['failed', /no subject alternative name.*--san localhost.*-addext "subjectAltName=DNS:localhost".*-copy_extensions copy/] } },
  { what: 'a certificate for clients', target: async t => await serve(t, await issueClient(ca, { commonName: 'localhost', days: 90 })), outcome: 'failed', finds: { san: ['failed', /no subject alternative name/], chain: ['failed', /INVALID_PURPOSE/] } },
  { what: 'a host that it does not name', target: async t => await serve(t, await issueServing(ca, { names: ['authn.example.test'], days: 90 })), outcome: 'failed', finds: { san: ['failed', /not for 127\.0\.0\.1, but for DNS:authn\.example\.test.*tls-server-name/] } },
  { what: 'tls-server-name, right', target: async t => ({ ...await serve(t, await issueServing(ca, { names: ['authn.example.test'], days: 90 })), serverName: 'authn.example.test' }), outcome: 'ok', finds: ANYBODY },
  { what: 'tls-server-name, wrong', target: async t => ({ ...await serve(t), serverName: 'authn.example.test' }), outcome: 'failed', finds: { san: ['failed', /not for authn\.example\.test, but for DNS:localhost/] } },
  { what: 'another CA', target: async t => ({ ...await serve(t), ca: otherCA.cert }), outcome: 'failed', finds: { chain: ['failed', /signed by "CN=serving CA", which the CA file does not hold/] } },
  {
    what: 'a CA of the same name',
    target: async t => ({ ...await serve(t), ca: (await createCA({ commonName: 'serving CA', days: 1 })).cert }),
    outcome: 'failed',
    finds: { chain: ['failed', /another one than that of the same name in the CA file/] }
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
  { what: 'one that ends soon', target: async t => ({ ...await serve(t, leaf, mutual), ...await issueClient(clientCA, { commonName: 'kube-apiserver', days: 9 }) }), outcome: 'ok', finds: { 'client-certificate': ['warning', /accepted; it expires on \d{4}-/] } },
  { what: 'one that nobody asks for', target: async t => ({ ...await serve(t), ...client }), outcome: 'ok', finds: { 'client-certificate': ['warning', /shown, but not required/] } },
  { what: 'one that ends the handshake where it is missing', target: async t => await standIn(t, oddWebhook(() => ({})), DEMANDING), outcome: 'failed', finds: { 'client-certificate': ['failed', /alert.*certificate/] } },
  { what: 'one that ends the handshake, and lets this one in', target: async t => ({ ...await standIn(t, oddWebhook(() => ({})), DEMANDING), ...client }), outcome: 'ok', finds: {} },
  { what: 'a wrong bearer token of the kubeconfig', target: async t => ({ ...await standIn(t, (_, response) => { response.writeHead(401).end() }), authorization: 'Bearer x' }), outcome: 'failed', finds: { 'client-certificate': ['failed', /refuses to be asked: 401 \/ compare/] } },

  // the answers
  { what: 'a wrong path', target: async t => ({ ...await serve(t), server: new URL((await serve(t)).server.href.replace('authenticate', 'autenticate')) }), outcome: 'failed', finds: { v1: ['failed', /the answer is 404: not found: POST TokenReviews to \/authenticate.*server\.path/], v1beta1: ['failed', /404/] } },
  {
    what: 'something else that speaks TLS',
    target: async t => await standIn(t, (_, response) => { response.end('<html>\u001b[2J') }),
    outcome: 'failed',
    finds: { v1: ['failed', /the answer is 200: it is not a TokenReview/], v1beta1: ['failed', /./] }
  },
  { what: 'one that breaks', target: async t => await standIn(t, (_, response) => { response.writeHead(503).end(JSON.stringify({ kind: 'Status', message: `no\u001b[2J upstream${'!'.repeat(999)}` })) }), outcome: 'unavailable', finds: { v1: ['unavailable', /the answer is 503: no\uFFFD\[2J upstream!{200,300}… \/ .*overloaded or broken/], v1beta1: ['unavailable', /503/] } },
  { what: 'one that hangs up', target: async t => await standIn(t, (_, response) => { response.destroy() }), outcome: 'unavailable', finds: { v1: ['unavailable', /can't be reached: socket hang up/] } },
  { what: 'one version for both', target: async t => await standIn(t, oddWebhook(() => ({ apiVersion: V1 }))), outcome: 'failed', finds: { ...ANYBODY, v1beta1: ['failed', /is of authentication\.k8s\.io\/v1, which an API server can't decode/] } },
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
    finds: { ...ANYBODY, 'bogus-token': ['failed', /let in, as "mock".*at once/], 'bogus-password': ['failed', /random user and password is let in/] }
  },
  {
    what: 'a directory that is down',
    target: async t => await serve(t, leaf, { providers: { people: { authenticatePassword () { throw new Error('no route') } } } }),
    outcome: 'unavailable',
    finds: { ...ANYBODY, 'bogus-password': ['unavailable', /could not tell .*: identity provider "people" is unavailable.*audit line/] }
  },
  { what: 'nonsense for one credential', target: async t => await standIn(t, oddWebhook(({ spec }) => spec.token.includes('.') ? {} : { kind: 'Pod' })), outcome: 'unavailable', finds: { ...ANYBODY, 'bogus-password': ['unavailable', /not a TokenReview/] } },

  // dates that are none, one of them with an escape sequence
  ...(['notBefore', 'notAfter'] as const).flatMap(field => ['999999999999Z', '\u001b[31m99999999'].map((text): Case => ({
    what: `a certificate whose ${field} is ${JSON.stringify(text)}`,
    target: async t => await standIn(t, oddWebhook(() => ({})), { cert: withTime(leaf.cert, field, text) }),
    outcome: 'failed',
    finds: { chain: ['skipped', /can be judged when/], expiry: ['failed', new RegExp(`^the certificate has a ${field} that is not a date / .*--renew`)] }
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
    examination: { clock: { now: Date.now, elapsed: leaping(1500) } }
  }
]

/** A clock that moves when it is read. */
function leaping (step: number): () => number {
  let time = 0
  return () => { time += step; return time }
}

test('a service', async t => {
  for (const { what, target, outcome, finds, examination } of cases) {
    await t.test(what, async t => {
      const diagnosis = await examine(await target(t), examination)
      t.equal(diagnosis.outcome, outcome)
      const found = findings(diagnosis)
      t.strictSame(Object.keys(found).sort(), Object.keys(finds).sort(), 'nothing else is found')
      t.match(found, finds)
      t.equal(diagnosis.checks.length, 15, 'every check has its line')
      t.notMatch(JSON.stringify(diagnosis), /authn-webhook\.doctor\./, 'no token is shown')
    })
  }
})

test('where one check fails, nothing is asked behind it', async t => {
  const { checks } = await examine({ ...await serve(t), ca: otherCA.cert })
  t.strictSame(checks.filter(({ outcome }) => outcome === 'skipped').map(({ message }) => message), Array(8).fill('not looked at, because of chain'))
  t.strictSame(checks.find(({ name }) => name === 'expiry')?.outcome, 'ok', 'what the same handshake tells is told')
})

// the drill: what the real API server says is for the end-to-end suite; here are the errors that it can't be made to have

interface DrillCase {
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

const drills: DrillCase[] = [
  { what: 'all well, with a good token', answers: knowsAlice, token: alice.token, finds: {} },
  { what: 'a random token is refused', answers: said({ error: '[invalid bearer token, invalid bearer token]' }), finds: { 'drill-webhook': ['warning', /whether the webhook was asked.*--token-file/] } },
  { what: 'an API server whose error is no text', answers: said({ error: 1 }), token: alice.token, finds: { 'drill-reach': ['failed', /no API server, or a sick one: 201, no status that an API server can decode: status\.error must be string/] } },
  { what: 'an API server whose user is no user', answers: said({ authenticated: true, user: 'x' }), finds: { 'drill-reach': ['failed', /status\.user must be object/] } },
  { what: 'an API server that is sick', answers: (_, response) => { response.writeHead(502).end('bad gateway') }, finds: { 'drill-reach': ['failed', /no API server, or a sick one: 502/] } },
  { what: 'an admin whom it does not know', answers: refused(401, 'Unauthorized'), finds: { 'drill-permission': ['failed', /doesn't know this admin: Unauthorized/] } },
  { what: 'an admin who may not', answers: refused(403, 'tokenreviews is forbidden: User "eve" cannot create'), finds: { 'drill-permission': ['failed', /tokenreviews is forbidden.*system:auth-delegator/] } },
  { what: 'a refusal of another kind', answers: refused(404, 'not here'), finds: { 'drill-permission': ['failed', /the API server refuses: 404 not here/] } },
  { what: 'it can not reach the webhook', answers: said({ error: `[invalid bearer token, ${POST}]` }), finds: { 'drill-webhook': ['failed', /between the API server and the webhook: Post "https:.*connection refused \/ .*three in the morning/] } },
  { what: 'the webhook could not tell', answers: said({ error: '[invalid bearer token, identity provider "people" is unavailable]' }), finds: { 'drill-answer': ['unavailable', /could not tell: identity provider "people" is unavailable/] } },
  { what: 'an error that holds the token', answers: said({ error: `what is ${alice.token}?` }), token: alice.token, finds: { 'drill-webhook': ['failed', /what is <token>\?/] } },
  { what: 'a random token is let in', answers: said({ authenticated: true, user: { username: 'mock' } }), finds: { 'drill-webhook': ['skipped', /or another authenticator/], 'drill-answer': ['failed', /lets a random token in, as "mock"/] } },
  { what: 'it does not ask', answers: said({ error: 'invalid bearer token' }), token: alice.token, finds: { 'drill-webhook': ['failed', /refuses a token that the service knows as "alice".*webhook-config-file/] } },
  { what: 'a token that nobody knows', answers: said({ error: 'invalid bearer token' }), token: 'nobodys', finds: { 'drill-webhook': ['skipped', /does not know this token either/], 'drill-answer': ['failed', /the service refuses this token/] } },
  {
    what: 'a service that can not tell when it is asked directly',
    answers: said({ error: 'invalid bearer token' }),
    token: alice.token,
    service: async t => await serve(t, leaf, { providers: { people: { authenticateToken () { throw new Error('down') } } } }),
    finds: { 'drill-webhook': ['skipped', /./], 'drill-answer': ['unavailable', /the service could not tell: identity provider "people"/] }
  },
  { what: 'another authenticator knows it', answers: said({ authenticated: true, user: { username: 'bob' } }), token: alice.token, finds: { 'drill-webhook': ['failed', /knows this token as "bob", the service as "alice"/] } },
  { what: 'only another authenticator knows it', answers: knowsAlice, token: 'nobodys', finds: { 'drill-webhook': ['failed', /knows this token as "alice", the service not at all/] } },
  { what: 'the service is out of reach from here, and all well', answers: knowsAlice, token: alice.token, service: away, finds: { 'drill-webhook': ['warning', /can not be asked from here/] } },
  { what: 'the service is out of reach from here, and refused', answers: said({}), token: alice.token, service: away, finds: { 'drill-webhook': ['warning', /can't be asked from here/], 'drill-answer': ['failed', /refuses this token/] } }
]

test('the drill', async t => {
  for (const { what, answers, token, service = serve, finds } of drills) {
    await t.test(what, async t => {
      const admin = { ...await standIn(t, answers), server: new URL((await standIn(t, answers)).server.origin) }
      const diagnosis = await examine(await service(t), { drill: { admin, token } })
      const found = Object.fromEntries(Object.entries(findings(diagnosis)).filter(([name]) => name.startsWith('drill-')))
      t.strictSame(Object.keys(found).sort(), Object.keys(finds).sort(), 'nothing else is found')
      t.match(found, finds)
      t.equal(diagnosis.checks.length, 19)
      t.notMatch(JSON.stringify(diagnosis), alice.token)
    })
  }
})

test('the API server is asked as an admin asks', async t => {
  const seen: string[] = []
  const api = await standIn(t, (review, response, { url, headers }) => {
    seen.push(url!, headers.authorization!, review.apiVersion, review.spec.token)
    said({ error: 'invalid bearer token' })(review, response, {} as IncomingMessage)
  })
  await examine(await serve(t), { drill: { admin: { ...api, server: new URL('/clusters/one/', api.server), authorization: 'Bearer admin' } } })
  t.match(seen, ['/clusters/one/apis/authentication.k8s.io/v1/tokenreviews?timeout=30s', 'Bearer admin', V1, /^authn-webhook\.doctor\./])
})

test('an API server that is out of reach', async t => {
  const { checks, outcome } = await examine(await serve(t), { drill: { admin: targetAt(1) } })
  t.match(checks.slice(-4), [{ name: 'drill-reach', outcome: 'unavailable', message: /can't be reached/ }, { outcome: 'skipped', message: /drill-reach/ }, {}, {}])
  t.equal(outcome, 'unavailable')
})
