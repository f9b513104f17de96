import { mock } from 'node:test'
import { setImmediate as tick } from 'node:timers/promises'
import { test } from 'tap'
import type { CheckOutcome } from '../../../src/authn/provider.js'
import { defaultConcurrency, Throttle, type ThrottleOptions } from '../../../src/authn/throttle.js'
import { UnavailableError } from '../../../src/errors.js'

const SECOND = 1000
const MINUTE = 60 * SECOND
const NEVER = new AbortController().signal

const throttled = new UnavailableError('throttled')
const busy = new UnavailableError('busy')
const outOfTime = new UnavailableError('deadline')

const right = async (): Promise<CheckOutcome> => 'correct'
const wrong = async (): Promise<CheckOutcome> => 'incorrect'

function build (options: Partial<ThrottleOptions> = {}) {
  // a clock's first reading is any number
  const clock = { now: 12_345.5 }
  const seen = { throttled: 0 }
  const throttle = new Throttle({
    maxFailures: 5,
    baseDelay: SECOND,
    maxDelay: 5 * MINUTE,
    maxConcurrent: 2,
    maxQueue: 64,
    onThrottled: () => { seen.throttled++ },
    now: () => clock.now,
    ...options
  })
  const fail = async (identity: string, times = 1) => {
    for (let i = 0; i < times; i++) await throttle.attempt(identity, wrong, NEVER)
  }
  /** Whether a check would run now; it throws, so that it counts neither way. */
  const isOpen = async (identity: string) => {
    let asked = false
    await throttle.attempt(identity, async () => { asked = true; throw new Error('connection refused') }, NEVER).catch(() => {})
    return asked
  }
  /** Tells the count of an account, and raises it: `maxFailures` + 1 more where it has none. */
  const failuresUntilClosed = async (identity: string) => {
    let failures = 0
    for (; await isOpen(identity); failures++) await fail(identity)
    return failures
  }
  return { throttle, clock, seen, fail, isOpen, failuresUntilClosed }
}

/** A check that ends when it is told to. */
function onDemand () {
  const check = {
    started: 0,
    end: undefined as unknown as (outcome: CheckOutcome) => void,
    fail: undefined as unknown as (error: Error) => void,
    run: async () => {
      check.started++
      return await result
    }
  }
  const result = new Promise<CheckOutcome>((resolve, reject) => {
    check.end = resolve
    check.fail = reject
  })
  return check
}

test('one less than the CPUs, at least 1, under 4', async (t) => {
  const cases: Array<[number, number]> = [[1, 1], [2, 1], [3, 2], [4, 3], [5, 3], [64, 3]]
  for (const [cpus, expected] of cases) t.equal(defaultConcurrency(cpus), expected, String(cpus))
})

