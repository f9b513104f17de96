/** Attacks on the sign-in service: each ends without a token for anyone but the person who signed in. */
import { decodeJwt } from 'jose'
import * as client from 'openid-client'
import { test } from 'tap'
import { ADDRESS, CALLBACK, HEADLAMP, SECRET, approve, authorizationRequest, authorize, exchange, failureOf, signIn, startLogin } from '../fixtures/login.js'
import { alice, bob } from '../fixtures/people.js'
import { readForm } from '../fixtures/plain-pages.js'
import { send } from '../fixtures/test-browser.js'

void test('a code is for one exchange', async t => {
  const login = await startLogin(t)
  const flow = await authorizationRequest(await login.client())
  const redirect = await authorize(login.browser(), flow.url)
  await exchange(flow, redirect)
  t.match(await failureOf(exchange(flow, redirect)), { error: 'invalid_grant' })
  for (let round = 0; round < 5; round++) {
    const raced = await authorize(login.browser(), flow.url)
    const results = await Promise.allSettled(Array.from({ length: 4 }, async () => await exchange(flow, raced)))
    t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1, 'of concurrent exchanges one succeeds')
  }
})

void test('a code is for the client and the verifier that asked for it', async t => {
  const login = await startLogin(t)
  const flow = await authorizationRequest(await login.client())
  const browser = login.browser()
  const redirect = await authorize(browser, flow.url)
  t.match(await failureOf(exchange({ ...flow, config: await login.client('staging') }, redirect)), { error: 'invalid_grant' }, 'another client')
  t.match(await failureOf(exchange({ ...flow, config: await login.client('headlamp', SECRET) }, redirect)), { error: 'invalid_grant' }, 'a confidential one')
  t.match(await failureOf(exchange({ ...flow, verifier: client.randomPKCECodeVerifier() }, redirect)), { error: 'invalid_grant' }, 'another verifier')
  const body = { grant_type: 'authorization_code', code: redirect.searchParams.get('code')!, redirect_uri: CALLBACK, client_id: 'production' }
  const post = async (fields: Record<string, string>) => JSON.parse((await send(login.target, 'POST', new URL('/token', login.issuer), new URLSearchParams(fields).toString(), { 'content-type': 'application/x-www-form-urlencoded' })).text)
  t.match(await post(body), { error: 'invalid_grant' }, 'no verifier')
  t.match(await post({ ...body, code_verifier: flow.verifier, redirect_uri: 'http://127.0.0.1:18001/callback' }), { error: 'invalid_grant' }, 'another redirect URI')
  t.match(await post({ ...body, code_verifier: flow.verifier, client_id: '' }), { error: /invalid_(request|client)/ }, 'no client')
  const { id_token: token } = await exchange(flow, redirect)
  t.equal(decodeJwt(token!).aud, 'production', 'and the token is for that client alone')
})

void test('PKCE with S256 is required', async t => {
  const login = await startLogin(t)
  const config = await login.client()
  const confidential = await login.client('headlamp', SECRET)
  const challenge = await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier())
  for (const [name, parameters] of Object.entries({ plain: { code_challenge: challenge, code_challenge_method: 'plain' }, 'no method': { code_challenge: challenge }, none: {}, 'no challenge': { code_challenge_method: 'S256' } })) {
    for (const [each, uri] of [[config, CALLBACK], [confidential, HEADLAMP.redirectURIs[0]!]] as const) {
      const { left } = await login.browser().get(client.buildAuthorizationUrl(each, { redirect_uri: uri, scope: 'openid', ...parameters as Record<string, string> }))
      t.equal(left?.searchParams.get('error'), 'invalid_request', name)
    }
  }
})

