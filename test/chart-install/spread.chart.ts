/**
 * Where a real scheduler puts the pods of a rollout, with what the chart renders for a current Kubernetes, in clusters of up to
 * six nodes, which need no kubelet for that. test/node has kubelets, and what the chart renders for Kubernetes 1.20.
 */
import { execFileSync, spawn } from 'node:child_process'
import { test } from 'tap'
import { startCluster, tool, type Cluster } from '../e2e/cluster.js'
import { eventually } from './podman.js'
import { podOf, render } from './render.js'
import { ci } from './release.js'

const SCHEDULER = tool('KUBE_SCHEDULER')
const PODS = '/api/v1/namespaces/kube-system/pods'
const ROLLOUTS = 10
/** The zone of each node, or none. */
const CLUSTERS: Record<string, ReadonlyArray<string | undefined>> = {
  'two nodes without zones': [undefined, undefined],
  'three nodes without zones': [undefined, undefined, undefined],
  'two nodes, one of them in a zone': ['a', undefined],
  'two zones of one node': ['a', 'b'],
  'two zones of two nodes': ['a', 'a', 'b', 'b'],
  'three zones of two nodes': ['a', 'a', 'b', 'b', 'c', 'c']
}

test('a rollout spreads its pods', async t => {
  // pods are made here, not by a Deployment, and no kubelet makes nodes ready
  const cluster = await startCluster(t, { flags: ['--disable-admission-plugins=ServiceAccount,TaintNodesByCondition'] })
  const kubeconfig = cluster.adminKubeconfig
  const scheduler = spawn(SCHEDULER, [
    `--kubeconfig=${kubeconfig}`, `--authentication-kubeconfig=${kubeconfig}`, `--authorization-kubeconfig=${kubeconfig}`, '--leader-elect=false', '--secure-port=0',
    ...execFileSync(SCHEDULER, ['--version'], { encoding: 'utf8' }).includes('v1.20.') ? ['--port=0'] : []
  ], { stdio: 'ignore' })
  t.teardown(() => { scheduler.kill('SIGKILL') })
  const template = podOf(await render('--values', ci('existing-secret'), '--kube-version', '1.36.0'))

  for (const [what, zones] of Object.entries(CLUSTERS)) {
    await makeNodes(cluster, zones)
    const rollouts = await rollOut(cluster, template)
    const zoneOf = (node: string): string => zones[Number(node)] ?? node
    t.strictSame(rollouts.filter(([first, second]) => first === second), [], `${what}: never on one node`)
    t.strictSame(rollouts.filter(([first, second]) => zoneOf(first) === zoneOf(second)), [], `${what}: never in one zone`)
  }

  await makeNodes(cluster, CLUSTERS['two nodes, one of them in a zone']!)
  const [byHostname] = template.spec.topologySpreadConstraints
  const byZone = { ...byHostname, topologyKey: 'topology.kubernetes.io/zone' }
  const both = await rollOut(cluster, { ...template, spec: { ...template.spec, affinity: {}, topologySpreadConstraints: [byHostname, byZone] } })
  t.strictSame(both, Array(ROLLOUTS).fill(['0', '0']), 'zones as a constraint make the scheduler overlook a node without one')
})

async function makeNodes (cluster: Cluster, zones: ReadonlyArray<string | undefined>): Promise<void> {
  await cluster.admin('DELETE', `${PODS}?gracePeriodSeconds=0`)
  await cluster.admin('DELETE', '/api/v1/nodes')
  for (const [index, zone] of zones.entries()) {
    const name = String(index)
    const { body } = await cluster.admin('POST', '/api/v1/nodes', {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: { 'kubernetes.io/os': 'linux', 'kubernetes.io/hostname': name, ...zone !== undefined && { 'topology.kubernetes.io/zone': zone } } }
    })
    const resources = { cpu: '4', memory: '8Gi', pods: '110' }
    await cluster.admin('PUT', `/api/v1/nodes/${name}/status`, { ...body, status: { capacity: resources, allocatable: resources, conditions: [{ type: 'Ready', status: 'True' }] } })
  }
}

/** As a Deployment with `maxSurge: 1` and `maxUnavailable: 0` does it. @returns the nodes of the two pods, for each rollout */
async function rollOut (cluster: Cluster, template: any): Promise<Array<[string, string]>> {
  const start = async (revision: number, name: string): Promise<string> => {
    const hash = String(revision)
    const { code, body } = await cluster.admin('POST', PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `${name}-${hash}`, labels: { ...template.metadata.labels, 'pod-template-hash': hash } },
      spec: { ...withKeys(template.spec, hash), terminationGracePeriodSeconds: 0 }
    })
    if (code !== 201) throw new Error(JSON.stringify(body))
    return await eventually(async () => (await cluster.admin('GET', `${PODS}/${name}-${hash}`)).body.spec.nodeName)
  }
  const stop = async (revision: number, name: string): Promise<void> => { await cluster.admin('DELETE', `${PODS}/${name}-${revision}?gracePeriodSeconds=0`) }

  await cluster.admin('DELETE', `${PODS}?gracePeriodSeconds=0`)
  await start(0, 'first')
  await start(0, 'second')
  const nodes: Array<[string, string]> = []
  for (let revision = 1; revision <= ROLLOUTS; revision++) {
    const order = revision % 2 === 0 ? ['first', 'second'] : ['second', 'first']
    const first = await start(revision, 'first')
    await stop(revision - 1, order[0]!)
    nodes.push([first, await start(revision, 'second')])
    await stop(revision - 1, order[1]!)
  }
  return nodes
}

/** `matchLabelKeys` as an API server that knows them merges them into the selector. */
function withKeys (value: any, hash: string): any {
  if (Array.isArray(value)) return value.map(item => withKeys(item, hash))
  if (value === null || typeof value !== 'object') return value
  const { matchLabelKeys, labelSelector, ...rest } = value
  return {
    ...Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, withKeys(value, hash)])),
    ...labelSelector !== undefined && { labelSelector: matchLabelKeys === undefined ? labelSelector : { matchLabels: { ...labelSelector.matchLabels, 'pod-template-hash': hash } } }
  }
}
