import { setImmediate as tick, setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { createResilience, type ResilienceOptions } from '../../../src/authn/resilience.js'
import { UnavailableError, type UnavailableReason } from '../../../src/errors.js'

const PAUSE = 10_000

function build (options: Partial<ResilienceOptions> = {}) {
  const clock = { now: 12_345.5 }
  const states: string[] = []
  const resilience = createResilience({
    timeout: 10,
    maxConcurrent: 10,
    failureThreshold: 3,
    halfOpenAfter: PAUSE,
    onStateChange: (state) => { states.push(state) },
    now: () => clock.now,
    ...options
  })
  const fail = async (times: number) => {
    for (let i = 0; i < times; i++) await resilience.run(new AbortController(), refuse).catch(() => {})
  }
  /** How a call ends: its value, or the reason why it could not tell. */
  const outcome = async (call: (signal: AbortSignal) => Promise<unknown>, asked = new AbortController()) => {
    try {
      return await resilience.run(asked, call)
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error
      return error.reason
    }
  }
  return { resilience, clock, states, fail, outcome }
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
function leaving (call: (signal: AbortSignal) => Promise<unknown>): [(signal: AbortSignal) => Promise<unknown>, AbortController] {
  const caller = new AbortController()
  return [async signal => {
    setImmediate(() => { caller.abort() })
    return await call(signal)
  }, caller]
}

test('what a caller gets', async (t) => {
  const cases: Array<[string, unknown, boolean, (signal: AbortSignal) => Promise<unknown>, AbortController?]> = [
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
      const { resilience, fail, outcome } = build()
      await fail(2)
      t.equal(await outcome(call, caller), expected)
      t.equal(resilience.state, counted ? 'open' : 'closed', counted ? 'the third failure in a row' : 'no failure')
    })
  }

  t.test('who has left before asks nothing', async (t) => {
    const { resilience, states } = build({ failureThreshold: 1 })
    let asked = false
    await t.rejects(resilience.run(aborted(), async () => { asked = true }), new UnavailableError('deadline'))
    t.equal(asked, false)
    t.same(states, [])
  })

  t.test('the error of a provider is the cause', async (t) => {
    const { resilience } = build()
    const cause = new Error('connection refused')
    await t.rejects(resilience.run(new AbortController(), async () => { throw cause }), { name: 'UnavailableError', message: 'failed', reason: 'failed', cause })
    const busy = new UnavailableError('busy')
    const caught = await resilience.run(new AbortController(), async () => { throw busy }).catch((error: unknown) => error)
    t.equal(caught, busy, 'ours pass unchanged')
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
    const { resilience, outcome } = build({ maxConcurrent: 1, timeout: 60_000 })
    const [work, rest] = [gate(), gate()]
    const question = resilience.run(new AbortController(), async (_signal, apart) => {
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
    const { resilience, outcome } = build({ maxConcurrent: 1, timeout: 60_000, failureThreshold: 100 })
    const late = gate()
    const caller = new AbortController()
    const deserted = resilience.run(caller, async (_signal, apart) => { await apart(async () => { await late.opened }) })
    caller.abort()
    await t.rejects(deserted, new UnavailableError('deadline'))
    t.equal(await outcome(async () => await resilience.run(new AbortController(), async (_signal, apart) => { await apart(refuse) })), 'busy', 'one place')
    await t.rejects(resilience.run(new AbortController(), async (_signal, apart) => { await apart(refuse) }), new UnavailableError('failed'))
    await resilience.run(new AbortController(), async (_signal, apart) => { await apart(async () => { await apart(answer) }) })
    late.open()
    await tick()
    const last = gate()
    const running = resilience.run(new AbortController(), async () => { await last.opened })
    t.equal(await outcome(answer), 'busy')
    last.open()
    await running
    t.equal(await outcome(answer), 'alice')
  })
})

test('a timeout', async (t) => {
  t.test('leaves a provider alone that ignores its signal, and frees its place', async (t) => {
    const { outcome } = build({ maxConcurrent: 1 })
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
    const { outcome } = build()
    const late: Array<Promise<unknown>> = []
    const fail = async () => {
      const work = sleep(20).then(refuse)
      late.push(work)
      return await work
    }
    t.equal(await outcome(fail), 'timeout')
    t.equal(await outcome(...leaving(fail)), 'deadline')
    await Promise.allSettled(late)
    await tick()
    t.same(unhandled, [])
  })

  t.test('sets no timer that outlives an answer, and leaves its signal alone', async (t) => {
    const timers = (): number => process.getActiveResourcesInfo().filter(resource => resource === 'Timeout').length
    const { resilience } = build({ timeout: 60_000 })
    const before = timers()
    const signal = await resilience.run(new AbortController(), async signal => signal)
    t.equal(timers(), before)
    t.equal(signal.aborted, false)
  })

  t.test('may be longer than a timer can hold', async (t) => {
    const { outcome } = build({ timeout: 2 ** 31 })
    t.equal(await outcome(async () => await sleep(20, 'bob')), 'bob')
  })
})

test('a bulkhead', async (t) => {
  const { resilience, outcome } = build({ maxConcurrent: 2, timeout: 1000 })
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

  t.test('is asked before the bulkhead', async (t) => {
    const { fail, outcome } = build({ maxConcurrent: 1, failureThreshold: 1, timeout: 1000 })
    const [call, caller] = leaving(hang)
    const hanging = outcome(call, caller)
    t.equal(await outcome(answer), 'busy')
    await hanging
    await fail(1)
    t.equal(await outcome(answer), 'breaker-open')
  })

  t.test('a hung provider costs its timeout only until it opens', async (t) => {
    const { outcome } = build()
    t.same(await Promise.all([1, 2, 3, 4].map(async () => await outcome(hang))), ['timeout', 'timeout', 'timeout', 'timeout'])
    const started = performance.now()
    for (let i = 0; i < 100; i++) t.equal(await outcome(hang), 'breaker-open')
    t.ok(performance.now() - started < 5000, 'a hundred callers later')
  })

  t.test('lets one probe through after a pause; others do not wait for it', async (t) => {
    const { resilience, clock, states, fail, outcome } = build({ timeout: 1000 })
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
  const probes: Array<[string, 'open' | 'closed', boolean, (signal: AbortSignal) => Promise<unknown>, AbortController?]> = [
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
      const { resilience, clock, fail, outcome } = build()
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
    const resilience = createResilience({ timeout: 1000, maxConcurrent: 1 })
    for (let i = 0; i < 5; i++) {
      t.equal(resilience.state, 'closed')
      await t.rejects(resilience.run(new AbortController(), refuse), new UnavailableError('failed'))
    }
    t.equal(resilience.state, 'open')
    await t.rejects(resilience.run(new AbortController(), answer), new UnavailableError('breaker-open'))
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
