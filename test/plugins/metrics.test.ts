import { test } from 'tap'
import { createMetrics } from '../../plugins/metrics.js'
import { alice, basicToken } from '../fixtures/people.js'
import { startService, tokenReview, V1BETA1 } from '../fixtures/service.js'

const people = {
  async authenticatePassword ({ username, password }: { username: string, password: string }) {
    if (username === 'alice' && password === alice.password) return { user: { username, groups: ['system:masters'] } }
    if (username === 'bob') return { denied: 'wrong-credential' as const, username }
    if (username === 'carol') throw new Error('down')
    return null
  },
  ping () {}
}

test('what happened is counted', async t => {
  const { get, review, post } = await startService(t, { providers: { people } })
  for (const [username, password] of [['alice', alice.password], ['alice', alice.password], ['bob', 'x'], ['carol', 'x'], ['dave', 'x']] as const) {
    await review(basicToken(username, password))
  }
  await post(tokenReview(basicToken('alice', alice.password), { apiVersion: V1BETA1 }))
  const { code, headers, text } = await get('/metrics')
  t.equal(code, 200)
  t.match(headers['content-type'], /^text\/plain; version=0\.0\.4/)
  for (const sample of [
    'token_reviews_total{result="authenticated",version="v1"} 2',
    'token_reviews_total{result="authenticated",version="v1beta1"} 1',
    'token_reviews_total{result="denied",version="v1"} 2',
    'token_reviews_total{result="unavailable",version="v1"} 1',
    'token_review_duration_seconds_count{result="authenticated"} 3',
    'denials_total{provider="people",reason="wrong-credential"} 1',
    'denials_total{provider="",reason="unknown"} 1',
    'failures_total{provider="people",reason="failed"} 1',
    'provider_requests_total{provider="people",result="authenticated"} 1',
    'provider_requests_total{provider="people",result="unknown"} 1',
    'provider_request_duration_seconds_count{provider="people",result="unavailable"} 1',
    'provider_up{provider="people"} 1',
    'cache_requests_total{provider="people",result="hit"} 2',
    'cache_requests_total{provider="people",result="miss"} 4',
    'cache_entries{provider="people"} 3',
    'reserved_identities_total{provider="people",kind="group"} 1'
  ]) t.ok(text.includes(`\nauthn_webhook_${sample}\n`), sample)
  t.match(text, /^authn_webhook_serving_certificate_expiry_timestamp_seconds{listener="review"} \d+/m)
  t.match(text, /^authn_webhook_build_info\{version="\d+\.\d+\.\d+",node="v\d+\.\d+\.\d+"\} 1$/m)
  t.match(text, /^process_cpu_seconds_total /m)
})

test('what is worth an alarm is 0 before it is counted', async t => {
  const { get } = await startService(t, { providers: { people } })
  const { text } = await get('/metrics')
  for (const sample of [
    'token_reviews_total{result="unavailable",version="v1"} 0',
    'token_reviews_total{result="shed",version="unknown"} 0',
    'reloads_total{source="certificate",result="error"} 0',
    'reloads_total{source="people",result="error"} 0',
    'reserved_identities_total{provider="people",kind="group"} 0',
    'throttled_total{provider="people"} 0'
  ]) t.ok(text.includes(`\nauthn_webhook_${sample}\n`), sample)
})

test('a provider that can not be reached is down', async t => {
  const { get } = await startService(t, { providers: { people: { ...people, ping: async () => { throw new Error('down') } } } })
  t.match((await get('/metrics')).text, 'authn_webhook_provider_up{provider="people"} 0')
})

test('no label holds input', async t => {
  const { get, review } = await startService(t, { providers: { people } })
  await review(basicToken('canary-name', 'canary-password'), ['canary-audience'])
  await review('canary-token')
  t.notMatch((await get('/metrics')).text, 'canary')
})