const REDIRECTS: ReadonlyArray<readonly [client: string, uri: string, allowed: boolean]> = [
  ['production', 'http://127.0.0.1:18000/callback', true],
  ['production', 'http://127.0.0.1/', true],
  ['production', 'http://[::1]:1234/callback', true],
  ['production', 'http://localhost:65535/', true],
  ['production', 'http://localhost:8000', false],
  ['production', 'https://127.0.0.1:18000/callback', false],
  ['production', 'http://127.0.0.1:18000/other', false],
  ['production', 'http://127.0.0.1:18000/callback/', false],
  ['production', 'http://127.0.0.1:18000/callback?a=b', false],
  ['production', 'http://127.0.0.1:18000/callback#a', false],
  ['production', 'http://127.0.0.1:18000/x/../callback', false],
  ['production', 'http://127.0.0.1:18000//callback', false],
  ['production', 'http://127.0.0.1:18000%2fcallback', false],
  ['production', 'http://user@127.0.0.1:18000/callback', false],
  ['production', 'http://127.0.0.1:18000@evil.example.com/callback', false],
  ['production', 'http://evil.example.com\\@127.0.0.1/callback', false],
  ['production', 'http://127.1:18000/callback', false],
  ['production', 'http://0x7f.1:18000/callback', false],
  ['production', 'http://2130706433/callback', false],
  ['production', 'http://127.0.0.2/callback', false],
  ['production', 'http://0.0.0.0/callback', false],
  ['production', 'http://[::ffff:127.0.0.1]/callback', false],
  ['production', 'http://[0:0:0:0:0:0:0:1]:1234/callback', false],
  ['production', 'http://localhost.evil.example.com/callback', false],
  ['production', 'http://LOCALHOST/callback', false],
  ['production', 'http://localhost./callback', false],
  ['production', 'http://127.0.0.1:port/callback', false],
  ['production', 'javascript:alert(1)', false],
  ['production', 'https://headlamp.example.com/oidc-callback', false],
  ['staging', 'com.example.app:/callback', true],
  ['staging', 'com.example.app:/callback/../x', false],
  ['staging', 'https://app.example.com/a%2Fb', true],
  ['staging', 'https://app.example.com/a%2fb', false],
  ['staging', 'https://app.example.com/a/b', false],
  ['staging', 'https://app.example.com:443/a%2Fb', false],
  ['headlamp', 'https://headlamp.example.com/oidc-callback', true],
  ['headlamp', 'https://headlamp.example.com/oidc-callback?x', false],
  ['headlamp', 'https://headlamp.example.com:8443/oidc-callback', false],
  ['headlamp', 'http://127.0.0.1/callback', false]
]

void test('redirect URIs', async t => {
  const login = await startLogin(t)
  const configs = { production: await login.client(), staging: await login.client('staging'), headlamp: await login.client('headlamp', SECRET) }
  for (const [id, uri, allowed] of REDIRECTS) {
    const { url } = await authorizationRequest(configs[id as keyof typeof configs], { redirect_uri: uri })
    const page = await login.browser().get(url)
    t.match([page.page, page.status, page.left], allowed ? ['signIn', 200, undefined] : ['error', 400, undefined], `${id} ${uri}`)
  }
  const missing = await authorizationRequest(configs.headlamp)
  missing.url.searchParams.delete('redirect_uri')
  t.equal((await login.browser().get(missing.url)).status, 400, 'it must be named, even if there is one')
})

void test('state and nonce are those of the request, and may be missing', async t => {
  const login = await startLogin(t)
  const flow = await authorizationRequest(await login.client())
  const redirect = await authorize(login.browser(), flow.url)
  t.equal(redirect.searchParams.get('state'), 'the-state')
  t.equal(redirect.searchParams.get('iss'), login.issuer, 'against mix-up')
  await t.rejects(client.authorizationCodeGrant(flow.config, redirect, { pkceCodeVerifier: flow.verifier, expectedState: 'another' }))
  flow.url.searchParams.delete('state')
  flow.url.searchParams.delete('nonce')
  const bare = await authorize(login.browser(), flow.url)
  t.equal(bare.searchParams.get('state'), null)
  const { id_token: token } = await client.authorizationCodeGrant(flow.config, bare, { pkceCodeVerifier: flow.verifier })
  t.equal(decodeJwt(token!)['nonce'], undefined)
})

