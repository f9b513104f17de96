/** What an answer costs: how often the API server asks for it, and how long its user waits. */
import { Agent } from 'node:https'
import { join } from 'node:path'
import tap, { test, type Test } from 'tap'
import { statusOf } from '../../src/errors.js'
import { overHttp1 } from '../fixtures/clients.js'
import { alice, bob, carol } from '../fixtures/people.js'
import { authority } from '../fixtures/service.js'
import { startCluster, type Cluster, type Response } from './cluster.js'
import { busy, busyFile, crowd } from './crowd.js'
import { createWebhook, until, usersFile, type Webhook } from './webhook.js'
import { startWiretap, type Answer, type Way, type Wiretap } from './wiretap.js'

const PEOPLE = { name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } }
/** Fails whenever a token is asked for that the users file does not have, and that begins so. */
const UNSURE = { name: 'unsure', kind: 'module', from: './unsure.mjs' }
const UNSURE_FILE = {
  'unsure.mjs': `
    const fail = () => { throw new Error('out of reach') }
    export default { contract: 1, kind: 'unsure', schema: {}, open: () => ({ authenticateToken: token => token.startsWith('unsure') ? fail() : null }) }
  `
}
/** The API server's pauses between tries, in milliseconds, are never shorter. */
const FIRST_PAUSE = 500
const SECOND_PAUSE = 750
/** What it waits for an answer, in milliseconds. */
const PATIENCE = 30_000

/** What the service answers, to an API server that asks in the right way or in a wrong one. */
const OURS: ReadonlyArray<{ what: string, token: string, status: number, code: number, reviews: number }> = [
  { what: 'a user', token: alice.token, status: 200, code: 403, reviews: 1 },
  { what: 'a denial', token: carol.token, status: 200, code: 401, reviews: 1 },
  { what: '"could not tell"', token: 'unsure', status: 200, code: 401, reviews: 1 },
  { what: 'no client certificate', token: 'uncertified', status: 401, code: 401, reviews: 1 },
  { what: 'another path', token: 'astray', status: 404, code: 401, reviews: 1 },
  { what: 'plain HTTP', token: 'plain', status: 400, code: 401, reviews: 1 },
  { what: 'a token beyond bodyLimit', token: 'x'.repeat(70_000), status: 413, code: 401, reviews: 1 },
  { what: 'drowning', token: 'drowning', status: 429, code: 401, reviews: 5 }
]

/** What it never answers a review: what stands before it might, or it did once. */
const PROXY = { headers: { 'content-type': 'text/html' }, body: '<html>sorry</html>' }
const PATIENT = { headers: { 'retry-after': '2' } }
const NOT_OURS: Readonly<Record<string, Answer & { reviews: number | 'for 30 s' }>> = {
  'a-redirect': { status: 302, reviews: 1 },
  'status-403': { status: 403, ...PROXY, reviews: 1 },
  'status-500': { status: 500, ...PROXY, reviews: 5 },
  'status-502': { status: 502, ...PROXY, reviews: 5 },
  'status-503': { status: 503, ...PROXY, reviews: 1 },
  'status-504': { status: 504, ...PROXY, reviews: 5 },
  // the reason in a Status counts, not the code
  'status-502-in-our-words': { status: 502, body: JSON.stringify(statusOf(502, 'sorry')), reviews: 1 },
  'status-500-in-our-words': { status: 500, body: JSON.stringify(statusOf(500, 'sorry')), reviews: 5 },
  'status-408-in-our-words': { status: 408, body: JSON.stringify(statusOf(408, 'sorry')), reviews: 5 },
  'status-400-and-retry-after': { status: 400, ...PATIENT, reviews: 5 },
  'status-503-and-retry-after': { status: 503, ...PATIENT, reviews: 'for 30 s' },
  'status-429-and-retry-after': { status: 429, ...PATIENT, reviews: 'for 30 s' }
}

/** `kubectl get namespaces`, with an empty discovery cache: five calls where it fails, or six to API servers of 1.36. */
const KUBECTL: Readonly<Record<string, { token: string, reviews: readonly number[] }>> = {
  'a user': { token: bob.token, reviews: [1] },
  'a denial': { token: 'a-stranger', reviews: [1] },
  '"could not tell"': { token: 'unsure-kubectl', reviews: [5, 6] },
  503: { token: 'status-503-kubectl', reviews: [5, 6] },
  500: { token: 'status-500-kubectl', reviews: [25, 30] },
  drowning: { token: 'drowning-kubectl', reviews: [25, 30] }
}

