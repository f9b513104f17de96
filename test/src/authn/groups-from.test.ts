/** Users of one provider with the groups of another. */
import { test, type Test } from 'tap'
import { createAuthenticators } from '../../../src/authn/authenticator.js'
import { parseCredential } from '../../../src/authn/credential.js'
import { Deadline } from '../../../src/authn/deadline.js'
import type { Answer, IdentityProvider, LookupQuery } from '../../../src/authn/provider.js'
import { review, type Review } from '../../../src/authn/review.js'
import { openTestProviders, type OpenedProviders, type TestEntry } from '../../fixtures/open-providers.js'
import { alice, basicToken, bob } from '../../fixtures/people.js'

const EXTRA = { 'example.com/tenant': ['north'] }
const SSO_ALICE = { username: 'alice', uid: 'sso-1', groups: ['of-sso'], extra: EXTRA }

/** Knows one token and one password, of alice. */
const sso: IdentityProvider = {
  authenticateToken: token => token === alice.token ? { user: SSO_ALICE, audiences: ['ci'] } : null,
  authenticatePassword: ({ username, password }) => username === 'alice' ? password === alice.password ? { user: SSO_ALICE, audiences: ['ci'] } : { denied: 'wrong-credential', username } : null
}

interface Opened extends OpenedProviders {
  /** What the directory was asked. */
  readonly queries: LookupQuery[]
  readonly explained: string[]
  readonly review: (token: string) => Promise<Review>
}

interface Options {
  readonly groupsFrom?: TestEntry['groupsFrom']
  readonly first?: IdentityProvider
  readonly corp?: Omit<TestEntry, 'provider'>
  readonly more?: Readonly<Record<string, TestEntry>>
}

async function open (t: Test, find: (query: LookupQuery) => Answer | Promise<Answer>, { groupsFrom = 'corp', first = sso, corp, more = {} }: Options = {}): Promise<Opened> {
  const queries: LookupQuery[] = []
  const explained: string[] = []
  const lookup = (query: LookupQuery): Answer | Promise<Answer> => {
    queries.push(query)
    return find(query)
  }
  const opened = await openTestProviders(t, { sso: { provider: first, groupsFrom }, corp: { provider: { authenticateToken: () => null, lookup }, ...corp }, ...more })
  const chain = opened.open.flatMap(createAuthenticators)
  return {
    ...opened,
    queries,
    explained,
    review: async token => await review({ credential: parseCredential(token), audiences: ['ci'] }, new Deadline(60_000), { chain, audiences: [], maxTokenBytes: 1000 }, { explain: (...words) => { explained.push(words.join(': ')) } })
  }
}

const inGroups = (...groups: string[]) => (): Answer => ({ user: { username: 'Alice', uid: 'corp-1', groups, extra: { 'example.com/of-corp': ['1'] } } })

const credentials: Array<[what: string, token: string, first: IdentityProvider]> = [
  ['a token', alice.token, sso],
  ['a password', basicToken('alice', alice.password), sso],
  ['a token that is answered from memory', alice.token, { ...sso, synchronous: ['token'] }],
  ['a password that is answered from memory', basicToken('alice', alice.password), { ...sso, synchronous: ['password'] }]
]

for (const [what, token, first] of credentials) {
  test(`the groups of ${what} come from the other provider, and nothing else does`, async t => {
    const { review, queries, events, explained } = await open(t, inGroups('developers', 'platform'), { first })
    for (let times = 0; times < 2; times++) {
      const { status, provider } = await review(token)
      t.strictSame(status, { authenticated: true, user: { username: 'sso:alice', uid: 'sso-1', groups: ['corp-developers', 'corp-platform'], extra: EXTRA }, audiences: ['ci'] })
      t.equal(provider, 'sso')
    }
    t.strictSame(queries, [{ username: 'alice' }], 'asked once, without the prefix')
    t.strictSame(events.filter(event => event.includes('corp')), ['cached corp miss', 'asked corp authenticated', 'cached corp hit'])
    t.equal(events.filter(event => event === 'asked sso authenticated').length, first.synchronous === undefined ? 1 : 2, 'and so is the first')
    t.equal(explained[0], 'sso: groups of corp:Alice from corp: corp-developers, corp-platform')
  })
}

