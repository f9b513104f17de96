/** How long keys are used, when they are fetched, and what tokens are told meanwhile. */
import { jwtVerify } from 'jose'
import { test, type Test } from 'tap'
import type { KeySource, VerificationKey } from '../../../../../plugins/providers/jwt/keys/key-source.js'
import { remoteKeys, type RemoteKeysOptions } from '../../../../../plugins/providers/jwt/keys/remote-keys.js'
import { startIssuer } from '../../../../fixtures/issuer.js'
import { issuerCA, json, makeJWK, recordLog, scriptIssuer, status, type Answer, type ScriptedIssuer } from '../../../../fixtures/scripted-issuer.js'
import { until } from '../../../../fixtures/waiting.js'

const ca = await issuerCA()
const forever = new AbortController().signal
const [a, b] = [await makeJWK('ES256', { kid: 'a' }), await makeJWK('ES256', { kid: 'b' })]
const token = (kid: string, alg = 'ES256') => ({ alg, kid })
const busy = { code: 'AUTHN_UNAVAILABLE', reason: 'busy' }
const down = { code: 'AUTHN_KEY_SOURCE' }
const unavailable = { code: 'AUTHN_KEY_SOURCE' }
const HOUR = 3_600_000
/** Milliseconds that no busy machine exceeds. */
const LONG = 30_000

interface Opened {
  readonly issuer: ScriptedIssuer
  readonly keys: KeySource
  readonly clock: { now: number }
  readonly logged: string[]
  /** `ok` or `failed`. */
  readonly refreshes: string[]
  readonly removals: { count: number }
  /** Key IDs that a token finds. */
  find: (kid: string, alg?: string) => Promise<Array<string | undefined>>
  /** Requests of the JWKS. */
  fetches: () => number
}

/** An issuer with key a, and what knows it. */
async function open (t: Test, options: Partial<RemoteKeysOptions> = {}): Promise<Opened> {
  const issuer = await scriptIssuer(t)
  issuer.jwks = json({ keys: [a] })
  const clock = { now: 1_000_000 }
  const { log, logged } = recordLog()
  const refreshes: string[] = []
  const removals = { count: 0 }
  const keys = remoteKeys({
    issuer: issuer.url,
    ca: () => ca.cert,
    log,
    now: () => clock.now,
    timeout: LONG,
    patience: LONG,
    onRefresh (error) { refreshes.push(error === undefined ? 'ok' : 'failed') },
    onKeysRemoved () { removals.count++ },
    ...options
  })
  t.teardown(() => { keys.close() })
  return {
    issuer,
    keys,
    clock,
    logged,
    refreshes,
    removals,
    // each review has a signal of its own
    find: async (kid, alg) => idsOf(await keys.find(token(kid, alg), new AbortController().signal)),
    fetches: () => issuer.requests.filter(path => path === '/keys').length
  }
}

function idsOf (keys: readonly VerificationKey[]): Array<string | undefined> {
  return keys.map(({ kid }) => kid)
}

/** An answer that comes when the test says so. */
function onDemand (answer: Answer): { readonly answer: Answer, readonly asked: Promise<void>, release: () => void } {
  let release!: () => void
  let ask!: () => void
  const released = new Promise<void>(resolve => { release = resolve })
  const asked = new Promise<void>(resolve => { ask = resolve })
  return {
    asked,
    release,
    answer (request, response) {
      ask()
      void released.then(() => { answer(request, response) })
    }
  }
}

test('the first tokens', async t => {
  t.test('share one fetch, which happens when they come', async t => {
    const { issuer, find, fetches } = await open(t)
    t.same(issuer.requests, [])
    t.same(await Promise.all([find('a'), find('a'), find('b')]), [['a'], ['a'], []])
    t.equal(issuer.requests.length, 2)
    t.same(await find('a'), ['a'])
    t.equal(fetches(), 1)
  })

  t.test('find no key for an algorithm that no key verifies, without a request', async t => {
    const { issuer, find } = await open(t)
    for (const alg of ['none', 'None', 'HS256', 'RSA1_5', 'dir', '', '__proto__', 'Ed25519']) t.same(await find('a', alg), [], alg)
    t.same(issuer.requests, [])
  })

  t.test('are unavailable while the issuer is down, with one request for all until the backoff is over', async t => {
    const { issuer, find, clock, refreshes, fetches } = await open(t)
    issuer.jwks = status(500)
    for (let i = 0; i < 100; i++) await t.rejects(find('a'), unavailable)
    t.equal(fetches(), 1)
    clock.now += 1_000
    issuer.jwks = json({ keys: [a] })
    t.same(await find('a'), ['a'])
    t.same(refreshes, ['failed', 'ok'])
  })
})

