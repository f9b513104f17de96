/** Tokens of a real OpenID Connect issuer, verified by the service for a real API server. */
import { test, type Test } from 'tap'
import { startIssuer, type Issuer } from '../fixtures/issuer.js'
import { alice } from '../fixtures/people.js'
import { startCluster, type Cluster } from './cluster.js'
import { createWebhook, until, usersFile, type Webhook } from './webhook.js'
import { arrived, forbidden } from './words.js'

const IN = 403 // nobody here may list namespaces
const OUT = 401

/** As pasted from the documentation of Kubernetes, with the issuer of the test. */
const configuration = ({ url, ca }: Issuer): string => `
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer:
    url: ${url}
    certificateAuthority: |
${ca.trim().replaceAll(/^/gm, '      ')}
    audiences: [kubernetes]
    audienceMatchPolicy: MatchAny
  claimValidationRules:
  - expression: 'claims.exp - claims.iat <= 86400'
    message: total token lifetime must not exceed 24 hours
  claimMappings:
    username:
      expression: 'claims.preferred_username + ":sso"'
    groups:
      expression: 'claims.roles.split(",")'
    uid:
      expression: 'claims.sub'
    extra:
    - key: 'example.com/tenant'
      valueExpression: 'claims.tenant'
  userValidationRules:
  - expression: "!user.username.startsWith('system:')"
    message: 'username cannot used reserved system: prefix'
  - expression: "user.groups.all(group, !group.startsWith('system:'))"
    message: 'groups cannot used reserved system: prefix'
`

const alicesClaims = { sub: '1001', preferred_username: 'alice', roles: 'developers,platform', tenant: 'acme' }
const ALICE = { username: 'alice:sso', uid: '1001', groups: ['developers', 'platform'], extra: { 'example.com/tenant': ['acme'] } }

async function start (t: Test, issuer: Issuer): Promise<{ cluster: Cluster, webhook: Webhook }> {
  const webhook = await createWebhook(t, {
    identityProviders: [
      { name: 'sso', kind: 'jwt', config: { authenticationConfigurationFile: 'authentication.yaml', revocationsFile: 'revocations.yaml' } }
    ],
    files: {
      'authentication.yaml': configuration(issuer),
      'revocations.yaml': 'apiVersion: authn-webhook/v1\nrevocations: []\n'
    }
  })
  const [cluster] = await Promise.all([webhook.kubeconfig().then(async file => await startCluster(t, { webhook: file, cacheTTL: '1s' })), webhook.start()])
  return { cluster, webhook }
}

test('a pasted AuthenticationConfiguration', async t => {
  const issuer = await startIssuer(t)
  const { cluster, webhook } = await start(t, issuer)
  let tokens = 0
  /** One that neither the API server nor the service has seen. */
  const fresh = async (claims: object = {}): Promise<string> => await issuer.idToken({ ...alicesClaims, jti: `token-${++tokens}`, ...claims })
  const codeOf = async (token: string): Promise<number> => (await cluster.call(token)).code

  await t.test('gives username, groups, uid and extra', async t => {
    const token = await fresh()
    t.strictSame((await cluster.review(token)).user, arrived(ALICE))
    t.match(await cluster.call(token), { code: IN, body: { message: forbidden('alice:sso') } })
  })

  await t.test('denies what its rules deny', async t => {
    for (const [what, token] of [
      ['a token that is valid for too long', await issuer.idToken(alicesClaims, { expiresIn: 90_000 })],
      ['an expired one', await issuer.idToken(alicesClaims, { expiresIn: -60 })],
      ['a reserved username', await fresh({ preferred_username: 'system:admin' })],
      ['a reserved group', await fresh({ roles: 'system:masters' })],
      ['a missing claim', await fresh({ tenant: undefined })],
      ['a changed signature', `${(await fresh()).slice(0, -8)}AAAAAAAA`]
    ] as const) t.equal(await codeOf(token), OUT, what)
  })

  await t.test('a rotation of keys loses no review', async t => {
    const stop = new AbortController()
    const lost: string[] = []
    let asked = 0
    const asking = (async () => {
      while (!stop.signal.aborted) {
        const code = await codeOf(await fresh())
        asked++
        if (code !== IN) lost.push(`${code} after ${asked}`)
      }
    })()
    await until(async () => asked, count => count > 5)
    await issuer.rotate({ keep: true })
    const before = asked
    await until(async () => asked, count => count > before + 20)
    stop.abort()
    await asking
    t.strictSame(lost, [])
  })

  await t.test('an outage of the issuer and its end lose no review', async t => {
    await issuer.stop()
    for (let i = 0; i < 5; i++) t.equal(await codeOf(await fresh()), IN, 'by the keys that are known')
    await issuer.restart()
    t.equal(await codeOf(await fresh()), IN)
  })

  await t.test('a token that is revoked is out', async t => {
    const [lost, kept] = [await fresh(), await fresh()]
    t.equal(await codeOf(lost), IN)
    await webhook.replace('revocations.yaml', `apiVersion: authn-webhook/v1\nrevocations:\n  - { jti: token-${tokens - 1} }\n`)
    await until(async () => await codeOf(lost), code => code === OUT)
    t.equal(await codeOf(kept), IN)
    t.ok(await webhook.metric(/^authn_webhook_denials_total{provider="sso",reason="revoked"}/) > 0)
  })

  await t.test('a change of the file is taken over, and a mistake in it is not', async t => {
    await webhook.replace('authentication.yaml', configuration(issuer).replace(':sso"', ':new"'))
    await until(async () => (await cluster.review(await fresh())).user?.username, username => username === 'alice:new')
    const failed = async (): Promise<number> => await webhook.metric(/^authn_webhook_reloads_total{source="sso",result="error"}/)
    const before = await failed()
    await webhook.replace('authentication.yaml', configuration(issuer).replace('claims.sub', 'claims.sub +'))
    await until(failed, count => count > before)
    t.equal((await cluster.review(await fresh())).user?.username, 'alice:new')
  })
})

test('groups from another provider', async t => {
  const issuer = await startIssuer(t)
  const webhook = await createWebhook(t, {
    identityProviders: [
      {
        name: 'sso',
        kind: 'jwt',
        groupsFrom: 'people',
        config: {
          issuers: [{
            issuer: { url: issuer.url, certificateAuthority: issuer.ca, audiences: ['kubernetes'] },
            claimMappings: { username: { claim: 'sub', prefix: '' } }
          }]
        }
      },
      { name: 'people', kind: 'static', groupPrefix: 'people:', config: { usersFile: 'users.yaml' } }
    ],
    files: { 'users.yaml': usersFile([alice]) }
  })
  const [cluster] = await Promise.all([webhook.kubeconfig().then(async file => await startCluster(t, { webhook: file, cacheTTL: '1s' })), webhook.start()])
  t.strictSame((await cluster.review(await issuer.idToken({ sub: 'alice' }))).user, arrived({ username: 'alice', groups: ['people:developers', 'people:platform'] }))
  t.equal((await cluster.call(await issuer.idToken({ sub: 'mallory' }))).code, OUT, 'nobody of this name there')
  await webhook.replace('users.yaml', usersFile([], [{ ...alice.user, disabled: true }]))
  await until(async () => (await cluster.call(await issuer.idToken({ sub: 'alice' }))).code, code => code === OUT)
})