test('wrong passwords in a row', async (t) => {
  t.test('an attempt gives what the check gives', async (t) => {
    const { throttle } = build()
    t.equal(await throttle.attempt('alice', right, NEVER), 'correct')
    t.equal(await throttle.attempt('alice', wrong, NEVER), 'incorrect')
    await t.rejects(throttle.attempt('alice', async () => { throw new Error('the directory is down') }, NEVER), new Error('the directory is down'))
  })

  t.test('close the account for longer and longer, and never for longer than maxDelay', async (t) => {
    const { throttle, clock, fail, isOpen, seen } = build()
    await fail('alice', 5)
    t.equal(await isOpen('alice'), true, 'five are free')
    const seconds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    for (const [i, wait] of seconds.entries()) {
      await fail('alice')
      t.equal(await isOpen('alice'), false, `closed after failure ${6 + i}`)
      clock.now += wait * SECOND - 1
      await t.rejects(throttle.attempt('alice', right, NEVER), throttled)
      clock.now += 1
      t.equal(await isOpen('alice'), true, `open again after ${wait} s`)
    }
    t.equal(seen.throttled, 2 * seconds.length)
  })

  t.test('are forgotten with the right one', async (t) => {
    const { throttle, fail, isOpen } = build()
    await fail('alice', 5)
    await throttle.attempt('alice', right, NEVER)
    await fail('alice', 5)
    t.equal(await isOpen('alice'), true)
    await fail('alice')
    t.equal(await isOpen('alice'), false)
  })

  t.test('of one account are not those of another', async (t) => {
    const { fail, isOpen } = build()
    await fail('alice', 6)
    t.equal(await isOpen('alice'), false)
    t.equal(await isOpen('bob'), true)
    t.equal(await isOpen('Alice'), true, 'canonical names are the provider\'s business')
  })

  t.test('an outage counts neither way', async (t) => {
    const { throttle, fail, isOpen } = build()
    const down = async () => { throw new Error('the directory is down') }
    for (let i = 0; i < 20; i++) await t.rejects(throttle.attempt('alice', down, NEVER))
    t.equal(await isOpen('alice'), true)
    await fail('alice', 5)
    await t.rejects(throttle.attempt('alice', down, NEVER), new Error('the directory is down'))
    await fail('alice')
    t.equal(await isOpen('alice'), false, 'the outage did not forget the five')
  })

  t.test('are forgotten after maxDelay for each', async (t) => {
    // failures made, failures counted: more than the longest wait needs make no difference
    for (const [made, counted] of [[1, 1], [5, 5], [8, 8], [15, 15], [40, 15]] as const) {
      for (const [early, expected] of [[1, Math.max(6 - counted, 1)], [0, 6]] as const) {
        const world = build()
        for (let i = 0; i < made; i++) {
          if (i > 5) world.clock.now += 5 * MINUTE
          await world.fail('alice')
        }
        world.clock.now += counted * 5 * MINUTE - early
        t.equal(await world.failuresUntilClosed('alice'), expected, `${made} failures, ${early} ms early`)
      }
    }
  })

  t.test('waiting for a clean slate gives no more guesses than one in maxDelay', async (t) => {
    const day = 24 * 60 * MINUTE
    const onePerMaxDelay = day / (5 * MINUTE)
    for (const patience of [6, 10, 15, 20]) {
      const { throttle, clock } = build()
      const end = clock.now + day
      let guesses = 0
      let inARow = 0
      while (clock.now < end) {
        try {
          await throttle.attempt('alice', wrong, NEVER)
          guesses++
          // after so many guesses, wait until they are forgotten
          if (++inARow === patience) {
            inARow = 0
            clock.now += Math.min(patience, 15) * 5 * MINUTE
          }
        } catch {
          clock.now += 5 * SECOND
        }
      }
      t.ok(guesses <= onePerMaxDelay + 15, `${guesses} guesses in a day with ${patience} at a time`)
    }
  })

  const settings: Array<[string, Partial<ThrottleOptions>, number, boolean]> = [
    ['a single free failure', { maxFailures: 1 }, 2, false],
    ['no base delay', { baseDelay: 0 }, 50, true],
    ['no delays at all', { baseDelay: 0, maxDelay: 0 }, 50, true],
    ['no longest delay', { maxDelay: 0 }, 50, true],
    ['a base delay over the longest', { baseDelay: MINUTE, maxDelay: SECOND }, 6, false]
  ]
  for (const [name, options, failures, open] of settings) {
    t.test(name, async (t) => {
      const { clock, fail, isOpen } = build(options)
      await fail('alice', failures)
      t.equal(await isOpen('alice'), open)
      clock.now += SECOND
      t.equal(await isOpen('alice'), true)
    })
  }

  t.test('are timed by a clock of their own where none is given', async (t) => {
    const clock = { now: performance.now() }
    t.intercept(performance, 'now', { value: () => clock.now })
    const throttle = new Throttle({ maxFailures: 1, baseDelay: 100, maxDelay: 100, maxConcurrent: 1, maxQueue: 0, onThrottled () {} })
    await throttle.attempt('alice', wrong, NEVER)
    await throttle.attempt('alice', wrong, NEVER)
    clock.now += 99
    await t.rejects(throttle.attempt('alice', right, NEVER), throttled)
    clock.now += 1
    t.equal(await throttle.attempt('alice', right, NEVER), 'correct')
  })
})