test('a token with an unknown key', async t => {
  t.test('causes a fetch of the keys, not of the discovery document', async t => {
    const { issuer, find } = await open(t)
    await find('a')
    issuer.jwks = json({ keys: [a, b] })
    t.same(await find('b'), ['b'])
    t.same(issuer.requests.slice(2), ['/keys'])
  })

  t.test('is denied if a fetch does not find it', async t => {
    const { find } = await open(t)
    await find('a')
    t.same(await find('b'), [])
  })

  t.test('10,000 at once are one request, for which a few wait', async t => {
    const { find, fetches } = await open(t)
    await find('a')
    const answers = await Promise.all(Array.from({ length: 10_000 }, async (_, i) => await find(`random-${i}`).catch((error: unknown) => error)))
    t.same(answers.slice(0, 8), Array(8).fill([]))
    t.match(answers.slice(8), Array(9_992).fill(busy), 'the others leave the permits of the provider to tokens with known keys')
    t.equal(fetches(), 2)
  })

  t.test('10,000 before any key is known are one request too', async t => {
    const { issuer, find } = await open(t)
    const answers = await Promise.all(Array.from({ length: 10_000 }, async (_, i) => await find(`random-${i}`).catch((error: unknown) => error)))
    t.equal(issuer.requests.length, 2)
    t.same(answers.slice(0, 8), Array(8).fill([]))
    t.match(answers.at(-1), busy)
  })

  t.test('in the cooldown is unavailable and not denied: its key may be newer', async t => {
    const { issuer, find, clock, fetches } = await open(t)
    await find('a')
    t.same(await find('random'), [])
    issuer.jwks = json({ keys: [a, b] })
    clock.now += 9_999
    await t.rejects(find('b'), busy)
    t.same(await find('a'), ['a'], 'known keys are not affected')
    t.equal(fetches(), 2)
    clock.now += 1
    t.same(await find('b'), ['b'])
    t.equal(fetches(), 3)
  })

  t.test('a flood over time is one request per cooldown', async t => {
    const { find, clock, fetches } = await open(t)
    await find('a')
    for (let i = 0; i < 1_000; i++) {
      await find(`random-${i}`).catch(() => {})
      clock.now += 100
    }
    t.equal(fetches(), 1 + 10)
  })

  t.test('waits for a fetch that is under way', async t => {
    const { issuer, find, fetches } = await open(t)
    await find('a')
    const { answer, asked, release } = onDemand(json({ keys: [a, b] }))
    issuer.jwks = answer
    const first = find('random')
    await asked
    const second = find('b')
    t.same(await find('a'), ['a'], 'a known key does not')
    release()
    t.same(await Promise.all([first, second]), [[], ['b']])
    t.equal(fetches(), 2)
  })

  t.test('does not wait longer than its patience', async t => {
    const { issuer, keys, find } = await open(t, { patience: 1 })
    const { answer, release } = onDemand(json({ keys: [a] }))
    await keys.ping(forever)
    issuer.jwks = answer
    await t.rejects(find('b'), down)
    t.same(await find('a'), ['a'])
    release()
  })

  t.test('is unavailable while the issuer is down', async t => {
    const { issuer, find, clock, fetches } = await open(t)
    await find('a')
    issuer.jwks = status(500)
    await t.rejects(find('b'), { ...down, message: /HTTP status 500/ })
    for (let i = 0; i < 100; i++) await t.rejects(find(`random-${i}`), down)
    t.equal(fetches(), 2)
    t.same(await find('a'), ['a'])
    issuer.jwks = json({ keys: [a, b] })
    clock.now += 10_000
    t.same(await find('b'), ['b'])
  })

  t.test('causes no request before the backoff is over', async t => {
    const { issuer, keys, find, clock, fetches } = await open(t)
    await find('a')
    issuer.jwks = status(500)
    clock.now += 5_000
    for (let i = 0; i < 7; i++) await t.rejects(keys.ping(forever))
    t.equal(fetches(), 8)
    clock.now += 29_999
    await t.rejects(find('b'), down)
    t.equal(fetches(), 8)
    clock.now += 30_001
    await t.rejects(find('b'), down)
    t.equal(fetches(), 9)
  })

  t.test('and a known key ID, but another algorithm, is denied without a request', async t => {
    const { find, fetches } = await open(t)
    await find('a')
    t.same(await find('a', 'RS256'), [])
    t.equal(fetches(), 1)
  })

  t.test('without a key ID, an algorithm that no key has causes a fetch', async t => {
    const { keys, issuer } = await open(t)
    t.same(idsOf(await keys.find({ alg: 'ES256' }, forever)), ['a'])
    issuer.jwks = json({ keys: [a, { ...await makeJWK('EdDSA'), kid: 'ed' }] })
    t.same(idsOf(await keys.find({ alg: 'EdDSA' }, forever)), ['ed'])
  })
})

