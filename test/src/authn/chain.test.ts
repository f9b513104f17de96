import { test } from 'tap'
import { askChain, type Step } from '../../../src/authn/chain.js'
import { parseCredential } from '../../../src/authn/credential.js'
import { Deadline } from '../../../src/authn/deadline.js'
import type { Link } from '../../../src/authn/link.js'
import type { VettedAnswer } from '../../../src/authn/answer.js'
import { UnavailableError } from '../../../src/errors.js'
import { alice, basicToken, bob } from '../../fixtures/people.js'

const QUESTION = { credential: parseCredential(basicToken('bob', bob.password)), audiences: [], deadline: new Deadline(1000) }

const asked: string[] = []

/** One that answers at once. */
function link (provider: string, answer: VettedAnswer | Error, kind: Link['kind'] = 'token'): Link {
  return {
    provider,
    kind,
    ask () {
      asked.push(provider)
      if (answer instanceof Error) throw answer
      return answer
    }
  }
}

function later (link: Link): Link {
  return { ...link, ask: async question => await link.ask(question) }
}

/** Links answer from memory or from a source; what the chain says must not depend on it. */
const paces: Array<[pace: string, paced: (link: Link, index: number) => Link]> = [
  ['at once', link => link],
  ['later', later],
  ['the first later', (link, index) => index === 0 ? later(link) : link],
  ['the others later', (link, index) => index === 0 ? link : later(link)]
]

const ALICE = link('alice', { user: alice.user, audiences: ['ci'] })
const DENIES = link('denies', { denied: 'locked', username: 'bob' })
const UNKNOWN = link('unknown', null)
const DOWN = link('down', new UnavailableError('timeout'))
const BUSY = link('busy', new UnavailableError('busy'))

const isAlice = { outcome: 'authenticated', provider: 'alice', user: alice.user, audiences: ['ci'] }
const isDenied = { outcome: 'denied', provider: 'denies', reason: 'locked', username: 'bob' }
const isDown = { outcome: 'error', provider: 'down', reason: 'timeout', failure: undefined }

const chains: Array<[what: string, links: Link[], result: object, asked: string[]]> = [
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

for (const [what, links, result, order] of chains) {
  for (const [pace, paced] of paces) {
    test(`${what}, answered ${pace}`, async t => {
      asked.length = 0
      t.strictSame(await askChain(links.map(paced), QUESTION), result)
      t.strictSame(asked, order)
    })
  }
}

test('what is known at once takes no promise', async t => {
  t.strictSame(askChain([UNKNOWN, DOWN, ALICE], QUESTION), isAlice)
})

test('every link that was asked can be traced', async t => {
  const steps: Step[] = []
  const slowly = (link: Link): Link => ({ ...link, ask: async question => await new Promise(resolve => setTimeout(resolve, 30)).then(() => link.ask(question)) })
  const started = performance.now()
  await askChain([UNKNOWN, DOWN, ALICE].map(slowly), QUESTION, step => { steps.push(step) })
  const elapsed = (performance.now() - started) / 1000
  t.match(steps, [{ provider: 'unknown', kind: 'token', answer: null }, { provider: 'down', answer: { reason: 'timeout' } }, { provider: 'alice', answer: { user: alice.user } }])
  for (const { seconds } of steps) t.ok(seconds > 0.028, `${seconds} s`)
  t.ok(steps.reduce((sum, { seconds }) => sum + seconds, 0) <= elapsed, 'each for itself')
})

test('a bug is not taken for an outage', async t => {
  const buggy = link('buggy', new TypeError('x is undefined'))
  t.throws(() => askChain([buggy], QUESTION), { name: 'TypeError' })
  await t.rejects(async () => await askChain([later(buggy)], QUESTION), { name: 'TypeError' })
})
