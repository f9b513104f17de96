/** The browser flow with issuers and browsers that do what the real ones don't. */
import { once } from 'node:events'
import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import { test, type Test } from 'tap'
import { signInWithBrowser, type BrowserFlowContext } from '../../../../src/credential-plugin/flows/browser.js'
import { FLOWS, type TokenResponse } from '../../../../src/credential-plugin/flows/flow.js'
import { describeFlowError } from '../../../../src/credential-plugin/issuer/problems.js'
import { startSignInIssuer, tokens, type SignInIssuer } from '../../../fixtures/sign-in-issuer.js'
import { until } from '../../../fixtures/waiting.js'

const METADATA = { authorization_response_iss_parameter_supported: true }

interface SignIn {
  readonly issuer: SignInIssuer
  readonly told: string[]
  /** Of the authorization request. */
  readonly opened: Promise<URL>
  readonly ended: Promise<TokenResponse>
}

async function start (t: Test, { hasBrowser = true, ...options }: Partial<BrowserFlowContext> & { readonly hasBrowser?: boolean } = {}): Promise<SignIn> {
  const issuer = await startSignInIssuer(t, METADATA)
  const told: string[] = []
  let open: (url: URL) => void = () => {}
  const opened = new Promise<URL>(resolve => { open = resolve })
  const ended = signInWithBrowser({
    config: await issuer.configuration(),
    signal: new AbortController().signal,
    tell: lines => { told.push(...[lines].flat()) },
    openBrowser: async url => { open(url); return hasBrowser },
    describe: error => describeFlowError(error, FLOWS.browser, issuer.account),
    ...options
  })
  ended.catch(() => {})
  return { issuer, told, opened, ended }
}

/** What the issuer sends the browser back with. */
async function callBack ({ opened, issuer }: SignIn, parameters: Record<string, string> = {}): Promise<string> {
  const { searchParams } = await opened
  const url = new URL(searchParams.get('redirect_uri')!)
  url.search = new URLSearchParams({ state: searchParams.get('state')!, iss: issuer.account.issuer, code: 'the-code', ...parameters }).toString()
  const [response] = await once(get(url, { agent: false }), 'response')
  return await text(response)
}

void test('asks for what proves that the answer belongs to it', async t => {
  const signIn = await start(t)
  const { origin, pathname, searchParams } = await signIn.opened
  t.equal(`${origin}${pathname}`, `${signIn.issuer.account.issuer}/auth`)
  const { state, nonce, code_challenge: challenge, redirect_uri: redirect, ...rest } = Object.fromEntries(searchParams)
  for (const value of [state, nonce, challenge]) t.match(value, /^[\w-]{43}$/)
  t.not(state, nonce)
  t.match(redirect, /^http:\/\/127\.0\.0\.1:\d+\/callback$/)
  t.strictSame(rest, { client_id: 'production', scope: 'openid groups', response_type: 'code', code_challenge_method: 'S256' })

  signIn.issuer.answers = [await tokens(signIn.issuer, { nonce })]
  t.match(await callBack(signIn), 'You are signed in.')
  t.match((await signIn.ended).claims(), { sub: 'alice', nonce })
  t.equal(signIn.issuer.tokenRequests.length, 1)
  t.match(Object.fromEntries(signIn.issuer.tokenRequests[0]!.parameters), { grant_type: 'authorization_code', code: 'the-code', redirect_uri: redirect, code_verifier: /^[\w-]{43}$/ })
})

/** Tokens that are for another sign-in, client or issuer, or no longer good. */
const WRONG_CLAIMS: ReadonlyArray<readonly [name: string, claims: Record<string, unknown>, error: RegExp]> = [
  ['the nonce of another sign-in', { nonce: 'another' }, /^the token of the sign-in service is for another client, issuer or sign-in: check --issuer and --client$/],
  ['no nonce', { nonce: undefined }, /^the answer of the sign-in service is not valid: /],
  ['another client', { aud: 'staging' }, /is for another client, issuer or sign-in/],
  ['another issuer', { iss: 'https://evil.example.com' }, /is for another client, issuer or sign-in/],
  ['a time that is over', { iat: 1, exp: 3600 }, /^the token of the sign-in service has already expired or is not valid yet: check the clock/]
]

