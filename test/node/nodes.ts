/** A cluster with nodes: what kubeadm makes of machines, of plain processes; and the shell of its operator. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { type } from '../chart-install/podman.js'
import { startCluster, startProcess, tool, type Cluster, type ClusterOptions } from '../e2e/cluster.js'
import type { Outcome } from '../fixtures/command.js'
import { until } from '../fixtures/waiting.js'
import { connectPods, joinCluster, startHost, startNetwork, type Node } from './node.js'

export interface NodesOptions extends Omit<ClusterOptions, 'host'> {
  /** The first of them has the API server. */
  readonly controlPlanes?: number
  readonly workers?: number
}

export interface Nodes extends Cluster {
  readonly nodes: readonly Node[]
  /** Types lines into bash, where kubectl and helm are the admin's. */
  attempt: (lines: string, cwd?: string) => Promise<Outcome>
  /** The same. @returns what a person sees. @throws where a line fails */
  shell: (lines: string, cwd?: string) => Promise<string>
}

/** One control-plane node, unless more are wanted. Resolves when all are ready. */
export async function startNodes (t: Test, { controlPlanes = 1, workers = 0, ...options }: NodesOptions = {}): Promise<Nodes> {
  const dir = await mkdtemp(join(tmpdir(), 'authn-webhook-nodes-'))
  await startNetwork()
  const nodes: Node[] = []
  for (let index = 1; index <= controlPlanes + workers; index++) nodes.push(await startHost(dir, index))
  await connectPods(nodes)

  const [{ address, enter }] = nodes as [Node, ...Node[]]
  const cluster = await startCluster(t, { ...options, host: { address, port: 6443, enter } })
  const start = async (executable: Parameters<typeof tool>[0], name: string, ...flags: readonly string[]): Promise<void> => {
    const kubeconfig = await cluster.kubeconfigFor(`system:${name}`, 'system:authenticated')
    await startProcess([...enter, tool(executable)], [`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--port=0', '--secure-port=0', ...flags], join(dir, `${name}.log`))
  }
  await start('KUBE_CONTROLLER_MANAGER', 'kube-controller-manager', '--use-service-account-credentials', `--service-account-private-key-file=${cluster.serviceAccountKey}`, `--root-ca-file=${cluster.authority}`, `--flex-volume-plugin-dir=${dir}/plugins`)
  await start('KUBE_SCHEDULER', 'kube-scheduler')

  const attempt: Nodes['attempt'] = async (lines, cwd = dir) => await type('bash', ['--norc', '-euo', 'pipefail', '-c', lines], {
    cwd,
    env: { PATH: [dirname(tool('KUBECTL')), dirname(tool('HELM')), process.env['PATH']].join(':'), KUBECONFIG: cluster.adminKubeconfig, HOME: cwd }
  })
  const shell: Nodes['shell'] = async (lines, cwd) => {
    const { code, stdout, stderr } = await attempt(lines, cwd)
    if (code !== 0) throw new Error(`these lines end with ${code}:\n${lines}\n${stdout}${stderr}`)
    return stdout + stderr
  }
  const proxyKubeconfig = await cluster.kubeconfigFor('system:kube-proxy', 'system:authenticated')
  await Promise.all(nodes.map(async (node, index) => {
    await joinCluster(dir, node, { cluster, proxyKubeconfig, pods: `10.100.${index + 1}.0/24` })
    await until(`${node.name} to be ready`, async () => await isReady(cluster, node), 120_000)
    // as kubeadm does
    if (index < controlPlanes) await shell(`kubectl label node ${node.name} node-role.kubernetes.io/control-plane= && kubectl taint node ${node.name} node-role.kubernetes.io/master:NoSchedule`)
  }))
  return { ...cluster, nodes, attempt, shell }
}

async function isReady ({ admin }: Cluster, { name }: Node): Promise<boolean> {
  const { code, body } = await admin('GET', `/api/v1/nodes/${name}`)
  return (code === 200 && body.status.conditions.some(({ type, status }: any) => type === 'Ready' && status === 'True')) || await sleep(200, false)
}