void test('login CSRF: forms are for the browser that they were shown in', async t => {
  const login = await startLogin(t)
  const { url } = await authorizationRequest(await login.client())
  const [mine, theirs] = [login.browser(), login.browser()]
  const [page, foreign] = [await mine.get(url), await theirs.get(url)]
  const fields = { username: 'alice', password: alice.password }
  const { action } = page.model
  for (const [name, csrf] of [['none', undefined], ['empty', ''], ['of another browser', foreign.model['csrf']], ['changed', `${String(page.model['csrf']).slice(1)}A`]] as const) {
    t.match(await mine.post(action, { ...fields, ...csrf !== undefined && { csrf } }), { status: 403, page: 'error' }, name)
    t.match(await mine.post('/sign-in', { ...fields, ...csrf !== undefined && { csrf } }), { status: 403, page: 'error' }, name)
  }
  t.match(await theirs.post(action, { ...fields, csrf: foreign.model['csrf'] }), { status: 400, page: 'error' }, 'an interaction of another browser')
  t.equal(login.events.length, 0, 'no password was checked')
  const consent = await signIn(mine, page)
  t.match(await mine.post(consent.model['action'], { decision: 'approve' }), { status: 403 })
  t.equal((await mine.post(consent.model['action'], { decision: 'deny', csrf: consent.model['csrf'] })).left?.searchParams.get('error'), 'access_denied')
})

void test('planted cookies of a sign-in do not sign in another browser', async t => {
  const login = await startLogin(t)
  const { url } = await authorizationRequest(await login.client())
  const [attacker, victim] = [login.browser(), login.browser()]
  await victim.get('/')
  const page = await attacker.get(url)
  const done = await attacker.send('POST', page.model['action'], new URLSearchParams({ csrf: page.model['csrf'], username: 'bob', password: bob.password }).toString())
  for (const [key, cookie] of attacker.cookies) if (key.startsWith('__Secure-')) victim.cookies.set(key, cookie)
  const landed = await victim.get(done.headers.location!)
  t.match([landed.status, landed.page], [400, 'error'])
  t.equal(victim.cookie('session'), undefined)
  t.equal((await attacker.get(done.headers.location!)).page, 'consent', 'it was a valid one')
  const forged = login.browser()
  for (const [key, { path }] of attacker.cookies) forged.cookies.set(key, { value: 'AAAA', path })
  t.equal((await forged.get(url)).page, 'signIn', 'cookies that we did not sign are ignored')
})

void test('session fixation: signing in changes the session', async t => {
  const login = await startLogin(t)
  const config = await login.client()
  const browser = login.browser()
  await browser.get('/device')
  const before = browser.cookie('session')
  t.ok(before)
  await authorize(browser, (await authorizationRequest(config)).url)
  const after = browser.cookie('session')
  t.not(after, before)
  const fixed = login.browser()
  for (const [key, cookie] of browser.cookies) fixed.cookies.set(key, key.startsWith('__Host-session ') ? { ...cookie, value: before! } : cookie)
  t.equal((await fixed.get('/')).page, 'signIn')
  const home = login.browser()
  for (const [key, cookie] of browser.cookies) home.cookies.set(key, cookie)
  t.equal((await home.get('/')).page, 'home')
})

void test('the next user of the same browser gets a new session', async t => {
  const login = await startLogin(t)
  const config = await login.client()
  const browser = login.browser()
  await authorize(browser, (await authorizationRequest(config)).url)
  const before = new Map(browser.cookies)
  const flow = await authorizationRequest(config, { prompt: 'login' })
  const { id_token: token } = await exchange(flow, await authorize(browser, flow.url, bob))
  t.equal(decodeJwt(token!).sub, 'corp:1002')
  const old = login.browser()
  for (const [key, cookie] of before) old.cookies.set(key, cookie)
  t.equal((await old.get('/')).page, 'signIn', 'the session of the one before has ended')
})

