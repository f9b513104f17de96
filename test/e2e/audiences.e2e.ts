/** For whom a token is good, between an API server, others that ask it, and what our config says. */
import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { alice, bob } from '../fixtures/people.js'
import type { Running } from '../fixtures/running.js'
import { startCluster, type Cluster } from './cluster.js'
import { answersOf, entryOf, thirdParty, thirdPartyFile, tokenOf } from './third-party.js'
import { createWebhook, usersFile, type Webhook } from './webhook.js'
import { DENIED, arrived, couldNotTell } from './words.js'

const [INSIDE, OUTSIDE] = ['https://cluster.internal', 'https://cluster.example.com'] as const
const VAULT = 'https://vault.example.com'
const STRANGER = 'https://stranger.example.com'

/** Tokens by what they are good for; `unbound` says nothing of it. */
const bound = {
  unbound: undefined,
  cluster: [OUTSIDE],
  vault: [VAULT],
  both: [VAULT, INSIDE],
  stranger: [STRANGER],
  none: []
} satisfies Record<string, readonly string[] | undefined>

/** Of a TokenReview: the token, the audiences that it names, and those that it is answered with, if it is. */
type Row = readonly [token: keyof typeof bound, asked: readonly string[] | undefined, answered: readonly string[] | 'refused']

/** What doesn't depend on our config: tokens that know what they are good for. */
const always: readonly Row[] = [
  ['cluster', undefined, [OUTSIDE]],
  ['cluster', [OUTSIDE], [OUTSIDE]],
  ['cluster', [OUTSIDE, INSIDE, VAULT], [OUTSIDE]],
  ['cluster', [INSIDE], 'refused'],
  ['cluster', [VAULT], 'refused'],
  ['vault', undefined, 'refused'],
  ['vault', [VAULT], [VAULT]],
  ['vault', [OUTSIDE, VAULT], [VAULT]],
  ['vault', [OUTSIDE], 'refused'],
  ['both', undefined, [INSIDE]],
  ['both', [INSIDE, VAULT], [INSIDE, VAULT]],
  ['both', [OUTSIDE, VAULT], [VAULT]],
  ['both', [STRANGER], 'refused'],
  ['stranger', undefined, 'refused'],
  ['none', undefined, 'refused'],
  ['none', [VAULT], 'refused']
]

/** By the config's `audiences`: what becomes of a token that doesn't know. */
const configs: ReadonlyArray<{ name: string, says: string, audiences: readonly string[], rows: readonly Row[] }> = [
  {
    name: 'unsaid',
    says: 'says nothing, the API server takes an unbound token for its own audiences',
    audiences: [],
    rows: [
      ['unbound', undefined, [INSIDE, OUTSIDE]],
      ['unbound', [OUTSIDE], [OUTSIDE]],
      ['unbound', [VAULT, OUTSIDE], [OUTSIDE]],
      ['unbound', [VAULT], 'refused'],
      ['unbound', [STRANGER], 'refused']
    ]
  },
  {
    name: 'narrow',
    says: 'names one of the API server\'s, an unbound token is good for that one',
    audiences: [OUTSIDE],
    rows: [
      ['unbound', undefined, [OUTSIDE]],
      ['unbound', [INSIDE, OUTSIDE], [OUTSIDE]],
      ['unbound', [INSIDE], 'refused'],
      ['unbound', [VAULT], 'refused']
    ]
  },
  {
    name: 'wide',
    says: 'names others beside, an unbound token is good for those, too',
    audiences: [OUTSIDE, VAULT, STRANGER],
    rows: [
      ['unbound', undefined, [OUTSIDE]],
      ['unbound', [VAULT], [VAULT]],
      ['unbound', [INSIDE, VAULT], [VAULT]],
      ['unbound', [INSIDE], 'refused']
    ]
  },
  {
    name: 'elsewhere',
    says: 'names none of the API server\'s, an unbound token is none of its own',
    audiences: [VAULT],
    rows: [
      ['unbound', undefined, 'refused'],
      ['unbound', [VAULT], [VAULT]]
    ]
  }
]

/** The API server remembers what it heard of a token under another config. */
const tokenUnder = (config: string, token: string): string => tokenOf('people', `${token} under ${config}`)

const entries = configs.flatMap(({ name }) => Object.entries(bound).map(([token, audiences]) =>
  entryOf('people', `${token} under ${name}`, { username: `${token}-${name}` }, audiences && { audiences })))

