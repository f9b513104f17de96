/**
 * Failed-password counts: the rules, held against those of one process and those
 * that two processes share; and what happens when Redis does not do its part.
 */
import { setImmediate as tick } from 'node:timers/promises'
import { test, type Test } from 'tap'
import type { CheckOutcome } from '../../../src/authn/provider.js'
import type { SharedFailures } from '../../../src/authn/shared-failures.js'
import { Throttle, type ThrottleOptions } from '../../../src/authn/throttle.js'
import { UnavailableError } from '../../../src/errors.js'
import type { OpenStore } from '../../../src/store/index.js'
import { REDIS_PASSWORD, startRedis, startRedisCluster, storeConfig, type Redis } from '../../fixtures/redis.js'
import { logTo, openReady, type LogLine } from '../../fixtures/stores.js'
import { startProxy } from '../../fixtures/tcp-proxy.js'
import { until, within } from '../../fixtures/waiting.js'

const HOUR = 3_600_000
/** Far more than a test takes, and far less than a delay. */
const SLACK = HOUR / 60
const NEVER = new AbortController().signal
const throttled = new UnavailableError('throttled')

interface World {
  /** Each call is made by another process, in turn. */
  readonly attempt: (account: string, outcome: CheckOutcome, password?: string) => Promise<CheckOutcome>
  readonly attemptUnknown: (name: string) => Promise<void>
  /** As `attempt`, with a check that goes on until it is told to end. */
  readonly start: (account: string) => { readonly outcome: Promise<CheckOutcome>, readonly started: () => boolean, readonly end: (outcome: CheckOutcome | Error) => void }
  readonly advance: (milliseconds: number) => Promise<void>
  readonly isOpen: (account: string) => Promise<boolean>
  readonly fail: (account: string, times: number) => Promise<void>
}

type Build = (options?: Partial<ThrottleOptions>) => Promise<World>

function createThrottle (clock: { offset: number }, options: Partial<ThrottleOptions>): Throttle {
  return new Throttle({ maxFailures: 5, baseDelay: HOUR, maxDelay: 8 * HOUR, maxConcurrent: 50, maxQueue: 0, onThrottled () {}, now: () => performance.now() + clock.offset, ...options })
}

function createWorld (throttles: readonly Throttle[], clock: { offset: number }, shift: (milliseconds: number) => Promise<void>): World {
  let turn = 0
  const next = (): Throttle => throttles[turn++ % throttles.length]!
  const attempt: World['attempt'] = async (account, outcome, password) => await next().attempt(account, async () => outcome, NEVER, { password })
  return {
    attempt,
    attemptUnknown: async name => { await next().attemptUnknown(name, async () => {}, NEVER) },
    start (account) {
      const { promise, resolve, reject } = withResolvers<CheckOutcome>()
      let started = false
      const outcome = next().attempt(account, async () => {
        started = true
        return await promise
      }, NEVER)
      outcome.catch(() => {})
      return { outcome, started: () => started, end: result => { if (result instanceof Error) reject(result); else resolve(result) } }
    },
    async advance (milliseconds) {
      clock.offset += milliseconds
      await shift(milliseconds)
    },
    isOpen: async account => await attempt(account, 'uncounted').then(() => true, () => false),
    async fail (account, times) {
      for (let i = 0; i < times; i++) await attempt(account, 'incorrect')
    }
  }
}

function withResolvers<T> (): { promise: Promise<T>, resolve: (value: T) => void, reject: (error: Error) => void } {
  const made = {} as { resolve: (value: T) => void, reject: (error: Error) => void }
  const promise = new Promise<T>((resolve, reject) => { Object.assign(made, { resolve, reject }) })
  promise.catch(() => {})
  return { promise, ...made }
}