for (const [where, prefix] of [['over HTTPS', undefined], ['behind a proxy', '/sso']] as const) {
  void test(`${where}: spoofed headers change neither URLs nor addresses`, async t => {
    const login = await startLogin(t, { ...prefix && { prefix } })
    const spoofed = { 'x-forwarded-host': 'evil.example.com', 'x-forwarded-proto': 'http', 'x-forwarded-port': '81', 'x-forwarded-prefix': '/evil', forwarded: 'host=evil.example.com', 'x-original-url': '/evil', 'x-real-ip': '203.0.113.9' }
    for (const headers of [spoofed, { ...spoofed, host: 'evil.example.com' }]) {
      const { text } = await send(login.target, 'GET', new URL(`${login.issuer}/.well-known/openid-configuration`), undefined, headers)
      t.notMatch(text, /evil|http:/)
      const device = await send(login.target, 'POST', new URL(`${login.issuer}/device/auth`), 'client_id=production&scope=openid', { 'content-type': 'application/x-www-form-urlencoded', ...headers })
      t.equal(JSON.parse(device.text).verification_uri, `${login.issuer}/device`)
    }
    const browser = login.browser()
    const flow = await authorizationRequest(await login.client())
    const page = await browser.get(flow.url, spoofed)
    t.equal(page.url.origin, 'https://login.example.com')
    await browser.post(page.model['action'], { csrf: page.model['csrf'], username: 'alice', password: 'wrong' }, { ...spoofed, 'x-forwarded-for': '203.0.113.9' })
    t.equal(login.events[0]?.address, prefix === undefined ? '127.0.0.1' : ADDRESS)
  })
}

void test('nothing that is typed or sent is in a header or a line of the log', async t => {
  const login = await startLogin(t)
  const config = await login.client()
  const evil = 'canary\r\nset-cookie: a=b\u001b[31m\u202e'
  const { url } = await authorizationRequest(config, { state: evil, login_hint: evil, client_id: 'production' })
  const browser = login.browser()
  const page = await browser.get(url)
  t.equal(page.model['username'], evil, 'a page shows it escaped')
  const redirect = await authorize(browser, url)
  t.equal(redirect.searchParams.get('state'), evil)
  for (const bad of [{ client_id: evil }, { redirect_uri: evil }, { scope: evil }, { prompt: evil }, { response_type: evil }, { code_challenge: evil }, { id_token_hint: evil }, { max_age: evil }]) {
    const answer = await login.browser().get((await authorizationRequest(config, bad)).url)
    t.equal(answer.headers['set-cookie']?.some(cookie => cookie.startsWith('a=')) ?? false, false)
  }
  for (const username of [evil, alice.password]) await failureOf(client.genericGrantRequest(config, 'password', { username, password: 'canary-typed' }))
  const log = login.lines.join('')
  t.notMatch(log, /canary/)
  t.notMatch(log, /server_error|bug of authn-webhook/)
})

void test('the body of a request is bounded', async t => {
  const login = await startLogin(t)
  const large = `username=${'a'.repeat(20_000)}`
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  for (const path of ['/token', '/device', '/device/auth', '/sign-in', '/interaction/x/login']) {
    t.equal((await send(login.target, 'POST', new URL(path, login.issuer), large, form)).status, 413, path)
  }
  t.equal((await send(login.target, 'POST', new URL('/token', login.issuer), 'a=b', { ...form, 'transfer-encoding': 'chunked' })).status, 413, 'of unknown length')
  for (const type of ['application/json', 'multipart/form-data; boundary=x', 'text/plain']) {
    t.equal((await send(login.target, 'POST', new URL('/sign-in', login.issuer), '{}', { 'content-type': type })).status, 415, type)
  }
})

void test('double submit and the back button', async t => {
  const login = await startLogin(t)
  const config = await login.client()
  const browser = login.browser()
  const { url } = await authorizationRequest(config)
  const page = await browser.get(url)
  const body = new URLSearchParams({ csrf: page.model['csrf'], username: 'alice', password: alice.password }).toString()
  const both = [await browser.send('POST', page.model['action'], body), await browser.send('POST', page.model['action'], body)]
  t.strictSame(both.map(({ status }) => status), [303, 303])
  const consent = await browser.get(both[1]!.headers.location!)
  t.equal(consent.page, 'consent')
  t.match(await browser.get(page.url), { status: 400, page: 'error', model: { title: 'This sign-in has expired', advice: /start the sign-in again/ } }, 'back')
  t.match(await browser.send('POST', page.model['action'], body), { status: 400 }, 'and again')
  t.ok((await approve(browser, consent)).left)
  t.match(await approve(browser, consent), { status: 400, page: 'error' })
  t.match(await browser.get('/auth/unknown'), { status: 400, page: 'error', model: { title: 'This sign-in has expired' } })
  const [one, two] = [await browser.get((await authorizationRequest(config, { prompt: 'login' })).url), await browser.get((await authorizationRequest(config, { prompt: 'login' })).url)]
  t.equal((await signIn(browser, one)).page, 'consent', 'two sign-ins in two tabs')
  t.equal((await signIn(browser, two)).page, 'consent')
})

