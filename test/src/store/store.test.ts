/** The rules of every store, held against each of them. */
import { test, type Test } from 'tap'
import { openStore } from '../../../src/store/index.js'
import { createMemoryStore } from '../../../src/store/memory.js'
import type { Store } from '../../../src/store/store.js'
import { ACL_RULES, REDIS_PASSWORD, startRedis, startRedisCluster, storeConfig } from '../../fixtures/redis.js'
import { until } from '../../fixtures/waiting.js'
import { openReady, silent } from '../../fixtures/stores.js'

const memory = { kind: 'memory', cluster: false, keyPrefix: '', timeout: '500ms' } as const

/** Two clients of one store, as two replicas have. */
type Opened = readonly [Store, Store]

const STORES: Record<string, (t: Test) => Promise<Opened | undefined>> = {
  async memory () {
    const store = await openStore(memory, { log: silent })
    return [store, store]
  },
  async redis (t) {
    const redis = await startRedis(t)
    return redis && await twice(async () => await openReady(t, storeConfig(redis.port)))
  },
  async 'redis with TLS, a password and a database' (t) {
    const redis = await startRedis(t, { tls: true, password: REDIS_PASSWORD })
    return redis && await twice(async () => await openReady(t, storeConfig(redis.port, { url: `rediss://127.0.0.1:${redis.port}/3`, caFile: redis.caFile, password: REDIS_PASSWORD })))
  },
  async 'redis with a user who may do only what the documentation says' (t) {
    const redis = await startRedis(t, { conf: `user default off\nuser webhook on >${REDIS_PASSWORD} ${ACL_RULES}` })
    return redis && await twice(async () => await openReady(t, storeConfig(redis.port, { username: 'webhook', password: REDIS_PASSWORD })))
  },
  async 'a cluster, with such a user' (t) {
    const nodes = await startRedisCluster(t, { conf: `user webhook on >${REDIS_PASSWORD} ${ACL_RULES} +cluster|slots` })
    return nodes && await twice(async () => await openReady(t, storeConfig(nodes[0]!.port, { cluster: true, username: 'webhook', password: REDIS_PASSWORD })))
  }
}

async function twice (open: () => Promise<Store>): Promise<Opened> {
  return [await open(), await open()]
}

for (const [name, open] of Object.entries(STORES)) {
  test(name, async t => {
    const opened = await open(t)
    if (opened === undefined) return
    const [store, other] = opened

    t.test('has what was set, for every client', async t => {
      t.equal(await store.get('grant:nobody'), undefined)
      for (const value of ['{"client":"production"}', '', 'zo\u00eb \u{1f600}', 'x'.repeat(100_000)]) {
        await store.set('grant:alice', value, 60)
        t.equal(await store.get('grant:alice'), value)
        t.equal(await other.get('grant:alice'), value)
      }
      for (let i = 0; i < 50; i++) await store.set(`many:${i}`, `${i}`, 60)
      for (let i = 0; i < 50; i++) t.equal(await other.get(`many:${i}`), `${i}`)
    })

    t.test('deletes, also what is not there', async t => {
      await store.set('session:bob', 'here', 60)
      await other.delete('session:bob')
      t.equal(await store.get('session:bob'), undefined)
      await store.delete('session:bob')
    })

    t.test('adds a key that has no value, and no other', async t => {
      t.equal(await store.add('code:1', 'first', 60), true)
      t.equal(await other.add('code:1', 'second', 60), false)
      t.equal(await store.get('code:1'), 'first')
      await store.delete('code:1')
      t.equal(await other.add('code:1', 'third', 60), true)
    })

    t.test('of racing adds, one is true', async t => {
      for (let round = 0; round < 20; round++) {
        const results = await Promise.all(Array.from({ length: 10 }, async (_, i) => await (i % 2 === 0 ? store : other).add(`race:${round}`, `${i}`, 60)))
        t.equal(results.filter(Boolean).length, 1)
      }
    })

    t.test('forgets what has expired: at once, where it is set and where it is added', async t => {
      await store.set('short', 'one', 1)
      await store.add('short-added', 'one', 1)
      await store.set('prolonged', 'one', 1)
      await store.set('prolonged', 'two', 60)
      // not even the least time is for ever
      await store.set('shortest', 'one', 0.001)
      await until('the values to expire', async () => await store.get('short') === undefined && await store.get('short-added') === undefined && await store.get('shortest') === undefined)
      t.equal(await other.get('prolonged'), 'two')
      t.equal(await other.add('short-added', 'again', 60), true)
    })

    t.test('can be reached', async () => { await store.ping() })

    t.test('closes', async () => {
      await store.close()
      await other.close()
    })
  })
}

test('memory', async t => {
  t.test('is bounded by entries: the one that was set longest ago goes first', async t => {
    const store = createMemoryStore({ maxEntries: 3 })
    for (const key of ['alice', 'bob', 'carol']) await store.set(key, key, 60)
    await store.get('alice')
    await store.add('bob', 'again', 60)
    await store.set('dave', 'dave', 60)
    t.strictSame(await Promise.all(['alice', 'bob', 'carol', 'dave'].map(store.get)), [undefined, 'bob', 'carol', 'dave'], 'reading makes none younger')
    await store.set('bob', 'again', 60)
    await store.set('erin', 'erin', 60)
    t.strictSame(await Promise.all(['bob', 'carol', 'dave', 'erin'].map(store.get)), ['again', undefined, 'dave', 'erin'], 'a new value does')
  })

  t.test('is bounded by bytes', async t => {
    const store = createMemoryStore({ maxBytes: 10_000 })
    for (let i = 0; i < 100; i++) await store.set(`${i}`, 'x'.repeat(1000), 60)
    const left = (await Promise.all(Array.from({ length: 100 }, async (_, i) => await store.get(`${i}`)))).filter(value => value !== undefined)
    t.equal(left.length, 4)
    t.equal(await store.get('99'), 'x'.repeat(1000))
  })

  t.test('evicts what has expired before what has not', async t => {
    const clock = { now: 5 }
    const store = createMemoryStore({ maxEntries: 3, now: () => clock.now })
    await store.set('session', 'alice', 3600)
    await store.set('abandoned', 'sign-in', 60)
    await store.set('current', 'sign-in', 600)
    clock.now += 60_000
    await store.set('next', 'sign-in', 600)
    t.strictSame(await Promise.all(['session', 'abandoned', 'current', 'next'].map(store.get)), ['alice', undefined, 'sign-in', 'sign-in'])
  })

  t.test('an entry is gone when its time is over, not before', async t => {
    const clock = { now: 5 }
    const store = createMemoryStore({ now: () => clock.now })
    await store.set('code', 'alice', 60)
    clock.now += 59_999
    t.equal(await store.get('code'), 'alice')
    t.equal(await store.add('code', 'bob', 60), false)
    clock.now += 1
    t.equal(await store.get('code'), undefined)
    t.equal(await store.add('code', 'bob', 60), true)
  })

  t.test('stays within its bounds however many sign-ins are started and abandoned', async t => {
    const store = createMemoryStore({ maxEntries: 1000 })
    for (let i = 0; i < 20_000; i++) await store.set(`interaction:${i}`, 'x', 600)
    const left = (await Promise.all(Array.from({ length: 20_000 }, async (_, i) => await store.get(`interaction:${i}`)))).filter(value => value !== undefined)
    t.equal(left.length, 1000)
  })
})