test('keys are refreshed in the background', async t => {
  const often = { lifetimes: { min: 5, max: 20, default: 10 } }

  t.test('without a token, and as long as HTTP says at most', async t => {
    const { find, fetches, issuer } = await open(t, often)
    issuer.jwks = json({ keys: [a] }, { 'cache-control': 'max-age=3600' })
    await find('a')
    await until('some more fetches', () => fetches() > 3)
  })

  t.test('before they are too old to be used, whatever HTTP says', async t => {
    const { find, fetches, issuer } = await open(t, { maxAge: 20 })
    issuer.jwks = json({ keys: [a] }, { 'cache-control': 'max-age=3600' })
    await find('a')
    await until('some more fetches', () => fetches() > 3)
  })

  t.test('old keys serve meanwhile', async t => {
    const { find, issuer } = await open(t, often)
    await find('a')
    const { answer, asked, release } = onDemand(json({ keys: [b] }))
    issuer.jwks = answer
    await asked
    t.same(await find('a'), ['a'])
    release()
    await until('key b', async () => (await find('b').catch(() => [])).length > 0)
  })

  t.test('a key that was removed is no longer valid, and reported once', async t => {
    const { find, issuer, refreshes, removals } = await open(t, often)
    issuer.jwks = json({ keys: [a, b] })
    t.same(await find('a'), ['a'])
    issuer.jwks = json({ keys: [b] })
    await until('the removal', () => removals.count > 0)
    t.same(await find('a'), [])
    t.same(await find('b'), ['b'])
    const before = refreshes.length
    await until('some more refreshes', () => refreshes.length > before + 2)
    t.equal(removals.count, 1)
  })

  t.test('no key is valid any more if none is left, and tokens are unavailable', async t => {
    const { find, issuer, removals } = await open(t, often)
    await find('a')
    issuer.jwks = json({ keys: [] })
    await until('the removal', () => removals.count > 0)
    await t.rejects(find('a'), unavailable)
  })

  t.test('discovery too', async t => {
    const { find, issuer } = await open(t, { ...often, now: () => performance.now() })
    await find('a')
    issuer.discovery = json({ issuer: issuer.url, jwks_uri: `${issuer.url}/moved` })
    await until('the new location of the keys', () => issuer.requests.includes('/moved'))
  })

  t.test('not after close', async t => {
    const [closed, other] = [await open(t, often), await open(t, often)]
    await closed.find('a')
    closed.keys.close()
    const requests = closed.issuer.requests.length
    await other.find('a')
    await until('more refreshes of another issuer', () => other.fetches() > 3)
    closed.clock.now += 5_000
    await t.rejects(closed.keys.ping(forever), { message: 'the keys of the issuer are no longer in use' })
    t.equal(closed.issuer.requests.length, requests)
  })
})

