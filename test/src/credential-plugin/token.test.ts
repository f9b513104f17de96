/** Tokens of an account, for people who don't answer and services that answer something else. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { keyOf } from '../../../src/credential-plugin/account.js'
import { EXPIRY_MARGIN, isUsable } from '../../../src/credential-plugin/exec-credential.js'
import { getToken, type TokenRequest } from '../../../src/credential-plugin/token.js'
import { openScreen } from '../../fixtures/screen.js'
import { type Answer } from '../../fixtures/scripted-issuer.js'
import { oauthError, startSignInIssuer, tokens, type SignInIssuer } from '../../fixtures/sign-in-issuer.js'
import { until } from '../../fixtures/waiting.js'

interface SignIn {
  readonly issuer: SignInIssuer
  readonly screen: ReturnType<typeof openScreen>
  /** Whether the terminal was raw, in order. */
  readonly modes: boolean[]
  readonly request: TokenRequest
}

/** With a password, on a terminal. */
async function prepare (t: Test, options: Partial<TokenRequest> = {}, metadata: Record<string, unknown> = {}): Promise<SignIn> {
  const issuer = await startSignInIssuer(t, metadata)
  const screen = openScreen()
  const modes: boolean[] = []
  Object.assign(screen.stdin, { isRaw: false, setRawMode (mode: boolean) { modes.push(mode) } })
  return {
    issuer,
    screen,
    modes,
    request: {
      account: { ...issuer.account, username: 'alice' },
      directory: join(t.testdir(), 'cache'),
      flow: 'password',
      openDialogue: async () => ({ tell: screen.terminal.note, prompt: screen.terminal.prompt, hasBrowser: false }),
      isNewAttempt: async () => true,
      signal: new AbortController().signal,
      ...options
    }
  }
}

/** Stands for a limit of 420 s: the person's time is up when the test says so. */
function interceptLimit (t: Test): AbortController {
  const [{ timeout }, timeIsUp] = [AbortSignal, new AbortController()]
  t.intercept(AbortSignal, 'timeout', { value: (milliseconds: number) => milliseconds === 420_000 ? timeIsUp.signal : timeout.call(AbortSignal, milliseconds) })
  return timeIsUp
}

const NOBODY = { code: 'AUTHN_SIGN_IN', failure: 'not-signed-in', message: /^nobody signed in within \d+ min: run the command again$/ }

for (const [question, username] of [['Username: ', undefined], ['Password: ', 'alice']] as const) {
  void test(`nobody answers: ${question}`, async t => {
    const { issuer, screen, modes, request } = await prepare(t, { limit: 420_000 })
    const timeIsUp = interceptLimit(t)
    const ended = getToken({ ...request, account: { ...issuer.account, username } })
    ended.catch(() => {})
    await until('the question', () => screen.stderr().includes(question))
    timeIsUp.abort()
    await t.rejects(ended, NOBODY)
    t.match(screen.stderr(), /\n$/, 'the next prompt of the shell is on a line of its own')
    t.strictSame(modes, [true, false], 'the echo of the terminal is restored')
    t.strictSame(readdirSync(request.directory).filter(name => name.endsWith('.lock')), [], 'nobody waits for it any more')
    t.strictSame(issuer.tokenRequests, [])
  })
}

void test('commands that wait for a person who does not answer end with the same error', async t => {
  const { request, screen } = await prepare(t, { limit: 420_000 })
  const timeIsUp = interceptLimit(t)
  const limited = getToken(request)
  limited.catch(() => {})
  await until('the prompt', () => screen.stderr().includes('Password: '))
  const waiting = getToken({ ...request, openDialogue: async () => ({ tell () { timeIsUp.abort() }, hasBrowser: false, async prompt () { throw new Error('asked twice') } }) })
  await t.rejects(waiting, NOBODY)
  await t.rejects(limited, NOBODY)
})

void test('people have five minutes for username and password', async t => {
  const { timeout } = AbortSignal
  t.intercept(AbortSignal, 'timeout', { value: (milliseconds: number) => timeout.call(AbortSignal, milliseconds === 300_000 ? 1 : milliseconds) })
  const { request } = await prepare(t)
  await t.rejects(getToken(request), { message: 'nobody signed in within 5 min: run the command again' })
})

void test('Ctrl-C at a prompt, or a signal, ends the sign-in', async t => {
  const controller = new AbortController()
  const { request, screen, modes } = await prepare(t, { signal: controller.signal })
  const ended = getToken(request)
  ended.catch(() => {})
  await until('the prompt', () => screen.stderr().includes('Password: '))
  controller.abort(new Error('interrupted'))
  await t.rejects(ended, { message: 'interrupted' })
  t.strictSame(modes, [true, false])
  t.notOk(readdirSync(request.directory).some(name => name.endsWith('.lock')))
})

/** Seconds from now. */
const LIFETIMES: ReadonlyArray<readonly [name: string, claims: (now: number) => { iat: number, exp: number }, error: RegExp | undefined]> = [
  ['an hour', now => ({ iat: now, exp: now + 3600 }), undefined],
  ['two minutes', now => ({ iat: now, exp: now + 120 }), undefined],
  ['a minute', now => ({ iat: now, exp: now + EXPIRY_MARGIN }), /^the sign-in service issues tokens for 60 s, and more than 60 s are needed/],
  ['an hour that is almost over', now => ({ iat: now - 3600, exp: now + 30 }), /^the token of the sign-in service has expired, or expires within a minute: check the clock/],
  ['an hour that begins later', now => ({ iat: now + 120, exp: now + 3600 }), /^the token of the sign-in service is from the future: check the clock/],
  ['an hour that begins in a moment', now => ({ iat: now + 20, exp: now + 3600 }), undefined],
  ['until the year 10000', now => ({ iat: now, exp: 253_402_300_800 }), /^the token of the sign-in service names no valid time/],
  ['for ever', now => ({ iat: now, exp: 1e300 }), /^the token of the sign-in service names no valid time/],
  ['from before time', now => ({ iat: -1, exp: now + 3600 }), /^the token of the sign-in service names no valid time/]
]