test('the guard of the other provider drops groups, and its allowlist keeps them', async t => {
  const { review } = await open(t, inGroups('system:masters', 'system:monitoring', 'a\nb'), { corp: { groupPrefix: '', reserved: { allowUsers: [], allowGroups: ['system:monitoring'] } } })
  const { status, dropped } = await review(alice.token)
  t.strictSame(status.user?.groups, ['system:monitoring'])
  t.strictSame(dropped, { uid: [], group: ['a\nb', 'system:masters'], extra: [] })
})

test('names of the first provider that were dropped are told, except its groups', async t => {
  const user = { username: 'alice', uid: '\n', groups: ['\n'], extra: { 'kubernetes.io/x': ['1'] } }
  const { review } = await open(t, inGroups('developers'), { first: { authenticateToken: () => ({ user }) } })
  const { status, dropped } = await review(alice.token)
  t.strictSame(status.user, { username: 'sso:alice', groups: ['corp-developers'], extra: {} })
  t.strictSame(dropped, { uid: ['\n'], group: [], extra: ['kubernetes.io/x'] })
})

test('a user without groups there has none', async t => {
  const { review, explained } = await open(t, () => ({ user: { username: 'alice' } }))
  t.strictSame((await review(alice.token)).status.user, { username: 'sso:alice', uid: 'sso-1', extra: EXTRA })
  t.strictSame(explained, ['sso: groups of corp:alice from corp: none'])
})

const NOBODY = { outcome: 'denied', reason: 'not-member', provider: 'sso', username: 'alice' }
const WITHOUT = { outcome: 'authenticated', status: { user: { username: 'sso:alice', groups: undefined } } }
for (const [what, groupsFrom, expected] of [
  ['by its name', 'corp', NOBODY],
  ['by a mapping', { provider: 'corp' }, NOBODY],
  ['not optionally', { provider: 'corp', optional: false }, NOBODY],
  ['optionally', { provider: 'corp', optional: true }, WITHOUT]
] as const) {
  test(`nobody is found by a provider that is named ${what}`, async t => {
    const { review, explained } = await open(t, () => null, { groupsFrom })
    t.match(await review(alice.token), expected)
    t.match(explained, [/^sso: corp has no user alice: /])
  })
}

const denials: Array<[answer: Answer, reason: string, username: string]> = [
  [{ denied: 'disabled', username: 'Alice' }, 'disabled', 'Alice'],
  [{ denied: 'locked' }, 'locked', 'alice'],
  [{ denied: 'expired' }, 'expired', 'alice'],
  [{ denied: 'not-member' }, 'not-member', 'alice'],
  [{ user: { username: 'a\u0000' } }, 'invalid-name', 'alice']
]

test('a denial there is a denial, optional or not', async t => {
  for (const optional of [false, true]) {
    for (const [answer, reason, username] of denials) {
      const { review } = await open(t, () => answer, { groupsFrom: { provider: 'corp', optional }, more: { later: { provider: { authenticateToken: () => ({ user: bob.user }) } } } })
      t.match(await review(alice.token), { outcome: 'denied', provider: 'corp', reason, username, status: { authenticated: false, error: undefined } })
    }
  }
})

test('an outage there is unavailable, counted there, and never stored', async t => {
  let isDown = true
  const { review, events } = await open(t, () => {
    if (isDown) throw new Error('connection refused')
    return { user: { username: 'alice', groups: ['developers'] } }
  }, { groupsFrom: { provider: 'corp', optional: true } })
  t.match(await review(alice.token), { outcome: 'unavailable', provider: 'corp', reason: 'failed', failure: { detail: 'connection refused' }, status: { error: 'identity provider "corp" is unavailable' } })
  t.strictSame(events.filter(event => event.startsWith('unavailable')), ['unavailable corp failed'])
  isDown = false
  t.match(await review(alice.token), { outcome: 'authenticated', status: { user: { groups: ['corp-developers'] } } })
  t.equal(events.filter(event => event.startsWith('asked sso')).length, 1, 'the first one was not asked again')
})