/** Makes the counts older, as if time had passed. */
async function shift (redis: Redis, milliseconds: number): Promise<void> {
  const script = `
    for _, key in ipairs(redis.call('KEYS', '*failures:*')) do
      local state, left = cjson.decode(redis.call('GET', key)), redis.call('PTTL', key) - ARGV[1]
      for _, field in ipairs({ 'first', 'last', 'forgotten' }) do if state[field] > 0 then state[field] = state[field] - ARGV[1] end end
      for id, expiry in pairs(state.reserved) do state.reserved[id] = expiry - ARGV[1] end
      if left < 1 then redis.call('DEL', key) else redis.call('SET', key, cjson.encode(state), 'PX', left) end
    end`
  await redis.cli('eval', script, '0', `${milliseconds}`)
}

/** One for each throttle: as many processes. */
async function openTwo (t: Test, redis: Redis, config: Parameters<typeof storeConfig>[1] = {}): Promise<readonly OpenStore[]> {
  const stores = [await openReady(t, storeConfig(redis.port, config)), await openReady(t, storeConfig(redis.port, config))]
  for (const store of stores) await untilShared(store)
  return stores
}

function sharedBy (store: OpenStore, provider = 'corp'): Pick<ThrottleOptions, 'sharedFailuresOf'> {
  return { sharedFailuresOf: table => store.sharedFailuresOf!(provider, table) }
}

function sharedFailures (store: OpenStore): SharedFailures {
  return store.sharedFailuresOf!('probe', 'accounts')!
}

const DELAYS = { maxFailures: 1_000_000, baseDelay: 1, maxDelay: 1 }

/** Whether an attempt is left to the counts of its process without waiting for anything. */
async function isLocalAtOnce (store: OpenStore): Promise<boolean> {
  const answer = sharedFailures(store).begin('nobody', { delays: DELAYS, local: undefined })
  return await Promise.race([answer, tick('waits')]) === undefined
}

async function untilShared (store: OpenStore): Promise<void> {
  const probe = sharedFailures(store)
  await until('the counts to be shared', async () => {
    const admission = await probe.begin('nobody', { delays: DELAYS, local: undefined })
    if (admission?.admitted === true) await admission.end('uncounted')
    return admission !== undefined
  })
}

const KINDS: Record<string, (t: Test) => Promise<Build | undefined>> = {
  async 'in one process' () {
    return async options => {
      const clock = { offset: 0 }
      return createWorld([createThrottle(clock, options ?? {})], clock, async () => {})
    }
  },
  async 'shared by two processes' (t) {
    const redis = await startRedis(t, { password: REDIS_PASSWORD })
    if (redis === undefined) return undefined
    const stores = await openTwo(t, redis, { password: REDIS_PASSWORD })
    let worlds = 0
    return async (options = {}) => {
      // as many providers as worlds: none sees the counts of another
      const provider = `corp-${worlds++}`
      const clock = { offset: 0 }
      return createWorld(stores.map(store => createThrottle(clock, { ...options, ...sharedBy(store, provider) })), clock, async milliseconds => { await shift(redis, milliseconds) })
    }
  }
}

