import { test } from 'tap'
import type { Outcome } from '../../../src/authn/answer.js'
import { createAuthenticators, type Authenticator, type Question } from '../../../src/authn/authenticator.js'
import { AnswerCache } from '../../../src/authn/cache.js'
import { parseCredential } from '../../../src/authn/credential.js'
import { Deadline } from '../../../src/authn/deadline.js'
import type { Answer, CheckOutcome, CredentialType, IdentityProvider, RequestContext } from '../../../src/authn/provider.js'
import { Resilience } from '../../../src/authn/resilience.js'
import { Throttle } from '../../../src/authn/throttle.js'
import { UnavailableError } from '../../../src/errors.js'
import { recordingObserver } from '../../fixtures/observer.js'
import { alice, basicToken, bob } from '../../fixtures/people.js'

const silent = { debug () {}, info () {}, warn () {}, error () {} }

interface Opened {
  readonly authenticators: Authenticator[]
  readonly events: string[]
  readonly cache: AnswerCache
  /** Asks the authenticator of a type of credential, as the chain does. */
  readonly ask: (type: CredentialType, token: string, audiences?: string[]) => Promise<Outcome>
}

function open (provider: IdentityProvider): Opened {
  const observer = recordingObserver()
  const cache = new AnswerCache({ successTTL: 60_000, failureTTL: 60_000, maxEntries: 10, onResult: result => { observer.cached('people', result) } })
  const authenticators = createAuthenticators({
    name: 'people',
    kind: 'test',
    provider,
    names: { usernamePrefix: 'corp:', groupPrefix: 'corp:', reserved: { allowUsers: [], allowGroups: [] } },
    cache,
    throttle: new Throttle({ maxFailures: 1, baseDelay: 60_000, maxDelay: 60_000, maxConcurrent: 2, maxQueue: 2, onThrottled: () => { observer.throttled('people') } }),
    resilience: new Resilience({ timeout: 30, maxConcurrent: 1 }),
    log: silent,
    observer
  })
  return {
    authenticators,
    cache,
    events: observer.events,
    ask: async (type, token, audiences = []) => {
      const authenticator = authenticators.find(({ credentialType }) => credentialType === type)!
      const outcome = authenticator.lookUp(question(token, audiences))
      return outcome === undefined ? await authenticator.authenticate(question(token, audiences)) : outcome
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

test('a credential that is answered from memory goes around cache and bulkhead', async t => {
  const { ask, events } = open({ synchronous: ['token'], authenticateToken: isAlice })
  await Promise.all([ask('token', alice.token), ask('token', alice.token), ask('token', alice.token)])
  t.strictSame(events, ['asked people authenticated', 'asked people authenticated', 'asked people authenticated'])
})

test('an answer from memory comes without a promise', async t => {
  const [authenticator] = open({ synchronous: ['token'], authenticateToken: isAlice }).authenticators
  t.match(authenticator!.lookUp(question(alice.token)), ALICE)
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
    const { ask, events } = open(provider)
    t.match(await ask('token', alice.token), { unavailable: reason })
    t.match(await ask('token', alice.token), { unavailable: reason })
    t.equal(events.filter(event => event === `unavailable people ${reason}`).length, 2)
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
