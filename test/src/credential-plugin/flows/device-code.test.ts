/** The device code flow (RFC 8628) with an issuer that gives every answer there is. */
import { test, type Test } from 'tap'
import { signInWithDeviceCode } from '../../../../src/credential-plugin/flows/device-code.js'
import { FLOWS, type TokenResponse } from '../../../../src/credential-plugin/flows/flow.js'
import { describeFlowError } from '../../../../src/credential-plugin/issuer/problems.js'
import { json, status, type Answer } from '../../../fixtures/scripted-issuer.js'
import { oauthError, startSignInIssuer, tokens, type SignInIssuer } from '../../../fixtures/sign-in-issuer.js'
import { until } from '../../../fixtures/waiting.js'

const PENDING = oauthError('authorization_pending')

/** @param device of the device authorization response */
async function prepare (t: Test, device: Record<string, unknown> = {}): Promise<SignInIssuer> {
  const issuer = await startSignInIssuer(t)
  const { url, routes } = issuer.issuer
  routes['/device'] = json({ device_code: 'the-device-code', user_code: 'ABCD-EFGH', verification_uri: `${url}/activate`, expires_in: 600, interval: 0.01, ...device })
  issuer.answers = [PENDING]
  return issuer
}

async function signIn (issuer: SignInIssuer, { signal = new AbortController().signal, told = [], minInterval = 0 }: { signal?: AbortSignal, told?: string[], minInterval?: number | undefined } = {}): Promise<TokenResponse> {
  try {
    return await signInWithDeviceCode({ config: await issuer.configuration(), signal, tell: lines => { told.push(...[lines].flat()) } }, minInterval)
  } catch (error) {
    signal.throwIfAborted()
    throw describeFlowError(error, FLOWS['device-code'], issuer.account)
  }
}

void test('goes on while the person has not signed in', async t => {
  const issuer = await prepare(t)
  issuer.answers = [PENDING, PENDING, PENDING, await tokens(issuer)]
  const told: string[] = []
  t.match((await signIn(issuer, { told })).claims(), { sub: 'alice', aud: 'production' })
  t.strictSame(issuer.tokenRequests.map(({ parameters }) => parameters.get('device_code')), Array(4).fill('the-device-code'))
  t.strictSame(told, [`To sign in, open ${issuer.issuer.url}/activate in a browser on any computer, and enter the code ABCD-EFGH`, 'The code is valid for 10 min.'])
})

void test('waits as long as the service asks, and 5 s longer after slow_down', async t => {
  const issuer = await prepare(t, { interval: 0.25 })
  issuer.answers = [PENDING, oauthError('slow_down'), await tokens(issuer)]
  await signIn(issuer)
  const [first, second, third] = issuer.tokenRequests.map(({ at }) => at) as [number, number, number]
  // timers may be a millisecond early
  t.ok(second - first > 240, `${second - first} ms`)
  t.ok(third - second > 5240, `${third - second} ms`)
})

void test('says so if the code has expired', async t => {
  const message = 'the code has expired: run the command again for a new one'
  await t.test('for the service', async t => {
    const issuer = await prepare(t)
    issuer.answers = [PENDING, oauthError('expired_token')]
    await t.rejects(signIn(issuer), { code: 'AUTHN_SIGN_IN', failure: 'not-signed-in', message })
    t.equal(issuer.tokenRequests.length, 2)
  })
  await t.test('by the lifetime that the service has told', async t => {
    const issuer = await prepare(t, { expires_in: 1 })
    await t.rejects(signIn(issuer), { code: 'AUTHN_SIGN_IN', failure: 'not-signed-in', message })
  })
})

void test('says so if a person denies it', async t => {
  const issuer = await prepare(t)
  issuer.answers = [PENDING, oauthError('access_denied')]
  await t.rejects(signIn(issuer), { code: 'AUTHN_SIGN_IN', failure: 'not-signed-in', message: 'the sign-in was denied: run the command again to repeat it' })
  t.equal(issuer.tokenRequests.length, 2)
})