test('buckets begin where a cached answer is', async t => {
  const metrics = createMetrics('0.0.0')
  metrics.reviewed({ outcome: 'authenticated', status: { authenticated: true } }, 'v1', 0.0004)
  t.match(await metrics.registry.metrics(), 'authn_webhook_token_review_duration_seconds_bucket{le="0.0005",result="authenticated"} 1')
})

test('a histogram is as Prometheus wants it', async t => {
  const metrics = createMetrics('0.0.0')
  for (const seconds of [0.0004, 0.0005, 0.003, 40]) metrics.asked('people', 'denied', seconds)
  const text = await metrics.registry.metrics()
  const sample = (suffix: string, labels = ''): string => `authn_webhook_provider_request_duration_seconds_${suffix}{${labels}provider="people",result="denied"}`
  for (const line of [
    '# TYPE authn_webhook_provider_request_duration_seconds histogram',
    `${sample('bucket', 'le="0.0005",')} 2`, `${sample('bucket', 'le="0.0025",')} 2`, `${sample('bucket', 'le="0.005",')} 3`,
    `${sample('bucket', 'le="30",')} 3`, `${sample('bucket', 'le="+Inf",')} 4`, `${sample('sum')} 40.0039`, `${sample('count')} 4`
  ]) t.ok(text.includes(`\n${line}\n`), line)
})

test('a label can not break out of its quotes', async t => {
  const metrics = createMetrics('0.0.0')
  metrics.throttled('a "name"\\\n')
  t.match(await metrics.registry.metrics(), String.raw`throttled_total{provider="a \"name\"\\\n"} 1`)
})

test('reloads and what is turned away', async t => {
  const metrics = createMetrics('0.0.0')
  metrics.reloaded('people')
  metrics.reloaded('certificate', new Error('half-written'))
  metrics.shed()
  metrics.throttled('people')
  const text = await metrics.registry.metrics()
  for (const sample of [
    'reloads_total{source="people",result="success"} 1',
    'reloads_total{source="certificate",result="error"} 1',
    'token_reviews_total{result="shed",version="unknown"} 1',
    'throttled_total{provider="people"} 1'
  ]) t.ok(text.includes(`\nauthn_webhook_${sample}\n`), sample)
  t.match(text, /last_reload_success_timestamp_seconds\{source="people"\} \d/)
  t.notMatch(text, 'last_reload_success_timestamp_seconds{source="certificate"}')
})

test('two apps do not share a registry', async t => {
  const [one, other] = [createMetrics('0.0.0'), createMetrics('0.0.0')]
  one.reviewed({ outcome: 'denied', reason: 'unknown', status: { authenticated: false } }, 'v1', 0.001)
  t.match(await one.registry.metrics(), 'token_reviews_total{result="denied"')
  t.notMatch(await other.registry.metrics(), 'token_reviews_total{result="denied"')
  t.not(one.registry, other.registry)
})

test('the text is composed once for all who ask at the same time', async t => {
  const { service: { review } } = await startService(t, { providers: { people: { authenticateToken: () => null } } })
  let composed = 0
  review.metrics.gauge('compositions', 'How often.', [], set => { set({}, ++composed) })
  const replies = await Promise.all(Array.from({ length: 100 }, async () => await review.inject('/metrics')))
  t.equal(composed, 1)
  t.strictSame(new Set(replies.map(({ statusCode }) => statusCode)), new Set([200]))
  t.match((await review.inject('/metrics')).body, 'authn_webhook_compositions 2', 'and anew for the next one')
})

test('events of a provider with several sources are counted for each', async t => {
  const metrics = createMetrics('0.0.0')
  metrics.event('sso', 'expired', 0)
  metrics.event('sso', 'expired', 1, 'https://a.example.test')
  metrics.event('sso', 'expired', 1, 'https://a.example.test')
  const text = await metrics.registry.metrics()
  t.match(text, /^authn_webhook_provider_events_total\{provider="sso",event="expired"\} 0$/m)
  t.match(text, /^authn_webhook_provider_events_total\{provider="sso",event="expired",source="https:\/\/a\.example\.test"\} 2$/m)
})