test('parallel guesses', async (t) => {
  t.test('are as many as one could make one after the other', async (t) => {
    // failures before, attempts admitted of 20 at once
    const cases: Array<[number, number]> = [[0, 6], [1, 5], [4, 2], [5, 1], [6, 0]]
    for (const [failures, admitted] of cases) {
      const { throttle, fail, seen } = build({ maxConcurrent: 3 })
      await fail('alice', failures)
      const check = onDemand()
      const attempts = Array.from({ length: 20 }, async () => await throttle.attempt('alice', check.run, NEVER))
      const settled = Promise.allSettled(attempts)
      await tick()
      t.equal(seen.throttled, 20 - admitted, `${failures} failures before: refused at once, not when the others have failed`)
      check.end('incorrect')
      await settled
      t.equal(check.started, admitted)
      await t.rejects(throttle.attempt('alice', right, NEVER), throttled, 'and then it is closed')
    }
  })

  t.test('count one by one until each has ended', async (t) => {
    const { throttle } = build({ maxFailures: 2, maxConcurrent: 10 })
    const [first, others] = [onDemand(), onDemand()]
    const attempts = [first, others, others].map(async check => await throttle.attempt('alice', check.run, NEVER))
    await t.rejects(throttle.attempt('alice', right, NEVER), throttled)
    first.fail(new Error('the directory is down'))
    await t.rejects(attempts[0]!, new Error('the directory is down'))
    const next = throttle.attempt('alice', others.run, NEVER)
    await t.rejects(throttle.attempt('alice', right, NEVER), throttled, 'two others are still there')
    others.end('correct')
    t.same(await Promise.all([...attempts.slice(1), next]), ['correct', 'correct', 'correct'])
  })

  t.test('a door that has just opened takes one', async (t) => {
    const { throttle, clock, fail } = build()
    await fail('alice', 6)
    clock.now += SECOND
    const check = onDemand()
    const attempts = [1, 2, 3].map(async () => await throttle.attempt('alice', check.run, NEVER))
    await t.rejects(attempts[1]!, throttled)
    await t.rejects(attempts[2]!, throttled)
    check.end('correct')
    t.equal(await attempts[0], 'correct')
    t.equal(check.started, 1)
  })

  t.test('keep the owner out no longer than they run', async (t) => {
    const { throttle } = build({ maxConcurrent: 10 })
    const check = onDemand()
    const attempts = Array.from({ length: 6 }, async () => await throttle.attempt('alice', check.run, NEVER))
    await t.rejects(throttle.attempt('alice', right, NEVER), throttled)
    t.equal(await throttle.attempt('bob', right, NEVER), 'correct', 'nobody else is kept out')
    check.fail(new Error('the directory is down'))
    for (const attempt of attempts) await t.rejects(attempt, new Error('the directory is down'))
    t.equal(await throttle.attempt('alice', right, NEVER), 'correct')
  })

  t.test('the owner\'s own are not refused', async (t) => {
    const { throttle } = build()
    t.same(await Promise.all([1, 2, 3, 4, 5].map(async () => await throttle.attempt('alice', right, NEVER))), new Array(5).fill('correct'))
  })

  t.test('leaving early is no way around the count', async (t) => {
    const { throttle, isOpen } = build({ maxConcurrent: 6 })
    const caller = new AbortController()
    const check = onDemand()
    const attempts = Array.from({ length: 6 }, async () => await throttle.attempt('alice', check.run, caller.signal))
    caller.abort()
    check.end('incorrect')
    await Promise.all(attempts)
    t.equal(await isOpen('alice'), false)
  })
})

