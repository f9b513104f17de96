/** Who somebody is to the API server: as the source says, or nobody, and never somebody else. */
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { test, type Test } from 'tap'
import type { UserInfo } from '../../schemas/token-review.js'
import { alice, bob } from '../fixtures/people.js'
import { startCluster, type Cluster } from './cluster.js'
import { intact, leftOut, noNames, noUserInfo, refusedEntries } from './names.js'
import { answersOf, entryOf, thirdParty, thirdPartyFile, tokenOf } from './third-party.js'
import { createWebhook, until, usersFile, type Webhook } from './webhook.js'
import { DENIED, arrived, couldNotTell, forbidden } from './words.js'

const people = Object.entries(intact).map(([what, user]) => entryOf('people', what, user))
const sso = Object.fromEntries([
  ...Object.entries(leftOut).map(([what, { answered }]) => [what, { user: answered }]),
  ...Object.entries(noNames).map(([what, username]) => [what, { user: { username, groups: ['developers'] } }])
])
const broken = Object.entries(noUserInfo).map(([what, answer], index) => ({ what, answer, name: `broken-${index}`, file: `broken-${index}.json` }))

/** Keys in one order, and as values: some mean something to code that compares objects. */
const entriesOf = ({ extra = {}, ...user }: Partial<UserInfo> = {}): object => ({ ...user, extra: Object.entries(extra).sort() })

async function start (t: Test): Promise<{ cluster: Cluster, webhook: Webhook }> {
  const webhook = await createWebhook(t, {
    identityProviders: [
      { name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } },
      { name: 'partners', kind: 'static', config: { usersFile: 'partners.yaml' }, usernamePrefix: 'partner:', groupPrefix: 'partner/' },
      thirdParty('sso', 'sso.json'),
      // one each: five failures in a row, and a provider is left alone for a while
      ...broken.map(({ name, file }) => thirdParty(name, file))
    ],
    files: {
      ...thirdPartyFile,
      'users.yaml': usersFile([alice, bob], people),
      'partners.yaml': usersFile([], [entryOf('partners', 'alice', alice.user)]),
      'sso.json': answersOf('sso', sso),
      ...Object.fromEntries(broken.map(({ what, answer, name, file }) => [file, answersOf(name, { [what]: answer })]))
    }
  })
  const [cluster] = await Promise.all([webhook.kubeconfig().then(async file => await startCluster(t, { webhook: file })), webhook.start()])
  return { cluster, webhook }
}

