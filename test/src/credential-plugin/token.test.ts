/** Tokens of an account, for people who don't answer and services that answer something else. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { EXPIRY_MARGIN, isUsable } from '../../../src/credential-plugin/exec-credential.js'
import { getToken, type TokenRequest } from '../../../src/credential-plugin/token.js'
import { openScreen } from '../../fixtures/screen.js'
import { startSignInIssuer, tokens, type SignInIssuer } from '../../fixtures/sign-in-issuer.js'
import { until } from '../../fixtures/waiting.js'

interface SignIn {
  readonly issuer: SignInIssuer
  readonly screen: ReturnType<typeof openScreen>
  /** Whether the terminal was raw, in order. */
  readonly modes: boolean[]
  readonly request: TokenRequest
}

/** With a password, on a terminal. */
async function prepare (t: Test, options: Partial<TokenRequest> = {}): Promise<SignIn> {
  const issuer = await startSignInIssuer(t)
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
      caller: 1,
      isNewAttempt: async () => true,
      signal: new AbortController().signal,
      ...options
    }
  }
}

const NOBODY = { code: 'AUTHN_SIGN_IN', failure: 'not-signed-in', message: /^nobody signed in within \d+ min: run the command again$/ }

for (const [question, username] of [['Username: ', undefined], ['Password: ', 'alice']] as const) {
  void test(`nobody answers: ${question}`, async t => {
    const { issuer, screen, modes, request } = await prepare(t, { limit: 1 })
    const account = { ...issuer.account, username }
    await t.rejects(getToken({ ...request, account }), NOBODY)
    t.match(screen.stderr(), question)
    t.match(screen.stderr(), /\n$/, 'the next prompt of the shell is on a line of its own')
    t.strictSame(modes, [true, false], 'the echo of the terminal is restored')
    t.strictSame(readdirSync(request.directory).filter(name => name.endsWith('.lock')), [], 'nobody waits for it any more')
    t.strictSame(issuer.tokenRequests, [])
  })
}

void test('commands that wait for a person who does not answer end with the same error', async t => {
  const { request, screen } = await prepare(t)
  const controller = new AbortController()
  const limited = getToken({ ...request, limit: 1000 })
  limited.catch(() => {})
  await until('the prompt', () => screen.stderr().includes('Password: '))
  const waiting = getToken({ ...request, signal: controller.signal, openDialogue: async () => ({ tell () {}, hasBrowser: false, async prompt () { throw new Error('asked twice') } }) })
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
  ['an hour that begins in a moment', now => ({ iat: now + 20, exp: now + 3600 }), undefined]
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

void test('a token is used until a minute before it expires', async t => {
  const now = 1_000_000_000_000
  for (const [left, usable] of [[61, true], [60, false], [59, false], [0, false]] as const) t.equal(isUsable({ token: '', expiresAt: now / 1000 + left }, now), usable, `${left} s left`)
})