for (const [kind, prepare] of Object.entries(KINDS)) {
  test(`wrong passwords, counted ${kind}`, async t => {
    const build = await prepare(t)
    if (build === undefined) return

    t.test('close the account for longer and longer, and never for longer than maxDelay', async t => {
      const { attempt, fail, advance, isOpen } = await build()
      await fail('alice', 5)
      t.equal(await isOpen('alice'), true, 'five are free')
      for (const [i, hours] of [1, 2, 4, 8, 8, 8].entries()) {
        await fail('alice', 1)
        await advance(hours * HOUR - SLACK)
        await t.rejects(attempt('alice', 'correct'), throttled, `closed after failure ${6 + i}`)
        await advance(SLACK)
        t.equal(await isOpen('alice'), true, `open again after ${hours} h`)
      }
    })

    t.test('are forgotten with the right one, for every process', async t => {
      const { attempt, fail, isOpen } = await build()
      // an odd and an even number: either process has the right one
      for (const failures of [5, 4, 5, 4]) {
        await fail('alice', failures)
        t.equal(await attempt('alice', 'correct'), 'correct')
      }
      await fail('alice', 5)
      t.equal(await isOpen('alice'), true)
      await fail('alice', 1)
      t.equal(await isOpen('alice'), false)
      t.equal(await isOpen('alice'), false)
    })

    t.test('of one account are not those of another, nor of an unknown name', async t => {
      const { attemptUnknown, fail, isOpen } = await build()
      await fail('alice', 6)
      t.equal(await isOpen('alice'), false)
      t.equal(await isOpen('bob'), true)
      for (let i = 0; i < 6; i++) await attemptUnknown('bob')
      await t.rejects(attemptUnknown('bob'), throttled)
      t.equal(await isOpen('bob'), true)
      await attemptUnknown('alice')
    })

    t.test('an outage and a locked account count neither way', async t => {
      const { start, fail, isOpen, attempt } = await build()
      await fail('alice', 5)
      for (let i = 0; i < 4; i++) {
        const { outcome, end } = start('alice')
        end(new Error('the directory is down'))
        await t.rejects(outcome, new Error('the directory is down'))
        await attempt('alice', 'uncounted')
      }
      await fail('alice', 1)
      t.equal(await isOpen('alice'), false, 'it did not forget the five')
    })

    t.test('are forgotten after maxDelay for each', async t => {
      for (const [failures, waited, left] of [[1, 8 * HOUR, 6], [1, 8 * HOUR - SLACK, 5], [5, 40 * HOUR, 6], [5, 40 * HOUR - SLACK, 1]] as const) {
        const { fail, advance, isOpen } = await build()
        await fail('alice', failures)
        await advance(waited)
        let more = 0
        for (; await isOpen('alice'); more++) await fail('alice', 1)
        t.equal(more, left, `${failures} failures, ${waited} ms`)
      }
    })

    const settings: Array<[string, Partial<ThrottleOptions>, number, boolean]> = [
      ['a single free failure', { maxFailures: 1 }, 2, false],
      ['no base delay', { baseDelay: 0 }, 30, true],
      ['no delays at all', { baseDelay: 0, maxDelay: 0 }, 30, true],
      ['a base delay over the longest', { baseDelay: 8 * HOUR, maxDelay: HOUR }, 6, false]
    ]
    for (const [name, options, failures, open] of settings) {
      t.test(name, async t => {
        const { fail, isOpen, advance } = await build(options)
        await fail('alice', failures)
        t.equal(await isOpen('alice'), open)
        await advance(HOUR)
        t.equal(await isOpen('alice'), true)
      })
    }

    t.test('of 20 guesses at once, as many are checked as one after the other', async t => {
      for (const [failures, admitted] of [[0, 6], [1, 5], [4, 2], [5, 1], [6, 0]] as const) {
        const { fail, start, attempt } = await build()
        await fail('alice', failures)
        const guesses = Array.from({ length: 20 }, () => start('alice'))
        let rejected = 0
        for (const { outcome } of guesses) outcome.catch(() => { rejected++ })
        await until('all others to be rejected', () => rejected === 20 - admitted && guesses.filter(({ started }) => started()).length === admitted)
        for (const { end } of guesses) end('incorrect')
        await Promise.allSettled(guesses.map(async ({ outcome }) => await outcome))
        t.equal(rejected, 20 - admitted, `${failures} failures before`)
        for (let i = 0; i < 2; i++) await t.rejects(attempt('alice', 'correct'), throttled, 'and then it is closed')
      }
    })

    t.test('the same wrong one again is not counted again', async t => {
      const { attempt, fail, isOpen } = await build()
      for (let i = 0; i < 10; i++) await attempt('alice', 'incorrect', 'canary-old-password')
      t.equal(await attempt('bob', 'incorrect', 'canary-old-password'), 'incorrect')
      for (let guess = 2; guess <= 5; guess++) await attempt('alice', 'incorrect', `canary-guess-${guess}`)
      for (let i = 0; i < 10; i++) await attempt('alice', 'incorrect', 'canary-old-password')
      t.equal(await isOpen('alice'), true, 'five in all')
      await attempt('alice', 'incorrect', 'canary-guess-6')
      t.equal(await isOpen('alice'), false)
      await fail('bob', 4)
      t.equal(await isOpen('bob'), true)
    })

    t.test('of very many, the latest eight are known', async t => {
      const { attempt, isOpen } = await build({ maxFailures: 9 })
      for (let guess = 1; guess <= 9; guess++) await attempt('alice', 'incorrect', `canary-guess-${guess}`)
      for (const guess of [8, 9, 8, 9, 8]) await attempt('alice', 'incorrect', `canary-guess-${guess}`)
      t.equal(await isOpen('alice'), true)
      // made by the process that has not seen it itself
      await attempt('alice', 'incorrect', 'canary-guess-1')
      t.equal(await isOpen('alice'), false)
    })
  })
}

