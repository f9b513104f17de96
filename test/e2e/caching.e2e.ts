/** What an API server remembers of our answers, for how long, and when people feel that something about them has changed. */
import { test, type Test } from 'tap'
import { hashPassword } from '../../src/authn/password-hash.js'
import { digestToken } from '../../src/authn/token-digest.js'
import { alice, basicToken, bob, carol } from '../fixtures/people.js'
import { createAuthorizationServer } from './authorization-server.js'
import { startCluster, type Cluster } from './cluster.js'
import { createWebhook, until } from './webhook.js'

const IN = 403 // nobody here may list namespaces
const OUT = 401

/** What `--authentication-token-webhook-cache-ttl` says, in milliseconds. */
const TTLS = { '3s': 3_000, '0s': 0 }
type TTL = keyof typeof TTLS
/** A second memory, before that one: of users, never of denials; no flag of the API server turns it off. */
const USERS_TTL = 10_000
/** What a busy machine may add to a promise of seconds. */
const PATIENCE = 5_000

const OLD_PASSWORD = 'canary-alice-old-password'
const ALICES_PHONE = 'canary-alice-phone-0b7d52c6e18f4a93'
const token = (name: string, value: string, more: object = {}): object => ({ name, hash: digestToken(value), ...more })

/** The users file at first, with a token that expires … */
const before = async (expiresAt: string): Promise<string> => JSON.stringify({
  apiVersion: 'authn-webhook/v1',
  users: [
    { ...alice.user, passwordHash: await hashPassword(OLD_PASSWORD), tokens: [token('laptop', alice.token), token('phone', ALICES_PHONE)] },
    { ...bob.user, tokens: [token('laptop', bob.token)] },
    { ...carol.user, tokens: [token('laptop', carol.token, { expiresAt })] }
  ]
})

/** … and after an edit of it. */
const after = async (expiresAt: string): Promise<string> => JSON.stringify({
  apiVersion: 'authn-webhook/v1',
  users: [
    { ...alice.user, groups: ['developers'], passwordHash: await hashPassword(alice.password), tokens: [token('laptop', alice.token)] },
    { ...carol.user, passwordHash: await hashPassword(carol.password), tokens: [token('laptop', carol.token, { expiresAt })] }
  ]
})

const isIn = (token: string) => async ({ call }: Cluster) => (await call(token)).code === IN
const isOut = (token: string) => async ({ call }: Cluster) => (await call(token)).code === OUT

interface Change {
  readonly what: string
  /** What the API server remembers of the time before the change. */
  readonly remembered: 'user' | 'denial' | 'nothing'
  /** Whether somebody feels it. */
  readonly felt: (cluster: Cluster) => Promise<boolean>
}

const EXPIRY: Change = { what: 'a token expires', remembered: 'user', felt: isOut(carol.token) }
const EDITS: readonly Change[] = [
  { what: 'a person is removed', remembered: 'user', felt: isOut(bob.token) },
  { what: 'a person leaves a group', remembered: 'user', felt: async ({ review }) => !(await review(alice.token)).user!.groups!.includes('platform') },
  { what: 'a password is changed, and the old one tried', remembered: 'user', felt: isOut(basicToken('alice', OLD_PASSWORD)) },
  { what: '… and the new one, which was tried too early', remembered: 'denial', felt: isIn(basicToken('alice', alice.password)) },
  { what: '… and a new one that was not', remembered: 'nothing', felt: isIn(basicToken('carol', carol.password)) }
]