void test('takes tokens that last', async t => {
  for (const [name, claims, message] of LIFETIMES) {
    const { issuer, request } = await prepare(t, { readPassword: async () => 'a password' })
    const lifetime = claims(Math.floor(Date.now() / 1000))
    issuer.answers = [await tokens(issuer, lifetime)]
    if (message === undefined) t.equal((await getToken(request)).expiresAt, lifetime.exp, name)
    else await t.rejects(getToken(request), { failure: 'unavailable', message }, name)
    t.equal(readdirSync(request.directory).some(file => file.endsWith('.json')), message === undefined, name)
    t.notOk(existsSync(join(request.directory, '.lock')), name)
  }
})

void test('an empty password or username is not sent', async t => {
  for (const [username, password, message] of [['alice', '', 'the password is empty'], ['', 'a password', 'the username is empty']] as const) {
    const { issuer, request } = await prepare(t, { readPassword: async () => password })
    await t.rejects(getToken({ ...request, account: { ...issuer.account, username } }), { failure: 'invalid', message })
    t.strictSame(issuer.tokenRequests, [])
  }
})

void test('a password that never comes', async t => {
  const { request } = await prepare(t, { limit: 1, readPassword: async () => await new Promise(() => {}) })
  await t.rejects(getToken(request), NOBODY)
})

void test('a file that can not be written costs the cache, and nothing else', async t => {
  const obstruct = async (suffix: string): Promise<SignIn> => {
    const signIn = await prepare(t, {
      async readPassword () {
        mkdirSync(join(signIn.request.directory, `${keyOf(signIn.request.account)}${suffix}`))
        return 'a password'
      }
    })
    return signIn
  }
  const failed = await obstruct('.failed')
  failed.issuer.answers = [oauthError('invalid_grant')]
  await t.rejects(getToken(failed.request), { failure: 'not-signed-in', message: 'the username or the password is wrong' })

  const { issuer, request, screen } = await obstruct('.json')
  issuer.answers = [await tokens(issuer)]
  t.match(await getToken(request), { token: String, expiresAt: Number })
  t.match(screen.stderr(), /^warning: the token is not cached: \S+\.json: /)
})

/** What proxies and broken services answer. */
const ANSWERS: ReadonlyArray<readonly [name: string, answer: Answer, failure: 'unavailable' | 'not-signed-in', message: RegExp]> = [
  ['a challenge of a proxy', (_request, response) => { response.writeHead(401, { 'www-authenticate': 'Bearer realm="proxy"', 'content-type': 'application/json' }).end('{"error":"x"}') }, 'unavailable', /^the sign-in service answered with HTTP status 401 and a WWW-Authenticate header: a proxy may have answered/],
  ['a description that is a number', (_request, response) => { response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant","error_description":5}') }, 'not-signed-in', /^the username or the password is wrong$/],
  ['a description that is a list', (_request, response) => { response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"x","error_description":["y"]}') }, 'not-signed-in', /^the sign-in service has refused: x$/],
  ['a grant that the client may not use', (_request, response) => { response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_request","error_description":"requested grant type is not allowed for this client"}') }, 'not-signed-in', /^the client production does not allow this flow \(password\): use --browser or --device-code$/]
]

void test('errors of the token endpoint', async t => {
  for (const [name, answer, failure, message] of ANSWERS) {
    const { issuer, request } = await prepare(t, { readPassword: async () => 'a password' })
    issuer.answers = [answer]
    await t.rejects(getToken(request), { code: 'AUTHN_SIGN_IN', failure, message }, name)
  }
})

/** How services say that the client may not use the device code flow. */
const REFUSALS: ReadonlyArray<readonly [error: string, description: string, tried: boolean]> = [
  ['unauthorized_client', 'not for you', true],
  ['invalid_request', 'urn:ietf:params:oauth:grant-type:device_code is not allowed for this client', true],
  ['invalid_client', 'client authentication failed', false],
  ['invalid_request', 'scope is missing', false]
]

void test('a client that may not use the device code flow: the password is next, unless an option says otherwise', async t => {
  for (const [error, description, tried] of REFUSALS) {
    for (const flow of [undefined, 'device-code'] as const) {
      const { issuer, screen, request } = await prepare(t, { flow, readPassword: async () => 'a password' }, { grant_types_supported: ['authorization_code', 'password'] })
      issuer.issuer.routes['/device'] = oauthError(error, description)
      issuer.answers = [await tokens(issuer)]
      const name = `${error}, ${flow ?? 'no option'}`
      if (tried && flow === undefined) t.match(await getToken(request), { token: String }, name)
      else await t.rejects(getToken(request), { code: 'AUTHN_SIGN_IN', message: tried ? 'the client production does not allow this flow (device code): use --browser or --username NAME' : String }, name)
      t.equal(issuer.tokenRequests.length, tried && flow === undefined ? 1 : 0, name)
      t.equal(screen.stderr(), '', name)
    }
  }
})

void test('a token is used until a minute before it expires', async t => {
  const now = 1_000_000_000_000
  for (const [left, usable] of [[61, true], [60, false], [59, false], [0, false]] as const) t.equal(isUsable({ token: '', expiresAt: now / 1000 + left }, now), usable, `${left} s left`)
})
