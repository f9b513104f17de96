/** Outages, of an identity provider and of the service: who feels them, and that nothing is left of them once they are over. */
import { readFile } from 'node:fs/promises'
import { test, type Test } from 'tap'
import { digestToken } from '../../src/authn/token-digest.js'
import { alice, bob, carol, type Person } from '../fixtures/people.js'
import { createAuthorizationServer } from './authorization-server.js'
import { startCluster, type Response } from './cluster.js'
import { createWebhook, until, usersFile } from './webhook.js'

const IN = 403 // nobody here may list namespaces
const OUT = 401
const FORBIDDEN = /Error from server \(Forbidden\): namespaces is forbidden: User "alice"/
const UNAUTHORIZED = /error: You must be logged in to the server/

/** How long a provider is left alone that failed five times in a row; see docs/logs.md. */
const BREAKER = 10_000
/** What a busy machine may add to a promise of seconds. */
const PATIENCE = 20_000

// a token that no API server has seen yet, for each outage
const fresh = (person: Person, outage: string): string => `${person.token}-${outage}`
const OUTAGES_OF_PROVIDER = { away: 'leave', silent: 'hang' } as const
const OUTAGES_OF_SERVICE = {
  stopped: { signal: 'SIGTERM', args: [], seen: UNAUTHORIZED },
  killed: { signal: 'SIGKILL', args: [], seen: UNAUTHORIZED },
  // people leave before the API server gives up; one of 1.36 may have noticed, and answers that itself
  suspended: { signal: 'SIGSTOP', args: ['--request-timeout=1s'], seen: /Client\.Timeout|context deadline exceeded|Error from server \(Timeout\)/ }
} as const
const carols = Object.fromEntries(Object.keys(OUTAGES_OF_PROVIDER).map(outage => [fresh(carol, outage), carol]))
const alices = ['away at first', ...Object.keys(OUTAGES_OF_PROVIDER), ...Object.keys(OUTAGES_OF_SERVICE)].map((outage, index) => ({ name: `phone-${index}`, hash: digestToken(fresh(alice, outage)) }))

