/** What becomes of a genuine session token: its account is looked up at every review. */
import { setImmediate } from 'node:timers/promises'
import { test } from 'tap'
import type { VettedAuthentication } from '../../../../src/authn/answer.js'
import { parseCredential } from '../../../../src/authn/credential.js'
import { Deadline } from '../../../../src/authn/deadline.js'
import { hashPassword } from '../../../../src/authn/password-hash.js'
import type { Answer } from '../../../../src/authn/provider.js'
import { review as reviewOf } from '../../../../src/authn/review.js'
import { passwordClaim, subjectOf } from '../../../../src/authn/sessions/session-claims.js'
import { UnavailableError } from '../../../../src/errors.js'
import { NOW } from '../../../fixtures/jwt.js'
import { alice, bob } from '../../../fixtures/people.js'
import { ALICE, KEY, LOGIN, NEXT_KEY, openSessions, sessionToken } from '../../../fixtures/sessions.js'

const UID = alice.user.uid!
const found = (user: object = {}, more: object = {}): Answer => ({ user: { username: 'alice', uid: UID, groups: ['developers'], ...user }, passwordVersion: 'v1', ...more })

/** Issued so long ago that whatever is cached is newer. */
const issuedEarlier = { iat: NOW() - 600 }

test('the user is the one that the provider has now, found by uid', async t => {
  const { review, queries, seen } = await openSessions(t, () => found({ extra: { 'example.com/team': ['platform'] } }))
  const { status, provider, username } = await review(await sessionToken())
  t.strictSame(status, { authenticated: true, user: { username: 'corp:alice', uid: UID, groups: ['corp-developers'], extra: { 'example.com/team': ['platform'] } } })
  t.match({ provider, username }, { provider: 'corp', username: 'corp:alice' })
  t.strictSame(queries, [{ uid: UID }])
  t.strictSame(seen, [], 'and no provider sees the token')
})

const denials: Array<[what: string, answer: Answer, reason: string, username: string]> = [
  ['the account is gone', null, 'account-gone', 'corp:alice'],
  ['disabled', { denied: 'disabled', username: 'Alice' }, 'disabled', 'Alice'],
  ['locked', { denied: 'locked' }, 'locked', 'corp:alice'],
  ['expired', { denied: 'expired' }, 'expired', 'corp:alice'],
  ['no member any more', { denied: 'not-member' }, 'not-member', 'corp:alice'],
  ['several accounts have the uid', { denied: 'wrong-credential' }, 'wrong-credential', 'corp:alice'],
  ['the password has changed', found({}, { passwordVersion: 'v2' }), 'password-changed', 'corp:alice'],
  ['renamed to a reserved name', found({ username: 'system:admin' }), 'reserved-name', 'system:admin'],
  ['renamed to a name that is none', found({ username: 'a\u0000' }), 'invalid-name', 'corp:alice'],
  ['the account has another uid', found({ uid: bob.user.uid }), 'account-gone', 'corp:alice'],
  ['the account has no uid any more', found({ uid: undefined }), 'account-gone', 'corp:alice']
]

for (const [what, answer, reason, username] of denials) {
  test(`denied: ${what}`, async t => {
    const { review, seen } = await openSessions(t, () => answer, what.includes('reserved') ? { corp: { usernamePrefix: '' } } : {})
    for (const times of ['asked', 'cached']) {
      t.match(await review(await sessionToken()), { outcome: 'denied', provider: 'corp', reason, username, status: { authenticated: false, error: undefined, user: undefined } }, times)
    }
    t.strictSame(seen, [])
  })
}

test('a password version that is unknown, at the sign-in or now, changes nothing', async t => {
  for (const [claims, more] of [
    [{ pwv: undefined }, {}], [{ pwv: undefined }, { passwordVersion: undefined }], [{}, { passwordVersion: undefined }]
  ] as const) {
    const { review } = await openSessions(t, () => found({}, more))
    t.match(await review(await sessionToken(claims)), { outcome: 'authenticated' })
  }
})

test('a password claim is good for its own token only', async t => {
  const { review } = await openSessions(t)
  t.match(await review(await sessionToken({ jti: 'session-2', pwv: passwordClaim('session-1', 'v1') })), { reason: 'password-changed' })
})