// side by side: most of it is the API server's pauses
tap.jobs = 2

test('how often an API server asks for a review', { buffered: true }, async t => {
  const { cluster, wiretap } = await startAll(t)

  // of its one connection, so it comes before the others
  const reset = await cluster.call('reset')
  t.comment(`a reset: ${costs(wiretap, 'reset', reset)}`)
  t.equal(reset.code, 401)
  const tries = wiretap.of('reset').length
  t.ok(tries >= 1 && tries <= 5, `${tries} tries of one that ends in a reset of the connection: five on 1.20, fewer by chance on 1.36`)

  t.jobs = 3
  t.test('that the service answers', { buffered: true }, async t => {
    await Promise.all(OURS.map(async ({ what, token, status, code, reviews }) => {
      const response = await cluster.call(token)
      t.comment(`${what}: ${costs(wiretap, token, response)}`)
      t.equal(response.code, code, what)
      t.strictSame(wiretap.of(token).map(({ status }) => status), Array(reviews).fill(status), what)
    }))
  })

  t.test('that is answered as the service never does', { buffered: true }, async t => {
    await Promise.all(Object.entries(NOT_OURS).map(async ([token, { reviews }]) => {
      const response = await cluster.call(token)
      t.comment(`${token}: ${costs(wiretap, token, response)}`)
      t.equal(response.code, 401, token)
      // 16, or fewer where the machine is busy
      if (reviews === 'for 30 s') t.ok(wiretap.of(token).length > 5 && response.duration >= PATIENCE, token)
      else t.equal(wiretap.of(token).length, reviews, token)
    }))
  })

  t.test('of one command of kubectl', { buffered: true }, async t => {
    const caches = t.testdir()
    await Promise.all(Object.entries(KUBECTL).map(async ([what, { token, reviews }]) => {
      const before = performance.now()
      const { stderr } = await cluster.kubectl('get', 'namespaces', `--token=${token}`, `--kubeconfig=${cluster.tokenKubeconfig}`, `--cache-dir=${join(caches, token)}`)
      t.comment(`${what}: ${wiretap.of(token).length} reviews in ${inSeconds(performance.now() - before)}`)
      t.match(stderr, what === 'a user' ? 'forbidden: User "bob"' : 'You must be logged in to the server', what)
      t.ok(reviews.includes(wiretap.of(token).length), what)
    }))
  })
})

test('nobody waits for a service that ends, or is gone', { buffered: true }, async t => {
  const webhook = await createWebhook(t, { identityProviders: [busy({ takes: 1000 })], files: busyFile, config: { server: { shutdownDelay: '1s' } } })
  const cluster = await startCluster(t, { webhook: await webhook.kubeconfig() })

  const draining = await webhook.start()
  const underWay = cluster.call('under-way')
  await draining.until(/"msg":"asked"/)
  const stopped = draining.stop('SIGTERM')
  t.equal((await cluster.call('unready')).code, 403, 'let in while it is unready')
  t.equal((await underWay).code, 403, 'let in, though the service was told to end')
  await stopped
  // a busy machine may be slow once; another try would make each call slow
  const { answer: refused } = await until(async () => await cluster.call('too-late'), ({ code, duration }) => code !== 401 || duration < FIRST_PAUSE)
  t.equal(refused.code, 401, `refused without another try, after ${inSeconds(refused.duration)}`)

  const killUnderReview = async (): Promise<number> => {
    const killed = await webhook.start()
    const cut = cluster.call('cut-off')
    await killed.until(/"msg":"asked"/)
    const before = performance.now()
    await killed.stop('SIGKILL')
    t.equal((await cut).code, 401)
    return performance.now() - before
  }
  // a connection that is closed is not tried again, a reset once, by chance: then nobody listens
  const { answer: wait } = await until(killUnderReview, wait => wait < FIRST_PAUSE + SECOND_PAUSE)
  t.comment(`killed under a review: refused without a third try, after ${inSeconds(wait)}`)

  await webhook.start()
  for (const token of ['too-late', 'cut-off']) t.equal((await cluster.call(token)).code, 403, 'nobody remembers it')
})