test('what Redis holds', async t => {
  const redis = await startRedis(t, { password: REDIS_PASSWORD })
  if (redis === undefined) return
  const [store, other] = await openTwo(t, redis, { password: REDIS_PASSWORD }) as [OpenStore, OpenStore]
  await redis.cli('flushall')
  const throttle = createThrottle({ offset: 0 }, sharedBy(store))
  const key = async (): Promise<string> => {
    const keys = (await redis.cli('keys', '*failures*')).split('\n')
    t.equal(keys.length, 1)
    t.match(keys[0], /^authn-webhook:failures:[A-Za-z0-9_-]{43}$/)
    return keys[0]!
  }
  await throttle.attempt('alice', async () => 'incorrect', NEVER, { password: 'canary-guess' })

  t.test('are digests of names and passwords, for as long as the count lasts', async t => {
    const value = await redis.cli('get', await key())
    t.match(JSON.parse(value), { count: 1, guesses: [/^[0-9a-f]{4}$/] })
    t.notMatch(value, /alice|corp|canary/)
    const left = Number(await redis.cli('pttl', await key()))
    t.ok(left > 8 * HOUR - SLACK && left <= 8 * HOUR, `${left} ms`)
  })

  t.test('nothing, once an attempt has ended without an outcome', async t => {
    await redis.cli('flushall')
    await createThrottle({ offset: 0 }, sharedBy(store)).attempt('alice', async () => 'uncounted', NEVER)
    t.equal(await redis.cli('dbsize'), '0')
  })

  t.test('that the right password was used, no longer than a count could last', async t => {
    await throttle.attempt('alice', async () => 'correct', NEVER)
    const left = Number(await redis.cli('pttl', await key()))
    t.ok(left > 9 * 8 * HOUR - SLACK && left <= 9 * 8 * HOUR, `${left} ms`)
  })

  t.test('other digests for another provider, table or password of Redis', async t => {
    await redis.cli('flushall')
    const attempt = async (throttle: Throttle): Promise<void> => { await throttle.attempt('alice', async () => 'incorrect', NEVER) }
    await attempt(createThrottle({ offset: 0 }, sharedBy(store, 'corp')))
    await attempt(createThrottle({ offset: 0 }, sharedBy(other, 'corp')))
    t.equal(await redis.cli('dbsize'), '1')
    await attempt(createThrottle({ offset: 0 }, sharedBy(other, 'partners')))
    await createThrottle({ offset: 0 }, sharedBy(other)).attemptUnknown('alice', async () => {}, NEVER)
    t.equal(await redis.cli('dbsize'), '3')
  })
})

test('without a password of Redis, nothing is derived from passwords', async t => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const stores = await openTwo(t, redis)
  await redis.cli('flushall')
  const throttles = stores.map(store => createThrottle({ offset: 0 }, sharedBy(store)))
  for (let i = 0; i < 4; i++) for (const throttle of throttles) await throttle.attempt('alice', async () => 'incorrect', NEVER, { password: 'canary-guess' })
  t.match(JSON.parse(await redis.cli('get', await redis.cli('keys', '*failures*'))), { count: 2, guesses: {} }, 'once for each process')
})