test('a renamed user keeps the session, under the new name and in the groups of now', async t => {
  const { review, invalidate, queries } = await openSessions(t, () => queries.length > 1 ? found({ username: 'alice.miller', groups: ['operators'] }) : found())
  const token = await sessionToken()
  t.match(await review(token), { username: 'corp:alice', status: { user: { groups: ['corp-developers'] } } })
  invalidate('corp')
  t.match(await review(token), { username: 'corp:alice.miller', status: { user: { username: 'corp:alice.miller', uid: UID, groups: ['corp-operators'] } } })
})

test('a new account with an old name does not inherit the session', async t => {
  const { review, queries } = await openSessions(t, query => 'uid' in query && query.uid === UID ? null : found({ uid: '2001' }))
  t.match(await review(await sessionToken()), { outcome: 'denied', reason: 'account-gone' })
  t.strictSame(queries.filter(query => 'username' in query), [], 'nobody is looked up by name')
})

test('revoked', async t => {
  const before = NOW()
  for (const [what, matches] of [
    ['by its ID', ({ jti }) => jti === 'session-1'],
    ['by its subject and issuer', ({ subject, issuer }) => subject === subjectOf('corp', UID) && issuer === LOGIN],
    ['by the name at the sign-in', ({ usernames }) => usernames.includes('corp:alice')],
    ['by the name of now', ({ usernames }) => usernames.includes('corp:alice.miller')],
    ['by the time at which it was issued', ({ issuedAt, usernames }) => usernames.includes('corp:alice') && issuedAt < before]
  ] as Array<[string, Parameters<Awaited<ReturnType<typeof openSessions>>['revoked']['push']>[0]]>) {
    await t.test(what, async t => {
      const { review, revoked, queries } = await openSessions(t, () => found({ username: 'alice.miller' }))
      const token = await sessionToken({ iat: before - 1 })
      t.match(await review(token), { outcome: 'authenticated' })
      revoked.push(matches)
      t.match(await review(token), { outcome: 'denied', provider: 'corp', reason: 'revoked', status: { authenticated: false, error: undefined } }, 'past the cache')
      revoked.length = 0
      t.match(await review(token), { outcome: 'authenticated' })
      t.ok(queries.length <= 2)
    })
  }
})

test('an outage of the directory is unavailable and no denial, and cached users stay in', async t => {
  let isDown = false
  const { review, invalidate, events } = await openSessions(t, () => {
    if (isDown) throw new Error('connection refused')
    return ALICE
  })
  const [token, other] = [await sessionToken(), await sessionToken({ jti: 'session-2' })]
  t.match(await review(token), { outcome: 'authenticated' })
  isDown = true
  for (const cached of [token, other]) t.match(await review(cached), { outcome: 'authenticated', username: 'corp:alice' })
  invalidate('corp')
  t.match(await review(token, ['vault']), { outcome: 'unavailable', provider: 'corp', reason: 'failed', failure: { detail: 'connection refused' }, status: { error: 'identity provider "corp" is unavailable', audiences: ['vault'] } })
  t.ok(events.includes('unavailable corp failed'))
  isDown = false
  t.match(await review(token), { outcome: 'authenticated' })
})

test('a directory that is down opens its breaker, which no token that is not valid does', async t => {
  const { review, open, queries } = await openSessions(t, () => { throw new UnavailableError('failed') })
  for (let times = 0; times < 20; times++) await review(await sessionToken({ sub: 'first:1' }))
  t.equal(open[1]!.resilience.state, 'closed')
  for (let times = 0; times < 20; times++) await review(await sessionToken())
  t.equal(open[1]!.resilience.state, 'open')
  t.equal(queries.length, 5)
  t.match(await review(await sessionToken()), { outcome: 'unavailable', reason: 'breaker-open' })
  t.match(await review(await sessionToken({ exp: NOW() - 60 })), { outcome: 'denied', reason: 'expired' }, 'an expired token is denied all the same')
})

