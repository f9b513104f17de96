import { test } from 'tap'
import { parseCredential } from '../../../src/authn/credential.js'
import { Deadline } from '../../../src/authn/deadline.js'
import type { Outcome } from '../../../src/authn/answer.js'
import type { Authenticator } from '../../../src/authn/authenticator.js'
import { review, type Review } from '../../../src/authn/review.js'
import { alice, basicToken } from '../../fixtures/people.js'

const API = 'https://kubernetes.default.svc'

interface Given {
  readonly answer: Outcome
  readonly token?: string
  readonly requested?: string[]
  readonly configured?: string[]
}

async function reviewOf ({ answer, token = alice.token, requested, configured = [] }: Given): Promise<Review> {
  const people: Authenticator = { provider: 'people', credentialType: 'token', lookUp: () => undefined, authenticate: async () => answer }
  return await review({ credential: parseCredential(token), audiences: requested }, new Deadline(1000), { chain: [people], audiences: configured, maxTokenBytes: 1024 })
}

const DENIED = { authenticated: false }
const ERROR = 'identity provider "people" is unavailable'

const cases: Array<[what: string, given: Given, expected: object]> = [
  ['a user', { answer: { user: alice.user } }, { outcome: 'authenticated', provider: 'people', username: 'alice', status: { authenticated: true, user: alice.user } }],
  ['a user for an audience', { answer: { user: alice.user }, requested: [API], configured: [API] }, { outcome: 'authenticated', status: { authenticated: true, user: alice.user, audiences: [API] } }],
  ['a user for a foreign audience', { answer: { user: alice.user }, requested: ['vault'], configured: [API] }, { outcome: 'denied', provider: 'people', reason: 'audience', username: 'alice', status: DENIED }],
  ['a token that is good for no audience', { answer: { user: alice.user, audiences: [] }, requested: [API] }, { outcome: 'denied', reason: 'audience', status: DENIED }],
  ['a denial', { answer: { denied: 'locked', username: 'alice' } }, { outcome: 'denied', provider: 'people', reason: 'locked', username: 'alice', status: DENIED }],
  ['a denial asked for an audience says nothing of it', { answer: { denied: 'expired' }, requested: [API] }, { outcome: 'denied', reason: 'expired', status: DENIED }],
  ['nobody', { answer: null }, { outcome: 'denied', reason: 'unknown', status: DENIED }],
  ['unavailable', { answer: { unavailable: 'timeout' } }, { outcome: 'unavailable', provider: 'people', reason: 'timeout', status: { authenticated: false, error: ERROR } }],
  ['unavailable, asked for a foreign audience: it goes back, or the API server would cache a denial', { answer: { unavailable: 'busy' }, requested: ['vault'], configured: [API] }, { outcome: 'unavailable', reason: 'busy', status: { authenticated: false, error: ERROR, audiences: ['vault'] } }]
]

for (const [what, given, expected] of cases) {
  test(what, async t => {
    const { status, ...rest } = await reviewOf(given)
    const { status: expectedStatus, ...others } = expected as { status: object }
    t.strictSame(status, expectedStatus, 'the status, to the letter')
    t.match(rest, others)
  })
}

test('a token is measured in bytes, and one that is too long is shown to nobody', async t => {
  const shown = { answer: { user: alice.user } }
  t.match(await reviewOf({ ...shown, token: 'é'.repeat(512) }), { outcome: 'authenticated' })
  t.match(await reviewOf({ ...shown, token: 'é'.repeat(513) }), { outcome: 'denied', reason: 'token-too-long', status: DENIED, provider: undefined })
})

test('what was typed as a name is told apart from who it is', async t => {
  t.match(await reviewOf({ answer: null, token: basicToken('hunter2', 'mallory') }), { typedName: 'hunter2', username: undefined })
  const token = basicToken('hunter2', 'mallory')
  t.match(await reviewOf({ answer: { user: alice.user }, token }), { typedName: undefined, username: 'alice' }, 'an authenticated user')
  t.match(await reviewOf({ answer: { denied: 'locked', username: 'alice' }, token }), { typedName: undefined, username: 'alice' }, 'an account that was found')
  t.match(await reviewOf({ answer: { denied: 'locked' }, token }), { typedName: 'hunter2', username: undefined }, 'a denial of nobody in particular')
  t.match(await reviewOf({ answer: { unavailable: 'timeout' }, token }), { typedName: 'hunter2', username: undefined }, 'nobody known')
  t.match(await reviewOf({ answer: null, token: alice.token }), { typedName: undefined, username: undefined }, 'an opaque token holds no name')
})

test('names that were dropped are for the audit line', async t => {
  const dropped = { uid: [], group: ['system:masters'], extra: [] }
  const review = await reviewOf({ answer: { user: alice.user, dropped } })
  t.strictSame(review, { outcome: 'authenticated', provider: 'people', username: 'alice', dropped, status: { authenticated: true, user: alice.user } })
  t.equal((await reviewOf({ answer: { user: alice.user } })).dropped, undefined)
})

test('a provider is asked with the credential, the audiences, the deadline and the caller', async t => {
  const questions: unknown[] = []
  const people: Authenticator = { provider: 'people', credentialType: 'token', lookUp: question => { questions.push(question); return null }, authenticate: async () => null }
  const deadline = new Deadline(1000)
  const rules = { chain: [people], audiences: [], maxTokenBytes: 1024 }
  await review({ credential: parseCredential(alice.token), audiences: [API] }, deadline, rules, { caller: '192.0.2.1' })
  await review({ credential: parseCredential(alice.token) }, deadline, rules)
  t.match(questions, [{ credential: { token: alice.token }, audiences: [API], caller: '192.0.2.1' }, { credential: { token: alice.token }, audiences: [] }])
  for (const question of questions) t.equal((question as { deadline: Deadline }).deadline, deadline)
})

test('no status holds the token', async t => {
  for (const [, given] of cases) t.notMatch(JSON.stringify((await reviewOf(given)).status), alice.token)
})
