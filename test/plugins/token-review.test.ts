/** The contract with the API server, at the route. */
import fc from 'fast-check'
import { test } from 'tap'
import tokenReviewRoute from '../../plugins/token-review.js'
import type { Answer, IdentityProvider } from '../../src/authn/provider.js'
import { createLogger } from '../../src/logger.js'
import { createCA, issueClient } from '../../src/certificates/issue.js'
import { createAdminServer } from '../../src/http/server.js'
import { alice, basicToken, bob } from '../fixtures/people.js'
import { holdsAsync } from '../fixtures/property.js'
import { startService, tokenReview, V1, V1BETA1, type TestProvider } from '../fixtures/service.js'

const API = 'https://kubernetes.default.svc'

test('both versions are answered in the version asked', async t => {
  const { post } = await startService(t, { providers: { people: { authenticateToken: () => ({ user: alice.user }) } } })
  for (const apiVersion of [V1, V1BETA1]) {
    const { code, headers, body, text } = await post(tokenReview(alice.token, { apiVersion }))
    t.equal(code, 200)
    t.match(text, /[^\n]\n$/, 'a terminal shows its prompt on the next line')
    t.match(headers['content-type'], /^application\/json/)
    t.strictSame(body, { apiVersion, kind: 'TokenReview', status: { authenticated: true, user: alice.user } })
  }
})

test('bodies as API servers send them', async t => {
  const { post } = await startService(t, { providers: { people: { authenticateToken: token => token === 'a<b>&c' ? { user: bob.user } : null } } })
  const bodies = {
    '1.20': '{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1beta1","metadata":{"creationTimestamp":null},"spec":{"token":"a\\u003cb\\u003e\\u0026c","audiences":["https://kubernetes.default.svc"]},"status":{"user":{}}}\n',
    1.36: '{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","metadata":{},"spec":{"token":"a\\u003cb\\u003e\\u0026c","audiences":["https://kubernetes.default.svc"]},"status":{"user":{}}}\n',
    'one of the future': '{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","metadata":{"managedFields":[{}]},"spec":{"token":"a\\u003cb\\u003e\\u0026c","nonce":{"x":1}},"status":{"user":{}},"more":[]}\n'
  }
  for (const [version, body] of Object.entries(bodies)) {
    t.match((await post(body)).body.status, { authenticated: true, user: bob.user }, version)
  }
})

test('a body with a member that could replace a prototype is a 400', async t => {
  const { post } = await startService(t, { providers: { people: { authenticateToken: () => ({ user: alice.user }) } } })
  const more = { __proto__: '{ "__proto__": 0 }', 'deep below': '[{ "": [{ "__proto__": 0 }] }]', 'constructor.prototype': '{ "constructor": { "prototype": 0 } }' }
  for (const [what, value] of Object.entries(more)) {
    const { code, body } = await post(`{"apiVersion":"${V1}","kind":"TokenReview","spec":{"token":"x","more":${value}}}`)
    t.equal(code, 400, what)
    t.equal(body.kind, 'Status', what)
  }
})

test('any other body is a 4xx, and none comes back', async t => {
  const { post } = await startService(t, { providers: { people: { authenticateToken: token => token === alice.token ? { user: alice.user } : null } } })
  const usually = <T>(value: T, otherwise: fc.Arbitrary<unknown> = fc.jsonValue({ maxDepth: 1 })): fc.Arbitrary<unknown> => fc.oneof({ weight: 5, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: otherwise })
  const spec = fc.record({ token: usually(alice.token, fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constantFrom('', 'canary-odd', [alice.token]))), audiences: usually([API], fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.array(fc.string()))), more: fc.jsonValue() }, { requiredKeys: [] })
  const body = fc.record({ apiVersion: usually(V1, fc.oneof(fc.constantFrom(V1BETA1, 'v1', 'authentication.k8s.io/v2'), fc.jsonValue())), kind: usually('TokenReview'), spec: fc.oneof({ weight: 8, arbitrary: spec }, { weight: 1, arbitrary: fc.jsonValue() }), more: fc.jsonValue() }, { requiredKeys: [] })
  await holdsAsync(t, fc.asyncProperty(fc.oneof({ weight: 20, arbitrary: body }, { weight: 1, arbitrary: fc.jsonValue() }), async given => {
    const reply = await post(JSON.stringify(given))
    if (reply.text.includes('canary') || reply.text.includes(alice.token)) return false
    if (!isReview(given)) return reply.code >= 400 && reply.code < 500 && reply.body.kind === 'Status'
    const { apiVersion, spec: { token } } = given
    return reply.code === 200 && reply.body.apiVersion === apiVersion && reply.body.status.authenticated === (token === alice.token)
  }), 300)
})

