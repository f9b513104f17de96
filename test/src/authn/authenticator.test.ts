import { setImmediate as tick } from 'node:timers/promises'
import { test } from 'tap'
import type { Outcome } from '../../../src/authn/answer.js'
import { createAuthenticators, type Authenticator, type OpenProvider, type Question } from '../../../src/authn/authenticator.js'
import { requestContext } from '../../../src/authn/request-context.js'
import { AnswerCache } from '../../../src/authn/cache.js'
import { parseCredential } from '../../../src/authn/credential.js'
import { Deadline } from '../../../src/authn/deadline.js'
import type { Answer, CheckOutcome, CredentialType, IdentityProvider, ProviderLog, RequestContext } from '../../../src/authn/provider.js'
import { Resilience } from '../../../src/authn/resilience.js'
import { Throttle } from '../../../src/authn/throttle.js'
import { UnavailableError } from '../../../src/errors.js'
import { recordingObserver } from '../../fixtures/observer.js'
import { immutable } from '../../../src/authn/immutable.js'
import { alice, basicToken, bob } from '../../fixtures/people.js'

const silent = { debug () {}, info () {}, warn () {}, error () {} }

interface Opened {
  readonly opened: OpenProvider
  readonly authenticators: Authenticator[]
  readonly events: string[]
  readonly cache: AnswerCache
  /** Asks the authenticator of a type of credential, as the chain does. */
  readonly ask: (type: CredentialType, token: string, audiences?: string[], deadline?: Deadline) => Promise<Outcome>
}

function open (provider: IdentityProvider, { timeout = 60_000, log = silent }: { timeout?: number, log?: ProviderLog } = {}): Opened {
  const observer = recordingObserver()
  const cache = new AnswerCache({ successTTL: 60_000, failureTTL: 60_000, maxEntries: 10, onResult: result => { observer.cached('people', result) } })
  const opened: OpenProvider = {
    name: 'people',
    kind: 'test',
    provider,
    names: { usernamePrefix: 'corp:', groupPrefix: 'corp:', reserved: { allowUsers: [], allowGroups: [] } },
    cache,
    throttle: new Throttle({ maxFailures: 1, baseDelay: 60_000, maxDelay: 60_000, maxConcurrent: 2, maxQueue: 2, onThrottled: () => { observer.throttled('people') } }),
    resilience: new Resilience({ timeout, maxConcurrent: 1 }),
    log,
    observer
  }
  const authenticators = createAuthenticators(opened)
  return {
    opened,
    authenticators,
    cache,
    events: observer.events,
    ask: async (type, token, audiences = [], deadline = new Deadline(60_000)) => {
      const authenticator = authenticators.find(({ credentialType }) => credentialType === type)!
      const outcome = authenticator.lookUp({ ...question(token, audiences), deadline })
      return outcome === undefined ? await authenticator.authenticate({ ...question(token, audiences), deadline }) : outcome
    }
  }
}

function question (token: string, audiences: string[] = []): Question {
  return { credential: parseCredential(token), audiences, deadline: new Deadline(5_000) }
}

const isAlice = (): Answer => ({ user: { username: 'alice', groups: ['developers'] } })
const ALICE = { user: { username: 'corp:alice', groups: ['corp:developers'] } }

test('an authenticator for each type of credential that the provider answers, the token first', async t => {
  const types = (provider: IdentityProvider): string[] => open(provider).authenticators.map(({ credentialType }) => credentialType)
  t.strictSame(types({ authenticatePassword: isAlice, authenticateToken: isAlice }), ['token', 'password'])
  t.strictSame(types({ authenticateToken: isAlice }), ['token'])
  t.strictSame(types({ authenticatePassword: isAlice }), ['password'])
})

test('an answer is mapped, guarded and cached', async t => {
  const { ask, events } = open({ authenticateToken: isAlice })
  t.match(await ask('token', alice.token), ALICE)
  t.match(await ask('token', alice.token), ALICE)
  t.strictSame(events, ['cached people miss', 'asked people authenticated', 'cached people hit'])
})

