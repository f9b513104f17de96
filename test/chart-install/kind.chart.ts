/** `kind`, on a real API server: how a release is kept from locking everybody out, and how API servers move from one kind to the other. */
import { test } from 'tap'
import { startCluster } from '../e2e/cluster.js'
import { eventually } from './podman.js'
import { CHART, get, helm, secret } from './release.js'

test('an upgrade does not change what API servers call', async t => {
  const cluster = await startCluster(t, {})
  await eventually(async () => (await cluster.admin('GET', '/api/v1/namespaces/default/services/kubernetes')).code === 200 || undefined)
  const upgrade = async (release: string, ...args: readonly string[]) => await cluster.helm('upgrade', release, CHART, '--namespace', 'kube-system', ...args)
  await helm(cluster, 'install', 'authn-webhook', CHART)

  const refused = await upgrade('authn-webhook', '--set', 'kind=DaemonSet')
  t.not(refused.code, 0)
  t.match(refused.stderr, /kind is DaemonSet, and the release authn-webhook is a Deployment: .* until every API server has the new webhook config.*helm -n kube-system install .*--set kind=DaemonSet,users\.existingSecret=authn-webhook-users.*allowKindChange=true/s)
  t.ok(await get(cluster, 'service', 'authn-webhook'), 'the Service is still there')
  t.equal((await upgrade('authn-webhook', '--set', 'kind=Deployment,replicaCount=3')).code, 0, 'any other upgrade goes on')

  await t.test('a second release of the other kind beside it, with the same users', async t => {
    await helm(cluster, 'install', 'authn-webhook-new', CHART, '--set', 'kind=DaemonSet,users.existingSecret=authn-webhook-users')
    t.ok(await get(cluster, 'service', 'authn-webhook'))
    t.match(await get(cluster, 'daemonset', 'authn-webhook-new'), { spec: { template: { spec: { volumes: [{}, {}, { secret: { secretName: 'authn-webhook-users' } }] } } } })
    t.match(await secret(cluster, 'authn-webhook-new-apiserver', 'webhook.yaml'), 'https://127.0.0.1:8443')
    t.match((await upgrade('authn-webhook-new', '--set', 'kind=Deployment')).stderr, /kind is Deployment, and the release authn-webhook-new is a DaemonSet/, 'nor back')
    await helm(cluster, 'uninstall', 'authn-webhook')
    t.ok(await get(cluster, 'secret', 'authn-webhook-users'), 'the users outlive the first release')
  })

  await t.test('at once, for who says so', async t => {
    t.equal((await upgrade('authn-webhook-new', '--set', 'kind=Deployment,allowKindChange=true,users.existingSecret=authn-webhook-users')).code, 0)
    t.notOk(await get(cluster, 'daemonset', 'authn-webhook-new'))
    t.ok(await get(cluster, 'service', 'authn-webhook-new'))
  })

  await t.test('a namespace that forbids the host\'s network refuses a DaemonSet, not its pods later', async t => {
    for (const level of ['baseline', 'restricted', 'privileged']) {
      await cluster.admin('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: level, labels: { 'pod-security.kubernetes.io/enforce': level } } })
      const { code, stderr } = await cluster.helm('template', 'node', CHART, '--dry-run=server', '--namespace', level, '--set', 'kind=DaemonSet')
      if (level === 'privileged') t.equal(code, 0, stderr)
      else t.match(stderr, new RegExp(`the namespace ${level} enforces the Pod Security Standard "${level}", which forbids that`))
      t.equal((await cluster.helm('template', 'pods', CHART, '--dry-run=server', '--namespace', level)).code, 0, `a Deployment satisfies ${level}`)
    }
  })
})