test('the same wrong password again', async (t) => {
  const again = (guess: number) => ({ password: `guess ${guess}` })

  t.test('is no further guess', async (t) => {
    const { throttle, isOpen } = build()
    for (let i = 0; i < 20; i++) t.equal(await throttle.attempt('alice', wrong, NEVER, again(1)), 'incorrect')
    for (let guess = 2; guess <= 5; guess++) await throttle.attempt('alice', wrong, NEVER, again(guess))
    for (let i = 0; i < 20; i++) await throttle.attempt('alice', wrong, NEVER, again(1 + i % 5))
    t.equal(await isOpen('alice'), true, 'five in all')
    await throttle.attempt('alice', wrong, NEVER, again(6))
    t.equal(await isOpen('alice'), false)
  })

  t.test('is looked at each time: it may have become the right one', async (t) => {
    const { throttle } = build()
    await throttle.attempt('alice', wrong, NEVER, again(1))
    t.equal(await throttle.attempt('alice', right, NEVER, again(1)), 'correct')
  })

  t.test('is not looked at while the account is closed', async (t) => {
    const { throttle } = build({ maxFailures: 1 })
    for (const guess of [1, 2]) await throttle.attempt('alice', wrong, NEVER, again(guess))
    await t.rejects(throttle.attempt('alice', right, NEVER, again(1)), throttled)
  })

  t.test('is that of one account', async (t) => {
    const { throttle, isOpen } = build({ maxFailures: 1 })
    for (const name of ['alice', 'bob', 'alice', 'bob']) await throttle.attempt(name, wrong, NEVER, again(1))
    t.same([await isOpen('alice'), await isOpen('bob')], [true, true])
    await throttle.attempt('bob', wrong, NEVER, again(2))
    t.same([await isOpen('alice'), await isOpen('bob')], [true, false])
  })

  t.test('is forgotten with the others, and after eight further ones', async (t) => {
    const { throttle, clock, isOpen } = build({ maxFailures: 2 })
    await throttle.attempt('alice', wrong, NEVER, again(1))
    clock.now += 5 * MINUTE
    await throttle.attempt('alice', wrong, NEVER, again(1))
    await throttle.attempt('alice', right, NEVER, again(7))
    for (let guess = 1; guess <= 2; guess++) await throttle.attempt('alice', wrong, NEVER, again(guess))
    t.equal(await isOpen('alice'), true)
    const world = build({ maxFailures: 9 })
    for (let guess = 1; guess <= 9; guess++) await world.throttle.attempt('alice', wrong, NEVER, again(guess))
    await world.throttle.attempt('alice', wrong, NEVER, again(1))
    t.equal(await world.isOpen('alice'), false)
  })
})

test('a name that no account has', async (t) => {
  t.test('is throttled as an account', async (t) => {
    const { throttle, clock, seen } = build()
    const unknown = async () => await throttle.attemptUnknown('mallory', wrong, NEVER)
    for (let i = 0; i < 6; i++) await unknown()
    await t.rejects(unknown(), throttled)
    t.equal(seen.throttled, 1)
    await throttle.attemptUnknown('trudy', wrong, NEVER)
    clock.now += SECOND
    await unknown()
    clock.now += 2 * SECOND - 1
    await t.rejects(unknown(), throttled)
    clock.now += 1
    await unknown()
  })

  t.test('is no account: neither counts against the other', async (t) => {
    const { throttle, fail, isOpen } = build()
    for (let i = 0; i < 6; i++) await throttle.attemptUnknown('alice', wrong, NEVER)
    t.equal(await isOpen('alice'), true)
    await fail('bob', 6)
    await throttle.attemptUnknown('bob', wrong, NEVER)
  })

  t.test('evicts no account, however many there are', async (t) => {
    const world = build({ maxAccounts: 10 })
    await world.fail('alice', 6)
    for (let i = 0; i < 100; i++) for (let turn = 0; turn < 6; turn++) await world.throttle.attemptUnknown(`name ${i}`, wrong, NEVER)
    t.equal(await world.isOpen('alice'), false)
  })

  t.test('makes as many parallel guesses as an account', async (t) => {
    const { throttle, seen } = build({ maxConcurrent: 3 })
    const check = onDemand()
    const attempts = Array.from({ length: 20 }, async () => { await throttle.attemptUnknown('mallory', check.run, NEVER) })
    const settled = Promise.allSettled(attempts)
    t.equal(seen.throttled, 14)
    check.end('incorrect')
    await settled
    await t.rejects(throttle.attemptUnknown('mallory', wrong, NEVER), throttled)
  })

  t.test('an error of its decoy counts neither way', async (t) => {
    const { throttle } = build({ maxFailures: 1 })
    for (let i = 0; i < 5; i++) await t.rejects(throttle.attemptUnknown('mallory', async () => { throw new Error('out of memory') }, NEVER), new Error('out of memory'))
    await throttle.attemptUnknown('mallory', wrong, NEVER)
  })

  t.test('the empty identity is nobody\'s, and never throttled', async (t) => {
    const { throttle, seen } = build()
    for (let i = 0; i < 20; i++) t.equal(await throttle.attempt('', right, NEVER), 'incorrect')
    t.equal(seen.throttled, 0)
  })
})