test('other audiences are another question', async t => {
  const { ask, events } = open({ authenticateToken: isAlice })
  await ask('token', alice.token, ['a'])
  await ask('token', alice.token, ['a', 'b'])
  t.equal(events.filter(event => event === 'asked people authenticated').length, 2)
})

test('a credential that is answered from memory bypasses cache and semaphore', async t => {
  const { ask, events } = open({ synchronous: ['token'], authenticateToken: isAlice })
  await Promise.all([ask('token', alice.token), ask('token', alice.token), ask('token', alice.token)])
  t.strictSame(events, ['asked people authenticated', 'asked people authenticated', 'asked people authenticated'])
})

test('an answer from memory comes without a promise', async t => {
  const [authenticator] = open({ synchronous: ['token'], authenticateToken: isAlice }).authenticators
  t.match(authenticator!.lookUp(question(alice.token)), ALICE)
})

test('each answer is counted by what it is', async t => {
  const answers: Answer[] = [null, { denied: 'locked' }, { user: { username: 'alice' } }, { user: { username: '\n' } }]
  for (const synchronous of [[], ['token']] as const) {
    const left = [...answers]
    const { ask, events } = open({ synchronous, authenticateToken: () => left.shift()! })
    for (const token of ['a', 'b', 'c', 'd']) await ask('token', token)
    t.strictSame(events.filter(event => event.startsWith('asked')), ['asked people unknown', 'asked people denied', 'asked people authenticated', 'asked people denied'])
  }
})

test('an answer is timed in seconds', async t => {
  const clock = { now: 1_000 }
  t.intercept(performance, 'now', { value: () => clock.now })
  for (const synchronous of [[], ['token']] as const) {
    const { opened } = open({ synchronous, authenticateToken () { clock.now += 250; return null } })
    const seconds: number[] = []
    const [authenticator] = createAuthenticators({ ...opened, observer: { ...opened.observer, asked: (_provider, _result, time) => { seconds.push(time) } } })
    if (authenticator!.lookUp(question(alice.token)) === undefined) await authenticator!.authenticate(question(alice.token))
    t.strictSame(seconds, [0.25])
  }
})

test('names that were dropped are logged, cut, and not at each review of a user that cannot change', async t => {
  const lines: unknown[] = []
  const user = immutable({ username: 'alice', uid: '\n', groups: Array.from({ length: 12 }, (_, index) => `\n${index}${'x'.repeat(300)}`), extra: { 'kubernetes.io/x': ['1'] } })
  const { ask } = open({ synchronous: ['token'], authenticateToken: token => ({ user: token === 'plain' ? { username: 'bob' } : user }) }, { log: { ...silent, warn: (fields, message) => { lines.push([fields, message]) } } })
  for (const token of ['plain', 'a', 'b', 'c', 'd']) await ask('token', token)
  const groups = Array.from({ length: 10 }, (_, index) => `\n${index}${'x'.repeat(254)}`)
  for (const line of lines) t.strictSame(line, [{ username: 'corp:alice', uid: ['\n'], groups, extra: ['kubernetes.io/x'] }, 'dropped reserved or malformed names of a user'])
  t.equal(lines.length, 1, 'not at each review')
})

test('what a provider does not recognize costs it nothing', async t => {
  const { ask, events } = open({ recognizes: ({ jwt }) => jwt, authenticateToken: isAlice })
  t.equal(await ask('token', alice.token), null)
  t.strictSame(events, [])
  t.match(await ask('token', 'eyJhbGciOiJub25lIn0.e30.'), ALICE)
})

test('a token that carries no password is not for the password authenticator', async t => {
  const { ask, events } = open({ authenticatePassword: isAlice })
  t.equal(await ask('password', alice.token), null)
  t.strictSame(events, [])
})

