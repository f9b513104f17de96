/** The chart in a real API server: `helm install`, and what an operator looks at and types then. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { tool, type Cluster } from '../e2e/cluster.js'
import { runPod, type RunningPod } from './kubelet.js'
import { IMAGE, type } from './podman.js'

export const CHART = fileURLToPath(new URL('../../charts/authn-webhook', import.meta.url))
export const NAMESPACE = 'kube-system'

const [repository, tag] = /^(.*):([^:]+)$/.exec(IMAGE)!.slice(1) as [string, string]
/** The image that is there; everything else is the chart's default. */
export const IMAGE_VALUES = ['--set', `image.repository=${repository}`, '--set', `image.tag=${tag}`]

/** helm, for the release authn-webhook. @throws where it fails */
export async function helm (cluster: Cluster, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.helm(...args, '--namespace', NAMESPACE)
  if (code !== 0) throw new Error(`helm ${args.join(' ')} ended with ${code}: ${stderr}`)
  return stdout
}

/** An object of the namespace, or `undefined`. */
export async function get (cluster: Cluster, kind: string, name: string): Promise<any> {
  const { code, stdout } = await cluster.kubectl('get', kind, name, '--namespace', NAMESPACE, '--output', 'json', `--kubeconfig=${cluster.adminKubeconfig}`)
  return code === 0 ? JSON.parse(stdout) : undefined
}

/** What a Secret holds under a key. */
export async function secret (cluster: Cluster, name: string, key: string): Promise<string | undefined> {
  const data = (await get(cluster, 'secret', name))?.data?.[key]
  return data === undefined ? undefined : Buffer.from(data, 'base64').toString()
}

/** Everything that is in the cluster, as `kind/name`, but what its API server writes down of itself. */
export async function everything (cluster: Cluster): Promise<string[]> {
  const list = async (...args: readonly string[]): Promise<string[]> => {
    const { code, stdout, stderr } = await cluster.kubectl(...args, '--output=name', `--kubeconfig=${cluster.adminKubeconfig}`)
    if (code !== 0) throw new Error(stderr)
    return stdout.trim().split('\n')
  }
  const kinds = (await list('api-resources', '--verbs=list')).filter(kind => !/^(componentstatuses|endpoints|endpointslices|events|leases)\b/.test(kind))
  return (await list('get', kinds.join(), '--all-namespaces')).sort()
}

/** Runs the Deployment's pod where the Service's address leads to it, as kube-proxy would see to. */
export async function runDeployment (t: Test, cluster: Cluster): Promise<RunningPod> {
  const { spec: { template } } = await get(cluster, 'deployment', 'authn-webhook')
  const { spec: { clusterIP, ports: [{ port }] } } = await get(cluster, 'service', 'authn-webhook')
  await type('ip', ['address', 'add', `${clusterIP}/32`, 'dev', 'lo'])
  t.teardown(async () => { await type('ip', ['address', 'delete', `${clusterIP}/32`, 'dev', 'lo']) })
  const pod = await runPod(t, cluster, { namespace: NAMESPACE, name: 'authn-webhook', template, addresses: { https: { ip: clusterIP, port } } })
  await pod.ready()
  return pod
}

/**
 * Types lines of the notes into bash, in a directory; `kubectl exec` goes to the pod that runs.
 * @returns what a person sees. @throws where a line fails
 */
export async function typeNotes (cluster: Cluster, lines: string, cwd: string, pod?: RunningPod): Promise<string> {
  const script = lines.replace(/kubectl -n \S+ exec -i \S+ --/g, `podman exec -i ${pod?.container ?? 'no-container'}`)
  const { code, stdout, stderr } = await type('bash', ['-euo', 'pipefail', '-c', script], {
    cwd,
    env: { PATH: `${dirname(tool('KUBECTL'))}:${process.env['PATH']}`, KUBECONFIG: cluster.adminKubeconfig, HOME: cwd }
  })
  if (code !== 0) throw new Error(`these lines of the notes end with ${code}:\n${script}\n${stderr}`)
  return stdout + stderr
}

/** The commands of a numbered step of the notes. */
export function step (notes: string, number: number): string {
  const [, text] = new RegExp(`^${number}\\. ([\\s\\S]*?)(?=^${number + 1}\\. |(?![\\s\\S]))`, 'm').exec(notes)!
  return text!.split('\n').filter(line => line.startsWith('  ')).map(line => line.slice(2)).join('\n')
}

/**
 * Plays the kubelet for the Pod of `helm test`, which no scheduler places here:
 * runs it, and reports how it ended.
 */
export async function runTestPod (t: Test, cluster: Cluster, pod: any): Promise<string> {
  const running = await runPod(t, cluster, { namespace: NAMESPACE, name: pod.metadata.name, template: pod })
  const code = await running.ended()
  const logs = await running.logs()
  await cluster.admin('PUT', `/api/v1/namespaces/${NAMESPACE}/pods/${pod.metadata.name}/status`, {
    ...pod, status: { phase: code === 0 ? 'Succeeded' : 'Failed', conditions: [{ type: 'Ready', status: 'False', reason: 'PodCompleted' }] }
  })
  return logs
}

/** A values file of the chart's ci folder. */
export function ci (name: string): string {
  return join(CHART, 'ci', `${name}-values.yaml`)
}
