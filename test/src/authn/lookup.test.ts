/** Lookups of users, with everything that surrounds other questions. */
import { test, type Test } from 'tap'
import type { Outcome } from '../../../src/authn/answer.js'
import { createAuthenticators } from '../../../src/authn/authenticator.js'
import { parseCredential } from '../../../src/authn/credential.js'
import { Deadline } from '../../../src/authn/deadline.js'
import { createLookup } from '../../../src/authn/lookup.js'
import type { Answer, IdentityProvider, LookupQuery, RequestContext } from '../../../src/authn/provider.js'
import { UnavailableError } from '../../../src/errors.js'
import { openTestProviders, type OpenedProviders, type TestEntry } from '../../fixtures/open-providers.js'
import { alice, bob } from '../../fixtures/people.js'

const ALICE = { username: 'alice' }

interface Opened extends OpenedProviders {
  /** As those do that look users up: in the cache first. */
  readonly find: (query: LookupQuery, deadline?: Deadline) => Promise<Outcome>
}

async function open (t: Test, lookup: NonNullable<IdentityProvider['lookup']>, entry: Omit<TestEntry, 'provider'> = {}): Promise<Opened> {
  const opened = await openTestProviders(t, { people: { provider: { authenticateToken: () => null, lookup }, ...entry } })
  const asker = createLookup(opened.open[0]!)!
  return {
    ...opened,
    async find (query, deadline = new Deadline(60_000)) {
      const cached = asker.lookUp({ query, deadline })
      return cached === undefined ? await asker.ask({ query, deadline }) : cached
    }
  }
}

test('a provider without lookup looks nobody up', async t => {
  const { open } = await openTestProviders(t, { people: { provider: { authenticateToken: () => null } } })
  t.equal(createLookup(open[0]!), undefined)
})

test('an answer is mapped, guarded, counted and cached, by name and by uid', async t => {
  const user = { ...alice.user, groups: ['developers', 'system:masters'] }
  const { find, events, logged } = await open(t, () => ({ user }), { groupPrefix: '' })
  const mapped = { ...user, username: 'people:alice', groups: ['developers'] }
  for (const query of [ALICE, { uid: 'alice' }]) {
    events.length = 0
    t.match(await find(query), { user: mapped, dropped: { group: ['system:masters'] } })
    t.match(await find(query), { user: mapped })
    t.strictSame(events, ['cached people miss', 'reserved people group 1', 'asked people authenticated', 'cached people hit'])
  }
  t.match(logged, [/dropped reserved or malformed names/, /dropped reserved/])
})

test('each kind of answer is what it is for other questions', async t => {
  const answers: Array<[answer: Answer, outcome: object | null, result: string]> = [
    [null, null, 'unknown'],
    [{ denied: 'disabled', username: 'alice' }, { denied: 'disabled', username: 'alice' }, 'denied'],
    [{ user: { username: 'a\u0000' } }, { denied: 'invalid-name' }, 'denied'],
    [{ user: bob.user }, { user: { username: 'people:bob' } }, 'authenticated']
  ]
  for (const [answer, outcome, result] of answers) {
    const { find, events } = await open(t, async () => answer)
    t.match(await find(ALICE), outcome)
    t.match(await find(ALICE), outcome)
    t.strictSame(events.filter(event => event.startsWith('asked')), [`asked people ${result}`], 'and cached')
  }
})

test('an answer is cached until a reload', async t => {
  const users = [alice.user, bob.user]
  const { find, invalidate } = await open(t, () => ({ user: users.shift()! }))
  for (let times = 0; times < 2; times++) t.match(await find(ALICE), { user: { username: 'people:alice' } })
  invalidate('people')
  t.match(await find(ALICE), { user: { username: 'people:bob' } })
})

test('an answer is not cached beyond its expiry', async t => {
  let calls = 0
  const { find } = await open(t, () => ({ user: { username: `alice-${++calls}` }, expiresAt: new Date(Date.now() - 1) }))
  for (const username of ['people:alice-1', 'people:alice-2']) t.match(await find(ALICE), { user: { username } })
})

test('callers of one lookup share it', async t => {
  let calls = 0
  const { find } = await open(t, async () => { calls++; return { user: alice.user } })
  await Promise.all([find(ALICE), find(ALICE), find({ username: 'bob' })])
  t.equal(calls, 2)
})

test('a lookup is not taken for a token of the same text', async t => {
  const { open } = await openTestProviders(t, { people: { provider: { authenticateToken: () => ({ user: bob.user }), lookup: () => ({ user: alice.user }) } } })
  const deadline = new Deadline(60_000)
  const [authenticator] = createAuthenticators(open[0]!)
  t.match(await authenticator!.authenticate({ credential: parseCredential(JSON.stringify(ALICE)), audiences: [], deadline }), { user: { username: 'people:bob' } })
  t.equal(createLookup(open[0]!)!.lookUp({ query: ALICE, deadline }), undefined)
})

const failures: Array<[what: string, lookup: NonNullable<IdentityProvider['lookup']>, reason: string]> = [
  ['throws', () => { throw new Error('down') }, 'failed'],
  ['rejects', async () => { throw new Error('down') }, 'failed'],
  ['gives what the contract does not know', () => alice.user as unknown as Answer, 'failed'],
  ['gives nothing', () => undefined as unknown as Answer, 'failed'],
  ['never answers', async () => await new Promise<Answer>(() => {}), 'timeout'],
  ['says itself that it is busy', () => { throw new UnavailableError('busy') }, 'busy']
]

for (const [what, lookup, reason] of failures) {
  test(`a lookup that ${what} is unavailable, counted, and not stored`, async t => {
    const { find, events } = await open(t, lookup, { timeout: '30ms' })
    for (let times = 0; times < 2; times++) t.match(await find(ALICE), { unavailable: reason })
    t.equal(events.filter(event => event === `unavailable people ${reason}`).length, 2)
  })
}

test('an open breaker spares the provider lookups, too', async t => {
  let calls = 0
  const { find } = await open(t, () => { calls++; throw new Error('down') })
  for (let times = 0; times < 5; times++) await find(ALICE)
  t.match(await find(ALICE), { unavailable: 'breaker-open' })
  t.equal(calls, 5)
})

test('a caller whose time is over asks nothing', async t => {
  const { find, events } = await open(t, () => ({ user: alice.user }))
  t.match(await find(ALICE, new Deadline(0)), { unavailable: 'deadline' })
  t.strictSame(events, ['unavailable people deadline'])
})

test('the provider is `this`, and sees the query and no audiences', async t => {
  const seen: unknown[] = []
  class People {
    readonly #user = alice.user
    authenticateToken (): null { return null }
    lookup (query: LookupQuery, { audiences, signal, explain }: RequestContext): Answer {
      seen.push(query, audiences, signal.aborted, explain)
      return { user: this.#user }
    }
  }
  const { open } = await openTestProviders(t, { people: { provider: new People() } })
  t.match(await createLookup(open[0]!)!.ask({ query: { uid: '1001' }, deadline: new Deadline(60_000) }), { user: { username: 'people:alice' } })
  t.strictSame(seen, [{ uid: '1001' }, [], false, undefined])
})

test('what a provider explains comes under its name', async t => {
  const { open } = await openTestProviders(t, { people: { provider: { authenticateToken: () => null, lookup (_query, { explain }) { explain?.('no such entry'); return null } } } })
  const explained: string[] = []
  await createLookup(open[0]!)!.ask({ query: ALICE, deadline: new Deadline(60_000), explain: (...words) => { explained.push(words.join(': ')) } })
  t.strictSame(explained, ['people: no such entry'])
})
