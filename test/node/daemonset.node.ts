/** A DaemonSet on a cluster with two control-plane nodes and a worker; and how API servers move to it. */
import { join } from 'node:path'
import { test } from 'tap'
import { CHART, everything, step } from '../chart-install/release.js'
import { installForLogins, loginsDuring, loseNone } from './logins.js'
import { startNodes } from './nodes.js'
import { awaitPods, settled } from './pods.js'

/** See charts/authn-webhook/README.md: what a kubelet of 1.20 takes, and a busy machine four times. */
const GAP_SECONDS = 40

test('a DaemonSet', async t => {
  const cwd = t.testdir({})
  const cluster = await startNodes(t, { controlPlanes: 2, workers: 1, cacheTTL: '0s' })
  const { shell } = cluster
  await installForLogins(t, cluster)
  const release = 'authn-webhook-new'

  await t.test('an upgrade from a Deployment is rejected', async t => {
    const { code, stderr } = await cluster.attempt(`helm upgrade authn-webhook ${CHART} --namespace kube-system --set kind=DaemonSet`)
    t.not(code, 0)
    t.match(stderr, /kind is DaemonSet, and the release authn-webhook is a Deployment/)
  })

  await t.test('a second release moves the API server to it, and no login is lost', async t => {
    await loseNone(t, cluster, async () => {
      const notes = await shell(`helm install ${release} ${CHART} --namespace kube-system --set kind=DaemonSet,users.existingSecret=authn-webhook-users`)
      t.match(await shell(step(notes, 1), cwd), /successfully rolled out[\s\S]*Phase: +Succeeded/)
      await shell(step(notes, 3), cwd)
    })
    await cluster.restart(join(cwd, 'webhook.yaml'))
    await loseNone(t, cluster, async () => {
      await shell('helm uninstall authn-webhook --namespace kube-system')
      await awaitPods(cluster, 'the first release to be gone', pods => pods.length === 0)
    })
  })

  await t.test('one pod on each control-plane node, and no Service to reach it by', async t => {
    t.strictSame((await settled(cluster, 2, { release })).map(({ node }) => node).sort(), ['node-1', 'node-2'])
    t.strictSame((await everything(cluster)).filter(name => name.startsWith(`service/${release}`)), [])
    t.match(await shell('cat webhook.yaml', cwd), 'server: https://127.0.0.1:8443/authenticate')
  })

  await t.test('the gap of a rollout is as long as the documentation says', async t => {
    const { lostFrom, lostUntil, summary } = await loginsDuring(cluster, async () => {
      await shell(`helm upgrade ${release} ${CHART} --namespace kube-system --set kind=DaemonSet,users.existingSecret=authn-webhook-users,podAnnotations.revision=two`)
      await shell(`kubectl -n kube-system rollout status daemonset/${release} --timeout=2m`)
      await settled(cluster, 2, { release })
    })
    t.comment(`${(lostUntil - lostFrom).toFixed(1)} s; ${summary}`)
    t.ok(lostUntil - lostFrom < GAP_SECONDS, summary)
  })
})