test('a cluster shares counts as well', async t => {
  const nodes = await startRedisCluster(t, { password: REDIS_PASSWORD })
  if (nodes === undefined) return
  const stores = await openTwo(t, nodes[0]!, { cluster: true, password: REDIS_PASSWORD })
  const throttles = stores.map(store => createThrottle({ offset: 0 }, sharedBy(store)))
  for (const name of ['alice', 'bob', 'carol', 'dave', 'erin', 'frank']) {
    for (let i = 0; i < 6; i++) await throttles[i % 2]!.attempt(name, async () => 'incorrect', NEVER)
    for (const throttle of throttles) await t.rejects(throttle.attempt(name, async () => 'correct', NEVER), throttled)
  }
})

/** Two processes that share counts, each with a check that is wrong or right. */
async function pair (t: Test, redis: Redis, config: Parameters<typeof storeConfig>[1] = {}) {
  const stores = await openTwo(t, redis, config) as [OpenStore, OpenStore]
  const throttles = stores.map(store => createThrottle({ offset: 0 }, sharedBy(store)))
  const [a, b] = throttles.map(throttle => ({
    wrong: async (times = 1) => { for (let i = 0; i < times; i++) await throttle.attempt('alice', async () => 'incorrect', NEVER) },
    right: async () => await throttle.attempt('alice', async () => 'correct', NEVER),
    throttle
  })) as [Process, Process]
  return { stores, a, b, untilLocal: async () => { for (const store of stores) await until('the counts to be local', async () => await isLocalAtOnce(store)) } }
}

interface Process {
  readonly wrong: (times?: number) => Promise<void>
  readonly right: () => Promise<CheckOutcome>
  readonly throttle: Throttle
}

test('while Redis is down, each process counts alone', async t => {
  t.test('and after it, what they counted is shared, and nothing twice', async t => {
    const redis = await startRedis(t)
    if (redis === undefined) return
    const { stores, a, b, untilLocal } = await pair(t, redis)
    await redis.stop('SIGKILL')
    await untilLocal()
    await a.wrong(3)
    await b.wrong(3)
    await redis.start()
    for (const store of stores) await untilShared(store)
    // each tells of its three: a budget of six has three left
    await a.wrong()
    await b.wrong()
    await a.wrong()
    for (const { right } of [a, b]) await t.rejects(right(), throttled)
  })

  t.test('what they counted before is not lost with the data of Redis', async t => {
    const redis = await startRedis(t)
    if (redis === undefined) return
    const { stores, a, b, untilLocal } = await pair(t, redis)
    await a.wrong(6)
    await redis.stop('SIGKILL')
    await untilLocal()
    await t.rejects(a.right(), throttled)
    await redis.start()
    for (const store of stores) await untilShared(store)
    await t.rejects(a.right(), throttled)
    await t.rejects(b.right(), throttled)
  })

  t.test('the right password after it ends all that was counted before', async t => {
    const redis = await startRedis(t)
    if (redis === undefined) return
    const { stores, a, b, untilLocal } = await pair(t, redis)
    await redis.stop('SIGKILL')
    await untilLocal()
    await a.wrong(6)
    await redis.start()
    for (const store of stores) await untilShared(store)
    t.equal(await b.right(), 'correct')
    t.equal(await a.right(), 'correct')
    await a.wrong(6)
    await t.rejects(b.right(), throttled)
  })

  t.test('what the right password has ended elsewhere before is not counted', async t => {
    const redis = await startRedis(t)
    if (redis === undefined) return
    const { a, b, untilLocal } = await pair(t, redis)
    await a.wrong(5)
    await b.right()
    await a.wrong()
    await redis.stop('SIGKILL')
    await untilLocal()
    await a.wrong(4)
    t.equal(await a.right(), 'correct')
  })

  t.test('parallel guesses are as many as in one process', async t => {
    const redis = await startRedis(t)
    if (redis === undefined) return
    const { a } = await pair(t, redis)
    await redis.freeze()
    let checked = 0
    const { promise, resolve } = withResolvers<CheckOutcome>()
    let rejected = 0
    const guesses = Array.from({ length: 20 }, async () => {
      await a.throttle.attempt('alice', async () => {
        checked++
        return await promise
      }, NEVER).catch(() => { rejected++ })
    })
    await until('all others to be rejected', () => rejected === 14)
    resolve('incorrect')
    await Promise.all(guesses)
    t.equal(checked, 6)
  })
})