const reviewsOf = async (webhook: Webhook): Promise<number> => await webhook.metric(/^authn_webhook_token_reviews_total/)

test('a token is good for its audiences and for no others', async t => {
  const webhook = await createWebhook(t, {
    identityProviders: [{ name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } }, thirdParty('sso', 'sso.json')],
    files: {
      ...thirdPartyFile,
      'users.yaml': usersFile([], entries),
      'sso.json': answersOf('sso', Object.fromEntries(configs.flatMap(({ name }) => [
        [`both under ${name}`, { user: alice.user, audiences: [VAULT, OUTSIDE] }],
        [`unbound under ${name}`, { user: bob.user }]
      ])))
    }
  })
  const cluster = await startCluster(t, { webhook: await webhook.kubeconfig(), flags: [`--api-audiences=${INSIDE},${OUTSIDE}`] })
  let running: Running | undefined

  for (const { name, says, audiences, rows } of configs) {
    await t.test(`where the config ${says}`, async t => {
      await running?.stop()
      const config = JSON.parse(await readFile(join(webhook.dir, 'config.yaml'), 'utf8'))
      await webhook.replace('config.yaml', JSON.stringify({ ...config, audiences }))
      running = await webhook.start()

      for (const row of [...rows, ...always]) await checkRow(t, cluster, name, row)
      const inCluster = audiences.length === 0 || audiences.includes(OUTSIDE)
      await failAndRecover(t, cluster, webhook, { token: tokenOf('sso', `both under ${name}`), inVault: true, inCluster: true })
      await failAndRecover(t, cluster, webhook, { token: tokenOf('sso', `unbound under ${name}`), inVault: audiences.includes(VAULT), inCluster })
    })
  }

  await t.test('a denial is remembered, unlike an outage', async t => {
    const before = await reviewsOf(webhook)
    for (let time = 0; time < 3; time++) t.strictSame(await cluster.review(tokenUnder('elsewhere', 'cluster'), ['https://nobody.example.com']), { user: {}, error: DENIED })
    t.equal(await reviewsOf(webhook) - before, 1)
  })
})

async function checkRow (t: Test, cluster: Cluster, config: string, [name, asked, answered]: Row): Promise<void> {
  const token = tokenUnder(config, name)
  const { audiences, ...status } = await cluster.review(token, asked)
  const label = `the token "${name}", ${asked === undefined ? 'no audience named' : `for ${asked.join(' or ')}`}`
  if (answered === 'refused') t.strictSame(status, { user: {}, error: DENIED }, `${label}: refused`)
  else t.strictSame(status, { authenticated: true, user: arrived({ username: `${name}-${config}` }) }, `${label}: somebody`)
  t.strictSame(audiences && [...audiences].sort(), answered === 'refused' ? undefined : [...answered].sort(), `${label}: its audiences`)
  if (asked === undefined) t.equal((await cluster.call(token)).code, answered === 'refused' ? 401 : 403, `${label}: a call`)
}

interface Outage {
  readonly token: string
  /** Whether the token is good for these, once the provider can tell. */
  readonly inVault: boolean
  readonly inCluster: boolean
}

/** The API server compares audiences before it looks for an error, and remembers what it takes for a denial. */
async function failAndRecover (t: Test, cluster: Cluster, webhook: Webhook, { token, inVault, inCluster }: Outage): Promise<void> {
  const source = join(webhook.dir, 'sso.json')
  const before = await reviewsOf(webhook)
  await rename(source, `${source}.away`)
  for (let time = 1; time <= 3; time++) {
    t.strictSame(await cluster.review(token, [VAULT]), { user: {}, error: couldNotTell('sso') }, `an outage, and the vault asks: the error arrives, time ${time}`)
    t.equal(await reviewsOf(webhook) - before, time, 'it is no denial that the API server would remember')
  }
  t.equal((await cluster.call(token)).code, 401, 'an outage, and a call')

  await rename(`${source}.away`, source)
  const { authenticated = false, audiences, error } = await cluster.review(token, [VAULT])
  t.strictSame({ authenticated, audiences, error }, inVault ? { authenticated: true, audiences: [VAULT], error: undefined } : { authenticated: false, audiences: undefined, error: DENIED }, 'the next answer is the provider\'s')
  t.equal((await cluster.call(token)).code, inCluster ? 403 : 401, 'for a call as well')
}