test('an outage', async t => {
  // half a minute, beside all else
  const silence = outlastApiServer(t)
  const sso = await createAuthorizationServer(t, 'sso', { [bob.token]: bob, [carol.token]: carol, ...carols })
  const webhook = await createWebhook(t, {
    // first, so that everybody has to get past it
    identityProviders: [{ ...sso.identityProvider, timeout: '500ms' }, { name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } }],
    files: { 'users.yaml': usersFile([], [{ ...alice.user, tokens: [{ name: 'laptop', hash: digestToken(alice.token) }, ...alices] }]) }
  })
  let running = await webhook.start()
  const cluster = await startCluster(t, { webhook: await webhook.kubeconfig(), cacheTTL: '10s' })
  const codeOf = async (token: string): Promise<number> => (await cluster.call(token)).code
  const getNamespaces = async (token: string, ...args: string[]): Promise<string> => (await cluster.kubectl('get', 'ns', `--token=${token}`, `--kubeconfig=${cluster.tokenKubeconfig}`, ...args)).stderr
  const reviews = async (): Promise<number> => await webhook.metric(/^authn_webhook_token_reviews_total/)

  await t.test('of a provider from the start on keeps nobody else out, and nobody in its breaker for long', async t => {
    t.ok(await webhook.ready(), 'the service is ready')
    t.equal(await codeOf(fresh(alice, 'away at first')), IN, 'a user of the next provider is in')
    t.match(await getNamespaces(bob.token), UNAUTHORIZED, 'a user of this one is not')
    t.match(await cluster.log(), /Unable to authenticate the request.*identity provider \\?"sso\\?" is unavailable/, 'the API server logs why')
    t.ok(await webhook.metric(/^authn_webhook_failures_total.*reason="breaker-open"/) > 0, 'one command later its breaker is open')
    t.match(await getNamespaces(alice.token), FORBIDDEN, 'which keeps nobody else out either')
    t.ok(await webhook.ready(), 'the service is still ready')

    await sso.answer()
    const end = performance.now() + BREAKER + PATIENCE
    const { answer, duration } = await until(async () => await codeOf(bob.token), code => code === IN || performance.now() > end)
    t.equal(answer, IN, `bob is in within ${BREAKER / 1000} s of the provider's return`)
    t.comment(`with an open breaker he was in ${Math.round(duration)} ms after the provider's return`)
  })

  await t.test('of a provider is not felt by people in our cache', async t => {
    await sso.leave()
    const hits = async (): Promise<number> => await webhook.metric(/^authn_webhook_cache_requests_total.*provider="sso".*result="hit"/)
    const before = await hits()
    const { answer: [code] } = await until(async () => [await codeOf(bob.token), await hits()] as const, ([code, count]) => code !== IN || count > before)
    t.equal(code, IN, 'bob is in, though the API server had forgotten him')
    t.equal(await codeOf(carol.token), OUT, 'while carol, whom nobody remembers, is out')
    await sso.answer()
    t.equal(await codeOf(carol.token), IN)
  })

  for (const [outage, begin] of Object.entries(OUTAGES_OF_PROVIDER)) {
    await t.test(`of a provider that is ${outage} is over when it is over`, async t => {
      await sso[begin]()
      const asked = await reviews()
      t.strictSame([await codeOf(fresh(carol, outage)), await codeOf(fresh(carol, outage))], [OUT, OUT], 'carol is out')
      t.equal(await reviews() - asked, 2, 'and nobody remembers that')
      t.equal(await codeOf(fresh(alice, outage)), IN, 'alice, of the next provider, is in')
      t.ok(await webhook.ready(), 'the service is ready')
      await sso.answer()
      t.equal(await codeOf(fresh(carol, outage)), IN, 'carol is in at once')
    })
  }

  for (const [outage, { signal, args, seen }] of Object.entries(OUTAGES_OF_SERVICE)) {
    await t.test(`of the service, ${outage}, is over when it is over`, async t => {
      t.equal(await codeOf(alice.token), IN)
      if (signal === 'SIGSTOP') await suspend(running.child.pid!)
      else await running.stop(signal)
      t.equal(await codeOf(alice.token), IN, 'a token that the API server remembers is in')
      t.match(await getNamespaces(fresh(alice, outage), ...args), seen, 'one that it does not know is out')
      if (signal === 'SIGSTOP') running.child.kill('SIGCONT')
      else running = await webhook.start()
      t.equal(await codeOf(fresh(alice, outage)), IN, 'the same token is in at once')
    })
  }

  await t.test('of the service, suspended for longer than the API server waits, is over when it is over', async t => {
    const { during, after } = await silence
    t.equal(during.code, OUT, 'alice is out')
    t.comment(`the API server gave up after ${Math.round(during.duration)} ms`)
    t.equal(after.code, IN, 'the same token is in at once')
  })
})

/** How somebody fares while a service is suspended and after, with a service and an API server of their own. */
async function outlastApiServer (t: Test): Promise<{ during: Response, after: Response }> {
  const webhook = await createWebhook(t, {
    identityProviders: [{ name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } }],
    files: { 'users.yaml': usersFile([alice, bob]) }
  })
  const { child } = await webhook.start()
  const cluster = await startCluster(t, { webhook: await webhook.kubeconfig() })
  // a connection that is open already: a handshake would end the wait after 10 s
  await cluster.call(bob.token)
  await suspend(child.pid!)
  const during = await cluster.call(alice.token)
  child.kill('SIGCONT')
  return { during, after: await cluster.call(alice.token) }
}

/** Stops a process where it stands; @returns once it does */
async function suspend (pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  await until(async () => await readFile(`/proc/${pid}/stat`, 'utf8'), stat => / T /.test(stat))
}