test('a review that is out of time is unavailable', async t => {
  const { review } = await openSessions(t, async () => await new Promise(() => {}))
  t.match(await review(await sessionToken(), [], new Deadline(0)), { outcome: 'unavailable', provider: 'corp', reason: 'deadline' })
  t.match(await review(await sessionToken(), [], new Deadline(20)), { outcome: 'unavailable', provider: 'corp', reason: 'deadline' })
})

test('and does not wait for its signature, behind password hashes', async t => {
  const { review } = await openSessions(t)
  const token = await sessionToken()
  let hashed = 0
  // many more than the threadpool has threads: the signature would have to wait for nearly all
  const hashes = Promise.all(Array.from({ length: 40 }, async () => { await hashPassword('canary-password', { ln: 13 }); hashed++ }))
  t.match(await review(token, [], new Deadline(1)), { outcome: 'unavailable', reason: 'deadline' })
  t.ok(hashed < 20)
  await hashes
})

test('a signature is verified once, also if the user is looked up again', async t => {
  const { review, invalidate, keys, queries } = await openSessions(t)
  const token = await sessionToken()
  for (let times = 0; times < 3; times++) {
    t.match(await review(token), { outcome: 'authenticated' })
    invalidate('corp')
  }
  t.equal(queries.length, 3)
  t.equal(keys.finds, 1)
})

test('a token that comes again is answered from memory, with one lookup for all tokens of a user', async t => {
  const { review, rules, queries, events } = await openSessions(t)
  const token = await sessionToken()
  await review(token)
  t.strictSame(events, ['cached corp miss', 'asked corp authenticated'])
  const credential = parseCredential(token)
  const [authenticator] = rules.sessions!.chainFor(credential)!
  t.match(authenticator!.lookUp({ credential, audiences: [], deadline: new Deadline(1000) }), { user: { username: 'corp:alice' } }, 'without a promise')
  await review(await sessionToken({ jti: 'session-2', pwv: undefined }))
  t.equal(queries.length, 1)
})

test('new keys are used at once, and what was verified with others is verified again', async t => {
  const { review, keys } = await openSessions(t)
  const [token, next] = [await sessionToken(), await sessionToken({}, {}, NEXT_KEY)]
  t.match(await review(next), { reason: 'unknown-key' })
  keys.replace(KEY, NEXT_KEY)
  for (const each of [token, next]) t.match(await review(each), { outcome: 'authenticated' })
  keys.replace(NEXT_KEY)
  t.match(await review(token), { reason: 'unknown-key' })
  t.match(await review(next), { outcome: 'authenticated' })
  const late = await sessionToken({ jti: 'late' }, {}, NEXT_KEY)
  const verifying = review(late)
  keys.replace(KEY)
  await verifying
  t.match(await review(late), { reason: 'unknown-key' }, 'also if the key goes while it is verified')
})

test('a denial from before the sign-in is not taken from the cache', async t => {
  const answers: Array<[what: string, before: Answer, reason: string]> = [
    ['a password that was changed', found({}, { passwordVersion: 'v0' }), 'password-changed'],
    ['an account that was disabled', { denied: 'disabled' }, 'disabled'],
    ['an account that was restored', null, 'account-gone']
  ]
  for (const [what, before, reason] of answers) {
    await t.test(what, async t => {
      let answer = before
      const { review, queries } = await openSessions(t, () => answer)
      t.match(await review(await sessionToken(issuedEarlier)), { reason })
      answer = ALICE
      t.match(await review(await sessionToken(issuedEarlier)), { reason }, 'an earlier token is denied as long as the cache says')
      t.equal(queries.length, 1)
      t.match(await review(await sessionToken({ jti: 'session-2' })), { outcome: 'authenticated' }, 'one of a new sign-in is not')
      t.equal(queries.length, 2)
      t.match(await review(await sessionToken({ jti: 'session-3' })), { outcome: 'authenticated' })
      t.equal(queries.length, 2)
    })
  }
})

test('and not if the directory is down, either', async t => {
  let isDown = false
  const { review } = await openSessions(t, () => {
    if (isDown) throw new Error('connection refused')
    return { denied: 'disabled' }
  })
  await review(await sessionToken(issuedEarlier))
  isDown = true
  t.match(await review(await sessionToken(issuedEarlier)), { outcome: 'denied', reason: 'disabled' })
  t.match(await review(await sessionToken({ jti: 'session-2' })), { outcome: 'unavailable' })
})