test('a user is to the API server who the source says, or nobody', async t => {
  const { cluster, webhook } = await start(t)

  const rows = [
    { what: 'uid, groups, and several values for a key with a slash', user: alice.user, token: alice.token },
    ...Object.entries(intact).map(([what, user]) => ({ what, user, token: tokenOf('people', what) }))
  ]
  for (const { what, user, token } of rows) {
    await t.test(`${what}: intact`, async t => {
      t.strictSame(entriesOf((await cluster.review(token)).user), entriesOf(arrived(user)))
      t.match(await cluster.call(token), { code: 403, body: { message: forbidden(user.username) } }, 'called so in a refusal, too')
    })
  }

  for (const [what, { left }] of Object.entries(leftOut)) {
    await t.test(`${what}: left out, and the rest arrives`, async t => {
      t.strictSame((await cluster.review(tokenOf('sso', what))).user, arrived(left))
    })
  }

  for (const what of Object.keys(noNames)) {
    await t.test(`${what} for a username: nobody`, async t => {
      const refusals = await webhook.metric(/^authn_webhook_denials_total{.*reason="invalid-name"/)
      t.strictSame(await cluster.review(tokenOf('sso', what)), { user: {}, error: DENIED })
      t.equal((await cluster.call(tokenOf('sso', what))).code, 401)
      t.equal(await webhook.metric(/^authn_webhook_denials_total{.*reason="invalid-name"/), refusals + 1, 'for this reason, and one that the API server remembers')
    })
  }

  for (const { what, name } of broken) {
    await t.test(`${what} in an answer: nobody, and the provider is named`, async t => {
      t.strictSame(await cluster.review(tokenOf(name, what)), { user: {}, error: couldNotTell(name) })
      t.equal((await cluster.call(tokenOf(name, what))).code, 401)
    })
  }

  await t.test('a users file with what can\'t be a name is not taken over', async t => { await refuseFiles(t, cluster, webhook) })
  await t.test('prefixes keep namesakes of two sources apart', async t => { await tellNamesakesApart(t, cluster) })
  await t.test('what a user creates bears uid, groups and extra', async t => { await signRequest(t, cluster, webhook.dir) })
})

async function refuseFiles (t: Test, cluster: Cluster, webhook: Webhook): Promise<void> {
  const zoe = entryOf('people', 'zoe', { username: 'zo\u00eb' })
  for (const [what, user] of Object.entries(refusedEntries)) {
    const reloads = async (): Promise<number> => await webhook.metric(/^authn_webhook_reloads_total{/)
    const before = await reloads()
    await webhook.replace('users.yaml', usersFile([bob], [zoe, entryOf('people', `mallory with ${what}`, user)]))
    await until(reloads, count => count > before)
    t.equal((await cluster.call(tokenOf('people', `mallory with ${what}`))).code, 401, what)
  }
  t.equal((await cluster.call(bob.token)).code, 403, 'those of before are known')
  t.equal((await cluster.call(tokenOf('people', 'zoe'))).code, 401, 'nothing of a bad file is in force')
}

async function tellNamesakesApart (t: Test, cluster: Cluster): Promise<void> {
  const ours = alice.token
  const theirs = tokenOf('partners', 'alice')
  t.strictSame((await cluster.review(theirs)).user, arrived({ ...alice.user, username: 'partner:alice', groups: ['partner/developers', 'partner/platform'] }))
  const admin = `--kubeconfig=${cluster.adminKubeconfig}`
  const list = async (token: string, resource: string): Promise<string> => {
    const { stdout, stderr } = await cluster.kubectl('get', resource, `--token=${token}`, `--kubeconfig=${cluster.tokenKubeconfig}`)
    return stdout + stderr
  }
  for (const [resource, group] of [['pods', 'developers'], ['configmaps', 'partner/developers']] as const) {
    t.equal((await cluster.kubectl('create', 'role', `${resource}-reader`, '--verb=list', `--resource=${resource}`, admin)).code, 0)
    t.equal((await cluster.kubectl('create', 'rolebinding', `${resource}-readers`, `--role=${resource}-reader`, `--group=${group}`, admin)).code, 0)
  }
  t.match(await list(ours, 'pods'), /^No resources found/)
  t.match(await list(theirs, 'pods'), forbidden('partner:alice', 'pods'))
  t.match(await list(theirs, 'configmaps'), /^(?:NAME|No resources found)/)
  t.match(await list(ours, 'configmaps'), forbidden('alice', 'configmaps'))
}

/** A CertificateSigningRequest is what an API server of this age writes down its whole creator with. */
async function signRequest (t: Test, cluster: Cluster, dir: string): Promise<void> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=somebody', keys, signingAlgorithm: algorithm })
  const file = join(dir, 'request.json')
  await writeFile(file, JSON.stringify({
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name: 'request' },
    spec: { request: Buffer.from(request.toString('pem')).toString('base64'), signerName: 'example.com/signer', usages: ['client auth'], username: 'bob', groups: ['system:masters'] }
  }))
  const admin = `--kubeconfig=${cluster.adminKubeconfig}`
  await cluster.kubectl('create', 'clusterrole', 'requester', '--verb=create', '--resource=certificatesigningrequests', admin)
  await cluster.kubectl('create', 'clusterrolebinding', 'requesters', '--clusterrole=requester', '--group=platform', admin)
  const created = await cluster.kubectl('create', '--validate=false', `--filename=${file}`, `--token=${alice.token}`, `--kubeconfig=${cluster.tokenKubeconfig}`)
  t.match(created, { code: 0, stdout: /created/ })
  const { stdout } = await cluster.kubectl('get', 'csr', 'request', '--output=json', admin)
  const { username, uid, groups, extra } = JSON.parse(stdout).spec
  t.strictSame({ username, uid, groups, extra }, arrived(alice.user), 'whatever the object itself says')
}