/** Written by hand, since the schema is what is tested. */
function isReview (body: any): body is { apiVersion: string, spec: { token: string } } {
  const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isObject(body) || !isObject(body.spec) || couldReplacePrototype(body)) return false
  const { apiVersion, kind, spec: { token, audiences } } = body
  return (apiVersion === V1 || apiVersion === V1BETA1) && kind === 'TokenReview' && typeof token === 'string' && token !== '' &&
    (audiences === undefined || (Array.isArray(audiences) && audiences.every((audience: unknown) => typeof audience === 'string')))
}

/** Whether Fastify refuses the body for the name of a member, at any depth. */
function couldReplacePrototype (value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const own: unknown = Object.entries(value).find(([name]) => name === 'constructor')?.[1]
  return Object.hasOwn(value, '__proto__') || (typeof own === 'object' && own !== null && Object.hasOwn(own, 'prototype')) || Object.values(value).some(couldReplacePrototype)
}

// ------------------------------------------------------------------ outcomes

/** The ways in which a provider can answer, and what becomes of each alone. */
const ANSWERS = {
  authenticates: { outcome: 'in', provider: () => ({ authenticateToken: () => ({ user: bob.user }) }) },
  denies: { outcome: 'denied', provider: () => ({ authenticateToken: () => ({ denied: 'wrong-credential' }) }) },
  'does not know': { outcome: 'denied', provider: () => ({ authenticateToken: () => null }) },
  'does not recognize': { outcome: 'denied', provider: () => ({ recognizes: () => false, authenticateToken: () => { throw new Error('asked all the same') } }) },
  throws: { outcome: 'unavailable', provider: () => ({ authenticateToken: () => { throw new Error('no route to host') } }) },
  rejects: { outcome: 'unavailable', provider: () => ({ authenticateToken: async () => { throw new Error('no route to host') } }) },
  'never answers': { outcome: 'unavailable', provider: () => ({ entry: { timeout: '50ms' }, authenticateToken: async () => await new Promise<Answer>(() => {}) }) },
  'breaks its contract': { outcome: 'unavailable', provider: () => ({ authenticateToken: () => ({ user: {} }) as unknown as Answer }) },
  'is throttled': { outcome: 'unavailable', provider: throttled }
} satisfies Record<string, { outcome: Outcome, provider: () => TestProvider }>
type Outcome = 'in' | 'denied' | 'unavailable'

/** One whose account takes no further attempt. */
function throttled (): TestProvider {
  return {
    async authenticatePassword (_password, { attempt }) {
      // at once: one after the other, the same password counts once
      await Promise.all(Array.from({ length: 20 }, async () => await attempt('somebody', async () => 'incorrect')))
      return null
    }
  }
}

/** What a chain of two says, for every pair of what its links say. */
function together (first: Outcome, second: Outcome, firstDenies: boolean): Outcome {
  if (first === 'in' || (first === 'denied' && firstDenies)) return first
  if (second === 'in') return 'in'
  return first === 'unavailable' ? 'unavailable' : second
}

const STATUSES: Record<Outcome, (name: string) => object> = {
  in: () => ({ authenticated: true, user: bob.user, audiences: undefined }),
  denied: () => ({ authenticated: false }),
  unavailable: name => ({ authenticated: false, error: `identity provider "${name}" is unavailable`, audiences: [API] })
}

const TOKEN = basicToken('bob', bob.password)
const entries = Object.entries(ANSWERS) as Array<[string, { outcome: Outcome, provider: () => TestProvider }]>

for (const [what, { outcome, provider }] of entries) {
  test(`a provider that ${what}: ${outcome}`, async t => {
    const { review } = await startService(t, { providers: { first: provider() } })
    t.strictSame(await review(TOKEN, [API]), withoutUndefined(STATUSES[outcome]('first')))
  })
}

