import { test } from 'tap'
import * as library from 'oidc-provider'
import { createAdapter } from '../../../src/login/adapter.js'
import { createMapStore } from '../../fixtures/map-store.js'

void test('what is stored is found by its ID and its indexes', async t => {
  const store = createMapStore()
  const adapter = createAdapter(store, library)
  const sessions = adapter('Session')
  await sessions.upsert('secret-id', { uid: 'the-uid', kind: 'Session' }, 60)
  t.match(await sessions.find('secret-id'), { uid: 'the-uid' })
  t.match(await sessions.findByUid('the-uid'), { uid: 'the-uid' })
  t.equal(await sessions.find('another'), undefined)
  t.equal(await adapter('Grant').find('secret-id'), undefined, 'of its model alone')
  await sessions.destroy('secret-id')
  t.equal(await sessions.findByUid('the-uid'), undefined)
  const devices = adapter('DeviceCode')
  await devices.upsert('device', { userCode: 'BCDFGHJK' }, 60)
  t.match(await devices.findByUserCode('BCDFGHJK'), { userCode: 'BCDFGHJK' })
  t.equal(await devices.findByUserCode('BCDFGHJL'), undefined)
})

void test('keys hold no secret, and are short whatever a stranger sends', async t => {
  const store = createMapStore()
  const adapter = createAdapter(store, library)('AuthorizationCode')
  await adapter.upsert('canary-code', {}, 60)
  await adapter.upsert('x'.repeat(100_000), {}, 60)
  for (const key of store.values.keys()) t.match(key, /^login:AuthorizationCode:id:[\w-]{43}$/)
})

void test('of concurrent consumptions, also at other replicas, one succeeds', async t => {
  const store = createMapStore()
  const replicas = [createAdapter(store, library)('AuthorizationCode'), createAdapter(store, library)('AuthorizationCode')]
  await replicas[0]!.upsert('code', { grantId: 'grant' }, 60)
  t.equal((await replicas[1]!.find('code') as { consumed?: unknown }).consumed, undefined)
  const results = await Promise.allSettled(replicas.map(async adapter => { await adapter.consume('code') }))
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  t.match(results.find(({ status }) => status === 'rejected'), { reason: { error: 'invalid_grant' } })
  t.match(await replicas[1]!.find('code'), { consumed: true })
})

void test('access tokens and clients are not stored', async t => {
  const store = createMapStore()
  for (const model of ['AccessToken', 'Client', 'RefreshToken']) {
    const adapter = createAdapter(store, library)(model)
    await adapter.upsert('id', {}, 60)
    t.equal(await adapter.find('id'), undefined)
  }
  t.strictSame(store.operations, [])
})

void test('a value that another program wrote counts as absent', async t => {
  const store = createMapStore()
  const adapter = createAdapter(store, library)('Session')
  await adapter.upsert('id', { uid: 'uid' }, 60)
  const [index, entry] = [...store.values.keys()] as [string, string]
  for (const value of ['', 'not JSON', '{"uid":', 'null', '"text"', '7']) {
    store.values.set(entry, value)
    t.equal(await adapter.find('id'), undefined, value)
    t.equal(await adapter.findByUid('uid'), undefined, value)
  }
  store.values.set(index, 'nothing has this ID')
  t.equal(await adapter.findByUid('uid'), undefined)
})

void test('an outage of the store is temporarily_unavailable', async t => {
  const store = createMapStore()
  store.fails = () => true
  const adapter = createAdapter(store, library)('Session')
  for (const ask of [async () => await adapter.find('id'), async () => await adapter.upsert('id', {}, 60), async () => await adapter.findByUid('uid'), async () => await adapter.consume('id'), async () => await adapter.destroy('id')]) {
    t.match(await ask().catch((error: unknown) => error), { error: 'temporarily_unavailable', status: 503, expose: true })
  }
})
