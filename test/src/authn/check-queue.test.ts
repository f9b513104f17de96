/** Whose check runs when, and what a check that is not made looks like from outside. */
import { getEventListeners, setMaxListeners } from 'node:events'
import { setImmediate as tick } from 'node:timers/promises'
import { test, type Test } from 'tap'
import { CheckQueue, type CheckQueueOptions } from '../../../src/authn/check-queue.js'
import { CheckTimes } from '../../../src/authn/check-times.js'
import type { CheckOutcome } from '../../../src/authn/provider.js'
import { UnavailableError } from '../../../src/errors.js'

const NEVER = new AbortController().signal
setMaxListeners(0, NEVER)
const busy = new UnavailableError('busy')
const outOfTime = new UnavailableError('deadline')

function build (t: Test, options: Partial<CheckQueueOptions> = {}) {
  const events: string[] = []
  const ends = new Map<string, (outcome: CheckOutcome) => void>()
  const sleepers: Array<() => void> = []
  const queue = new CheckQueue({
    maxConcurrent: 1,
    maxQueue: 4,
    sleep: async () => { await new Promise<void>(resolve => { sleepers.push(resolve) }) },
    ...options
  })
  let over = false
  // a check that hangs keeps the process for a minute
  t.teardown(() => {
    over = true
    for (const end of ends.values()) end('incorrect')
  })
  const check = (name: string) => async () => {
    if (over) return 'incorrect'
    events.push(`${name} runs`)
    return await new Promise<CheckOutcome>(resolve => { ends.set(name, resolve) })
  }
  const note = (name: string, work: Promise<unknown>) => {
    work.then(() => { events.push(`${name} ends`) }, (error: Error) => { events.push(`${name} ${error.message}`) })
  }
  return {
    queue,
    /** Since the last call; what happens in one turn is sorted. */
    seen: async () => {
      await tick()
      return events.splice(0).toSorted()
    },
    account: (name: string, caller = 'one', signal = NEVER) => { note(name, queue.run(check(name), { signal, caller })) },
    decoy: (name: string, caller = 'one', signal = NEVER) => { note(name, queue.spend(check(name), { signal, caller })) },
    end: (name: string, outcome: CheckOutcome = 'incorrect') => { ends.get(name)!(outcome) },
    /** All that sleep now. */
    wake: () => {
      const awake = sleepers.splice(0)
      for (const resolve of awake) resolve()
      return awake.length
    },
    /** So that it knows how long a check takes. */
    warm: async () => { await queue.run(async () => 'incorrect', { signal: NEVER, caller: 'warm' }) }
  }
}

test('a signal that goes on keeps no listener of a check that had its turn, or was refused one', async t => {
  const { account, end, seen } = build(t, { maxQueue: 2 })
  const { signal } = new AbortController()
  account('a1', 'a')
  account('a2', 'a', signal)
  account('a3', 'a', signal)
  account('b1', 'b')
  t.strictSame(await seen(), ['a1 runs', 'a3 busy'], 'the last of who has most makes room')
  t.equal(getEventListeners(signal, 'abort').length, 1)
  end('a1')
  t.strictSame(await seen(), ['a1 ends', 'a2 runs'])
  t.equal(getEventListeners(signal, 'abort').length, 0)
})

test('callers take turns', async t => {
  const { account, end, seen } = build(t, { maxQueue: 10 })
  for (const name of ['a1', 'a2', 'a3', 'a4']) account(name, 'a')
  for (const name of ['b1', 'b2']) account(name, 'b')
  account('c1', 'c')
  const order: string[] = []
  for (let turn = 0; turn < 7; turn++) {
    const [running] = (await seen()).filter(event => event.endsWith('runs'))
    order.push(running!.replace(' runs', ''))
    end(order.at(-1)!)
  }
  t.strictSame(order, ['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4'])
})