void test('abandoned sign-ins keep one short value each', async t => {
  const login = await startLogin(t, { config: { maxAttemptsPerMinute: 1_000 } })
  const { url } = await authorizationRequest(await login.client())
  for (let batch = 0; batch < 2_000; batch += 20) await Promise.all(Array.from({ length: 20 }, async () => await login.browser().send('GET', url)))
  t.equal(login.store.values.size, 2_000)
  t.ok([...login.store.values.values()].every(value => value.length < 2_000))
})

void test('one address can\'t fill the store with sign-ins', async t => {
  const login = await startLogin(t, { config: { maxAttemptsPerMinute: 2 } })
  const config = await login.client()
  const { url } = await authorizationRequest(config)
  for (let started = 0; started < 10; started++) t.equal((await login.browser().get(url)).page, 'signIn')
  t.match(await login.browser().get(url), { status: 429, page: 'error', model: { title: 'Too many requests' } })
  t.match(await failureOf(client.initiateDeviceAuthorization(config, { scope: 'openid' })), { status: 429 })
  t.match(await login.browser().get((await authorizationRequest(config, { state: 'x'.repeat(4_096) })).url), { status: 414, page: 'error' }, 'nor with long parameters')
})

void test('addresses of one IPv6 network count as one', async t => {
  const login = await startLogin(t, { prefix: '/device', config: { maxAttemptsPerMinute: 3 } })
  const browser = login.browser()
  const page = await browser.get('/device/')
  const problems: unknown[] = []
  for (const [index, address] of ['2001:db8:1:1::1', '2001:db8:1:1::2', '2001:db8:1:1:ffff::3', '2001:db8:1:1::4', '2001:db8:1:2::1'].entries()) {
    problems.push((await browser.post(page.model['action'], { csrf: page.model['csrf'], username: `nobody-${index}`, password: 'wrong' }, { 'x-test-address': address })).model['problem'])
  }
  t.strictSame(problems, ['rejected', 'rejected', 'rejected', 'throttled', 'rejected'])
})

void test('requests without the cookies that they need are errors of the client', async t => {
  const login = await startLogin(t)
  const { user_code: code } = await client.initiateDeviceAuthorization(await login.client(), { scope: 'openid' })
  t.match(await login.browser().get('/device/unknown'), { status: 400, page: 'error' })
  t.match(await login.browser().post('/device', { user_code: code }), { status: 400, page: 'error' })
  t.match(await login.browser().get('/auth/unknown'), { status: 400, page: 'error' })
  t.notMatch(login.lines.join(''), /"level":(50|"error")/)
})

void test('a step that comes twice does not sign the browser out', async t => {
  const login = await startLogin(t)
  const flow = await authorizationRequest(await login.client())
  const browser = login.browser()
  await signIn(browser, await browser.get('/'))
  const session = browser.cookie('session')
  t.match(await browser.get('/auth/unknown'), { status: 400 })
  t.equal(browser.cookie('session'), session)
  t.ok((await authorize(browser, flow.url)).searchParams.get('code'))
  t.equal((await browser.get('/')).page, 'home')
})