test('an outage', async t => {
  t.test('keys are used until they are too old', async t => {
    const { find, clock, issuer, keys, logged, refreshes } = await open(t, { maxAge: 2 * HOUR })
    await find('a')
    issuer.jwks = status(503)
    await t.rejects(keys.ping(forever).then(async () => { clock.now += 5_000; await keys.ping(forever) }), unavailable)
    clock.now = 1_000_000 + 2 * HOUR - 1
    t.same(await find('a'), ['a'])
    clock.now++
    await t.rejects(find('a'), unavailable)
    issuer.jwks = json({ keys: [a] })
    clock.now += 60_000
    t.same(await find('a'), ['a'])
    t.equal(refreshes.at(-1), 'ok')
    t.match(logged.filter(line => !line.startsWith('debug')).at(-1), `info: the keys of the issuer are available again {"issuer":"${issuer.url}"}`)
  })

  t.test('ends without a token', async t => {
    const { find, issuer, refreshes } = await open(t, { lifetimes: { min: 5, max: 5, default: 5 } })
    await find('a')
    issuer.jwks = status(503)
    await until('a failure', () => refreshes.includes('failed'))
    issuer.jwks = json({ keys: [a] })
    await until('the end', () => refreshes.at(-1) === 'ok')
    t.same(await find('a'), ['a'])
  })

  t.test('is logged once, unless it changes', async t => {
    const { issuer, keys, logged } = await open(t)
    for (const code of [503, 503, 404, 404]) {
      issuer.jwks = status(code)
      await t.rejects(keys.ping(forever))
    }
    t.match(logged.filter(line => line.startsWith('warn')), [/HTTP status 503/, /HTTP status 404/])
    t.equal(logged.length, 4)
  })

  t.test('the JWKS may have moved', async t => {
    const { issuer, find, clock } = await open(t)
    await find('a')
    issuer.jwks = status(404)
    await t.rejects(find('b'), down)
    clock.now += 10_000
    await t.rejects(find('b'), down)
    t.same(issuer.requests.slice(2), ['/keys', '/.well-known/openid-configuration', '/keys'])
  })
})

test('close ends what is under way', async t => {
  const { issuer, keys } = await open(t)
  let closed: Promise<unknown> | undefined
  // not by once(), which fails for a connection that is reset
  issuer.jwks = request => { closed = new Promise(resolve => { request.socket.once('close', resolve) }) }
  const finding = keys.find(token('a'), forever)
  await until('the request', () => closed !== undefined)
  keys.close()
  await t.rejects(finding, unavailable)
  await closed
})

test('a caller who leaves does not end the fetch of the others', async t => {
  const { issuer, keys, find } = await open(t)
  const { answer, asked, release } = onDemand(json({ keys: [a] }))
  issuer.jwks = answer
  const leaving = new AbortController()
  const [first, second] = [keys.find(token('a'), leaving.signal), find('a')]
  await asked
  leaving.abort(new Error('gone'))
  await t.rejects(first, { message: 'gone' })
  release()
  t.same(await second, ['a'])
})

test('a real OpenID provider', async t => {
  for (const path of ['', '/realms/example']) {
    await t.test(path, async t => {
      const issuer = await startIssuer(t, { path })
      const clock = { now: 0 }
      const keys = remoteKeys({ issuer: issuer.url, ca: () => issuer.ca, log: recordLog().log, now: () => clock.now })
      t.teardown(() => { keys.close() })
      const verify = async (jwt: string): Promise<unknown> =>
        (await jwtVerify(jwt, async header => (await keys.find({ ...header, alg: header.alg }, forever))[0]!.key, { issuer: issuer.url, audience: 'kubernetes' })).payload['groups']
      const claims = { sub: 'alice', groups: ['admins', 'staff'] }
      await keys.ping(forever)
      t.same(await verify(await issuer.idToken(claims)), claims.groups)

      const before = await issuer.idToken(claims)
      await issuer.rotate({ keep: true, alg: 'RS256' })
      t.same(await verify(await issuer.idToken(claims)), claims.groups, 'a rotation is picked up')
      t.same(await verify(before), claims.groups)

      await issuer.stop()
      t.same(await verify(await issuer.idToken(claims)), claims.groups, 'keys are kept')
      clock.now += 60_000
      await t.rejects(keys.ping(forever), { message: /connection refused/ })
      await issuer.restart()
      await keys.ping(forever)
      await issuer.rotate()
      t.same(await verify(await issuer.idToken(claims)), claims.groups)
    })
  }
})