test('a provider sees the token or the password, and its surroundings', async t => {
  const seen: unknown[] = []
  const { ask } = open({
    authenticateToken (token, { audiences }) { seen.push(token, audiences); return null },
    authenticatePassword (password, { signal }) { seen.push(password, signal.aborted); return null }
  })
  const token = basicToken('bob', bob.password)
  await ask('token', token, ['ci'])
  await ask('password', token)
  t.strictSame(seen, [token, ['ci'], { username: 'bob', password: bob.password }, false])
})

test('ctx.attempt is the throttle of this provider', async t => {
  const authenticatePassword = async ({ username, password }: { username: string, password: string }, { attempt }: RequestContext): Promise<Answer> =>
    await attempt(username, async () => password === bob.password ? 'correct' : 'incorrect') === 'correct' ? { user: bob.user } : { denied: 'wrong-credential', username }
  const { ask, events } = open({ authenticatePassword })
  for (const guess of ['one', 'two']) t.match(await ask('password', basicToken('bob', guess)), { denied: 'wrong-credential' })
  t.match(await ask('password', basicToken('bob', bob.password)), { unavailable: 'throttled' })
  t.ok(events.includes('throttled people'))
  t.ok(events.includes('unavailable people throttled'))
})

test('without a password, ctx.attempt counts the token as the guess', async t => {
  const { ask } = open({ authenticateToken: async (token, { attempt }) => await attempt('alice', async () => token === alice.token ? 'correct' : 'incorrect') === 'correct' ? { user: { username: 'alice' } } : null })
  for (const token of ['one', 'one', 'one', 'two']) t.equal(await ask('token', token, [String(Math.random())]), null)
  t.match(await ask('token', alice.token), { unavailable: 'throttled' })
})

test('a context of no question has an attempt, too', async t => {
  const { opened } = open({ authenticateToken: isAlice })
  const { signal } = new AbortController()
  const { attempt, attemptUnknown, ...rest } = requestContext(opened, signal, { audiences: ['ci'] })
  t.equal(await attempt('bob', async () => 'correct'), 'correct')
  t.equal(await attempt('bob', async () => 'incorrect'), 'incorrect')
  t.equal(await attemptUnknown('mallory'), undefined)
  t.strictSame(Object.fromEntries(Object.entries(rest)), { audiences: ['ci'], signal, log: silent })
})

test('ctx.attemptUnknown is the same for a name that nobody has', async t => {
  const { ask, events } = open({ authenticatePassword: async ({ username }, { attemptUnknown }) => { await attemptUnknown(username); return null } })
  for (const guess of ['one', 'two']) t.equal(await ask('password', basicToken('mallory', guess)), null)
  t.match(await ask('password', basicToken('mallory', 'three')), { unavailable: 'throttled' })
  t.ok(events.includes('throttled people'))
  t.equal(await ask('password', basicToken('trudy', 'one')), null)
})

test('a password is one guess, however often it is presented, and under whatever spelling', async t => {
  const { ask } = open({ authenticatePassword: async (_password, { attempt }) => await attempt('bob', async () => 'incorrect') === 'correct' ? { user: bob.user } : { denied: 'wrong-credential' } })
  for (const [name, audience] of [['bob', 'a'], ['Bob', 'a'], ['bob', 'b'], ['BOB', 'b']] as const) t.match(await ask('password', basicToken(name, 'the same'), [audience]), { denied: 'wrong-credential' })
  t.match(await ask('password', basicToken('bob', 'another')), { denied: 'wrong-credential' })
  t.match(await ask('password', basicToken('bob', 'a third')), { unavailable: 'throttled' })
})

test('a question holds no place while its password is tested', async t => {
  let end!: (outcome: CheckOutcome) => void
  const tested = new Promise<CheckOutcome>(resolve => { end = resolve })
  const { ask } = open({ authenticatePassword: async ({ username }, { attempt }) => username === 'carol' || await attempt(username, async () => await tested) === 'correct' ? { user: { username } } : null })
  const waiting = ['alice', 'bob'].map(async name => await ask('password', basicToken(name, 'password')))
  t.match(await ask('password', basicToken('carol', 'password')), { user: { username: 'corp:carol' } }, 'one place, and it is free')
  end('correct')
  t.match(await Promise.all(waiting), [{ user: { username: 'corp:alice' } }, { user: { username: 'corp:bob' } }])
})

