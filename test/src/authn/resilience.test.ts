import { getEventListeners } from 'node:events'
import { setImmediate as tick, setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { isUnavailable, isVettedDenial, type Outcome } from '../../../src/authn/answer.js'
import type { WithoutPermit } from '../../../src/authn/semaphore.js'
import { Resilience, type ResilienceOptions } from '../../../src/authn/resilience.js'
import { UnavailableError, type UnavailableReason } from '../../../src/errors.js'

const PAUSE = 10_000

/** For calls that take for ever. All others have more time than a busy machine can take. */
const SHORT = { timeout: 10 }

function build (options: Partial<ResilienceOptions> = {}) {
  const clock = { now: 12_345.5 }
  const states: string[] = []
  const resilience = new Resilience({
    timeout: 60_000,
    maxConcurrent: 10,
    failureThreshold: 3,
    pause: PAUSE,
    onStateChange: (state) => { states.push(state) },
    now: () => clock.now,
    ...options
  })
  const fail = async (times: number) => {
    for (let i = 0; i < times; i++) await run(resilience, refuse)
  }
  /** How a call ends: its value, or why the provider is unavailable. */
  const outcome = async (call: Call, asked = new AbortController()) => {
    const ended = await run(resilience, call, asked)
    if (ended === null) return null
    if (isUnavailable(ended)) return ended.unavailable
    return isVettedDenial(ended) ? ended.denied : ended.user.username
  }
  return { resilience, clock, states, fail, outcome }
}

type Call = (signal: AbortSignal, apart: WithoutPermit) => Promise<unknown>

/** What the call gives is the name of a user; `null`: it knows none. */
async function run (resilience: Resilience, call: Call, asked = new AbortController()): Promise<Outcome> {
  return await resilience.run(asked, async (signal, apart) => {
    const username = await call(signal, apart)
    return username === null ? null : { user: { username: String(username) } }
  })
}

const answer = async () => 'alice'
const refuse = async () => { throw new Error('connection refused') }
/** Ignores its signal. */
const hang = async () => await new Promise<never>(() => {})
/** As `fetch` does. */
const obey = async (signal: AbortSignal) => await new Promise<never>((_resolve, reject) => {
  signal.addEventListener('abort', () => { reject(new DOMException('stopped', 'AbortError')) })
})
const throwing = (reason: UnavailableReason) => async () => { throw new UnavailableError(reason) }

function aborted (): AbortController {
  const asked = new AbortController()
  asked.abort()
  return asked
}

/** A caller who leaves while the call is under way. */
function leaving (call: Call): [Call, AbortController] {
  const caller = new AbortController()
  return [async (signal, apart) => {
    setImmediate(() => { caller.abort() })
    return await call(signal, apart)
  }, caller]
}

test('what a caller gets', async (t) => {
  const cases: Array<[string, unknown, boolean, Call, AbortController?]> = [
    // how it ends, and whether the breaker counts it
    ['an answer', 'alice', false, answer],
    ['an answer that takes a while', 'bob', false, async () => await sleep(2, 'bob')],
    ['not mine', null, false, async () => null],
    ['an error', 'failed', true, refuse],
    ['an error before there is a promise', 'failed', true, () => { throw new TypeError('a bug') }],
    ['something that is no error', 'failed', true, async () => await Promise.reject('no')], // eslint-disable-line prefer-promise-reject-errors
    ['a provider that hangs', 'timeout', true, hang],
    ['a provider that stops when it is told to', 'timeout', true, obey],
    ['a provider whose own timeout came first', 'timeout', true, throwing('timeout')],
    ['an answer that breaks the contract', 'failed', true, throwing('failed')],
    ['a throttled account', 'throttled', false, throwing('throttled')],
    ['a full queue of password checks', 'busy', false, throwing('busy')],
    ['a caller who leaves a provider that hangs', 'deadline', false, ...leaving(hang)],
    ['a caller who leaves a provider that stops', 'deadline', false, ...leaving(obey)]
  ]
  for (const [name, expected, counted, call, caller] of cases) {
    t.test(name, async (t) => {
      const { resilience, fail, outcome } = build(expected === 'timeout' ? SHORT : {})
      await fail(2)
      t.equal(await outcome(call, caller), expected)
      t.equal(resilience.state, counted ? 'open' : 'closed', counted ? 'the third failure in a row' : 'no failure')
    })
  }

  t.test('who has left before asks nothing', async (t) => {
    const { outcome, states } = build({ failureThreshold: 1 })
    let asked = false
    t.equal(await outcome(async () => { asked = true }, aborted()), 'deadline')
    t.equal(asked, false)
    t.same(states, [])
  })

  t.test('an error is the cause', async (t) => {
    const { resilience } = build()
    const cause = new Error('connection refused')
    t.strictSame(await run(resilience, async () => { throw cause }), { unavailable: 'failed', cause })
    t.strictSame(await resilience.run(new AbortController(), () => { throw cause }), { unavailable: 'failed', cause }, 'before there is a promise, too')
    const busy = new UnavailableError('busy', { cause })
    t.strictSame(await run(resilience, async () => { throw busy }), { unavailable: 'busy', cause }, 'of ours, its own')
  })
})

test('work that has a bound of its own', async (t) => {
  /** A call that is in there until it is told to go on. */
  const gate = () => {
    let open!: () => void
    const opened = new Promise<void>((resolve) => { open = resolve })
    return { opened, open }
  }

  t.test('takes no place, and the question has one again afterwards', async (t) => {
    const { resilience, outcome } = build({ maxConcurrent: 1 })
    const [work, rest] = [gate(), gate()]
    const question = run(resilience, async (_signal, apart) => {
      await apart(async () => { await work.opened })
      await rest.opened
    })
    t.equal(await outcome(answer), 'alice')
    work.open()
    await tick()
    t.equal(await outcome(answer), 'busy')
    rest.open()
    await question
    t.equal(await outcome(answer), 'alice')
  })

  t.test('that fails, nests or outlives its question loses no place and makes none', async (t) => {
    const { outcome } = build({ maxConcurrent: 1, failureThreshold: 100 })
    const late = gate()
    const caller = new AbortController()
    const deserted = outcome(async (_signal, apart) => { await apart(async () => { await late.opened }) }, caller)
    caller.abort()
    t.equal(await deserted, 'deadline')
    t.equal(await outcome(async () => await outcome(async (_signal, apart) => { await apart(refuse) })), 'busy', 'one place')
    t.equal(await outcome(async (_signal, apart) => { await apart(refuse) }), 'failed')
    t.equal(await outcome(async (_signal, apart) => await apart(async () => await apart(answer))), 'alice')
    late.open()
    await tick()
    const last = gate()
    const running = outcome(async () => { await last.opened })
    t.equal(await outcome(answer), 'busy')
    last.open()
    await running
    t.equal(await outcome(answer), 'alice')
  })
})

test('a timeout', async (t) => {
  t.test('leaves a provider alone that ignores its signal, and frees its place', async (t) => {
    const { outcome } = build({ maxConcurrent: 1, ...SHORT })
    let signal: AbortSignal | undefined
    t.equal(await outcome(async (given) => { signal = given; await hang() }), 'timeout')
    t.equal(signal?.aborted, true)
    t.equal(await outcome(answer), 'alice')
  })

  t.test('leaves a late rejection to nobody', async (t) => {
    const unhandled: unknown[] = []
    const listener = (reason: unknown): void => { unhandled.push(reason) }
    process.on('unhandledRejection', listener)
    t.teardown(() => process.off('unhandledRejection', listener))
    const late: Array<Promise<unknown>> = []
    const fail = async () => {
      const work = sleep(20).then(refuse)
      late.push(work)
      return await work
    }
    t.equal(await build(SHORT).outcome(fail), 'timeout')
    t.equal(await build().outcome(...leaving(fail)), 'deadline')
    await Promise.allSettled(late)
    await tick()
    t.same(unhandled, [])
  })

  t.test('sets no timer that outlives an answer, and leaves its signal alone', async (t) => {
    const timers = (): number => process.getActiveResourcesInfo().filter(resource => resource === 'Timeout').length
    const { resilience } = build()
    const before = timers()
    const asked = new AbortController()
    await run(resilience, answer, asked)
    t.equal(timers(), before)
    t.equal(asked.signal.aborted, false)
  })

  t.test('leaves no listener behind on a signal that goes on', async (t) => {
    const { resilience, outcome } = build()
    const asked = new AbortController()
    await run(resilience, answer, asked)
    await outcome(refuse, asked)
    t.strictSame(getEventListeners(asked.signal, 'abort'), [])
  })

  t.test('may be longer than a timer can hold', async (t) => {
    const { outcome } = build({ timeout: 2 ** 31 })
    t.equal(await outcome(async () => await sleep(20, 'bob')), 'bob')
  })
})

test('a semaphore', async (t) => {
  const { resilience, outcome } = build({ maxConcurrent: 2 })
  let end!: (name: string) => void
  const slow = new Promise<string>(resolve => { end = resolve })
  const running = [1, 2].map(async () => await outcome(async () => await slow))
  for (let i = 0; i < 5; i++) t.equal(await outcome(answer), 'busy', 'nobody queues')
  t.equal(resilience.state, 'closed', 'and the breaker does not count it')
  end('bob')
  t.same(await Promise.all(running), ['bob', 'bob'])
  t.equal(await outcome(answer), 'alice')

  const [call, caller] = leaving(hang)
  const left = [outcome(call, caller), outcome(hang, caller)]
  t.equal(await outcome(answer), 'busy')
  t.same(await Promise.all(left), ['deadline', 'deadline'])
  t.equal(await outcome(answer), 'alice', 'callers who leave free their place')
})

test('a breaker', async (t) => {
  t.test('asks again at once where its pause is ended', async (t) => {
    const { resilience, fail, outcome } = build()
    await fail(3)
    t.equal(await outcome(answer), 'breaker-open')
    resilience.endPause()
    t.equal(await outcome(refuse), 'failed', 'a probe')
    t.equal(await outcome(answer), 'breaker-open', 'which failed: a pause of its own')
    resilience.endPause()
    t.equal(await outcome(answer), 'alice')
    t.equal(resilience.state, 'closed')
  })

  t.test('opens after failures in a row, and not before', async (t) => {
    const { resilience, states, fail, outcome } = build()
    t.equal(resilience.state, 'closed')
    await fail(2)
    t.equal(await outcome(answer), 'alice')
    await fail(2)
    t.same(states, [])
    await fail(1)
    t.same(states, ['open'])
    t.equal(resilience.state, 'open')
    let asked = false
    t.equal(await outcome(async () => { asked = true }), 'breaker-open')
    t.equal(asked, false)
  })

  t.test('is asked before the semaphore', async (t) => {
    const { fail, outcome } = build({ maxConcurrent: 1, failureThreshold: 1 })
    const [call, caller] = leaving(hang)
    const hanging = outcome(call, caller)
    t.equal(await outcome(answer), 'busy')
    await hanging
    await fail(1)
    t.equal(await outcome(answer), 'breaker-open')
  })

  t.test('a hung provider costs its timeout only until it opens', async (t) => {
    const { outcome } = build(SHORT)
    t.same(await Promise.all([1, 2, 3, 4].map(async () => await outcome(hang))), ['timeout', 'timeout', 'timeout', 'timeout'])
    for (let i = 0; i < 100; i++) t.equal(await outcome(hang), 'breaker-open')
  })

  t.test('lets one probe through after a pause; others do not wait for it', async (t) => {
    const { resilience, clock, states, fail, outcome } = build()
    await fail(3)
    clock.now += PAUSE - 1
    t.equal(await outcome(answer), 'breaker-open')
    clock.now += 1
    let end!: (name: string) => void
    const slow = new Promise<string>(resolve => { end = resolve })
    const probe = outcome(async () => await slow)
    t.equal(resilience.state, 'half-open')
    t.equal(await outcome(answer), 'breaker-open')
    end('bob')
    t.equal(await probe, 'bob')
    t.equal(await outcome(answer), 'alice')
    t.same(states, ['open', 'half-open', 'closed'])
    await fail(2)
    t.equal(resilience.state, 'closed', 'it counts from zero again')
  })

  // what the probe does, how the breaker stands then, and whether the next caller may probe at once
  const probes: Array<[string, 'open' | 'closed', boolean, Call, AbortController?]> = [
    ['answers', 'closed', true, answer],
    ['answers "not mine"', 'closed', true, async () => null],
    ['fails', 'open', false, refuse],
    ['hangs', 'open', false, hang],
    ['is left by its caller', 'open', false, ...leaving(hang)],
    ['was of a throttled account: nobody was asked', 'open', true, throwing('throttled')],
    ['met a full queue: nobody was asked', 'open', true, throwing('busy')]
  ]
  for (const [name, state, next, call, caller] of probes) {
    t.test(`a probe that ${name}`, async (t) => {
      const { resilience, clock, fail, outcome } = build(call === hang ? SHORT : {})
      await fail(3)
      clock.now += PAUSE
      await outcome(call, caller)
      t.equal(resilience.state, state)
      t.equal(await outcome(answer), next ? 'alice' : 'breaker-open')
      clock.now += PAUSE
      t.equal(await outcome(answer), 'alice')
      t.equal(resilience.state, 'closed')
    })
  }

  t.test('a caller who has left is no probe', async (t) => {
    const { clock, states, fail, outcome } = build()
    await fail(3)
    clock.now += PAUSE
    t.equal(await outcome(answer, aborted()), 'deadline')
    t.same(states, ['open'])
    t.equal(await outcome(answer), 'alice')
  })

  t.test('stays open for as long each time', async (t) => {
    const { clock, states, fail, outcome } = build()
    await fail(3)
    for (let i = 0; i < 3; i++) {
      clock.now += PAUSE - 1
      t.equal(await outcome(refuse), 'breaker-open')
      clock.now += 1
      t.equal(await outcome(refuse), 'failed')
    }
    t.same(states, ['open', 'half-open', 'open', 'half-open', 'open', 'half-open', 'open'])
  })

  t.test('has numbers and a clock of its own', async (t) => {
    const resilience = new Resilience({ timeout: 1000, maxConcurrent: 1 })
    for (let i = 0; i < 5; i++) {
      t.equal(resilience.state, 'closed')
      t.match(await run(resilience, refuse), { unavailable: 'failed' })
    }
    t.equal(resilience.state, 'open')
    t.strictSame(await run(resilience, answer), { unavailable: 'breaker-open' })
  })

  t.test('does not mind a wall clock that is set back', async (t) => {
    const { clock, fail, outcome } = build()
    const { now } = Date
    t.teardown(() => { Date.now = now })
    await fail(3)
    Date.now = () => now() - 3_600_000
    clock.now += PAUSE
    t.equal(await outcome(answer), 'alice')
  })
})