test('under overload some come in late, some are refused, and nobody for longer than it lasts', async t => {
  const webhook = await createWebhook(t, { identityProviders: [busy({ burns: 100 })], files: busyFile, config: { pressure: { maxEventLoopDelay: '200ms' } } })
  await webhook.start()
  const wiretap = await startWiretap(t, { to: () => webhook })
  const cluster = await startCluster(t, { webhook: await webhook.kubeconfig('--server', `https://127.0.0.1:${wiretap.port}`) })
  const letIn = async (token: string): Promise<boolean> => (await cluster.call(token)).code === 403

  // it can serve a quarter of them meanwhile, and the API server does not go on asking long enough for all others
  const visits = await crowd({ name: 'visitor', rate: 40, seconds: 12, visit: letIn })
  const shed = wiretap.reviews.filter(({ status }) => status === 429)
  const late = visits.filter(visit => visit.letIn && wiretap.of(visit.token).length > 1)
  const refused = visits.filter(visit => !visit.letIn)
  t.comment(`${visits.length} came, ${late.length} were let in late and ${refused.length} not at all; ${wiretap.reviews.length} reviews, ${shed.length} shed`)
  t.equal(await webhook.metric(/token_reviews_total.*result="shed"/), shed.length, 'the service counts what it shed')
  t.ok(wiretap.reviews.some(({ status, at }) => status === 200 && at > shed[0]!.at && at < shed.at(-1)!.at), 'while it sheds some, it lets others in')
  t.ok(late.length > 0, 'some of those whom it shed are let in when the API server asks again')
  t.ok(refused.length > 0, 'some are shed five times')
  // on a busy machine a review may take longer than the API server waits
  t.strictSame(refused.filter(({ token, duration }) => duration < PATIENCE && wiretap.of(token).some(({ status }) => status !== 429)), [], 'and nobody is refused otherwise')

  await until(async () => await letIn(`newcomer-${performance.now()}`), known => known)
  t.ok((await Promise.all(refused.slice(0, 20).map(async ({ token }) => await letIn(token)))).every(known => known), 'once it is over, the same tokens work')
})

/** An API server that asks through a wiretap, and services for whom it should reach. */
async function startAll (t: Test): Promise<{ cluster: Cluster, wiretap: Wiretap }> {
  const people = await createWebhook(t, { identityProviders: [PEOPLE, UNSURE], files: { 'users.yaml': usersFile([alice, bob]), ...UNSURE_FILE } })
  const certified = await createWebhook(t, { identityProviders: [PEOPLE], files: { 'users.yaml': usersFile([alice]) }, config: { tls: { clientCAFile: 'ca.crt' } } })
  const drowning = await createWebhook(t, { identityProviders: [busy({ drowning: true })], files: busyFile, config: { pressure: { maxEventLoopDelay: '10ms' } } })
  await Promise.all([people.start(), certified.start(), drowning.start(), sheds(t, drowning)])
  const ways: Record<string, Way> = { uncertified: certified, astray: { port: people.port, path: '/elsewhere' }, plain: { port: people.port, plain: true }, drowning }
  const wiretap = await startWiretap(t, {
    to: token => ways[nameOf(token)] ?? people,
    answer: ({ token }) => token === 'reset' ? token : NOT_OURS[nameOf(token)]
  })
  const cluster = await startCluster(t, { webhook: await people.kubeconfig('--server', `https://127.0.0.1:${wiretap.port}`) })
  return { cluster, wiretap }
}

/** Its first look at itself comes a second after its start. */
async function sheds (t: Test, { port }: Webhook): Promise<void> {
  const agent = new Agent({ ca: authority.cert })
  t.teardown(() => { agent.destroy() })
  await until(async () => await overHttp1({ port, agent }).catch(() => undefined), answer => answer?.status === 429)
}

/** kubectl's token goes the way of the other of that name, which the API server may remember. */
function nameOf (token: string): string {
  return token.replace(/-kubectl$/, '')
}

function costs (wiretap: Wiretap, token: string, { duration }: Response): string {
  const tries = wiretap.of(token).map(({ at }) => at)
  const pauses = tries.slice(1).map((at, i) => inSeconds(at - tries[i]!))
  return `${tries.length} reviews in ${inSeconds(duration)}${pauses.length > 0 ? `, pauses of ${pauses.join(', ')}` : ''}`
}

function inSeconds (milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(milliseconds < 100 ? 3 : 2)} s`
}
