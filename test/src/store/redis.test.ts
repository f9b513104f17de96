/** What the store does while Redis does not do its part. */
import { test } from 'tap'
import { StoreUnavailableError } from '../../../src/store/store.js'
import { openStore } from '../../../src/store/index.js'
import { freePort } from '../../fixtures/child.js'
import { ACL_RULES, REDIS_PASSWORD, startRedis, startRedisCluster, storeConfig } from '../../fixtures/redis.js'
import { logTo, open, openReady, silent, untilReady, type LogLine } from '../../fixtures/stores.js'
import { startProxy } from '../../fixtures/tcp-proxy.js'
import { until, within } from '../../fixtures/waiting.js'

/** What the log says of the state of the store: `reason`, or that it is available again. */
function statesOf (lines: readonly LogLine[]): string[] {
  return lines.map(({ message, fields }) => 'reason' in fields ? String(fields.reason) : message)
}

test('a store whose Redis is', async t => {
  t.test('not there opens, rejects at once, and recovers when it is', async t => {
    const redis = await startRedis(t)
    if (redis === undefined) return
    await redis.stop('SIGKILL')
    const lines: LogLine[] = []
    const store = await open(t, storeConfig(redis.port), logTo(lines))
    await t.rejects(store.get('session'), StoreUnavailableError)
    await until('a line in the log', () => lines.length > 0)
    t.strictSame(lines, [{ level: 'error', message: 'store is unavailable', fields: { store: `127.0.0.1:${redis.port}`, reason: 'redis can\'t be reached (ECONNREFUSED); retrying' } }])
    await redis.start()
    await untilReady(store)
    await until('it to tell that it is back', () => lines.length > 1)
    t.strictSame(statesOf(lines).slice(1), ['store is available again'])
  })

  t.test('killed rejects every method, also those under way, and recovers with one line', async t => {
    const redis = await startRedis(t)
    if (redis === undefined) return
    const lines: LogLine[] = []
    const store = await openReady(t, storeConfig(redis.port), logTo(lines))
    await redis.freeze()
    const underWay = Array.from({ length: 5 }, async (_, i) => await store.set(`key:${i}`, 'value', 60))
    const settled = Promise.allSettled(underWay)
    await redis.stop('SIGKILL')
    for (const { status } of await settled) t.equal(status, 'rejected')
    await until('the connection to be lost', async () => await store.get('session').then(() => false, () => true))
    const methods: Record<string, Promise<unknown>> = { get: store.get('a'), set: store.set('a', 'b', 60), add: store.add('a', 'b', 60), delete: store.delete('a'), ping: store.ping() }
    for (const [name, result] of Object.entries(methods)) await t.rejects(result, { name: 'StoreUnavailableError', code: 'AUTHN_STORE_UNAVAILABLE', message: `redis 127.0.0.1:${redis.port} is unavailable` }, name)
    await redis.start()
    await untilReady(store)
    await store.set('a', 'b', 60)
    t.equal(await store.get('a'), 'b')
    await until('it to tell that it is back', () => lines.at(-1)?.message === 'store is available again')
    const states = statesOf(lines)
    t.equal(states.length, new Set(states).size, 'no line twice')
  })

  t.test('frozen rejects within the time limit, and recovers', async t => {
    const redis = await startRedis(t)
    if (redis === undefined) return
    const lines: LogLine[] = []
    const store = await openReady(t, storeConfig(redis.port, { timeout: '50ms' }), logTo(lines))
    await redis.freeze()
    // in vain for ever without a limit: the server reads nothing
    for (let i = 0; i < 3; i++) await within(() => 'a rejection', t.rejects(store.add(`code:${i}`, 'x', 60), { name: 'StoreUnavailableError', message: `redis 127.0.0.1:${redis.port} did not answer within 50 ms` }))
    t.strictSame(statesOf(lines), ['redis did not answer within 50 ms'])
    redis.signal('SIGCONT')
    await untilReady(store)
    await until('it to tell that it is back', () => lines.at(-1)?.message === 'store is available again')
  })

  t.test('frozen takes no memory: of very many commands, those over a bound are rejected at once', async t => {
    const redis = await startRedis(t)
    if (redis === undefined) return
    const store = await openReady(t, storeConfig(redis.port, { timeout: '5s' }))
    await redis.freeze()
    let rejected = 0
    const all = Array.from({ length: 1500 }, async (_, i) => await store.get(`${i}`).catch(() => { rejected++ }))
    await until('those over the bound to be rejected', () => rejected >= 500)
    t.equal(rejected, 500)
    redis.signal('SIGCONT')
    await Promise.all(all)
  })

  t.test('slow rejects what is too late', async t => {
    const redis = await startRedis(t)
    if (redis === undefined) return
    const proxy = await startProxy(t, redis.port, { delay: 200 })
    const store = await open(t, storeConfig(proxy.port, { timeout: '50ms' }))
    await until('the time limit to be what rejects', async () => await store.get('a').then(() => false, (error: Error) => error.message.endsWith('did not answer within 50 ms')))
    const patient = await openReady(t, storeConfig(proxy.port, { timeout: '5s' }))
    await patient.set('a', 'b', 60)
    t.equal(await patient.get('a'), 'b')
  })

  t.test('full rejects what it can\'t keep, tells why, and recovers when there is room', async t => {
    const redis = await startRedis(t, { conf: 'maxmemory 8mb\nmaxmemory-policy noeviction' })
    if (redis === undefined) return
    const lines: LogLine[] = []
    const store = await openReady(t, storeConfig(redis.port), logTo(lines))
    await redis.cli('config', 'set', 'maxmemory', '1')
    await t.rejects(store.set('session', 'x', 60), StoreUnavailableError)
    await t.rejects(store.ping(), /is out of memory/, 'it is not ready')
    for (let i = 0; i < 5; i++) await t.rejects(store.add(`code:${i}`, 'x', 60), /is out of memory/)
    t.equal(await store.get('session'), undefined, 'what is there can be read')
    t.strictSame(statesOf(lines), ['redis is out of memory: raise its maxmemory, or set a maxmemory-policy that evicts'])
    await redis.cli('config', 'set', 'maxmemory', '0')
    await until('it to tell that it is back', () => lines.at(-1)?.message === 'store is available again')
    t.equal(await store.add('code:1', 'x', 60), true)
  })

  t.test('a replica rejects, and tells why', async t => {
    const redis = await startRedis(t)
    if (redis === undefined) return
    const lines: LogLine[] = []
    const store = await openReady(t, storeConfig(redis.port), logTo(lines))
    await redis.cli('replicaof', '127.0.0.1', `${await freePort()}`)
    await t.rejects(store.set('session', 'x', 60), StoreUnavailableError)
    t.strictSame(statesOf(lines), ['redis is a read-only replica: set store.url to the primary'])
  })
})