test('a password that waits for its check is not checked once its caller has left', async t => {
  const checked: string[] = []
  let end!: (outcome: CheckOutcome) => void
  const ended = new Promise<CheckOutcome>(resolve => { end = resolve })
  const { ask } = open({
    authenticatePassword: async ({ username }, { attempt }) => {
      const outcome = await attempt(username, async () => {
        checked.push(username)
        return await ended
      })
      return outcome === 'correct' ? { user: { username } } : null
    }
  })
  // as many as there are places
  const running = ['alice', 'bob'].map(async name => await ask('password', basicToken(name, 'password')))
  t.match(await ask('password', basicToken('carol', 'password'), [], new Deadline(20)), { unavailable: 'deadline' })
  end('correct')
  await Promise.all(running)
  await tick()
  t.strictSame(checked, ['alice', 'bob'])
})

const failures: Array<[what: string, provider: IdentityProvider, reason: string]> = [
  ['throws', { authenticateToken () { throw new Error('down') } }, 'failed'],
  ['rejects', { authenticateToken: async () => { throw new Error('down') } }, 'failed'],
  ['throws what is no error', { authenticateToken () { throw null } }, 'failed'], // eslint-disable-line no-throw-literal
  ['throws while it recognizes', { recognizes () { throw new Error('odd') }, authenticateToken: isAlice }, 'failed'],
  ['throws from memory', { synchronous: ['token'], authenticateToken () { throw new Error('bug') } }, 'failed'],
  ['promises from memory', { synchronous: ['token'], authenticateToken: async () => isAlice() }, 'failed'],
  ['rejects from memory', { synchronous: ['token'], authenticateToken: async () => { throw new Error('bug') } }, 'failed'],
  ['gives what the contract does not know', { authenticateToken: () => undefined as unknown as Answer }, 'failed'],
  ['never answers', { authenticateToken: async () => await new Promise<Answer>(() => {}) }, 'timeout'],
  ['says itself that it is busy', { authenticateToken () { throw new UnavailableError('busy') } }, 'busy']
]

for (const [what, provider, reason] of failures) {
  test(`a provider that ${what}: unavailable, and nothing is stored`, async t => {
    const { ask, events } = open(provider, { timeout: 30 })
    t.match(await ask('token', alice.token), { unavailable: reason })
    const outcome = await ask('token', alice.token)
    t.match(outcome, { unavailable: reason })
    if (reason === 'failed') t.ok('cause' in outcome!, 'for the log')
    t.equal(events.filter(event => event === `unavailable people ${reason}`).length, 2)
    // one that never answers has no duration, and a question that was not asked neither
    const asked = reason === 'timeout' || provider.recognizes !== undefined ? [] : ['asked people unavailable', 'asked people unavailable']
    t.strictSame(events.filter(event => event.startsWith('asked ')), asked, 'failures are counted, those from memory too')
  })
}

test('a bug around the provider is unavailable, not an exception', async t => {
  const { authenticators: [authenticator], cache, events } = open({ authenticateToken: async () => isAlice() })
  cache.key = () => { throw new TypeError('a bug') }
  t.match(authenticator!.lookUp(question(alice.token)), { unavailable: 'failed', cause: { message: 'a bug' } })
  t.match(await authenticator!.authenticate(question(alice.token)), { unavailable: 'failed', cause: { message: 'a bug' } })
  t.strictSame(events, ['unavailable people failed', 'unavailable people failed'])
})

test('a password check must resolve to an outcome of the contract', async t => {
  const { ask } = open({ authenticatePassword: async (_credential, { attempt }) => await attempt('bob', async () => true as never) === 'incorrect' ? null : { user: bob.user } })
  t.match(await ask('password', basicToken('bob', bob.password)), { unavailable: 'failed', cause: { message: /resolves to correct, incorrect, uncounted/ } })
})
