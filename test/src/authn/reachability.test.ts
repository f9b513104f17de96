import { setImmediate as nextTurn } from 'node:timers/promises'
import { test } from 'tap'
import { Reachability } from '../../../src/authn/reachability.js'

/** A source whose pings end when the test says so. */
function source ({ timeout = 60_000 } = {}) {
  const pings: Array<PromiseWithResolvers> = []
  const errors: unknown[] = []
  const clock = { now: 1_000 }
  const reachability = new Reachability({
    ping: async () => {
      const ping = withResolvers()
      pings.push(ping)
      await ping.promise
    },
    onUnreachable: error => { errors.push(error) },
    timeout,
    life: 5_000,
    now: () => clock.now
  })
  return { pings, errors, clock, check: async () => await reachability.check() }
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

function withResolvers (): PromiseWithResolvers {
  let [resolve, reject]: [() => void, (error: Error) => void] = [() => {}, () => {}]
  const promise = new Promise<void>((_resolve, _reject) => { [resolve, reject] = [_resolve, _reject] })
  return { promise, resolve, reject }
}

test('one ping for everybody who asks at once', async t => {
  const { pings, check } = source()
  const asked = Array.from({ length: 100 }, check)
  t.equal(pings.length, 1)
  pings[0]!.resolve()
  t.strictSame(new Set(await Promise.all(asked)), new Set([true]))
})

test('its result is shared for a while, be it good or bad', async t => {
  const { pings, errors, clock, check } = source()
  const first = check()
  pings[0]!.reject(new Error('out of reach'))
  t.equal(await first, false)
  clock.now += 4_999
  t.equal(await check(), false)
  t.equal(pings.length, 1)
  t.strictSame(errors.map(error => (error as Error).message), ['out of reach'], 'told once')
  clock.now += 1
  const second = check()
  t.equal(pings.length, 2)
  // life begins when the result is there, not when it is asked for
  clock.now += 60_000
  pings[1]!.resolve()
  t.equal(await second, true)
  clock.now += 4_999
  t.equal(await check(), true)
  t.equal(pings.length, 2)
})

test('a ping that ignores its signal keeps nobody waiting, and no other one is sent beside it', async t => {
  const { pings, errors, clock, check } = source({ timeout: 20 })
  t.strictSame(await Promise.all([check(), check()]), [false, false])
  t.equal(errors.length, 1)
  for (let round = 0; round < 3; round++) {
    clock.now += 10_000
    t.equal(await check(), false)
  }
  t.equal(pings.length, 1)
  pings[0]!.resolve()
  await nextTurn()
  clock.now += 10_000
  const recovered = check()
  t.equal(pings.length, 2)
  pings[1]!.resolve()
  t.equal(await recovered, true, 'once it has ended')
})

test('without a clock of the test a result is shared for five seconds', async t => {
  const clock = { now: performance.now() }
  t.intercept(performance, 'now', { value: () => clock.now })
  let pings = 0
  const reachability = new Reachability({ ping: () => { pings++ }, onUnreachable: () => {} })
  for (const [passed, expected] of [[0, 1], [4_999, 1], [1, 2], [4_999, 2], [1, 3]] as const) {
    clock.now += passed
    t.equal(await reachability.check(), true)
    t.equal(pings, expected)
  }
})

test('a ping is told when its time is over, and may throw at once', async t => {
  let signal: AbortSignal | undefined
  const slow = new Reachability({ ping: async given => { signal = given; await new Promise(resolve => { given.addEventListener('abort', resolve) }); given.throwIfAborted() }, onUnreachable: () => {}, timeout: 20 })
  t.equal(await slow.check(), false)
  t.equal(signal?.aborted, true)
  t.equal(await new Reachability({ ping: () => { throw new Error('at once') }, onUnreachable: () => {} }).check(), false)
  t.equal(await new Reachability({ ping: () => {}, onUnreachable: () => {} }).check(), true)
})