test('one that never answers is unavailable after its own timeout', async t => {
  const { review } = await open(t, async () => await new Promise<Answer>(() => {}), { corp: { timeout: '30ms' } })
  t.match(await review(alice.token), { outcome: 'unavailable', provider: 'corp', reason: 'timeout' })
})

test('a later provider authenticates in spite of an outage there', async t => {
  const { review } = await open(t, () => { throw new Error('down') }, { more: { later: { provider: { authenticateToken: () => ({ user: bob.user }) } } } })
  t.match(await review(alice.token), { outcome: 'authenticated', provider: 'later', username: 'later:bob' })
})

test('what the first provider does not authenticate is asked nowhere else', async t => {
  const down: IdentityProvider = { authenticateToken () { throw new Error('down') } }
  for (const [first, token, expected] of [
    [sso, 'unknown', { outcome: 'denied', reason: 'unknown' }],
    [sso, basicToken('alice', 'wrong'), { outcome: 'denied', provider: 'sso', reason: 'wrong-credential' }],
    [{ ...sso, recognizes: () => false }, alice.token, { outcome: 'denied', reason: 'unknown' }],
    [down, alice.token, { outcome: 'unavailable', provider: 'sso', reason: 'failed' }]
  ] as const) {
    const { review, queries, explained } = await open(t, inGroups('developers'), { first })
    t.match(await review(token), expected)
    t.strictSame([...queries, ...explained], [])
  }
})

test('the cache of the first provider holds no groups of the other, nor the other way round', async t => {
  const groups = [['developers'], ['operators'], ['auditors']]
  const { review, invalidate, events } = await open(t, () => ({ user: { username: 'alice', groups: groups.shift()! } }))
  const groupsNow = async (): Promise<string[] | undefined> => (await review(alice.token)).status.user?.groups
  t.strictSame(await groupsNow(), ['corp-developers'])
  invalidate('sso')
  t.strictSame(await groupsNow(), ['corp-developers'])
  invalidate('corp')
  t.strictSame(await groupsNow(), ['corp-operators'])
  t.equal(events.filter(event => event === 'asked sso authenticated').length, 2)
  t.equal(events.filter(event => event === 'asked corp authenticated').length, 2)
})

test('two users of one name share a lookup, whichever provider they are of', async t => {
  const { review, queries } = await open(t, inGroups('developers'), { more: { other: { provider: { authenticateToken: token => token === bob.token ? { user: { username: 'alice' } } : null }, groupsFrom: 'corp' } } })
  t.match(await Promise.all([review(alice.token), review(bob.token)]), [{ username: 'sso:alice' }, { username: 'other:alice' }])
  t.strictSame(queries, [{ username: 'alice' }])
})

test('an empty prefix and one in another form leave the name of the provider', async t => {
  const asked: LookupQuery[] = []
  const corp: IdentityProvider = { authenticateToken: () => null, lookup (query) { asked.push(query); return null } }
  for (const [usernamePrefix, username] of [['', 'sso:alice'], ['https://sso.example.com#', 'zo\u00eb'], ['sso:', 'sso:sso:']] as const) {
    const { open } = await openTestProviders(t, { sso: { provider: { authenticateToken: () => ({ user: { username } }) }, usernamePrefix, groupsFrom: 'corp' }, corp: { provider: corp } })
    await open.flatMap(createAuthenticators)[0]!.authenticate({ credential: parseCredential('x'), audiences: [], deadline: new Deadline(60_000) })
  }
  t.strictSame(asked, ['sso:alice', 'zo\u00eb', 'sso:sso:'].map(username => ({ username })))
})

test('a provider that looks up nobody is an error when it is opened, and the others are closed', async t => {
  const closed: string[] = []
  const provider = (name: string): IdentityProvider => ({ authenticateToken: () => null, close () { closed.push(name) } })
  await t.rejects(openTestProviders(t, { sso: { provider: provider('sso'), groupsFrom: 'corp' }, corp: { provider: provider('corp') } }), {
    code: 'AUTHN_PROVIDER_OPEN', message: 'identity provider "sso" (kind test) could not be opened: groupsFrom names "corp", which can\'t look up users without a credential'
  })
  t.strictSame(closed, ['corp', 'sso'])
})