test('a config that Redis does not accept', async t => {
  const cases: Array<[string, Parameters<typeof startRedis>[1], Parameters<typeof storeConfig>[1], RegExp]> = [
    ['a wrong password', { password: REDIS_PASSWORD }, { password: 'canary-old-password' }, /^redis rejects the user or password/],
    ['an unknown user', { password: REDIS_PASSWORD }, { username: 'nobody', password: REDIS_PASSWORD }, /^redis rejects the user or password/],
    ['no password', { password: REDIS_PASSWORD }, {}, /^redis requires a password/],
    ['a user without EVALSHA', { conf: `user webhook on >${REDIS_PASSWORD} ${ACL_RULES} -evalsha` }, { username: 'webhook', password: REDIS_PASSWORD }, /^redis does not permit the user/],
    ['a user without SET', { conf: `user webhook on >${REDIS_PASSWORD} ${ACL_RULES} -set` }, { username: 'webhook', password: REDIS_PASSWORD }, /^redis does not permit the user/],
    ['a user of other keys', { conf: `user webhook on >${REDIS_PASSWORD} ${ACL_RULES}` }, { username: 'webhook', password: REDIS_PASSWORD, keyPrefix: 'other:' }, /^redis does not permit the user/],
    ['cluster: true, for a single server', {}, { cluster: true }, /^redis is not a cluster/],
    ['a database that it does not have', { conf: 'databases 1' }, { url: 'database 7' }, /^redis does not have the database/]
  ]
  for (const [name, options, config, reason] of cases) {
    t.test(name, async t => {
      const redis = await startRedis(t, options)
      if (redis === undefined) return
      const lines: LogLine[] = []
      const store = await open(t, storeConfig(redis.port, config?.url === undefined ? config : { url: `redis://127.0.0.1:${redis.port}/7` }), logTo(lines))
      await until('a line in the log', () => lines.length > 0)
      for (let i = 0; i < 3; i++) await t.rejects(store.ping(), StoreUnavailableError)
      t.match(statesOf(lines), [reason])
      t.equal(lines.length, 1, 'once')
      t.notMatch(JSON.stringify(lines), /canary/)
    })
  }

  t.test('TLS where there is none, none where there is, and a certificate of another CA', async t => {
    const [plain, tls, other] = [await startRedis(t), await startRedis(t, { tls: true }), await startRedis(t, { tls: true })]
    if (plain === undefined || tls === undefined || other === undefined) return
    const configs: Array<[ReturnType<typeof storeConfig>, RegExp]> = [
      [storeConfig(plain.port, { url: `rediss://127.0.0.1:${plain.port}` }), /^redis did not accept a connection in time: check the scheme and port of store\.url/],
      [storeConfig(tls.port), /^redis (closed the connection|can't be reached)/],
      [storeConfig(tls.port, { url: `rediss://127.0.0.1:${tls.port}`, caFile: other.caFile }), /^redis has a certificate that is not accepted/],
      [storeConfig(tls.port, { url: `rediss://127.0.0.1:${tls.port}` }), /^redis has a certificate that is not accepted/]
    ]
    for (const [config, reason] of configs) {
      const lines: LogLine[] = []
      await open(t, config, logTo(lines))
      await until('a line in the log', () => lines.length > 0)
      t.match(statesOf(lines)[0], reason)
    }
  })

  t.test('a file or URL that can\'t be used rejects at once', async t => {
    await t.rejects(openStore({ ...storeConfig(1), caFile: '/nowhere/ca.crt', url: 'rediss://127.0.0.1:1' }, { log: silent }), /^store\.caFile: \/nowhere\/ca\.crt /)
    await t.rejects(openStore(storeConfig(1, { url: 'redis://127.0.0.1:1/sessions' }), { log: silent }), /^store\.url has a path/)
    const { url, ...withoutUrl } = storeConfig(1)
    await t.rejects(openStore(withoutUrl, { log: silent }), /^store\.url is required/)
  })
})

test('a password that was changed is read for each connection', async t => {
  const redis = await startRedis(t, { password: REDIS_PASSWORD })
  if (redis === undefined) return
  let password = 'canary-old-password'
  const store = await open(t, storeConfig(redis.port, { password: () => password }))
  await t.rejects(store.ping(), StoreUnavailableError)
  password = REDIS_PASSWORD
  await untilReady(store)
})

test('a client that does not come back by itself is replaced', async t => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  // of the first connection, answers are lost, as after a host has gone without a word
  const proxy = await startProxy(t, redis.port, { answer: (bytes, connection) => connection === 0 ? Buffer.alloc(0) : bytes })
  const store = await open(t, storeConfig(proxy.port, { timeout: '100ms' }))
  await t.rejects(store.ping(), StoreUnavailableError)
  await untilReady(store)
  await until('the first connection to be closed', () => proxy.open === 1)
})

test('a cluster', async t => {
  const nodes = await startRedisCluster(t)
  if (nodes === undefined) return
  const [first, second] = nodes as [typeof nodes[0], typeof nodes[0]]

  t.test('is not for a client of a single server', async t => {
    const lines: LogLine[] = []
    const store = await open(t, storeConfig(first.port), logTo(lines))
    await until('a line in the log', async () => {
      await Promise.allSettled(['a', 'b', 'c', 'd', 'e', 'f'].map(store.get))
      return lines.length > 0
    })
    t.equal(statesOf(lines)[0], 'redis is a node of a cluster: set store.cluster to true')
  })

  t.test('without one of its nodes is unavailable, keeps what the others hold, and recovers', async t => {
    const store = await openReady(t, storeConfig(first.port, { cluster: true }))
    const keys = Array.from({ length: 30 }, (_, i) => `key:${i}`)
    for (const key of keys) await store.set(key, key, 600)
    await second.freeze()
    await t.rejects(store.ping(), StoreUnavailableError)
    const results = await Promise.allSettled(keys.map(store.get))
    const kept = results.filter(({ status }) => status === 'fulfilled').length
    t.ok(kept > 0 && kept < keys.length, `${kept} of ${keys.length} keys`)
    second.signal('SIGCONT')
    await untilReady(store)
    t.strictSame(await Promise.all(keys.map(store.get)), keys)
  })

  t.test('is found when its first node comes later', async t => {
    await first.stop('SIGKILL')
    const store = await open(t, storeConfig(first.port, { cluster: true }))
    await t.rejects(store.ping(), StoreUnavailableError)
    await first.start()
    await untilReady(store)
  })
})