for (const [firstWhat, first] of entries) {
  test(`a first provider that ${firstWhat}, and behind it`, async t => {
    for (const [secondWhat, second] of entries) {
      const expected = together(first.outcome, second.outcome, firstWhat === 'denies')
      const { review } = await startService(t, { providers: { first: first.provider(), second: second.provider() } })
      const failing = first.outcome === 'unavailable' ? 'first' : 'second'
      t.strictSame(await review(TOKEN, [API]), withoutUndefined(STATUSES[expected](failing)), `one that ${secondWhat}: ${expected}`)
    }
  })
}

test('a breaker that is open and a semaphore without permits: unavailable, at once', async t => {
  let asked = 0
  const hung = { entry: { timeout: '400ms', maxConcurrent: 2 }, authenticateToken: async () => { asked++; return await new Promise<Answer>(() => {}) } }
  const { review, lines } = await startService(t, { providers: { hung } })
  const reasons = async (tokens: string[]): Promise<string[]> => {
    const before = lines.length
    await Promise.all(tokens.map(async token => { t.equal((await review(token)).error, 'identity provider "hung" is unavailable') }))
    return lines.slice(before).filter(line => line.audit !== undefined).map(line => line.reason)
  }
  t.strictSame((await reasons(['a', 'b', 'c'])).sort(), ['busy', 'timeout', 'timeout'])
  const later = []
  for (let i = 0; i < 10; i++) later.push(...await reasons([`later ${i}`]))
  t.equal(later.at(-1), 'breaker-open')
  const before = asked
  await reasons(['and now'])
  t.equal(asked, before, 'a provider behind an open breaker is not asked')
})

test('a hung provider at the head leaves time for the people behind it', async t => {
  const { review } = await startService(t, {
    config: { server: { timeout: '2s' } },
    providers: {
      hung: { entry: { timeout: '50ms' }, authenticateToken: async () => await new Promise<Answer>(() => {}) },
      breakglass: {
        entry: { timeout: '2s' },
        authenticatePassword: ({ username, password }) => username === 'bob' && password === bob.password ? { user: bob.user } : null
      }
    }
  })
  t.match(await review(TOKEN), { authenticated: true, user: bob.user })
})

test('a password refused by one provider is not shown to the next', async t => {
  let shown = 0
  const { review } = await startService(t, {
    providers: {
      first: { authenticatePassword: () => ({ denied: 'wrong-credential', username: 'bob' }) },
      second: { authenticatePassword: () => { shown++; return { user: bob.user } } }
    }
  })
  t.strictSame(await review(TOKEN), { authenticated: false })
  t.equal(shown, 0)
})

test('a token that reads as a password is offered as a token first', async t => {
  const order: string[] = []
  const people: IdentityProvider = {
    authenticateToken: () => { order.push('token'); return null },
    authenticatePassword: ({ username, password }) => { order.push(`password of ${username}`); return password === bob.password ? { user: bob.user } : null }
  }
  const { review } = await startService(t, { providers: { people } })
  t.match(await review(TOKEN), { authenticated: true })
  t.strictSame(order, ['token', 'password of bob'])
})

// ----------------------------------------------------------------- audiences

const audienceCases: Array<{ when: string, asked?: string[], configured?: string[], bound?: string[], status: object }> = [
  { when: 'nothing is known', asked: [API], status: { authenticated: true, user: bob.user } },
  { when: 'the configured one is asked', asked: [API, 'vault'], configured: [API], status: { authenticated: true, user: bob.user, audiences: [API] } },
  { when: 'a foreign one is asked', asked: ['vault'], configured: [API], status: { authenticated: false } },
  { when: 'nothing is asked of a bound token', bound: ['ci'], status: { authenticated: false } },
  { when: 'a bound token meets its audience', asked: ['ci'], bound: ['ci'], status: { authenticated: true, user: bob.user, audiences: ['ci'] } },
  { when: 'a token is good for none', asked: ['ci'], bound: [], status: { authenticated: false } }
]

for (const { when, asked, configured = [], bound, status } of audienceCases) {
  test(`audiences, when ${when}`, async t => {
    const { review } = await startService(t, {
      config: { audiences: configured },
      providers: { people: { authenticateToken: () => ({ user: bob.user, audiences: bound }) } }
    })
    t.strictSame(await review(bob.token, asked), status)
  })
}