void test('refuses tokens that are not for this sign-in', async t => {
  for (const [name, claims, message] of WRONG_CLAIMS) {
    const signIn = await start(t)
    const nonce = (await signIn.opened).searchParams.get('nonce')
    signIn.issuer.answers = [await tokens(signIn.issuer, { nonce, ...claims })]
    t.notMatch(await callBack(signIn), 'You are signed in.', name)
    await t.rejects(signIn.ended, { code: 'AUTHN_SIGN_IN', failure: 'unavailable', message }, name)
  }
})

/** RFC 9207: the code is for another issuer, to which it must not be sent. */
void test('a callback of another issuer is refused, and its code is sent to nobody', async t => {
  for (const iss of ['https://evil.example.com', '']) {
    const signIn = await start(t)
    signIn.issuer.answers = [await tokens(signIn.issuer, { nonce: (await signIn.opened).searchParams.get('nonce') })]
    t.match(await callBack(signIn, { iss }), 'is not valid')
    await t.rejects(signIn.ended, { code: 'AUTHN_SIGN_IN', message: /^the answer of the sign-in service is not valid: .*: check --issuer$/ })
    t.strictSame(signIn.issuer.tokenRequests, [])
  }
})

void test('says what the sign-in service refuses, on the page too', async t => {
  const signIn = await start(t)
  t.match(await callBack(signIn, { error: 'access_denied' }), '<p>the sign-in was denied: run the command again to repeat it</p>')
  await t.rejects(signIn.ended, { failure: 'not-signed-in', message: 'the sign-in was denied: run the command again to repeat it' })
})

async function isClosed ({ opened }: SignIn): Promise<boolean> {
  const url = (await opened).searchParams.get('redirect_uri')!
  return await once(get(url, { agent: false }), 'response').then(() => false, error => error.code === 'ECONNREFUSED')
}

void test('closes the listener if nobody signs in', async t => {
  const signIn = await start(t, { limit: 1 })
  await t.rejects(signIn.ended, { code: 'AUTHN_SIGN_IN', failure: 'not-signed-in', message: /^nobody signed in within \d+ min: run the command again$/ })
  t.ok(await isClosed(signIn))
})

void test('waits for five minutes', async t => {
  const { timeout } = AbortSignal
  const asked: number[] = []
  t.intercept(AbortSignal, 'timeout', {
    value: (milliseconds: number) => {
      asked.push(milliseconds)
      return timeout.call(AbortSignal, milliseconds === 300_000 ? 1 : milliseconds)
    }
  })
  const signIn = await start(t)
  await t.rejects(signIn.ended, { message: 'nobody signed in within 5 min: run the command again' })
  t.ok(asked.includes(300_000))
})

void test('its signal ends it, and closes the listener', async t => {
  const controller = new AbortController()
  const signIn = await start(t, { signal: controller.signal })
  await signIn.opened
  controller.abort(new Error('interrupted'))
  await t.rejects(signIn.ended, { message: 'interrupted' })
  t.ok(await isClosed(signIn))
})

void test('says that no browser could be opened, and waits for a person to open the URL', async t => {
  const signIn = await start(t, { hasBrowser: false })
  const url = await signIn.opened
  await until('the message', () => signIn.told.length === 3)
  t.strictSame(signIn.told, ['To sign in, continue in the browser. If it does not open, open this URL in a browser on this computer:', url.href, 'No browser could be opened.'])
  signIn.issuer.answers = [await tokens(signIn.issuer, { nonce: url.searchParams.get('nonce') })]
  t.match(await callBack(signIn), 'You are signed in.')
  t.ok(await signIn.ended)
})