test('memory', async (t) => {
  t.test('a spray of names does not wash away the count of an account under attack', async (t) => {
    const world = build({ maxAccounts: 10 })
    await world.fail('alice', 6)
    for (let i = 0; i < 1000; i++) await world.fail(`name ${i}`, 1 + i % 3)
    t.equal(await world.isOpen('alice'), false)
  })

  t.test('the account that failed longest ago goes first among equals', async (t) => {
    const world = build({ maxFailures: 3, maxAccounts: 3 })
    for (const name of ['alice', 'bob', 'carol', 'bob', 'alice']) await world.fail(name)
    await world.throttle.attempt('bob', right, NEVER)
    for (const name of ['bob', 'dave']) await world.fail(name)
    // carol, with one failure, was before bob, who has one again
    t.equal(await world.failuresUntilClosed('dave'), 3)
    t.equal(await world.failuresUntilClosed('bob'), 3)
    t.equal(await world.failuresUntilClosed('alice'), 2)
    t.equal(await world.failuresUntilClosed('carol'), 4)
  })

  t.test('newcomers are counted although all others have more', async (t) => {
    const world = build({ maxAccounts: 2 })
    await world.fail('alice', 4)
    await world.fail('bob', 3)
    await world.fail('carol', 6)
    t.equal(await world.isOpen('carol'), false)
    await world.fail('alice', 2)
    t.equal(await world.isOpen('alice'), false, 'bob, with the lowest count, made room')
  })

  t.test('counts that are over make room before any that still hold', async (t) => {
    const world = build({ maxAccounts: 2 })
    await world.fail('alice', 3)
    world.clock.now += 14 * MINUTE
    await world.fail('bob', 1)
    world.clock.now += 1 * MINUTE
    // alice's three are over now, bob's one is not
    await world.fail('carol', 1)
    await world.fail('bob', 5)
    t.equal(await world.isOpen('bob'), false)
  })

  t.test('it is bounded, and a closed account opens only when all that it holds are closed', async (t) => {
    const maxAccounts = 20
    const day = 24 * 60 * MINUTE
    // nothing opens by waiting here: who is let in again has been dropped
    const world = build({ maxFailures: 2, baseDelay: day, maxDelay: day, maxAccounts })
    const names = Array.from({ length: 200 }, (_, i) => i < 5 ? `hammered ${i}` : `name ${i}`)
    const closed = new Set<string>()
    const random = createRandom(20_270_101)
    let dropped = 0
    const violations: string[] = []
    for (let step = 0; step < 1500; step++) {
      // few names are hammered, many are tried now and then, some several times in a row
      const name = names[Math.floor(random() * (random() < 0.3 ? 5 : names.length))]!
      for (let tries = 1 + Math.floor(random() * 4); tries > 0; tries--) {
        world.clock.now += 1
        const outcome = random() < 0.1 ? 'correct' : 'incorrect'
        let ran = false
        await world.throttle.attempt(name, async () => { ran = true; return outcome }, NEVER).catch(() => {})
        if (!ran && !closed.has(name)) violations.push(`${name} is closed for no reason`)
        if (ran && closed.delete(name)) {
          dropped++
          if (closed.size + 1 < maxAccounts) violations.push(`${name} was dropped among ${closed.size} others`)
        }
        if (!await world.isOpen(name)) closed.add(name)
      }
    }
    t.same(violations, [])
    t.ok(dropped > 0, 'memory was full')
    let remembered = 0
    for (const name of names) if (!await world.isOpen(name)) remembered++
    t.ok(remembered <= maxAccounts && remembered >= maxAccounts - 1, `${remembered} are closed`)
  })
})