test('an error without asked audiences names none', async t => {
  const { review } = await startService(t, { providers: { people: { authenticateToken: () => { throw new Error('down') } } } })
  t.strictSame(await review('x'), { authenticated: false, error: 'identity provider "people" is unavailable' })
})

// -------------------------------------------------------------------- budget

const budgets: Array<[query: string, fails: boolean]> = [
  ['?timeout=30ms', true],
  ['?timeout=0.03s', true],
  ['?timeout=30s', false],
  ['?timeout=0s', false],
  ['?timeout=-5s', false],
  ['?timeout=soon', false],
  ['?timeout=1ms&timeout=2ms', false],
  ['', false]
]

for (const [query, fails] of budgets) {
  test(`a provider that takes 150 ms, and ${query === '' ? 'no timeout' : query}`, async t => {
    const slow = { authenticateToken: async (_token: string): Promise<Answer> => await new Promise(resolve => setTimeout(() => { resolve({ user: bob.user }) }, 150)) }
    const { post } = await startService(t, { providers: { slow } })
    const { body } = await post(tokenReview(bob.token), { path: `/authenticate${query}` })
    t.equal(body.status.authenticated, !fails)
    t.equal(body.status.error, fails ? 'identity provider "slow" is unavailable' : undefined)
  })
}

test('?timeout can not stretch the budget', async t => {
  // if it could, the timeouts of the providers would end the review, one after another: 10 s
  const hung = { entry: { timeout: '100ms' }, authenticateToken: async () => await new Promise<Answer>(() => {}) }
  const { post, lines } = await startService(t, { config: { server: { timeout: '100ms' } }, providers: Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`hung-${index}`, hung])) })
  await post(tokenReview(bob.token), { path: '/authenticate?timeout=30s' })
  const [{ ms }] = lines.filter(({ audit }) => audit !== undefined) as [Record<string, any>]
  t.ok(ms > 95 && ms < 5_000, `${ms} ms`)
})

// ------------------------------------------------------- client certificates

test('a client certificate, where the config asks for one', async t => {
  const clients = await createCA({ commonName: 'client CA', days: 1 })
  const [apiServer, other] = await Promise.all(['kube-apiserver', 'someone-else'].map(async commonName => await issueClient(clients, { commonName, days: 1 })))
  const stranger = await issueClient(await createCA({ commonName: 'client CA', days: 1 }), { commonName: 'kube-apiserver', days: 1 })
  const { post, get, lines } = await startService(t, {
    files: { 'client-ca.crt': clients.cert },
    config: { tls: { clientCAFile: 'client-ca.crt', clientNames: ['kube-apiserver'] } },
    providers: { people: { authenticateToken: () => ({ user: bob.user }) } }
  })
  const body = tokenReview(bob.token)
  t.match(await post(body, apiServer), { code: 200, body: { status: { authenticated: true } } })
  t.match(lines.at(-1), { audit: 'TokenReview', client: 'kube-apiserver' })
  for (const [what, client, message] of [
    ['none', {}, 'a client certificate is required'],
    ["another CA's", stranger, 'the client certificate is not signed by the client CA of this service'],
    ['another name', other, 'client certificate name is not in tls.clientNames']
  ] as const) {
    t.match(await post(body, client), { code: 401, body: { kind: 'Status', reason: 'Unauthorized', message } }, what)
  }
  for (const path of ['/livez', '/readyz', '/metrics']) t.equal((await get(path)).code, 200, `${path} is for kubelets and scrapers, who have none`)
})

// ------------------------------------------------------------------ refusals

const CANARY = 'canary-4be1a7'
const review = (edit: (body: any) => void): unknown => {
  const body = structuredClone(tokenReview(CANARY))
  edit(body)
  return body
}

