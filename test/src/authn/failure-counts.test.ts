import { test } from 'tap'
import { FailureCounts, type FailureLimits } from '../../../src/authn/failure-counts.js'

const MINUTE = 60_000

function build (limits: Partial<FailureLimits> = {}) {
  const clock = { now: 12_345.5 }
  const counts = new FailureCounts({ maxFailures: 5, baseDelay: 1_000, maxDelay: 5 * MINUTE, now: () => clock.now, ...limits })
  return { counts, clock }
}

test('a count goes no higher than the longest delay needs', async t => {
  for (const [limits, most] of [
    [{}, 15],
    [{ baseDelay: 0 }, 6],
    [{ baseDelay: 0, maxDelay: 0 }, 0],
    [{ baseDelay: MINUTE, maxDelay: MINUTE }, 6],
    [{ baseDelay: MINUTE, maxDelay: 1_000 }, 6],
    [{ maxFailures: 1, baseDelay: 1_000, maxDelay: 2_000 }, 3]
  ] as const) {
    const { counts } = build(limits)
    for (let failures = 0; failures < 40; failures++) counts.add('alice')
    t.equal(counts.of('alice'), most, JSON.stringify(limits))
  }
})

test('when memory is full, the lowest and oldest count goes', async t => {
  const { counts, clock } = build({ maxAccounts: 3 })
  for (const name of ['alice', 'alice', 'bob', 'carol', 'dave']) {
    clock.now++
    counts.add(name)
  }
  t.strictSame(['alice', 'bob', 'carol', 'dave'].map(name => counts.of(name)), [2, 0, 1, 1])
  counts.add('carol')
  counts.add('erin')
  t.strictSame(['alice', 'carol', 'dave', 'erin'].map(name => counts.of(name)), [2, 2, 0, 1])
})

test('when memory is full, a count that is over goes first', async t => {
  const { counts, clock } = build({ maxAccounts: 2 })
  for (const name of ['alice', 'alice', 'bob']) counts.add(name)
  clock.now += 5 * MINUTE
  counts.add('bob')
  counts.add('bob')
  counts.add('bob')
  clock.now += 5 * MINUTE
  t.equal(counts.of('alice'), 0)
  counts.add('carol')
  t.strictSame(['bob', 'carol'].map(name => counts.of(name)), [3, 1])
})

test('eight guesses are known, and one without a digest is none of them', async t => {
  const { counts } = build({ maxFailures: 50 })
  counts.add('alice')
  for (let guess = 1; guess <= 8; guess++) counts.add('alice', guess)
  counts.add('alice')
  t.equal(counts.of('alice'), 10)
  for (let guess = 1; guess <= 8; guess++) counts.add('alice', guess)
  t.equal(counts.of('alice'), 10)
  counts.add('alice', 9)
  counts.add('alice', 2)
  t.equal(counts.of('alice'), 11)
  counts.add('alice', 1)
  t.equal(counts.of('alice'), 12, 'forgotten for the ninth')
})

test('forgetting one leaves the others', async t => {
  const { counts } = build()
  for (const name of ['alice', 'bob']) counts.add(name)
  counts.forget('alice')
  counts.forget('nobody')
  t.strictSame(['alice', 'bob'].map(name => counts.of(name)), [0, 1])
})
