/** On which nodes a real scheduler puts the replicas. */
import { test } from 'tap'
import { CHART } from '../chart-install/release.js'
import { startNodes } from './nodes.js'
import { settled } from './pods.js'

/** Side by side, to save time. */
const RELEASES = 2
const ROLLOUTS = 10
/** Shortens the rollouts; it does not affect scheduling. */
const SOON = 'readinessProbe.periodSeconds=1,config.server.shutdownDelay=1s'

test('replicas', async t => {
  const cluster = await startNodes(t, { workers: 1 })
  const { shell, nodes: [first, second] } = cluster
  let revision = 0
  /** Replaces both pods of each release. @returns their nodes */
  const rollOut = async (): Promise<string[][]> => {
    revision++
    return await Promise.all(Array.from({ length: RELEASES }, async (_, index) => {
      const namespace = `release-${index}`
      await shell(`helm upgrade --install authn-webhook ${CHART} --namespace ${namespace} --create-namespace --set service.clusterIP=10.96.0.${index + 2},podAnnotations.revision=r${revision},${SOON}`)
      await shell(`kubectl -n ${namespace} rollout status deployment/authn-webhook --timeout=4m`)
      return (await settled(cluster, 2, { namespace })).map(({ node }) => node).sort()
    }))
  }
  const rollOutTen = async (): Promise<string[][]> => {
    const rollouts: string[][] = []
    while (rollouts.length < ROLLOUTS) rollouts.push(...await rollOut())
    return rollouts
  }
  const spread = [first!.name, second!.name]
  await rollOut()

  await t.test(`on two nodes without zones, in ${ROLLOUTS} of ${ROLLOUTS} rollouts`, async t => {
    t.strictSame(await rollOutTen(), Array(ROLLOUTS).fill(spread))
  })

  await t.test(`on two nodes, one of which is in a zone, in ${ROLLOUTS} of ${ROLLOUTS}`, async t => {
    await shell(`kubectl label node ${first!.name} topology.kubernetes.io/zone=a`)
    t.strictSame(await rollOutTen(), Array(ROLLOUTS).fill(spread))
  })

  await t.test('a cordoned node gets none; and they still run', async t => {
    await shell(`kubectl cordon ${second!.name}`)
    t.strictSame(await rollOut(), Array(RELEASES).fill([first!.name, first!.name]))
    await shell(`kubectl uncordon ${second!.name}`)
  })

  await t.test('in a cluster of control-plane nodes alone', async t => {
    await shell(`kubectl taint node ${second!.name} node-role.kubernetes.io/master:NoSchedule && kubectl taint nodes --all node-role.kubernetes.io/control-plane:NoSchedule`)
    t.strictSame(await rollOut(), Array(RELEASES).fill(spread))
  })
})
