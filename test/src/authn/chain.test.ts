import { test } from 'tap'
import type { Outcome } from '../../../src/authn/answer.js'
import type { Authenticator } from '../../../src/authn/authenticator.js'
import { authenticate, type ChainStep } from '../../../src/authn/chain.js'
import { parseCredential } from '../../../src/authn/credential.js'
import { Deadline } from '../../../src/authn/deadline.js'
import { alice, basicToken, bob } from '../../fixtures/people.js'

const QUESTION = { credential: parseCredential(basicToken('bob', bob.password)), audiences: [], deadline: new Deadline(1000) }

const asked: string[] = []

/** One that answers from memory. */
function authenticator (provider: string, outcome: Outcome): Authenticator {
  return {
    provider,
    credentialType: 'token',
    lookUp () {
      asked.push(provider)
      return outcome
    },
    authenticate: async () => { throw new Error('it has answered already') }
  }
}

/** One that only its source can answer. */
function later (authenticator: Authenticator): Authenticator {
  return { ...authenticator, lookUp: () => undefined, authenticate: async question => authenticator.lookUp(question)! }
}

/** Authenticators answer from memory or from a source; what the chain says must not depend on it. */
const paces: Array<[pace: string, paced: (authenticator: Authenticator, index: number) => Authenticator]> = [
  ['from memory', each => each],
  ['later', later],
  ['the first later', (each, index) => index === 0 ? later(each) : each],
  ['the others later', (each, index) => index === 0 ? each : later(each)]
]

const ALICE = authenticator('alice', { user: alice.user, audiences: ['ci'] })
const DENIES = authenticator('denies', { denied: 'locked', username: 'bob' })
const UNKNOWN = authenticator('unknown', null)
const DOWN = authenticator('down', { unavailable: 'timeout' })
const BUSY = authenticator('busy', { unavailable: 'busy' })

const isAlice = { outcome: 'authenticated', provider: 'alice', user: alice.user, audiences: ['ci'], dropped: undefined, passwordVersion: undefined }
const isDenied = { outcome: 'denied', provider: 'denies', reason: 'locked', username: 'bob' }
const isDown = { outcome: 'unavailable', provider: 'down', reason: 'timeout', failure: undefined }

const chains: Array<[what: string, chain: Authenticator[], result: object, asked: string[]]> = [
  ['nobody', [], { outcome: 'denied', provider: undefined, reason: 'unknown' }, []],
  ['one who does not know', [UNKNOWN], { outcome: 'denied', provider: undefined, reason: 'unknown' }, ['unknown']],
  ['one who knows, behind one who does not', [UNKNOWN, ALICE], isAlice, ['unknown', 'alice']],
  ['a denial ends it', [DENIES, ALICE], isDenied, ['denies']],
  ['an authentication ends it', [ALICE, DENIES], isAlice, ['alice']],
  ['an authentication makes up for an outage before it', [DOWN, ALICE], isAlice, ['down', 'alice']],
  ['an outage stays one when nobody else knows', [DOWN, UNKNOWN], isDown, ['down', 'unknown']],
  ['an outage stays one when a later one denies', [DOWN, DENIES, ALICE], isDown, ['down', 'denies']],
  ['of two outages the first is told', [DOWN, BUSY], isDown, ['down', 'busy']]
]

for (const [what, chain, result, order] of chains) {
  for (const [pace, paced] of paces) {
    test(`${what}, answered ${pace}`, async t => {
      asked.length = 0
      t.strictSame(await authenticate(chain.map(paced), QUESTION), result)
      t.strictSame(asked, order)
    })
  }
}

test('every authenticator that was asked can be traced', async t => {
  const steps: ChainStep[] = []
  await authenticate([UNKNOWN, DOWN, ALICE].map(later), QUESTION, step => { steps.push(step) })
  t.match(steps, [{ provider: 'unknown', credentialType: 'token', outcome: null }, { provider: 'down', outcome: { unavailable: 'timeout' } }, { provider: 'alice', outcome: { user: alice.user } }])
})

test('what was dropped comes with the user, and so does the version of the password', async t => {
  const dropped = { uid: [], group: ['system:masters'], extra: [] }
  t.strictSame(await authenticate([authenticator('alice', { user: alice.user, dropped, passwordVersion: 'v1' })], QUESTION), { outcome: 'authenticated', provider: 'alice', user: alice.user, audiences: undefined, dropped, passwordVersion: 'v1' })
})

test('the time of a step is that of its authenticator, in seconds', async t => {
  const clock = { now: 1_000 }
  t.intercept(performance, 'now', { value: () => clock.now })
  const steps: ChainStep[] = []
  const slow: Authenticator = { ...later(UNKNOWN), authenticate: async () => { clock.now += 250; return null } }
  await authenticate([slow, ALICE], QUESTION, step => { steps.push(step) })
  t.strictSame(steps.map(({ seconds }) => seconds), [0.25, 0])
})