const refusals: Array<{ what: string, code: number, reason: string, message: RegExp, body?: unknown, method?: string, path?: string, headers?: Record<string, string> }> = [
  { what: 'GET', method: 'GET', code: 405, reason: 'MethodNotAllowed', message: /POST/ },
  { what: 'PUT', method: 'PUT', body: tokenReview(CANARY), code: 405, reason: 'MethodNotAllowed', message: /POST/ },
  { what: 'a form, as curl -d sends it', headers: { 'content-type': 'application/x-www-form-urlencoded' }, code: 415, reason: 'UnsupportedMediaType', message: /^the content type must be application\/json: with curl, add -H 'Content-Type: application\/json'$/ },
  { what: 'plain text', headers: { 'content-type': 'text/plain' }, code: 415, reason: 'UnsupportedMediaType', message: /Content-Type: application\/json/ },
  { what: 'no JSON', body: `{"${CANARY}`, code: 400, reason: 'BadRequest', message: /not valid JSON/ },
  { what: 'an empty body', body: Buffer.alloc(0), headers: { 'content-type': 'application/json' }, code: 400, reason: 'BadRequest', message: /not valid JSON/ },
  { what: 'an array', body: [CANARY], code: 400, reason: 'BadRequest', message: /the body must be an object/ },
  { what: 'null', body: 'null', code: 400, reason: 'BadRequest', message: /the body must be an object/ },
  { what: 'another kind', body: review(body => { body.kind = CANARY }), code: 400, reason: 'BadRequest', message: /kind must be TokenReview/ },
  { what: 'no kind', body: review(body => { delete body.kind }), code: 400, reason: 'BadRequest', message: /kind is missing/ },
  { what: 'an unknown version', body: review(body => { body.apiVersion = `authentication.k8s.io/${CANARY}` }), code: 400, reason: 'BadRequest', message: /apiVersion must be one of authentication\.k8s\.io\/v1, authentication\.k8s\.io\/v1beta1/ },
  { what: 'no version', body: review(body => { delete body.apiVersion }), code: 400, reason: 'BadRequest', message: /apiVersion is missing/ },
  { what: 'no spec', body: review(body => { delete body.spec }), code: 400, reason: 'BadRequest', message: /spec is missing/ },
  { what: 'no token', body: review(body => { delete body.spec.token }), code: 400, reason: 'BadRequest', message: /spec\.token is missing/ },
  { what: 'an empty token', body: review(body => { body.spec.token = '' }), code: 400, reason: 'BadRequest', message: /spec\.token must not be empty/ },
  { what: 'a number as token', body: review(body => { body.spec.token = 123 }), code: 400, reason: 'BadRequest', message: /spec\.token must be a string/ },
  { what: 'null as token', body: review(body => { body.spec.token = null }), code: 400, reason: 'BadRequest', message: /spec\.token must be a string/ },
  { what: 'a string as audiences', body: review(body => { body.spec.audiences = CANARY }), code: 400, reason: 'BadRequest', message: /spec\.audiences must be an array/ },
  { what: 'a number among the audiences', body: review(body => { body.spec.audiences = ['a', 1] }), code: 400, reason: 'BadRequest', message: /spec\.audiences\[1\] must be a string/ },
  { what: 'a body over the limit', body: tokenReview('x'.repeat(70_000)), code: 413, reason: 'RequestEntityTooLarge', message: /larger/ },
  { what: 'an unknown path', path: `/${CANARY}`, code: 404, reason: 'NotFound', message: /^not found: POST TokenReviews to \/authenticate$/ },
  { what: 'an unknown path by GET', method: 'GET', path: `/${CANARY}`, code: 404, reason: 'NotFound', message: /^not found: POST TokenReviews to \/authenticate$/ }
]

test('refusals', async t => {
  const { post } = await startService(t, { providers: { people: { authenticateToken: () => ({ user: bob.user }) } } })
  for (const { what, code, reason, message, body = tokenReview(CANARY), ...options } of refusals) {
    await t.test(`${what}: ${code}`, async t => {
      const reply = await post(options.method === 'GET' ? undefined : body, options)
      t.equal(reply.code, code)
      t.match(reply.headers['content-type'], /^application\/json/)
      t.match(reply.body, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code })
      t.match(reply.text, /[^\n]\n$/, 'one line')
      t.notMatch(reply.text, CANARY, 'input is not repeated')
      if (code === 405) t.equal(reply.headers.allow, 'POST')
      t.equal(reply.headers['retry-after'], undefined)
    })
  }
})

