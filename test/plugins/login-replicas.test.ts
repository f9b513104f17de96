/** Two replicas of the sign-in service with one Redis, behind a balancer without stickiness. */
import * as client from 'openid-client'
import { decodeJwt } from 'jose'
import { test, type Test } from 'tap'
import { alice } from '../fixtures/people.js'
import { authorizationRequest, authorize, exchange, failureOf, signIn, startLogin, type TestLogin } from '../fixtures/login.js'
import { readForm } from '../fixtures/plain-pages.js'
import { REDIS_PASSWORD, startRedis, storeConfig, type Redis } from '../fixtures/redis.js'
import { openReady, untilReady } from '../fixtures/stores.js'

/** Returns `undefined` and skips the test if Redis is not installed. */
async function start (t: Test): Promise<{ redis: Redis, login: TestLogin, recovered: () => Promise<void> } | undefined> {
  const redis = await startRedis(t, { password: REDIS_PASSWORD })
  if (redis === undefined) return undefined
  const config = storeConfig(redis.port, { password: REDIS_PASSWORD })
  const stores = [await openReady(t, config), await openReady(t, config)]
  const recovered = async (): Promise<void> => { await Promise.all(stores.map(untilReady)) }
  return { redis, recovered, login: await startLogin(t, { stores }) }
}

/** A whole sign-in with authorization code, in a browser of its own. */
async function signInWithCode (login: TestLogin, configuration: client.Configuration): Promise<string> {
  const flow = await authorizationRequest(configuration)
  return (await exchange(flow, await authorize(login.browser(), flow.url))).id_token!
}

test('every flow is completed, though each request goes to the other replica', async t => {
  const started = await start(t)
  if (started === undefined) return
  const { login } = started
  const configuration = await login.client()

  for (let attempt = 0; attempt < 3; attempt++) t.match(decodeJwt(await signInWithCode(login, configuration)), { sub: 'corp:1001', aud: 'production' }, 'authorization code')

  const device = await client.initiateDeviceAuthorization(configuration, { scope: 'openid groups' })
  const browser = login.browser()
  const entry = readForm((await browser.get(device.verification_uri)).model['form'])
  const confirm = readForm((await browser.post(entry.action, { ...entry.fields, user_code: device.user_code })).model['form'])
  t.equal((await signIn(browser, await browser.post(confirm.action, confirm.fields))).page, 'deviceDone')
  t.match(decodeJwt((await client.pollDeviceAuthorizationGrant(configuration, { ...device, interval: 0 })).id_token!), { sub: 'corp:1001' }, 'device code')

  t.match(decodeJwt((await client.genericGrantRequest(configuration, 'password', { username: 'alice', password: alice.password, scope: 'openid' })).id_token!), { sub: 'corp:1001' }, 'password')

  t.equal((await browser.get('/')).page, 'home', 'the browser session')
  t.equal((await browser.get('/clients/production')).page, 'client')
})

test('a code is used once, also at two replicas at the same time', async t => {
  const started = await start(t)
  if (started === undefined) return
  const { login } = started
  const configuration = await login.client()
  for (let attempt = 0; attempt < 5; attempt++) {
    const flow = await authorizationRequest(configuration)
    const redirect = await authorize(login.browser(), flow.url)
    const results = await Promise.allSettled(Array.from({ length: 4 }, async () => await exchange(flow, redirect)))
    t.ok(results.filter(({ status }) => status === 'fulfilled').length <= 1)
    t.match(await failureOf(exchange(flow, redirect)), { error: 'invalid_grant' })
  }
})

test('wrong passwords at both replicas count together', async t => {
  const started = await start(t)
  if (started === undefined) return
  const { login } = started
  const problems: unknown[] = []
  for (let attempt = 0; attempt < 7; attempt++) {
    const browser = login.browser()
    // an odd number of requests, so that attempts alternate
    const page = await browser.get('/')
    await browser.get('/assets/1.css')
    problems.push((await signIn(browser, page, { ...alice, password: `wrong-${attempt}` })).model['problem'])
  }
  t.strictSame(problems, ['rejected', 'rejected', 'rejected', 'rejected', 'rejected', 'rejected', 'throttled'])
})

test('Redis and a replica are killed during 50 sign-ins: each succeeds, or is told to try again', async t => {
  const started = await start(t)
  if (started === undefined) return
  const { redis, login, recovered } = started
  const configuration = await login.client()
  let ended = 0
  const outcomes = new Map<string, number>()
  const one = async (): Promise<void> => {
    const outcome = await outcomeOf(async () => await signInWithCode(login, configuration))
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    ended++
    if (ended === 10) await redis.stop('SIGKILL')
    if (ended === 20) await login.kill(0)
    if (ended === 30) {
      await redis.start()
      await recovered()
    }
  }
  // in lanes, so that some are under way whenever something is killed
  await Promise.all(Array.from({ length: 5 }, async () => { for (let each = 0; each < 10; each++) await one() }))
  t.comment(Object.fromEntries(outcomes))
  t.equal(ended, 50)
  t.ok(outcomes.get('signed in')! >= 10, 'those before, and those after the recovery')
  t.strictSame([...outcomes.keys()].filter(outcome => !['signed in', 'unavailable', 'connection lost', 'start again'].includes(outcome)), [])
  t.equal(decodeJwt(await signInWithCode(login, configuration)).sub, 'corp:1001', 'afterwards')
})

/** What a person or program was told at the end. */
async function outcomeOf (work: () => Promise<string>): Promise<string> {
  try {
    await work()
    return 'signed in'
  } catch (error) {
    const { message, code, status, error: oauth } = error as client.ResponseBodyError & NodeJS.ErrnoException
    if (['ECONNRESET', 'ECONNREFUSED', 'EPIPE'].includes(code ?? '')) return 'connection lost'
    if (status === 503 || oauth === 'temporarily_unavailable' || /^ended at \w+: 503 /.test(message)) return 'unavailable'
    // the state of this sign-in went with Redis
    if (oauth === 'invalid_grant' || /^ended at error: 400 [\s\S]*start the sign-in again/.test(message)) return 'start again'
    return message
  }
}