test('a full queue', async t => {
  t.test('refuses the one caller who filled it', async t => {
    const { account, seen } = build(t, { maxQueue: 2 })
    for (const name of ['a1', 'a2', 'a3', 'a4']) account(name, 'a')
    t.strictSame(await seen(), ['a1 runs', 'a4 busy'])
  })

  t.test('makes room for another caller, until both have the same share', async t => {
    const { account, seen } = build(t)
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5']) account(name, 'a')
    await seen()
    for (const name of ['b1', 'b2', 'b3']) account(name, 'b')
    t.strictSame(await seen(), ['a4 busy', 'a5 busy', 'b3 busy'], 'the last ones of the first go')
  })

  t.test('of nobody takes nobody', async t => {
    const { account, decoy, seen, warm } = build(t, { maxQueue: 0 })
    await warm()
    account('a1')
    account('a2')
    decoy('d1', 'b')
    t.strictSame(await seen(), ['a1 runs', 'a2 busy', 'd1 busy'])
  })
})

test('a decoy', async t => {
  t.test('is computed where a place is free, one at a time', async t => {
    const { decoy, end, seen, wake, warm } = build(t, { maxConcurrent: 3 })
    await warm()
    for (const name of ['d1', 'd2', 'd3']) decoy(name)
    t.strictSame(await seen(), ['d1 runs'])
    t.equal(wake(), 2, 'the others sleep')
    t.strictSame(await seen(), ['d2 ends', 'd3 ends'])
    end('d1')
    t.strictSame(await seen(), ['d1 ends'])
    decoy('d4')
    t.strictSame(await seen(), ['d4 runs'])
  })

  t.test('takes no place of an account\'s, however many there are', async t => {
    const { account, decoy, end, seen, wake, warm } = build(t)
    await warm()
    for (let index = 0; index < 200; index++) decoy(`d${index}`)
    t.strictSame(await seen(), ['d0 runs'])
    for (const name of ['a1', 'a2', 'a3', 'a4']) account(name)
    t.strictSame(await seen(), [], 'none is refused')
    end('d0')
    t.strictSame(await seen(), ['a1 runs', 'd0 ends'], 'and the first one runs next')
    t.equal(wake(), 199)
  })

  t.test('waits for the turn that an account would have had, and passes the place on', async t => {
    const { account, decoy, end, seen, wake, warm } = build(t)
    await warm()
    account('a1')
    account('a2')
    decoy('d1')
    account('a3')
    t.strictSame(await seen(), ['a1 runs'])
    t.equal(wake(), 0)
    end('a1')
    t.strictSame(await seen(), ['a1 ends', 'a2 runs'])
    t.equal(wake(), 0, 'not yet its turn')
    end('a2')
    t.strictSame(await seen(), ['a2 ends', 'a3 runs'])
    t.equal(wake(), 1)
    t.strictSame(await seen(), ['d1 ends'])
  })

  t.test('is refused when an account is: in a full queue, and when it has to make room', async t => {
    const { account, decoy, seen, warm } = build(t, { maxQueue: 2 })
    await warm()
    for (const name of ['a1', 'a2', 'a3']) account(name, 'a')
    decoy('d1', 'a')
    t.strictSame(await seen(), ['a1 runs', 'd1 busy'])
    const world = build(t, { maxQueue: 2 })
    await world.warm()
    for (const name of ['a1', 'a2']) world.account(name, 'a')
    world.decoy('d1', 'a')
    world.account('a3', 'a')
    world.decoy('d2', 'b')
    t.strictSame(await world.seen(), ['a1 runs'], 'one of another caller would find room')
    world.account('b1', 'b')
    t.strictSame(await world.seen(), ['a3 busy'])
    const tail = build(t, { maxQueue: 4 })
    await tail.warm()
    for (const name of ['a1', 'a2', 'a3', 'a4']) tail.account(name, 'a')
    tail.decoy('d1', 'a')
    tail.account('b1', 'b')
    await tail.seen()
    tail.account('c1', 'c')
    t.strictSame(await tail.seen(), ['a4 busy', 'd1 busy'], 'one that came later fares no better')
  })

  t.test('leaves the queue when nobody waits for it any more', async t => {
    const { account, decoy, end, seen, wake, warm } = build(t)
    await warm()
    const caller = new AbortController()
    account('a1')
    decoy('d1', 'one', caller.signal)
    caller.abort()
    t.strictSame(await seen(), ['a1 runs', 'd1 deadline'])
    end('a1')
    await seen()
    t.equal(wake(), 0)
  })

  t.test('once it sleeps, sleeps on: leaving early is no way around the count', async t => {
    const { decoy, seen, wake, warm } = build(t, { maxConcurrent: 2 })
    await warm()
    const caller = new AbortController()
    decoy('d1')
    decoy('d2', 'one', caller.signal)
    await seen()
    caller.abort()
    t.strictSame(await seen(), [])
    wake()
    t.strictSame(await seen(), ['d2 ends'])
  })

  t.test('is refused for who has left before', async t => {
    const { queue, warm } = build(t)
    await warm()
    await t.rejects(queue.spend(undefined, { signal: AbortSignal.abort(), caller: '' }), outOfTime)
  })

  t.test('has a bound of its own, which no account feels', async t => {
    const { account, queue, seen, wake, warm } = build(t, { maxConcurrent: 2 })
    await warm()
    const spent = Array.from({ length: 1024 }, async () => { await queue.spend(undefined, { signal: NEVER, caller: 'one' }) })
    await t.rejects(queue.spend(undefined, { signal: NEVER, caller: 'two' }), busy)
    account('a1')
    t.strictSame(await seen(), ['a1 runs'])
    t.equal(wake(), 1024)
    await Promise.all(spent)
    const again = queue.spend(undefined, { signal: NEVER, caller: 'two' })
    wake()
    await again
  })

  t.test('is a check like any other as long as nobody knows what one takes', async t => {
    const { decoy, end, seen, wake } = build(t, { maxConcurrent: 3 })
    decoy('d1')
    decoy('d2')
    t.strictSame(await seen(), ['d1 runs', 'd2 runs'])
    end('d1')
    await seen()
    decoy('d3')
    decoy('d4')
    t.strictSame(await seen(), ['d3 runs'])
    t.equal(wake(), 1)
  })

  t.test('sleeps as long as checks take', async t => {
    const slept: number[] = []
    const { queue } = build(t, { sleep: async milliseconds => { slept.push(milliseconds) } })
    await queue.spend(undefined, { signal: NEVER, caller: '' })
    t.strictSame(slept, [0], 'nobody knows how long')
    const started = performance.now()
    await queue.run(async () => {
      const begun = performance.now()
      while (performance.now() - begun < 5) await tick()
      return 'incorrect'
    }, { signal: NEVER, caller: '' })
    await queue.spend(undefined, { signal: NEVER, caller: '' })
    t.ok(slept[1]! >= 5 && slept[1]! <= performance.now() - started, `${slept[1]} ms`)
  })
})