test('checks at once', async (t) => {
  t.test('are bounded; more wait in order, and those over the queue are refused', async (t) => {
    const { throttle, seen } = build({ maxConcurrent: 2, maxQueue: 3 })
    const names = ['alice', 'bob', 'carol', 'dave', 'erin']
    const checks = names.map(() => onDemand())
    const attempts = names.map(async (name, i) => await throttle.attempt(name, checks[i]!.run, NEVER))
    const started = () => checks.map(check => check.started)

    await t.rejects(throttle.attempt('frank', right, NEVER), busy)
    t.same(started(), [1, 1, 0, 0, 0])
    checks[1]!.end('correct')
    await attempts[1]
    t.same(started(), [1, 1, 1, 0, 0])
    checks[0]!.fail(new Error('the directory is down'))
    await t.rejects(attempts[0]!)
    t.same(started(), [1, 1, 1, 1, 0], 'a check that throws gives its place back')
    for (const check of checks) check.end('correct')
    t.same(await Promise.all(attempts.slice(1)), new Array(4).fill('correct'))
    t.equal(await throttle.attempt('frank', right, NEVER), 'correct')
    t.equal(seen.throttled, 0, 'a full queue is no wrong password')
  })

  t.test('without a queue', async (t) => {
    const { throttle } = build({ maxConcurrent: 1, maxQueue: 0 })
    const check = onDemand()
    const attempt = throttle.attempt('alice', check.run, NEVER)
    await t.rejects(throttle.attempt('bob', right, NEVER), busy)
    check.end('correct')
    await attempt
    t.equal(await throttle.attempt('bob', right, NEVER), 'correct')
  })

  t.test('a check that throws before it gives a promise gives its place back too', async (t) => {
    const { throttle } = build({ maxConcurrent: 1, maxQueue: 0 })
    await t.rejects(throttle.attempt('alice', () => { throw new TypeError('a bug') }, NEVER), TypeError)
    t.equal(await throttle.attempt('alice', right, NEVER), 'correct')
  })

  t.test('who leaves the queue is never checked, and makes room in it', async (t) => {
    const { throttle } = build({ maxConcurrent: 1, maxQueue: 2 })
    const running = onDemand()
    const first = throttle.attempt('alice', running.run, NEVER)
    const caller = new AbortController()
    const left = onDemand()
    const leaving = throttle.attempt('bob', left.run, caller.signal)
    const staying = throttle.attempt('carol', right, NEVER)
    await t.rejects(throttle.attempt('dave', right, NEVER), busy)
    caller.abort()
    await t.rejects(leaving, outOfTime)
    const next = throttle.attempt('dave', right, NEVER)
    running.end('correct')
    t.same(await Promise.all([first, staying, next]), ['correct', 'correct', 'correct'])
    t.equal(left.started, 0)
  })

  t.test('who has left before is not checked', async (t) => {
    const { throttle } = build()
    const check = onDemand()
    await t.rejects(throttle.attempt('alice', check.run, AbortSignal.abort()), outOfTime)
    t.equal(check.started, 0)
  })

  t.test('who waits in the queue keeps a place among the account\'s guesses, and no longer', async (t) => {
    const { throttle } = build({ maxFailures: 1, maxConcurrent: 1 })
    const running = onDemand()
    const first = throttle.attempt('bob', running.run, NEVER)
    const caller = new AbortController()
    const waiting = [1, 2].map(async () => await throttle.attempt('alice', wrong, caller.signal))
    await t.rejects(throttle.attempt('alice', right, NEVER), throttled)
    caller.abort()
    for (const attempt of waiting) await t.rejects(attempt, outOfTime)
    const owner = throttle.attempt('alice', right, NEVER)
    running.end('correct')
    t.same(await Promise.all([first, owner]), ['correct', 'correct'])
  })

  t.test('no listener stays on a signal', async (t) => {
    const { throttle } = build({ maxConcurrent: 1 })
    const { signal } = new AbortController()
    let listeners = 0
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => { listeners++; addEventListener.apply(signal, args) }
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => { listeners--; removeEventListener.apply(signal, args) }
    await Promise.all(['alice', 'bob', 'carol'].map(async name => await throttle.attempt(name, right, signal)))
    t.equal(listeners, 0)
  })

  t.test('a check that hangs gives its place back after a minute', async (t) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    t.teardown(() => { mock.timers.reset() })
    const { throttle } = build({ maxConcurrent: 1, maxQueue: 1 })
    const hung = onDemand()
    const first = throttle.attempt('alice', hung.run, NEVER)
    const waiting = throttle.attempt('bob', right, NEVER)
    mock.timers.tick(59_000)
    await t.rejects(throttle.attempt('carol', right, NEVER), busy)
    mock.timers.tick(1000)
    await t.rejects(first, outOfTime)
    t.equal(await waiting, 'correct')
    hung.end('incorrect')
    t.equal(await throttle.attempt('alice', right, NEVER), 'correct')
  })
})

/** mulberry32: the same attempts in every run. */
function createRandom (seed: number): () => number {
  return () => {
    seed = (seed + 0x6D2B79F5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
