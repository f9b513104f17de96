import { createHash } from 'node:crypto'
import { test } from 'tap'
import { issueClient } from '../../src/certificates/issue.js'
import { alice, basicToken, bob } from '../fixtures/people.js'
import { authority, startService, tokenReview, type TestService } from '../fixtures/service.js'

const people = {
  authenticateToken (token: string) {
    return token === alice.token ? { user: alice.user } : null
  },
  async authenticatePassword ({ username, password }: { username: string, password: string }) {
    if (username === 'bob') return { denied: 'locked' as const, username: 'bob@example.com' }
    if (username === 'carol') throw new Error(`bind failed for ${username} with ${password}`)
    return null
  }
}

const KEY = { log: { fingerprintKey: 'a key that replicas share' } }

function auditLines ({ lines }: TestService): Array<Record<string, any>> {
  return lines.filter(line => line.audit === 'TokenReview')
}

test('one line a review, after the answer', async t => {
  const service = await startService(t, { providers: { people } })
  await service.review(alice.token)
  const [line, ...more] = auditLines(service)
  t.strictSame(more, [])
  t.match(line, { level: 'info', outcome: 'authenticated', provider: 'people', username: 'alice', groups: 2, apiVersion: 'authentication.k8s.io/v1', fingerprint: /^[0-9a-f]{24}$/ })
  t.strictSame(['reason', 'typedName', 'client'].filter(field => field in line!), [])
})

test('time is when the answer was sent, ms how long it took', async t => {
  const service = await startService(t, { providers: { people: { authenticateToken: async () => await new Promise(resolve => setTimeout(() => { resolve({ user: bob.user }) }, 60)) } } })
  const [started, clock] = [Date.now(), performance.now()]
  await service.review(bob.token)
  const [ended, elapsed] = [Date.now(), performance.now() - clock]
  const { time, ms } = auditLines(service)[0]!
  t.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'ISO 8601, UTC')
  t.ok(Date.parse(time) >= started + 50 && Date.parse(time) <= ended, time)
  t.type(ms, 'number')
  // a timer may fire a millisecond early
  t.ok(ms > 58 && ms <= elapsed, `${ms} of ${elapsed} ms`)
  t.match(String(ms), /^\d+(\.\d{1,2})?$/, 'to 10 µs')
})

test('fields are in the order in which people read them', async t => {
  const service = await startService(t, { providers: { people }, config: { tls: { clientCAFile: 'ca.crt' } } })
  const { cert, key } = await issueClient(authority, { commonName: 'kube-apiserver', days: 1 })
  await service.post(tokenReview(alice.token), { cert, key })
  await service.post(tokenReview(basicToken('hunter2', 'mallory')), { cert, key })
  t.strictSame(auditLines(service).map(line => Object.keys(line).join(' ')), [
    'level time audit outcome provider username groups ms apiVersion client peer fingerprint msg',
    'level time audit outcome reason typedName ms apiVersion client peer fingerprint msg'
  ])
})

test('other lines are still redacted', async t => {
  const service = await startService(t, { providers: { people: { authenticateToken (_token, { log }) { log.warn({ password: 'canary' }, 'asked'); return { user: { username: 'token' } } } } } })
  await service.review('any')
  t.match(auditLines(service), [{ username: 'token' }])
  t.match(service.lines.filter(line => line.msg === 'asked'), [{ password: '[redacted]' }])
})

test('a denial names its reason and the account that was found', async t => {
  const service = await startService(t, { providers: { people } })
  await service.review(basicToken('bob', 'wrong'))
  t.match(auditLines(service), [{ outcome: 'denied', reason: 'locked', provider: 'people', username: 'bob@example.com' }])
})

test('what was merely typed is a digest, the same in every replica with the same key', async t => {
  const [one, other, stranger] = [await startService(t, { providers: { people }, config: KEY }), await startService(t, { providers: { people }, config: KEY }), await startService(t, { providers: { people } })]
  for (const service of [one, other, stranger]) await service.review(basicToken('hunter2', 'mallory'))
  const [line] = auditLines(one)
  t.match(line, { outcome: 'denied', reason: 'unknown', typedName: /^[0-9a-f]{24}$/ })
  t.notOk('username' in line!)
  t.equal(auditLines(other)[0]!.typedName, line!.typedName)
  t.equal(auditLines(other)[0]!.fingerprint, line!.fingerprint)
  t.not(auditLines(stranger)[0]!.typedName, line!.typedName)
  t.notMatch(JSON.stringify(one.lines), 'hunter2')
})

test('a fingerprint is no digest that guesses could be compared with', async t => {
  const service = await startService(t, { providers: { people } })
  const token = basicToken('bob', 'wrong')
  await service.review(token)
  const { fingerprint } = auditLines(service)[0]!
  const digest = createHash('sha256').update(token).digest()
  t.notOk([digest.toString('hex'), createHash('sha256').update(`sha256:${digest.toString('hex')}`).digest('hex')].some(unkeyed => unkeyed.startsWith(fingerprint)))
})