test('with groupsFrom, the groups are those of the other provider', async t => {
  let groups = ['of-hr']
  const hr = { provider: { authenticateToken: () => null, lookup: (query: object): Answer => 'username' in query && query.username === 'alice' && groups.length > 0 ? { user: { username: 'alice', groups } } : null } }
  const { review, invalidate, events } = await openSessions(t, () => ALICE, { corp: { groupsFrom: 'hr' }, more: { hr } })
  const token = await sessionToken()
  t.match(await review(token), { username: 'corp:alice', status: { user: { groups: ['hr-of-hr'] } } })
  t.match(await review(token), { status: { user: { groups: ['hr-of-hr'] } } })
  t.strictSame(events.filter(event => event.startsWith('cached')), ['cached corp miss', 'cached hr miss', 'cached corp hit', 'cached hr hit'])
  groups = []
  invalidate('hr')
  t.match(await review(token), { outcome: 'denied', reason: 'not-member' })
})

test('the audiences of a review are matched as for any answer; the client ID is none of them', async t => {
  const { review, rules } = await openSessions(t)
  t.notOk(Object.hasOwn((await review(await sessionToken(), ['api'])).status, 'audiences'))
  const credential = parseCredential(await sessionToken())
  for (const [audiences, expected] of [
    [['api'], { outcome: 'authenticated', status: { audiences: ['api'] } }],
    [['production'], { outcome: 'denied', reason: 'audience' }]
  ] as const) t.match(await reviewOf({ credential, audiences: [...audiences] }, new Deadline(60_000), { ...rules, audiences: ['api'] }), expected)
})

test('the life of the answer ends with the token or the account, whichever is first', async t => {
  const soon = new Date((NOW() + 60) * 1000)
  for (const [more, exp, expected] of [
    [{}, NOW() + 600, NOW() + 600], [{ expiresAt: soon }, NOW() + 600, NOW() + 60], [{ expiresAt: soon }, NOW() + 30, NOW() + 30]
  ] as const) {
    const { rules } = await openSessions(t, () => found({}, more))
    const credential = parseCredential(await sessionToken({ exp }))
    const [authenticator] = rules.sessions!.chainFor(credential)!
    const outcome = await authenticator!.authenticate({ credential, audiences: [], deadline: new Deadline(60_000) })
    t.equal((outcome as VettedAuthentication).expiresAt?.getTime(), expected * 1000)
  }
})

test('an account that expires while it is cached is denied from then on', async t => {
  const expiresAt = new Date(Date.now() + 50)
  const { review } = await openSessions(t, () => Date.now() < expiresAt.getTime() ? found({}, { expiresAt }) : { denied: 'expired' })
  const token = await sessionToken()
  t.match(await review(token), { outcome: 'authenticated' })
  while (Date.now() < expiresAt.getTime()) await setImmediate()
  t.match(await review(token), { outcome: 'denied', reason: 'expired', username: 'corp:alice' })
})

test('names that the guard drops are dropped', async t => {
  const { review } = await openSessions(t, () => found({ groups: ['developers', 'system:masters'] }), { corp: { groupPrefix: '' } })
  t.match(await review(await sessionToken()), { status: { user: { groups: ['developers'] } }, dropped: { group: ['system:masters'] } })
})

test('explained', async t => {
  const { review, explained, revoked } = await openSessions(t, () => ALICE, { explain: true })
  const token = await sessionToken({ iat: 1_700_000_000, exp: 4_102_444_800 })
  await review(token)
  t.strictSame(explained, ['corp: session token of corp:alice, issued at 2023-11-14T22:13:20.000Z, expires at 2100-01-01T00:00:00.000Z'])
  revoked.push(() => true)
  explained.length = 0
  await review(token)
  t.match(explained, [/^corp: session token/, 'corp: denied, revoked: the token is in the revocations file'])
  explained.length = 0
  await review(await sessionToken({}, {}, NEXT_KEY))
  t.match(explained, [/^corp: denied, unknown-key: no configured key has this "kid": compare sessions\.certFiles/])
  for (const sentence of explained) t.notMatch(sentence, token)
})