test('a review is created by POST only', async t => {
  const { post } = await startService(t, { providers: { people: { authenticateToken: () => ({ user: bob.user }) } } })
  for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    const { code, headers, text } = await post(undefined, { method })
    t.strictSame([code, headers.allow], [405, 'POST'], method)
    t.match(headers['content-type'], /^application\/json/, method)
    if (method !== 'HEAD') t.match(JSON.parse(text), { kind: 'Status', reason: 'MethodNotAllowed', code: 405 }, method)
  }
})

test('what is not found says what is, on either port', async t => {
  const people = { authenticateToken: () => null }
  const { post, service } = await startService(t, { config: { server: { path: '/v1/whose' }, admin: { host: '127.0.0.1', port: 0 } }, providers: { people } })
  t.match(await post(tokenReview('x'), { path: '/authenticate' }), { code: 404, body: { message: 'not found: POST TokenReviews to /v1/whose' } })
  const admin = await service.admin!.inject('/authenticate')
  t.match([admin.statusCode, admin.json()], [404, { message: 'not found: this port has /livez, /readyz and /metrics' }])
})

test('a token over the limit is not authenticated, and nobody is asked', async t => {
  let asked = 0
  const { review } = await startService(t, {
    config: { server: { maxTokenBytes: 1024 } },
    providers: { people: { authenticateToken: () => { asked++; return { user: bob.user } } } }
  })
  t.strictSame(await review('é'.repeat(513)), { authenticated: false })
  t.equal(asked, 0)
  t.match(await review('é'.repeat(512)), { authenticated: true })
})

test('odd tokens are tokens: nothing but "not authenticated" comes of them', async t => {
  const { post } = await startService(t, { providers: { people: { authenticateToken: () => null, authenticatePassword: () => null } } })
  const odd = ['\0', '\n', ' ', '"}', '{"a":1}', '\ud800', '\u202e', '💥', 'x'.repeat(16_384), 'a.b.c', 'eyJ.e30.', '=', '====', ':', 'Og==', '%s%d%n', '../../etc/passwd', '$' + '{jndi:x}', '*)(uid=*', '__proto__']
  for (const token of odd) {
    const { code, body } = await post(tokenReview(token))
    t.strictSame([code, body.status], [200, { authenticated: false }], JSON.stringify(token.slice(0, 20)))
  }
})

test('a bug of ours in the chain is unavailable, not a 500', async t => {
  const { post, service, lines } = await startService(t, { providers: { people: { authenticateToken: () => null } } })
  service.review.identityProviders[0]!.cache.key = () => { throw new TypeError('a bug') }
  const { code, body } = await post(tokenReview('x', { audiences: [API] }))
  t.strictSame([code, body.status], [200, { authenticated: false, error: 'identity provider "people" is unavailable', audiences: [API] }])
  t.match(lines.slice(-3), [{ outcome: 'unavailable', reason: 'failed' }, { level: 'warn', detail: 'TypeError: a bug' }, { level: 'debug', err: { stack: /TypeError: a bug\n {4}at / } }])
})

test('a bug of ours beyond the chain is one as well', async t => {
  const { service } = await startService(t, { providers: { people: { authenticateToken: () => null } } })
  const { review } = service
  const chain = [{ provider: 'people', credentialType: 'token' as const, lookUp: () => undefined, authenticate: async () => { throw new TypeError('a bug') } }]
  const app = createAdminServer({ server: { bodyLimit: 1024, timeout: '1s', maxConnections: 10 } } as never)
  app.decorate('requireClientCertificate', review.requireClientCertificate).decorate('metrics', review.metrics).decorate('audit', review.audit).decorate('httpSessions', review.httpSessions)
  const written: string[] = []
  await app.register(tokenReviewRoute, {
    path: '/authenticate',
    timeout: 1000,
    rules: { chain, audiences: [], maxTokenBytes: 1024 },
    log: await createLogger({ level: 'error', format: 'json', terminal: false, destination: { write (line) { written.push(line) } } })
  })
  const reply = await app.inject({ method: 'POST', url: '/authenticate', payload: tokenReview('x', { audiences: [API] }) })
  t.strictSame([reply.statusCode, reply.json().status], [200, { authenticated: false, error: 'internal error', audiences: [API] }])
  t.match(written.map(line => JSON.parse(line)), [{ err: { message: 'a bug' } }])
})

function withoutUndefined (value: object): object {
  return JSON.parse(JSON.stringify(value))
}
