/** Signing in with a standard client, over HTTPS and behind a proxy. */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import * as client from 'openid-client'
import { test } from 'tap'
import { ADDRESS, HEADLAMP, SECRET, approve, authorizationRequest, authorize, exchange, failureOf, signIn, startLogin } from '../fixtures/login.js'
import { alice, bob } from '../fixtures/people.js'
import { readForm } from '../fixtures/plain-pages.js'
import { send } from '../fixtures/test-browser.js'

for (const [where, prefix] of [['over HTTPS', undefined], ['behind a proxy, below a path', '/device']] as const) {
  void test(`${where}: an authorization code with PKCE`, async t => {
    const login = await startLogin(t, { ...prefix && { prefix } })
    const config = await login.client()
    t.equal(config.serverMetadata().issuer, login.issuer)
    const flow = await authorizationRequest(config)
    const browser = login.browser()
    const page = await browser.get(flow.url)
    t.equal(page.page, 'signIn')
    t.equal(page.model['clientName'], 'Production')
    const consent = await signIn(browser, page)
    t.match(consent.model, { clientName: 'Production', redirectHost: '127.0.0.1:18000', username: 'alice' })
    const { left } = await approve(browser, consent)
    const tokens = await exchange(flow, left!)
    t.match(decodeProtectedHeader(tokens.id_token!), { alg: 'ES256' })
    t.match(decodeJwt(tokens.id_token!), { iss: login.issuer, sub: 'corp:1001', aud: 'production', idp: 'corp', preferred_username: 'alice', groups: alice.user.groups!, amr: ['pwd'] })
    t.equal(tokens.refresh_token, undefined)
    t.match(login.events, [{ outcome: 'authenticated', provider: 'corp', username: 'alice', client: 'production', grant: 'authorizationCode', amr: ['pwd'] }])
    const second = await exchange(flow, await authorize(browser, flow.url))
    t.not(decodeJwt(second.id_token!).jti, decodeJwt(tokens.id_token!).jti, 'a second token needs no password, and has an ID of its own')
    t.not(decodeJwt(second.id_token!)['pwv'], decodeJwt(tokens.id_token!)['pwv'])
    t.equal(login.events.length, 1)
  })

  void test(`${where}: a device code`, async t => {
    const login = await startLogin(t, { ...prefix && { prefix } })
    const config = await login.client()
    const device = await client.initiateDeviceAuthorization(config, { scope: 'openid groups' })
    t.ok(device.verification_uri.startsWith(`${login.issuer}/`))
    const browser = login.browser()
    const entry = await browser.get(device.verification_uri)
    t.match(entry, { status: 200, page: 'deviceEntry' })
    const form = readForm(entry.model['form'])
    const wrong = await browser.post(form.action, { ...form.fields, user_code: 'BBBB-BBBB' })
    t.match(wrong, { status: 200, model: { problem: 'unknown-code' } })
    const again = readForm(wrong.model['form'])
    const confirm = await browser.post(again.action, { ...again.fields, user_code: device.user_code })
    t.match(confirm.model, { userCode: device.user_code, clientName: 'Production', address: prefix === undefined ? '127.0.0.1' : ADDRESS })
    t.ok(Date.parse(confirm.model['requestedAt']) > Date.now() - 60_000)
    const confirmed = readForm(confirm.model['form'])
    const page = await browser.post(confirmed.action, confirmed.fields)
    t.equal(page.page, 'signIn')
    t.equal((await signIn(browser, page)).page, 'deviceDone', 'and is not asked to approve it once more')
    const tokens = await client.pollDeviceAuthorizationGrant(config, { ...device, interval: 0 })
    t.match(decodeJwt(tokens.id_token!), { sub: 'corp:1001', aud: 'production', groups: alice.user.groups! })
  })

  void test(`${where}: signing out`, async t => {
    const login = await startLogin(t, { ...prefix && { prefix } })
    const config = await login.client()
    const flow = await authorizationRequest(config)
    const browser = login.browser()
    const { id_token: hint } = await exchange(flow, await authorize(browser, flow.url))
    const url = client.buildEndSessionUrl(config, { id_token_hint: hint!, post_logout_redirect_uri: 'https://app.example.com/bye', state: 'later' })
    const page = await browser.get(url)
    t.match(page, { page: 'signOut', model: { clientName: 'Production' } })
    t.match(page.headers['content-security-policy'], /form-action 'self' https:\/\/app\.example\.com;/)
    const form = readForm(page.model['form'])
    const { left } = await browser.post(form.action, { ...form.fields, logout: 'yes' })
    t.equal(left?.href, 'https://app.example.com/bye?state=later')
    t.equal((await browser.get(flow.url)).page, 'signIn', 'the session is over')
    t.equal(browser.cookie('session'), undefined)
  })
}

