/** The DaemonSet, at 127.0.0.1 of a control-plane node: who logs in through it, and what its rollout costs. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { test } from 'tap'
import { startCluster } from '../e2e/cluster.js'
import { usersFile } from '../e2e/webhook.js'
import { alice } from '../fixtures/people.js'
import { runPod } from './kubelet.js'
import { eventually } from './podman.js'
import { CHART, get, helm, IMAGE_VALUES, NAMESPACE, secret } from './release.js'

test('a DaemonSet on the host\'s network', async t => {
  const cwd = t.testdir({ 'users.yaml': usersFile([alice]) })
  const cluster = await startCluster(t, {})
  await cluster.kubectl('create', 'secret', 'generic', 'people', '--namespace', NAMESPACE, `--from-file=${join(cwd, 'users.yaml')}`, `--kubeconfig=${cluster.adminKubeconfig}`)
  await helm(cluster, 'install', 'authn-webhook', CHART, ...IMAGE_VALUES, '--set', 'kind=DaemonSet,users.existingSecret=people')
  await writeFile(join(cwd, 'webhook.yaml'), (await secret(cluster, 'authn-webhook-apiserver', 'webhook.yaml'))!)
  await cluster.restart(join(cwd, 'webhook.yaml'))

  const { spec: { template } } = await get(cluster, 'daemonset', 'authn-webhook')
  const run = async (name: string) => {
    const pod = await runPod(t, cluster, { namespace: NAMESPACE, name, template })
    await pod.ready()
    return pod
  }
  const old = await run('old')
  t.equal((await cluster.call(alice.token)).code, 403, 'alice is known, and has no rights')

  await t.test('a rollout on one node: the old pod goes before the new one comes', async t => {
    let lastGood = performance.now()
    let gap = 0
    let [asked, failed] = [0, 0]
    /** By a token that the API server can't remember; the webhook's "no" has words there, too. */
    const isAnswered = async (): Promise<boolean> => !/connect|EOF/.test((await cluster.review(`a-token-that-nobody-has-${asked++}`)).error ?? '')
    const ending = new AbortController()
    const asking = (async () => {
      while (!ending.signal.aborted) {
        if (await isAnswered()) {
          gap = Math.max(gap, performance.now() - lastGood)
          lastGood = performance.now()
        } else {
          failed++
        }
        await setTimeout(5)
      }
    })()
    await old.stop()
    await run('new')
    await eventually(async () => await isAnswered() || undefined)
    ending.abort()
    await asking
    t.comment(`without its webhook the API server was for ${Math.round(gap)} ms; ${failed} of ${asked} reviews failed`)
    t.ok(failed > 0, 'two pods can\'t share the ports of a host, so there is a gap; the documents say how long')
  })
})