const OUTAGES: Readonly<Record<string, Answer>> = {
  'status 503': status(503),
  'status 502 of a proxy': (_request, response) => { response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad Gateway</h1>') },
  'a connection that is closed': (_request, response) => { response.destroy() },
  'a login page of the network': status(302, { location: 'https://wifi.example.com/' })
}

void test('an outage while the person signs in does not end it', async t => {
  for (const [name, outage] of Object.entries(OUTAGES)) {
    const issuer = await prepare(t)
    issuer.answers = [PENDING, outage, outage, PENDING, await tokens(issuer)]
    const told: string[] = []
    t.match((await signIn(issuer, { told })).claims(), { sub: 'alice' }, name)
    t.strictSame(told.slice(2), Array(2).fill('The sign-in service does not answer; asking again …'), name)
  }
})

void test('after an outage it asks half as often', async t => {
  const issuer = await prepare(t, { interval: 0.2 })
  issuer.answers = [status(503), status(503), await tokens(issuer)]
  await signIn(issuer)
  const [first, second, third] = issuer.tokenRequests.map(({ at }) => at) as [number, number, number]
  // timers may be a millisecond early
  t.ok(second - first > 390, `${second - first} ms`)
  t.ok(third - second > 790, `${third - second} ms`)
})

void test('an outage that lasts ends with the code', async t => {
  const issuer = await prepare(t, { expires_in: 1 })
  issuer.answers = [status(503)]
  await t.rejects(signIn(issuer), { failure: 'not-signed-in', message: /^the code has expired/ })
})

void test('its signal ends it', async t => {
  const issuer = await prepare(t)
  const controller = new AbortController()
  issuer.answers = [(request, response) => {
    controller.abort(new Error('interrupted'))
    PENDING(request, response)
  }]
  await t.rejects(signIn(issuer, { signal: controller.signal }), { message: 'interrupted' })
  t.equal(issuer.tokenRequests.length, 1)
})

void test('a code that is valid for longer than timers last', async t => {
  const issuer = await prepare(t, { expires_in: 30 * 24 * 3600 })
  issuer.answers = [PENDING, await tokens(issuer)]
  t.match((await signIn(issuer)).claims(), { sub: 'alice' })
})

void test('a lifetime that is no whole number', async t => {
  const issuer = await prepare(t, { expires_in: 600.0001 })
  issuer.answers = [await tokens(issuer)]
  t.match((await signIn(issuer)).claims(), { sub: 'alice' })
})

void test('polls once a second at most, whatever the service says', async t => {
  const issuer = await prepare(t, { interval: 0.001 })
  issuer.answers = [PENDING, await tokens(issuer)]
  const config = await issuer.configuration()
  await signInWithDeviceCode({ config, signal: new AbortController().signal, tell () {} })
  const [first, second] = issuer.tokenRequests.map(({ at }) => at) as [number, number]
  t.ok(second - first > 990, `${second - first} ms`)
})

void test('its signal ends it between two polls', async t => {
  const issuer = await prepare(t, { interval: 3600 })
  const controller = new AbortController()
  const told: string[] = []
  const ended = signIn(issuer, { signal: controller.signal, told })
  ended.catch(() => {})
  await until('the code', () => told.length > 0)
  controller.abort(new Error('interrupted'))
  await t.rejects(ended, { message: 'interrupted' })
})

void test('shows no address but that of a page', async t => {
  for (const uri of ['javascript:alert(1)', 'file:///etc/passwd', 'http://login.example.com/device', 'device']) {
    for (const field of ['verification_uri', 'verification_uri_complete']) {
      const told: string[] = []
      await t.rejects(signIn(await prepare(t, { [field]: uri }), { told }), { failure: 'unavailable', message: 'the sign-in service names no https page for the code: ask its administrator' }, `${field}: ${uri}`)
      t.strictSame(told, [])
    }
  }
})