void test('a device that nobody approves', async t => {
  const login = await startLogin(t)
  const config = await login.client()
  const device = await client.initiateDeviceAuthorization(config, { scope: 'openid' })
  const poll = async () => await client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:device_code', { device_code: device.device_code })
  t.match(await failureOf(poll()), { error: 'authorization_pending' })
  const browser = login.browser()
  const entry = readForm((await browser.get(device.verification_uri)).model['form'])
  const confirm = readForm((await browser.post(entry.action, { ...entry.fields, user_code: device.user_code })).model['form'])
  const { confirm: _, ...fields } = confirm.fields
  t.match(await browser.post(confirm.action, { ...fields, abort: 'yes' }), { page: 'error', model: { title: 'Sign-in cancelled' } })
  t.match(await failureOf(poll()), { error: 'access_denied' })
})

void test('the password grant', async t => {
  const login = await startLogin(t)
  const config = await login.client()
  const grant = async (username: string, password: string) => await client.genericGrantRequest(config, 'password', { username, password, scope: 'openid groups offline_access' })
  const tokens = await grant('alice', alice.password)
  t.match(decodeJwt(tokens.id_token!), { sub: 'corp:1001', aud: 'production', preferred_username: 'alice', groups: alice.user.groups!, amr: ['pwd'], auth_time: Number })
  t.match(tokens, { scope: 'openid groups', refresh_token: undefined })
  const wrong = await failureOf(grant('alice', 'wrong'))
  t.match(wrong, { error: 'invalid_grant', status: 400 })
  t.match(await failureOf(grant('nobody', 'wrong')), { error: 'invalid_grant', error_description: (wrong as client.ResponseBodyError).error_description!, status: 400 }, 'as an unknown user')
  login.people.get('alice')!.denied = 'disabled'
  t.match(await failureOf(grant('alice', alice.password)), { error: 'invalid_grant', error_description: /not allowed/ })
  t.match(login.events.map(({ outcome, reason, username, typedName }) => [outcome, reason, username, typedName]), [
    ['authenticated', undefined, 'alice', undefined],
    ['denied', 'wrong-credential', 'alice', undefined],
    ['denied', 'unknown', undefined, 'nobody'],
    ['denied', 'disabled', 'alice', undefined]
  ])
  const staging = await login.client('staging')
  t.match(await failureOf(client.genericGrantRequest(staging, 'password', { username: 'alice', password: alice.password })), { error: 'invalid_request' }, 'is opt-in')
})

void test('a confidential client', async t => {
  const login = await startLogin(t)
  const [uri] = HEADLAMP.redirectURIs as [string]
  const flow = await authorizationRequest(await login.client('headlamp', SECRET), { redirect_uri: uri })
  const browser = login.browser()
  const page = await browser.get(flow.url)
  t.match(page.headers['content-security-policy'], /form-action 'self' https:\/\/headlamp\.example\.com;/, 'the form may end there')
  const { left } = await signIn(browser, page)
  t.equal(left?.origin, 'https://headlamp.example.com', 'is registered, and needs no consent')
  t.match(decodeJwt((await exchange(flow, left!)).id_token!), { aud: 'headlamp', groups: alice.user.groups! })
  const other = await authorizationRequest(await login.client('headlamp', 'wrong-secret'), { redirect_uri: uri })
  t.match(await failureOf(exchange(other, await authorize(browser, other.url))), { status: 401 })
  t.equal((await browser.get((await authorizationRequest(flow.config)).url)).status, 400, 'no loopback redirect URI for a client with a secret')
})