test('while Redis is frozen', async t => {
  t.test('attempts go on, and after the first none waits', async t => {
    const redis = await startRedis(t)
    if (redis === undefined) return
    const { stores, a, b } = await pair(t, redis, { timeout: '300ms' })
    await redis.freeze()
    await within(() => 'the first attempt', a.wrong())
    for (let i = 0; i < 5; i++) t.equal(await isLocalAtOnce(stores[0]), true)
    await a.wrong(5)
    await t.rejects(a.right(), throttled)
    redis.signal('SIGCONT')
    for (const store of stores) await untilShared(store)
    await t.rejects(a.right(), throttled)
    await t.rejects(b.right(), throttled)
  })

  t.test('an attempt that has begun is counted once', async t => {
    const redis = await startRedis(t)
    if (redis === undefined) return
    const { stores, a, b } = await pair(t, redis)
    await within(() => 'the attempt', a.throttle.attempt('alice', async () => {
      await redis.freeze()
      return 'incorrect'
    }, NEVER))
    redis.signal('SIGCONT')
    for (const store of stores) await untilShared(store)
    await a.wrong(2)
    await b.wrong(2)
    await a.wrong()
    for (const { right } of [a, b]) await t.rejects(right(), throttled)
  })
})

test('while Redis is slow, each process counts alone, and leaves no reservation behind', async t => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  // Redis knows the scripts: it reserves at the first request
  await untilShared(await openReady(t, storeConfig(redis.port)))
  const proxy = await startProxy(t, redis.port, { delay: 400 })
  const lines: LogLine[] = []
  const store = await openReady(t, storeConfig(proxy.port, { timeout: '5s' }), logTo(lines))
  const throttle = createThrottle({ offset: 0 }, sharedBy(store))
  await until('the counts to be asked for', async () => {
    await throttle.attempt('alice', async () => 'uncounted', NEVER)
    return lines.length > 0
  })
  t.match(lines, [{ level: 'warn', message: 'store is too slow to share failed-password counts; this process counts alone' }])
  t.equal(await isLocalAtOnce(store), true)
  await until('the late answer to be undone', async () => await redis.cli('keys', '*failures*') === '')
  for (let i = 0; i < 6; i++) await throttle.attempt('alice', async () => 'incorrect', NEVER)
  await t.rejects(throttle.attempt('alice', async () => 'correct', NEVER), throttled)
  t.equal(lines.length, 1)
})

test('while Redis is full, each process counts alone', async t => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const { stores, a, b } = await pair(t, redis)
  await redis.cli('config', 'set', 'maxmemory', '1')
  await a.wrong(6)
  await t.rejects(a.right(), throttled)
  await b.right()
  await redis.cli('config', 'set', 'maxmemory', '0')
  for (const store of stores) await untilShared(store)
  await t.rejects(a.right(), throttled)
})

test('reservations of a process that was killed expire', async t => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const { stores, a, b } = await pair(t, redis)
  // a count outlives them
  await b.wrong()
  const { promise, resolve } = withResolvers<CheckOutcome>()
  let checked = 0
  const guesses = Array.from({ length: 5 }, async () => await a.throttle.attempt('alice', async () => {
    checked++
    return await promise
  }, NEVER))
  await until('all to run', () => checked === 5)
  await t.rejects(b.right(), throttled)
  // as Redis sees it
  await stores[0].close()
  resolve('incorrect')
  await Promise.all(guesses)
  await t.rejects(b.right(), throttled)
  await shift(redis, 90_000)
  t.equal(await b.right(), 'correct')
})