void test('guessing passwords and device codes is limited by address', async t => {
  const login = await startLogin(t, { config: { maxAttemptsPerMinute: 5 } })
  const config = await login.client()
  const browser = login.browser()
  const entry = await browser.get('/device')
  let form = readForm(entry.model['form'])
  for (let attempt = 0; attempt < 5; attempt++) {
    const wrong = await browser.post(form.action, { ...form.fields, user_code: `BBBB-BBB${attempt}` })
    t.equal(wrong.model['problem'], 'unknown-code')
    form = readForm(wrong.model['form'])
  }
  const { user_code: code } = await client.initiateDeviceAuthorization(config, { scope: 'openid' })
  t.match(await browser.post(form.action, { ...form.fields, user_code: code }), { status: 429, page: 'error', model: { title: 'Too many requests' } }, 'even the right one')
  const page = await browser.get('/')
  t.match(await signIn(browser, page), { status: 429, page: 'signIn', model: { problem: 'throttled' } })
  t.match(await failureOf(client.genericGrantRequest(config, 'password', { username: 'alice', password: alice.password })), { status: 429, error: 'temporarily_unavailable' })
  t.match(login.events.map(({ outcome, reason }) => [outcome, reason]), [['unavailable', 'throttled'], ['unavailable', 'throttled']])
})

void test('unknown users and wrong passwords look the same, also when they are throttled', async t => {
  const login = await startLogin(t, { config: { maxAttemptsPerMinute: 1_000 } })
  const answers = async (username: string): Promise<unknown[]> => {
    const browser = login.browser()
    const { url } = await authorizationRequest(await login.client())
    const seen: unknown[] = []
    for (let attempt = 0; attempt < 7; attempt++) {
      const { status, model: { csrf, action, username: _, ...model } } = await signIn(browser, await browser.get(url), { user: { username }, password: `wrong-${attempt}` })
      seen.push({ status, model })
    }
    return seen
  }
  const [known, unknown] = [await answers('alice'), await answers('nobody')]
  t.strictSame(known, unknown)
  t.match(known.at(0), { status: 403, model: { problem: 'rejected' } })
  t.match(known.at(-1), { status: 429, model: { problem: 'throttled' } })
})

void test('people who may no longer sign in', async t => {
  const login = await startLogin(t)
  const entry = login.people.get('alice')!
  const flow = await authorizationRequest(await login.client())
  const browser = login.browser()
  const redirect = await authorize(browser, flow.url)
  entry.denied = 'disabled'
  t.match(await failureOf(exchange(flow, redirect)), { error: 'invalid_grant' }, 'disabled between code and token')
  t.equal((await browser.get(flow.url)).page, 'signIn', 'and out of the browser session')
  t.equal((await browser.get('/')).page, 'signIn')
  for (const denied of ['disabled', 'locked', 'expired', 'not-member'] as const) {
    entry.denied = denied
    const page = await browser.get(flow.url)
    t.match((await signIn(browser, page, { ...alice, password: 'wrong' })).model['problem'], 'rejected', `${denied}, wrong password`)
    // a directory may tell of a lock whatever the password is: nobody is to learn from it which accounts exist
    t.match(await signIn(browser, page), { status: 403, model: { problem: denied === 'locked' ? 'rejected' : 'not-allowed' } }, `${denied}, right password`)
  }
  delete entry.denied
  entry.uid = undefined
  const fresh = login.browser()
  t.match(await signIn(fresh, await fresh.get(flow.url)), { status: 403, model: { problem: 'not-allowed' } }, 'without a uid')
  t.match(login.lines.join(''), /the user has no uid/)
})

void test('a change of the password ends browser sessions, and unused codes', async t => {
  const login = await startLogin(t)
  const entry = login.people.get('alice')!
  const flow = await authorizationRequest(await login.client())
  const [browser, other] = [login.browser(), login.browser()]
  await signIn(other, await other.get('/'))
  const redirect = await authorize(browser, flow.url)
  Object.assign(entry, { version: '2', password: 'canary-alice-new' })
  t.match(await failureOf(exchange(flow, redirect)), { error: 'invalid_grant' })
  t.equal((await other.get('/')).page, 'signIn')
  const page = await browser.get(flow.url)
  t.equal(page.page, 'signIn')
  const consent = await signIn(browser, page, { ...alice, password: 'canary-alice-new' })
  t.equal(consent.page, 'consent', 'and the new password begins another session')
  t.equal(decodeJwt((await exchange(flow, (await approve(browser, consent)).left!)).id_token!).sub, 'corp:1001')
})