void test('parameters of OpenID Connect', async t => {
  const login = await startLogin(t)
  const config = await login.client()
  const browser = login.browser()
  const first = await authorizationRequest(config, { login_hint: 'alice' })
  const page = await browser.get(first.url)
  t.equal(page.model['username'], 'alice', 'login_hint')
  const { id_token: hint } = await exchange(first, await authorize(browser, first.url))
  t.match(decodeJwt(hint!), { nonce: 'the-nonce' })
  const asks = async (parameters: Record<string, string>) => (await browser.get((await authorizationRequest(config, parameters)).url)).page
  t.equal(await asks({ prompt: 'login' }), 'signIn')
  t.equal(await asks({}), 'consent', 'the session is there')
  t.equal(await asks({ max_age: '3600' }), 'consent')
  t.equal(await asks({ id_token_hint: hint! }), 'consent', 'the hint is about the same person')
  const flow = await authorizationRequest(config, { max_age: '0', prompt: 'login' })
  const before = Math.floor(Date.now() / 1000)
  const tokens = await exchange(flow, await authorize(browser, flow.url))
  t.ok(decodeJwt(tokens.id_token!)['auth_time'] as number >= before, 'auth_time is that of the new sign-in')
  const { left } = await login.browser().get((await authorizationRequest(config, { prompt: 'none' })).url)
  t.equal(left?.searchParams.get('error'), 'login_required')
  await signIn(browser, await browser.get((await authorizationRequest(config, { prompt: 'login' })).url), bob)
  t.equal(await asks({ id_token_hint: hint! }), 'signIn', 'somebody else is signed in')
})