test('what an API server remembers', async t => {
  const sso = await createAuthorizationServer(t, 'sso', {})
  const webhook = await createWebhook(t, {
    identityProviders: [{ name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } }, sso.identityProvider],
    files: { 'users.yaml': await before('2099-01-01T00:00:00Z') }
  })
  const running = await webhook.start()
  const kubeconfig = await webhook.kubeconfig()
  const start = async (cacheTTL: TTL) => [cacheTTL, await startCluster(t, { webhook: kubeconfig, cacheTTL })] as const
  const clusters = await Promise.all([start('3s'), start('0s')])

  await t.test('a user and a denial, but never an answer that nobody could tell', async t => {
    // a fifth failure in a row would open the breaker
    const CALLS = 4
    for (const [ttl, cluster] of clusters) {
      const cases = [
        { who: 'a user', token: ALICES_PHONE, code: IN, reviews: { '3s': 1, '0s': 1 } },
        { who: 'nobody', token: `nobody-${ttl}`, code: OUT, reviews: { '3s': 1, '0s': CALLS } },
        { who: 'somebody of a provider that is away', token: `somebody-${ttl}`, code: OUT, reviews: { '3s': CALLS, '0s': CALLS }, away: true }
      ]
      for (const { who, token, code, reviews, away } of cases) {
        await (away ? sso.leave() : sso.answer())
        const asked = await webhook.metric(/^authn_webhook_token_reviews_total/)
        for (let call = 0; call < CALLS; call++) t.equal((await cluster.call(token)).code, code, `${who} calls`)
        t.equal(await webhook.metric(/^authn_webhook_token_reviews_total/) - asked, reviews[ttl], `${who} calls ${CALLS} times with a cache TTL of ${ttl}`)
      }
    }
    await sso.answer()
  })

  await t.test('what changes is felt when the API server forgets, no sooner and no later', async t => {
    const reload = async (users: string): Promise<number> => {
      const loaded = (): number => [...running.stdout().matchAll(/loaded users file/g)].length
      const already = loaded()
      await webhook.replace('users.yaml', users)
      return (await until(async () => loaded(), count => count > already)).duration
    }
    // so that all are in before it, and nobody has to wait long after
    const expiry = Date.now() + 6_000
    const expiresAt = new Date(expiry).toISOString()
    await reload(await before(expiresAt))
    const edited = await after(expiresAt)
    const asked = performance.now()
    const priming = clusters.flatMap(([, cluster]) => [EXPIRY, ...EDITS].filter(({ remembered }) => remembered !== 'nothing').map(async ({ what, felt }) => {
      t.notOk(await felt(cluster), `not yet: ${what}`)
    }))
    await Promise.all(priming)
    t.comment(`the reload takes ${Math.round(await reload(edited))} ms`)
    const edit = performance.now()
    const expiration = edit + expiry - Date.now()
    await Promise.all(clusters.flatMap(([ttl, cluster]) => [
      expectFelt(t, EXPIRY, cluster, { ttl, asked, changed: expiration }),
      ...EDITS.map(async change => { await expectFelt(t, change, cluster, { ttl, asked, changed: edit }) })
    ]))
  })
})

/** Waits until a change is felt, and judges the delay. `asked`: when the API server heard of the time before. */
async function expectFelt (t: Test, { what, remembered, felt }: Change, cluster: Cluster, { ttl, asked, changed }: { ttl: TTL, asked: number, changed: number }): Promise<void> {
  const memory = { user: Math.max(USERS_TTL, TTLS[ttl]), denial: TTLS[ttl], nothing: 0 }[remembered]
  const promise = { user: USERS_TTL + TTLS[ttl], denial: TTLS[ttl], nothing: 0 }[remembered]
  // what nobody remembers is felt by the first who asks
  const end = promise === 0 ? changed : changed + promise + PATIENCE
  const { answer } = await until(async () => await felt(cluster), yes => yes || performance.now() > end)
  const now = performance.now()
  const name = `${what}, cache TTL ${ttl}`
  t.comment(`${name}: felt ${seconds(now - changed)} after the change, ${seconds(now - asked)} after the API server had asked`)
  t.ok(answer, `${name}: felt ${promise === 0 ? 'at once' : `within ${seconds(promise)}`}`)
  if (memory > 0) t.ok(now - asked >= memory, `${name}: not felt within ${seconds(memory)} of the last answer`)
}

function seconds (milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}
