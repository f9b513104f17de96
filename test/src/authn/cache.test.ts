import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { setImmediate as tick, setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { isUnavailable, unavailable, type Outcome, type VettedAnswer } from '../../../src/authn/answer.js'
import { AnswerCache, type AnswerCacheOptions } from '../../../src/authn/cache.js'
import { Deadline } from '../../../src/authn/deadline.js'
import type { Authentication } from '../../../src/authn/provider.js'

const MIDNIGHT = Date.UTC(2027, 0, 1)
const outOfTime = unavailable('deadline')
const plenty = () => new Deadline(60_000)

const alice: Authentication = { user: { username: 'alice', groups: ['admins'] } }
const bob: Authentication = { user: { username: 'bob', groups: [] } }
const wrong: VettedAnswer = { denied: 'wrong-credential', username: 'carol' }

/** A cache, a clock for it, and what it reported. */
function build (options: Partial<AnswerCacheOptions> = {}) {
  const clock = { now: MIDNIGHT }
  const results: string[] = []
  const cache = new AnswerCache({
    successTTL: 60_000,
    failureTTL: 10_000,
    maxEntries: 100,
    onResult: (result) => { results.push(result) },
    now: () => clock.now,
    ...options
  })
  return { cache, clock, results }
}

/** As an authenticator asks. */
async function get (cache: AnswerCache, key: string, deadline: Deadline, ask: (asked: AbortController) => Promise<Outcome>): Promise<Outcome> {
  const stored = cache.lookUp(key)
  return stored === undefined ? await cache.authenticate(key, deadline, ask) : stored
}

/** A provider that answers when it is told to. */
function onDemand () {
  let answer!: (outcome: Outcome) => void
  const promise = new Promise<Outcome>(resolve => { answer = resolve })
  const provider = {
    asked: 0,
    signal: undefined as unknown as AbortSignal,
    answer,
    ask: async ({ signal }: AbortController) => {
      provider.asked++
      provider.signal = signal
      return await promise
    }
  }
  return provider
}

/** Ends when the test says so. */
class ManualDeadline extends Deadline {
  readonly #expiry = new AbortController()

  constructor () {
    super(60_000)
  }

  expire (): void {
    this.#expiry.abort()
  }

  override async raceOr<T, E> (work: Promise<T>, expired: () => E): Promise<T | E> {
    const expiry = once(this.#expiry.signal, 'abort').then(() => expired())
    return await Promise.race([work, expiry])
  }
}

test('a key', async (t) => {
  const { cache } = build()

  t.test('is the same for the same question', async (t) => {
    t.equal(cache.key('token', 'secret', ['a']), cache.key('token', 'secret', ['a']))
    t.equal(cache.key('token', 'secret', ['a']), build().cache.key('token', 'secret', ['a']))
  })

  t.test('is another for every other question, however the parts are cut', async (t) => {
    const questions: Array<Parameters<AnswerCache['key']>> = [
      ['token', 'secret', []],
      ['password', 'secret', []],
      ['token', 'secret', ['']],
      ['token', 'secret', ['a']],
      ['token', 'secret', ['a', 'b']],
      ['token', 'secret', ['ab']],
      ['token', 'secret', ['a,b']],
      ['token', 'secret', ['a","b']],
      ['token', 'secret\0a', []],
      ['token', 'secret"', ['a']],
      ['token', 'secreta', []],
      ['token', 'secret","a', []],
      ['token', 'secret",["a"]]', []],
      ['token', '\uD800', []],
      ['token', '\\ud800', []],
      ['token', '\uFFFD', []]
    ]
    t.equal(new Set(questions.map(question => cache.key(...question))).size, questions.length)
  })

  t.test('is a digest that needs a key', async (t) => {
    const key = cache.key('token', 'secret', [])
    t.match(key, /^[A-Za-z0-9+/]{43}=$/)
    t.not(key, createHash('sha256').update(JSON.stringify(['token', 'secret', []])).digest('base64'))
  })
})

test('how long an answer is served', async (t) => {
  const user = alice.user
  // served until the last millisecond before `until`, counted from its arrival; 0: not stored
  const cases: Array<[string, VettedAnswer, number, Partial<AnswerCacheOptions>?]> = [
    ['a success', alice, 60_000],
    ['a denial', wrong, 10_000],
    ['not mine', null, 10_000],
    ['a success that expires before the TTL is over', { user, expiresAt: new Date(MIDNIGHT + 5000) }, 5000],
    ['a success that expires later', { user, expiresAt: new Date(MIDNIGHT + 3_600_000) }, 60_000],
    ['a success that expires now', { user, expiresAt: new Date(MIDNIGHT) }, 0],
    ['a success that has expired', { user, expiresAt: new Date(MIDNIGHT - 1) }, 0],
    ['a success that must not be cached', { user, cacheable: false }, 0],
    ['a success that may be cached', { user, cacheable: true }, 60_000],
    ['a success with a TTL of 0', alice, 0, { successTTL: 0 }],
    ['a denial with a TTL of 0', wrong, 0, { failureTTL: 0 }],
    ['a success beside a failure TTL of 0', alice, 60_000, { failureTTL: 0 }],
    ['a TTL of half a millisecond more', alice, 1.5, { successTTL: 1.5 }],
    ['a success without entries', alice, 0, { maxEntries: 0 }],
    ['a denial without entries', wrong, 0, { maxEntries: 0 }]
  ]
  for (const [name, answer, until, options] of cases) {
    t.test(name, async (t) => {
      const { cache, clock, results } = build(options)
      let asked = 0
      const ask = async () => await get(cache, 'k', plenty(), async () => { asked++; return answer })

      t.same(await ask(), answer)
      t.equal(cache.entries, until === 0 ? 0 : 1)
      if (until > 0) {
        clock.now += until - 0.5
        t.same(await ask(), answer)
        t.equal(asked, 1, 'served')
        clock.now += 0.5
      }
      t.same(await ask(), answer)
      t.equal(asked, 2, 'asked again')
      t.same(results, until === 0 ? ['miss', 'miss'] : ['miss', 'hit', 'miss'])
    })
  }

  t.test('what is there takes no promise', async (t) => {
    const { cache } = build()
    t.equal(cache.lookUp('k'), undefined)
    await get(cache, 'k', plenty(), async () => alice)
    t.same(cache.lookUp('k'), alice)
  })

  t.test('an outage is not stored', async (t) => {
    const { cache, results } = build()
    const outage = unavailable('timeout')
    t.same(await get(cache, 'k', plenty(), async () => outage), outage)
    t.equal(cache.entries, 0)
    t.same(await get(cache, 'k', plenty(), async () => alice), alice)
    t.same(results, ['miss', 'miss'])
  })

  t.test('a clock that is set back ends a life, and does not lengthen it', async (t) => {
    const { cache, clock, results } = build()
    await get(cache, 'k', plenty(), async () => alice)
    clock.now -= 3_600_000
    await get(cache, 'k', plenty(), async () => bob)
    t.same(results, ['miss', 'miss'])
  })

  t.test('… and not beyond the TTL that of an answer that expires before it', async (t) => {
    const { cache, clock, results } = build()
    const ask = async () => await get(cache, 'k', plenty(), async () => ({ ...alice, expiresAt: new Date(MIDNIGHT + 10_000) }))
    await ask()
    clock.now = MIDNIGHT - 50_000
    await ask()
    clock.now = MIDNIGHT - 50_001
    await ask()
    t.same(results, ['miss', 'hit', 'miss'])
  })

  t.test('without a clock of the test it is the time of day', async (t) => {
    const results: string[] = []
    const cache = new AnswerCache({ successTTL: 60_000, failureTTL: 0, maxEntries: 1, onResult: result => { results.push(result) } })
    for (const expiresAt of [new Date(Date.now() - 1), new Date(Date.now() + 60_000), undefined]) await get(cache, 'k', plenty(), async () => ({ ...alice, expiresAt }))
    t.same(results, ['miss', 'miss', 'hit'])
  })
})

test('a flood of wrong tokens evicts nobody, and stays within its own store', async (t) => {
  const { cache, results } = build({ maxEntries: 3 })
  await get(cache, 'alice', plenty(), async () => alice)
  for (let i = 0; i < 50; i++) await get(cache, `wrong ${i}`, plenty(), async () => i % 2 === 0 ? null : wrong)
  t.equal(cache.entries, 4)
  results.length = 0
  t.same(await get(cache, 'alice', plenty(), async () => null), alice)
  t.same(results, ['hit'])
  for (let i = 0; i < 50; i++) await get(cache, `right ${i}`, plenty(), async () => bob)
  t.equal(cache.entries, 6)
})

test('users with many groups leave room for fewer', async (t) => {
  const { cache } = build({ maxEntries: 1_000 })
  const groups = Array.from({ length: 199 }, (_, i) => `0b3c0000-0000-0000-0000-${String(i).padStart(12, '0')}`)
  for (let i = 0; i < 1_000; i++) await get(cache, `user ${i}`, plenty(), async () => ({ user: { username: `user-${i}`, groups } }))
  t.ok(cache.entries > 100 && cache.entries < 150, `${cache.entries} of about 15 kB within 2 MiB`)
  for (let i = 0; i < 1_000; i++) await get(cache, `small ${i}`, plenty(), async () => alice)
  t.equal(cache.entries, 1_000)
})

test('single flight', async (t) => {
  t.test('callers of one key ask once, those of another ask for themselves', async (t) => {
    const { cache, results } = build()
    const provider = onDemand()
    const first = [1, 2, 3].map(async () => await get(cache, 'a', plenty(), provider.ask))
    const other = get(cache, 'b', plenty(), async () => bob)
    provider.answer(alice)
    t.same(await Promise.all(first), [alice, alice, alice])
    t.same(await other, bob)
    t.equal(provider.asked, 1)
    t.same(results, ['miss', 'coalesced', 'coalesced', 'miss'])
  })

  t.test('an answer is no reason to stop', async (t) => {
    const { cache } = build()
    const provider = onDemand()
    const asked = get(cache, 'a', plenty(), provider.ask)
    provider.answer(alice)
    await asked
    t.equal(provider.signal.aborted, false)
  })

  t.test('works where nothing is stored', async (t) => {
    const { cache, results } = build({ maxEntries: 0 })
    const provider = onDemand()
    const callers = [1, 2].map(async () => await get(cache, 'a', plenty(), provider.ask))
    provider.answer(alice)
    t.same(await Promise.all(callers), [alice, alice])
    t.equal(provider.asked, 1)
    t.same(results, ['miss', 'coalesced'])
  })

  t.test('all get the one outage, and the next caller asks again', async (t) => {
    const { cache } = build()
    const provider = onDemand()
    const callers = [1, 2].map(async () => await get(cache, 'a', plenty(), provider.ask))
    const outage = unavailable('busy')
    provider.answer(outage)
    for (const caller of callers) t.same(await caller, outage)
    t.same(await get(cache, 'a', plenty(), async () => alice), alice)
  })

  t.test('a caller that gives up stops waiting, the others do not', async (t) => {
    const { cache } = build()
    const provider = onDemand()
    const deadline = new ManualDeadline()
    const hasty = get(cache, 'a', deadline, provider.ask)
    const patient = get(cache, 'a', plenty(), provider.ask)
    deadline.expire()
    t.same(await hasty, outOfTime)
    t.equal(provider.signal.aborted, false)
    provider.answer(alice)
    t.same(await patient, alice)
    t.equal(cache.entries, 1)
  })

  t.test('when the last has left, the question is called off; the next caller asks anew', async (t) => {
    const { cache, results } = build()
    const deserted = onDemand()
    const deadlines = [new ManualDeadline(), new ManualDeadline()]
    const callers = deadlines.map(async deadline => await get(cache, 'a', deadline, deserted.ask))
    deadlines[0]!.expire()
    t.same(await callers[0]!, outOfTime)
    t.equal(deserted.signal.aborted, false)
    deadlines[1]!.expire()
    t.same(await callers[1]!, outOfTime)
    t.equal(deserted.signal.aborted, true)
    t.match(deserted.signal.reason, { name: 'UnavailableError', reason: 'deadline' })

    const fresh = onDemand()
    const next = get(cache, 'a', plenty(), fresh.ask)
    deserted.answer(null)
    await tick()
    t.equal(cache.entries, 0, 'what a provider says when it is told to stop is not kept')
    const joined = get(cache, 'a', plenty(), fresh.ask)
    fresh.answer(alice)
    t.same(await next, alice)
    t.same(await joined, alice)
    t.equal(fresh.asked, 1)
    t.same(results, ['miss', 'coalesced', 'miss', 'coalesced'])
  })

  t.test('a caller without time does not ask, but is served what is there', async (t) => {
    const { cache, results } = build()
    const provider = onDemand()
    t.same(await get(cache, 'a', new Deadline(0), provider.ask), outOfTime)
    t.equal(provider.asked, 0)
    await get(cache, 'a', plenty(), async () => alice)
    t.same(await get(cache, 'a', new Deadline(0), provider.ask), alice)
    t.same(results, ['miss', 'hit'])
  })
})

test('a flush', async (t) => {
  t.test('of a cache that stores nothing is none', async (t) => {
    const { cache } = build({ maxEntries: 0 })
    cache.flush()
    t.equal(cache.entries, 0)
  })

  t.test('empties both stores', async (t) => {
    const { cache, results } = build()
    await get(cache, 'a', plenty(), async () => alice)
    await get(cache, 'b', plenty(), async () => null)
    t.equal(cache.entries, 2)
    cache.flush()
    t.equal(cache.entries, 0)
    t.same(await get(cache, 'a', plenty(), async () => null), null)
    t.same(await get(cache, 'b', plenty(), async () => bob), bob)
    t.same(results, ['miss', 'miss', 'miss', 'miss'])
  })

  t.test('answers that began before reach who waits, and are neither stored nor joined', async (t) => {
    const { cache, results } = build()
    const old = onDemand()
    const current = onDemand()
    const before = get(cache, 'a', plenty(), old.ask)
    cache.flush()
    const after = get(cache, 'a', plenty(), current.ask)
    old.answer(alice)
    t.same(await before, alice)
    t.equal(cache.entries, 0)
    const joined = get(cache, 'a', plenty(), current.ask)
    current.answer(wrong)
    t.same(await after, wrong)
    t.same(await joined, wrong)
    t.same(await get(cache, 'a', plenty(), old.ask), wrong)
    t.same(results, ['miss', 'miss', 'coalesced', 'hit'])
  })

  t.test('deserted questions of before are still called off', async (t) => {
    const { cache } = build()
    const old = onDemand()
    const deadline = new ManualDeadline()
    const before = get(cache, 'a', deadline, old.ask)
    cache.flush()
    deadline.expire()
    t.same(await before, outOfTime)
    t.equal(old.signal.aborted, true)
  })
})

test('an answer keeps everything that it carries', async (t) => {
  const { user } = alice
  const answers: VettedAnswer[] = [
    { user }, { user, audiences: ['api'] }, { user, expiresAt: new Date(MIDNIGHT + 30_000) }, { user, cacheable: true }, { user, passwordVersion: '1' },
    { user, dropped: { uid: [], group: ['system:masters'], extra: [] } },
    { user, audiences: ['api'], expiresAt: new Date(MIDNIGHT + 30_000), cacheable: true, dropped: { uid: ['x'], group: [], extra: [] } }
  ]
  for (const answer of answers) {
    const { cache } = build()
    for (const what of ['asked', 'stored']) t.strictSame({ ...await get(cache, 'a', plenty(), async () => answer) }, answer, what)
  }
})

test('answers are nobody\'s to change', async (t) => {
  t.test('a provider that fills one object for every user mixes nobody up', async (t) => {
    const { cache } = build()
    const shared = { user: { username: '', groups: [''], extra: { team: [''] } } }
    const ask = (username: string) => async () => {
      shared.user.username = username
      shared.user.groups[0] = `${username}s`
      shared.user.extra.team[0] = username
      return shared
    }
    const expected = (username: string) => ({ user: { username, groups: [`${username}s`], extra: { team: [username] } } })
    const names = ['alice', 'bob', 'carol']
    // two callers each: one asks, one joins
    const callers = []
    for (const name of names) {
      callers.push(get(cache, name, plenty(), ask(name)), get(cache, name, plenty(), ask('mallory')))
      await tick()
    }
    const answers = await Promise.all(callers)
    shared.user.username = 'mallory'
    shared.user.groups.push('system:masters')
    for (const [i, name] of names.entries()) {
      t.same(answers[2 * i], expected(name))
      t.same(answers[2 * i + 1], expected(name))
      t.same(await get(cache, name, plenty(), ask('mallory')), expected(name), 'from the store')
    }
  })

  t.test('a caller can\'t change the answers of others', async (t) => {
    const { cache } = build()
    const expiresAt = new Date(MIDNIGHT + 30_000)
    const give = async () => ({ user: { username: 'alice', groups: ['admins'], extra: { team: ['a'] } }, audiences: ['api'], expiresAt })
    const first = await get(cache, 'a', plenty(), give) as Authentication
    t.throws(() => { first.user.username = 'mallory' }, TypeError)
    t.throws(() => first.user.groups!.push('system:masters'), TypeError)
    t.throws(() => first.user.extra!.team!.push('b'), TypeError)
    t.throws(() => (first.audiences as string[]).push('b'), TypeError)
    t.throws(() => { Object.assign(first, { expiresAt: new Date(0) }) }, TypeError)
    first.expiresAt!.setTime(0)
    expiresAt.setTime(0)
    const second = await get(cache, 'a', plenty(), give) as Authentication
    t.same({ ...second }, { user: { username: 'alice', groups: ['admins'], extra: { team: ['a'] } }, audiences: ['api'], expiresAt: new Date(MIDNIGHT + 30_000) })
    const denial = await get(cache, 'c', plenty(), async () => ({ denied: 'locked', username: 'carol' }))
    t.throws(() => { Object.assign(denial!, { username: 'mallory' }) }, TypeError)
  })
})

test('callers who come and go at random never share a question twice, nor get another\'s answer', async (t) => {
  const { cache } = build({ maxEntries: 0 })
  const random = createRandom(20_270_101)
  const unhandled: unknown[] = []
  const listener = (reason: unknown): void => { unhandled.push(reason) }
  process.on('unhandledRejection', listener)
  t.teardown(() => process.off('unhandledRejection', listener))

  const waiting = new Map<string, number>()
  const flights = new Map<string, Set<AbortSignal>>()
  let crowded = 0
  let answered = 0
  let gaveUp = 0
  const work: Array<Promise<unknown>> = []

  const askAs = (name: string) => async ({ signal }: AbortController) => {
    const live = flights.get(name) ?? new Set()
    flights.set(name, live)
    if ([...live].some(other => !other.aborted)) crowded++
    live.add(signal)
    const done = sleep(random() * 12).then(() => { live.delete(signal) })
    work.push(done)
    await done
    if (random() < 0.1) return unavailable('failed')
    return { user: { username: name } }
  }
  const call = async (name: string) => {
    await sleep(random() * 60)
    waiting.set(name, (waiting.get(name) ?? 0) + 1)
    const outcome = await get(cache, name, new Deadline(random() * 12), askAs(name))
    waiting.set(name, waiting.get(name)! - 1)
    if (isUnavailable(outcome)) {
      if (outcome.unavailable === 'deadline') gaveUp++
      else t.equal(outcome.unavailable, 'failed')
    } else {
      t.equal((outcome as Authentication).user.username, name)
      answered++
    }
    await tick()
    // as long as somebody waits, a question that is under way goes on
    if (waiting.get(name)! === 0) t.ok([...flights.get(name) ?? []].every(signal => signal.aborted), 'no question without a caller')
  }

  await Promise.all(Array.from({ length: 400 }, async (_, i) => await call(['alice', 'bob', 'carol', 'dave'][i % 4]!)))
  await Promise.all(work)
  t.equal(crowded, 0, 'one question a key at a time')
  t.ok(answered > 0 && gaveUp > 0, 'both ends were seen')
  t.same(unhandled, [])
})

/** mulberry32: the same callers in every run. */
function createRandom (seed: number): () => number {
  return () => {
    seed = (seed + 0x6D2B79F5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