void test('the discovery document says what is so', async t => {
  const login = await startLogin(t)
  const { text } = await login.browser().send('GET', '/.well-known/openid-configuration')
  t.strictSame(JSON.parse(text), {
    authorization_endpoint: `${login.issuer}/auth`,
    device_authorization_endpoint: `${login.issuer}/device/auth`,
    claims_parameter_supported: false,
    claims_supported: ['sub', 'jti', 'auth_time', 'amr', 'idp', 'pwv', 'preferred_username', 'groups', 'iss'],
    code_challenge_methods_supported: ['S256'],
    end_session_endpoint: `${login.issuer}/session/end`,
    grant_types_supported: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code', 'password'],
    issuer: login.issuer,
    jwks_uri: `${login.issuer}/jwks`,
    authorization_response_iss_parameter_supported: true,
    response_modes_supported: ['form_post', 'fragment', 'query'],
    response_types_supported: ['code'],
    scopes_supported: ['openid', 'profile', 'groups'],
    subject_types_supported: ['public'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
    token_endpoint: `${login.issuer}/token`,
    id_token_signing_alg_values_supported: ['ES256'],
    request_uri_parameter_supported: false,
    claim_types_supported: ['normal']
  })
})

void test('what is off answers with an error of OAuth', async t => {
  const login = await startLogin(t, { clients: [{ id: 'production' }] })
  const config = await login.client()
  t.match(config.serverMetadata(), { grant_types_supported: ['authorization_code'], device_authorization_endpoint: undefined })
  for (const [method, path] of [['GET', '/me'], ['POST', '/me'], ['POST', '/reg'], ['POST', '/token/introspection'], ['POST', '/token/revocation'], ['POST', '/request'], ['POST', '/device/auth'], ['GET', '/device'], ['POST', '/backchannel'], ['POST', '/auth'], ['GET', '/token']]) {
    const { status, text } = await send(login.target, method!, new URL(path!, login.issuer), method === 'POST' ? '' : undefined, { accept: '*/*' })
    t.match([path, status, JSON.parse(text)], [path, 404, { error: 'invalid_request' }])
  }
  for (const [parameters, error] of [
    [{ response_type: 'id_token' }, 'unsupported_response_type'],
    [{ response_type: 'code id_token' }, 'unsupported_response_type'],
    [{ request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
    [{ request_uri: 'https://evil.example.com/' }, 'request_uri_not_supported'],
    [{ registration: '{}' }, 'registration_not_supported']
  ] as const) {
    const { left } = await login.browser().get((await authorizationRequest(config, parameters)).url)
    const fields = new URLSearchParams(left!.search || left!.hash.slice(1))
    t.equal(fields.get('error'), error)
  }
  for (const grant of ['password', 'urn:ietf:params:oauth:grant-type:device_code', 'refresh_token', 'client_credentials', 'implicit']) {
    t.match(await failureOf(client.genericGrantRequest(config, grant, {})), { error: 'unsupported_grant_type' }, grant)
  }
  const flow = await authorizationRequest(config, { scope: 'openid offline_access', prompt: 'consent' })
  const tokens = await exchange(flow, await authorize(login.browser(), flow.url))
  t.match(tokens, { scope: 'openid', refresh_token: undefined }, 'no refresh token')
  t.equal(decodeJwt(tokens.id_token!)['groups'], undefined, 'and no groups that were not asked for')
})

void test('the pages of the service itself', async t => {
  const login = await startLogin(t)
  const browser = login.browser()
  const page = await browser.get('/')
  t.match(page, { status: 200, page: 'signIn', model: { action: '/sign-in' } })
  t.match(await signIn(browser, page, { ...alice, password: 'wrong' }), { status: 403, page: 'signIn', model: { problem: 'rejected', username: 'alice' } })
  const home = await signIn(browser, await browser.get('/'))
  t.match(home, { page: 'home', model: { username: 'alice', groups: alice.user.groups, clients: [{ id: 'production', name: 'Production', server: 'https://api.example.com:6443' }] } })
  const { model } = await browser.get('/clients/production')
  t.match(decodeJwt(model['token']), { aud: 'production', sub: 'corp:1001', groups: alice.user.groups!, amr: ['pwd'] })
  t.equal(decodeJwt(model['token']).exp! * 1000, Date.parse(model['expiresAt']))
  t.equal((await browser.get('/clients/headlamp')).status, 404, 'has no cluster')
  const file = await browser.send('GET', '/clients/production/kubeconfig/token')
  t.match(file.headers, { 'content-disposition': 'attachment; filename="production.yaml"', 'cache-control': 'no-store' })
  t.equal((await browser.get('/clients/production/kubeconfig/other')).status, 404)
  t.equal((await login.browser().get('/clients/production')).page, 'signIn')
  t.match((await browser.send('GET', '/assets/1.css')).headers, { 'content-type': /^text\/css/, 'cache-control': /immutable/ })
  const flow = await authorizationRequest(await login.client())
  t.equal((await browser.get(flow.url)).page, 'consent', 'the session is one for clients too')
})

void test('every page has the headers', async t => {
  const login = await startLogin(t)
  const browser = login.browser()
  const flow = await authorizationRequest(await login.client())
  const page = await browser.get(flow.url)
  for (const each of [await browser.get('/'), page, await signIn(browser, page), await browser.get('/interaction/none'), await browser.get('/auth'), await browser.get('/nowhere'), await browser.get('/session/end')]) {
    t.match(each.headers, {
      'content-security-policy': /^default-src 'none'; ?style-src 'self'; ?script-src 'self'.*form-action 'self'.*frame-ancestors 'none'; ?base-uri 'none'$/,
      'referrer-policy': 'no-referrer',
      'cache-control': /no-store/,
      'x-content-type-options': 'nosniff',
      'strict-transport-security': /max-age/,
      'content-type': /^text\/html/
    }, each.url.pathname)
  }
  t.match(page.headers['content-security-policy'], /form-action 'self' http:\/\/127\.0\.0\.1:18000;/)
})

void test('tokens end with the account', async t => {
  const login = await startLogin(t)
  login.people.get('alice')!.expiresAt = new Date(Date.now() + 600_000)
  const flow = await authorizationRequest(await login.client())
  const { id_token: token } = await exchange(flow, await authorize(login.browser(), flow.url))
  const { iat, exp } = decodeJwt(token!)
  t.ok(exp! - iat! <= 600 && exp! - iat! > 540)
  const tokens = await client.genericGrantRequest(flow.config, 'password', { username: 'alice', password: alice.password, scope: 'openid' })
  t.ok(decodeJwt(tokens.id_token!).exp! * 1000 <= Date.now() + 600_000)
})

void test('keys are replaced without ending sessions', async t => {
  const login = await startLogin(t)
  const config = await login.client()
  const browser = login.browser()
  const flow = await authorizationRequest(config)
  const page = await browser.get(flow.url)
  await login.rotate()
  const before = await exchange(flow, await authorize(browser, page.url))
  await login.rotate()
  const after = await exchange(flow, await authorize(browser, flow.url))
  t.equal(login.events.length, 1, 'the password was typed once')
  t.not(decodeProtectedHeader(before.id_token!).kid, decodeProtectedHeader(after.id_token!).kid)
  const { keys } = JSON.parse((await browser.send('GET', '/jwks')).text)
  t.equal(keys.length, 3)
  t.equal(keys[0].kid, decodeProtectedHeader(after.id_token!).kid)
  t.equal(keys.some((key: object) => 'd' in key), false)
})
