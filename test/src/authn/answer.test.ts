import { test } from 'tap'
import { isVettedDenial, vetAnswer } from '../../../src/authn/answer.js'
import { immutable } from '../../../src/authn/immutable.js'
import type { Authentication } from '../../../src/authn/provider.js'
import { recordingObserver } from '../../fixtures/observer.js'
import { alice } from '../../fixtures/people.js'

const RULES = { usernamePrefix: '', groupPrefix: '', reserved: { allowUsers: [], allowGroups: [] } }

function vet (answer: unknown, rules = RULES): { answer: ReturnType<typeof vetAnswer>, events: string[] } {
  const observer = recordingObserver()
  return { answer: vetAnswer('people', answer, rules, observer), events: observer.events }
}

test('"not mine" passes', async t => {
  t.strictSame(vet(null), { answer: null, events: [] })
})

test('a denial passes with its reason and the account that was found', async t => {
  t.strictSame(vet({ denied: 'locked', username: 'alice' }).answer, { denied: 'locked', username: 'alice' })
  t.strictSame(vet({ denied: 'expired' }).answer, { denied: 'expired' })
})

test('an authentication passes with everything that it carries', async t => {
  const expiresAt = new Date('2027-01-01T00:00:00Z')
  const { answer } = vet({ user: alice.user, audiences: ['ci'], expiresAt, cacheable: false })
  t.strictSame(answer, { user: alice.user, audiences: ['ci'], expiresAt, cacheable: false })
})

test('a provider that changes its answer afterwards changes nothing', async t => {
  const given = { user: { ...alice.user, groups: ['dev'], extra: { team: ['platform'] } }, audiences: ['ci'], expiresAt: new Date('2027-01-01T00:00:00Z') }
  const { answer } = vet(given)
  given.audiences.push('vault')
  given.expiresAt.setFullYear(2037)
  given.user.groups.push('ops')
  given.user.extra.team.push('on-call')
  t.strictSame(answer, { user: { ...alice.user, groups: ['dev'], extra: { team: ['platform'] } }, audiences: ['ci'], expiresAt: new Date('2027-01-01T00:00:00Z'), cacheable: undefined })
})

test('a user with a reserved name is denied and counted', async t => {
  t.strictSame(vet({ user: { username: 'system:admin' } }), { answer: { denied: 'reserved-name', username: 'system:admin' }, events: ['reserved people user 1'] })
})

test('a username that is no name is denied, counted and not repeated', async t => {
  t.strictSame(vet({ user: { username: 'alice\n' } }), { answer: { denied: 'invalid-name' }, events: ['reserved people user 1'] })
  t.strictSame(vet({ user: { username: '' } }).answer, { denied: 'invalid-name' })
})

test('dropped groups, uids and extra keys are counted by kind', async t => {
  const user = { username: 'alice', uid: '\n', groups: ['system:masters', '', 'dev'], extra: { 'kubernetes.io/x': ['1'], ok: ['1'] } }
  const { answer, events } = vet({ user })
  t.strictSame(answer, { user: { username: 'alice', groups: ['dev'], extra: { ok: ['1'] } }, audiences: undefined, expiresAt: undefined, cacheable: undefined, dropped: { uid: ['\n'], group: ['', 'system:masters'], extra: ['kubernetes.io/x'] } })
  t.strictSame(events, ['reserved people uid 1', 'reserved people group 2', 'reserved people extra 1'])
})

test('one dropped name of each kind is enough to be told', async t => {
  for (const [user, dropped] of [
    [{ username: 'alice', uid: '\n' }, { uid: ['\n'], group: [], extra: [] }],
    [{ username: 'alice', groups: ['system:masters'] }, { uid: [], group: ['system:masters'], extra: [] }],
    [{ username: 'alice', extra: { 'k8s.io/x': ['1'] } }, { uid: [], group: [], extra: ['k8s.io/x'] }],
    [{ username: 'alice', groups: ['system:masters'], extra: { 'k8s.io/x': ['1'] } }, { uid: [], group: ['system:masters'], extra: ['k8s.io/x'] }]
  ] as const) t.match(vet({ user }).answer, { dropped })
})

test('"not mine" is no denial', async t => {
  t.equal(isVettedDenial(null), false)
})

test('a user that cannot change is mapped once, and counted each time', async t => {
  const user = immutable({ username: 'alice', groups: ['system:masters', 'dev'] })
  for (const names of [RULES, { ...RULES, groupPrefix: 'corp:' }, RULES]) {
    const { answer, events } = vet({ user }, names)
    t.match(answer, { user: { username: 'alice', groups: names === RULES ? ['dev'] : ['corp:system:masters', 'corp:dev'] } })
    t.strictSame(events, names === RULES ? ['reserved people group 1'] : [], 'other rules are another question')
  }
  t.equal((vet({ user }).answer as Authentication).user, (vet({ user }).answer as Authentication).user)
  const reserved = immutable({ username: 'system:admin' })
  for (const round of [1, 2]) t.strictSame(vet({ user: reserved }), { answer: { denied: 'reserved-name', username: 'system:admin' }, events: ['reserved people user 1'] }, `round ${round}`)
})

test('a user that can change is mapped each time', async t => {
  const user = { username: 'alice', groups: ['dev'] }
  const first = vet({ user }).answer
  user.groups.push('ops')
  t.match(vet({ user }).answer, { user: { groups: ['dev', 'ops'] } })
  t.match(first, { user: { groups: ['dev'] } }, 'and what was given before stays what it was')
})

test('a prefix takes a name out of reach of the reserved ones', async t => {
  const { answer } = vet({ user: { username: 'system:admin', groups: ['system:masters'] } }, { ...RULES, usernamePrefix: 'corp:', groupPrefix: 'corp:' })
  t.match(answer, { user: { username: 'corp:system:admin', groups: ['corp:system:masters'] } })
})

const broken: Array<[what: string, answer: unknown]> = [
  ['nothing at all', undefined],
  ['a boolean', true],
  ['a string', 'alice'],
  ['an empty object', {}],
  ['a user that is a string', { user: 'alice' }],
  ['a user that is null', { user: null }],
  ['extra that is null', { user: { username: 'alice', extra: null } }],
  ['extra that is a number', { user: { username: 'alice', extra: 7 } }],
  ['extra that is an empty string', { user: { username: 'alice', extra: '' } }],
  ['a user without a name', { user: { groups: ['dev'] } }],
  ['a numeric uid', { user: { username: 'alice', uid: 1001 } }],
  ['groups that are one string', { user: { username: 'alice', groups: 'dev' } }],
  ['groups with a hole', { user: { username: 'alice', groups: [null] } }],
  ['extra that is a bare string', { user: { username: 'alice', extra: { team: 'platform' } } }],
  ['audiences that are one string', { user: { username: 'alice' }, audiences: 'ci' }],
  ['an expiry that is a string', { user: { username: 'alice' }, expiresAt: '2027-01-01' }],
  ['an expiry that is no date', { user: { username: 'alice' }, expiresAt: new Date('never') }],
  ['cacheable that is a word', { user: { username: 'alice' }, cacheable: 'no' }],
  ['a denial without a known reason', { denied: 'because' }],
  ['a denial that is true', { denied: true }],
  ['our own reasons', { denied: 'reserved-name' }]
]

for (const [what, answer] of broken) {
  test(`${what} breaks the contract`, async t => {
    t.throws(() => vet(answer), { name: 'TypeError', message: /broke its contract: \S/ })
  })
}