test('what a provider throws is logged without what was presented', async t => {
  const service = await startService(t, { providers: { people } })
  const token = basicToken('carol', 'canary-secret')
  await service.review(token)
  t.match(auditLines(service), [{ outcome: 'unavailable', reason: 'failed', provider: 'people' }])
  const [failure] = service.lines.filter(line => line.detail !== undefined)
  t.match(failure, { level: 'warn', provider: 'people', detail: /bind failed for carol with \[redacted\]$/ })
  t.match(service.lines.filter(line => line.err !== undefined), [{ level: 'debug', err: { stack: /at Object\.authenticatePassword/ } }], 'the stack is for who debugs')
  t.notMatch(JSON.stringify(service.lines), 'canary-secret')
  t.notMatch(JSON.stringify(service.lines), token)
})

test('nothing that is presented is ever written', async t => {
  const canaries = {
    throws: { authenticateToken: (token: string) => { throw new Error(`odd: ${token}`, { cause: token }) } },
    rejects: { authenticatePassword: async ({ username, password }: { username: string, password: string }) => { throw Object.assign(new Error(password), { username, password, token: password }) } },
    breaks: { authenticateToken: (token: string) => ({ user: { username: [token] } }) as never },
    denies: { recognizes: () => true, authenticateToken: () => ({ denied: 'expired' as const }) }
  }
  for (const [name, provider] of Object.entries(canaries)) {
    const service = await startService(t, { providers: { [name]: provider } })
    const tokens = ['canary-opaque', basicToken('canary-name', 'canary-password'), 'eyJjYW5hcnkiOjF9.canary.canary', `canary${'x'.repeat(17_000)}`]
    for (const token of tokens) await service.review(token, ['canary-audience'])
    const bodies = ['{"canary', '["canary"]', '{"kind":"canary"}', JSON.stringify({ apiVersion: 'canary', kind: 'TokenReview', spec: { token: 'canary' } }), 'canary'.repeat(20_000)]
    for (const body of bodies) await service.post(body)
    await service.post('canary', { headers: { 'content-type': 'text/canary', authorization: 'Bearer canary', 'x-canary': 'canary' } })
    await service.post('{}', { path: '/canary?canary=canary' })
    await service.post('{}', { path: '/%E0%A4%A?canary' })
    const written = JSON.stringify(service.lines) + (await service.get('/metrics')).text + (await service.get('/readyz?verbose')).text
    t.ok(auditLines(service).length >= tokens.length)
    t.notMatch(written, /canary/i, name)
    for (const token of tokens) t.notOk(written.includes(token), name)
  }
})

test('the line of a failure names the review that it belongs to', async t => {
  const service = await startService(t, { providers: { people } })
  const tokens = [basicToken('carol', 'canary-one'), basicToken('carol', 'canary-two')]
  await Promise.all(tokens.map(async token => await service.review(token)))
  const fingerprints = auditLines(service).map(line => line.fingerprint)
  const failures = service.lines.filter(line => line.msg === 'the identity provider failed')
  t.equal(new Set(fingerprints).size, 2)
  t.strictSame(failures.map(line => line.fingerprint).sort(), fingerprints.sort())
})

for (const level of ['info', 'warn', 'error', 'silent'] as const) {
  test(`log.level ${level} leaves the audit lines`, async t => {
    const service = await startService(t, { providers: { people }, config: { log: { level } } })
    await service.review(alice.token)
    await service.review('unknown')
    t.match(auditLines(service), [{ outcome: 'authenticated' }, { outcome: 'denied' }])
  })
}

test('log.audit false turns the audit lines off, and nothing else', async t => {
  const service = await startService(t, { providers: { people }, config: { log: { audit: false } } })
  await service.review(alice.token)
  await service.review(basicToken('carol', 'canary'))
  t.strictSame(auditLines(service), [])
  t.match(service.lines.filter(line => line.msg === 'the identity provider failed'), [{ level: 'warn', provider: 'people', fingerprint: /^[0-9a-f]{24}$/ }])
})

test('the names of people who were let in are there', async t => {
  const service = await startService(t, { providers: { people: { authenticateToken: () => ({ user: bob.user }) } } })
  await service.review(bob.token)
  t.match(auditLines(service), [{ username: 'bob', groups: 1 }])
})

test('names that were kept back are counted in the audit line, and named once a question', async t => {
  const mallory = { username: 'mallory', uid: 'a\nb', groups: ['developers', 'system:masters', ' ops'], extra: { 'kubernetes.io/pod': ['x'], 'example.com/team': ['y'] } }
  const service = await startService(t, { providers: { people: { authenticateToken: token => ({ user: token === bob.token ? bob.user : mallory }) } } })
  await service.review(alice.token)
  await service.review(alice.token)
  await service.review(bob.token)
  const [first, cached, harmless] = auditLines(service)
  for (const line of [first, cached]) t.match(line, { outcome: 'authenticated', username: 'mallory', groups: 1, droppedUid: 1, droppedGroups: 2, droppedExtra: 1 })
  t.strictSame(['droppedUid', 'droppedGroups', 'droppedExtra'].filter(field => field in harmless!), [])
  const named = service.lines.filter(({ msg }) => msg === 'dropped reserved or malformed names of a user')
  t.match(named, [{ level: 'warn', provider: 'people', username: 'mallory', uid: ['a\nb'], groups: [' ops', 'system:masters'], extra: ['kubernetes.io/pod'] }])
  t.equal(named.length, 1)
})
