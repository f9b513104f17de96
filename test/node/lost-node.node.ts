/** What users notice when a node is cut off that the API server has a connection to. */
import { test } from 'tap'
import { askedPods, installForLogins, loginsDuring } from './logins.js'
import type { Node } from './node.js'
import { startNodes, type Nodes } from './nodes.js'
import { awaitPods, settled, type Pod } from './pods.js'

/** Seconds that kube-proxy may take to hear of it, on a busy machine. */
const SLACK = 20

test('a lost node', async t => {
  const cluster = await startNodes(t, { workers: 1, cacheTTL: '0s' })
  const { nodes: [controlPlane, worker] } = cluster
  await installForLogins(t, cluster)

  await t.test('logins through the connections to it are lost, and few others', async t => {
    await haveAsked(cluster, worker!)
    let noticed = 0
    let replaced = 0
    const { count, lost, lostUntil, summary } = await loginsDuring(cluster, async () => {
      const began = performance.now()
      const seconds = (): number => (performance.now() - began) / 1000
      await worker!.connect(false)
      await awaitPods(cluster, 'the control plane to notice', pods => pods.some(({ node, ready }) => !ready && node === worker!.name))
      noticed = seconds()
      await awaitPods(cluster, 'another pod', pods => pods.filter(({ node, ready }) => ready && node === controlPlane!.name).length === 2)
      replaced = seconds()
    })
    t.comment(`noticed after ${noticed.toFixed(1)} s, replaced after ${replaced.toFixed(1)} s; ${summary}`)
    t.ok(lostUntil < noticed + SLACK, 'none is lost once the control plane has noticed')
    t.ok(lost < count / 4, summary)
    await worker!.connect(true)
    await settled(cluster)
  })
})

/** Sees to it that the API server has a connection to the pod on a node, and that each node has a pod. */
async function haveAsked (cluster: Nodes, { name }: Node): Promise<void> {
  const isAsked = async (): Promise<boolean> => (await askedPods(cluster)).some(({ node }) => node === name)
  if (await isAsked()) return
  const [controlPlane] = cluster.nodes
  const remove = async (pod: Pod): Promise<void> => {
    await loginsDuring(cluster, async () => {
      await cluster.shell(`kubectl -n kube-system delete pod ${pod.name} --wait=false`)
      await settled(cluster)
    })
  }
  await cluster.shell(`kubectl cordon ${controlPlane!.name}`)
  await remove((await settled(cluster)).find(({ node }) => node !== name)!)
  await cluster.shell(`kubectl uncordon ${controlPlane!.name}`)
  const asked = await askedPods(cluster)
  await remove((await settled(cluster)).find(pod => !asked.some(({ name }) => name === pod.name)) ?? asked[0]!)
  if (!await isAsked()) throw new Error(`the API server has no connection to ${name}`)
}
