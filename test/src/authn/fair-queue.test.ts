import { test } from 'tap'
import { FairQueue, type Waiter } from '../../../src/authn/fair-queue.js'

/** A queue, and what became of those in it: `alice 1 enters`. */
function build () {
  const queue = new FairQueue()
  const events: string[] = []
  const add = (caller: string, name: string, decoy = false): Waiter => {
    const waiter = {
      caller,
      decoy,
      enter: () => { events.push(`${caller} ${name} enters`) },
      refuse: () => { events.push(`${caller} ${name} is refused`) }
    }
    queue.add(waiter)
    return waiter
  }
  return { queue, events, add }
}

test('callers take turns, each in the order of its own waiters', async t => {
  const { queue, events, add } = build()
  for (const name of ['1', '2', '3']) add('alice', name)
  add('bob', '1')
  add('carol', '1')
  t.equal(queue.length, 5)
  for (let left = 4; left >= 0; left--) {
    t.equal(queue.next(), true)
    t.equal(queue.length, left)
  }
  t.strictSame(events, ['alice 1 enters', 'bob 1 enters', 'carol 1 enters', 'alice 2 enters', 'alice 3 enters'])
  t.equal(queue.next(), false, 'nobody is left')
})

test('who leaves and comes back has no earlier turn for it', async t => {
  const { queue, events, add } = build()
  queue.remove(add('alice', '1'))
  add('bob', '1')
  add('alice', '2')
  queue.next()
  t.strictSame(events, ['bob 1 enters'])
})

test('decoys enter with the waiter behind them, and count for nothing', async t => {
  const { queue, events, add } = build()
  add('alice', 'decoy', true)
  const other = add('alice', 'other decoy', true)
  add('alice', '1')
  add('alice', 'last decoy', true)
  t.equal(queue.length, 1)
  queue.remove(other)
  t.equal(queue.length, 1)
  t.equal(queue.next(), true)
  t.strictSame(events.splice(0), ['alice decoy enters', 'alice 1 enters'])
  t.equal(queue.length, 0)
  t.equal(queue.next(), false, 'a decoy takes no place')
  t.strictSame(events, ['alice last decoy enters'])
  t.equal(queue.length, 0)
})

test('who is not there can be removed, and nothing happens', async t => {
  const { queue, add } = build()
  const waiter = add('alice', '1')
  add('alice', '2')
  queue.remove(waiter)
  queue.remove(waiter)
  t.equal(queue.length, 1)
  queue.next()
  queue.remove(waiter)
  t.equal(queue.length, 0)
})

test('who has at least two more than a caller makes room for it', async t => {
  const { queue, add } = build()
  t.equal(queue.rivalOf('alice'), undefined)
  add('bob', '1')
  t.equal(queue.rivalOf('alice'), undefined, 'one more')
  add('bob', '2')
  t.equal(queue.rivalOf('alice'), 'bob')
  add('alice', '1')
  t.equal(queue.rivalOf('alice'), undefined)
  for (const name of ['1', '2', '3', '4']) add('carol', name)
  add('dave', 'decoy', true)
  t.equal(queue.rivalOf('alice'), 'carol', 'who has most')
  t.equal(queue.rivalOf('carol'), undefined)
})

test('the last waiter is pushed out, and the decoys behind it', async t => {
  const { queue, events, add } = build()
  add('alice', '1')
  add('alice', '2')
  add('alice', 'decoy', true)
  queue.pushOut('alice')
  t.strictSame(events, ['alice decoy is refused', 'alice 2 is refused'])
  t.equal(queue.length, 1)
  queue.pushOut('nobody')
  t.equal(queue.length, 1)
})