test('times of checks', async t => {
  const draws = (times: CheckTimes): number[] => Array.from({ length: 100 }, () => times.draw()!)
  let turn = 0
  const times = new CheckTimes(() => turn++ % 100 / 100)
  t.equal(times.draw(), undefined)
  times.record('correct', 1)
  t.strictSame(new Set(draws(times)), new Set([1]), 'of a right password where there is no other')
  for (const time of [40, 10, 20, 30]) times.record('incorrect', time)
  t.strictSame(new Set(draws(times)), new Set([20, 30]), 'without outliers')
  for (let index = 0; index < 16; index++) times.record('incorrect', 5)
  t.strictSame(new Set(draws(times)), new Set([5]), 'the latest count')
})

test('a check that is not counted has no time', async t => {
  const times = new CheckTimes()
  times.record('uncounted', 1_000)
  t.equal(times.draw(), undefined)
})

test('sixteen times are kept', async t => {
  const times = new CheckTimes(() => 0.999)
  for (let time = 0; time < 16; time++) times.record('incorrect', time)
  t.equal(times.draw(), 11, 'the last before the outer quarter')
  const lowest = new CheckTimes(() => 0)
  for (const time of [...Array<number>(16).fill(1), ...Array<number>(16).fill(100)]) lowest.record('incorrect', time)
  t.equal(lowest.draw(), 100, 'and no older ones')
})
