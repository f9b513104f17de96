/** The pods of a release, as its operator sees them. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../fixtures/waiting.js'
import { cgroupOf } from './node.js'
import type { Nodes } from './nodes.js'

/** Milliseconds. Nodes take their time, and a lost one is noticed late. */
const PATIENCE = 240_000

export interface Pod {
  readonly name: string
  /** Name of its node; empty while it has none. */
  readonly node: string
  readonly address: string
  readonly ready: boolean
  /** On its way out; its process may have ended. */
  readonly terminating: boolean
  readonly restarts: number
  /** ID of its container; empty while it has none. */
  readonly container: string
  /** All that the API server says of it. */
  readonly object: any
}

/** Selects the pods of a release. */
export function selector (release = 'authn-webhook'): string {
  return `app.kubernetes.io/instance=${release},app.kubernetes.io/component=webhook`
}

export interface Which {
  readonly release?: string
  readonly namespace?: string
}

export async function listPods ({ admin }: Nodes, { release = 'authn-webhook', namespace = 'kube-system' }: Which = {}): Promise<Pod[]> {
  const { body } = await admin('GET', `/api/v1/namespaces/${namespace}/pods?labelSelector=${selector(release)}`)
  return body.items.map((object: any): Pod => {
    const { metadata, spec, status } = object
    const container = status.containerStatuses?.[0]
    return {
      name: metadata.name,
      node: spec.nodeName ?? '',
      address: status.podIP ?? '',
      ready: status.conditions?.some(({ type, status }: any) => type === 'Ready' && status === 'True') ?? false,
      terminating: metadata.deletionTimestamp !== undefined,
      restarts: container?.restartCount ?? 0,
      container: container?.containerID?.replace('containerd://', '') ?? '',
      object
    }
  })
}

/** Waits until a release has so many pods, all ready, and the old ones have ended. */
export async function settled (cluster: Nodes, count = 2, which?: Which): Promise<Pod[]> {
  return await awaitPods(cluster, `${count} pods, all ready`, pods => pods.length === count && pods.every(({ ready, terminating }) => ready && !terminating), which)
}

/** Waits until the pods of a release are so, but for those whose process has ended: a kubelet of 1.20 may remove them half a minute later. */
export async function awaitPods (cluster: Nodes, what: string, condition: (pods: readonly Pod[]) => boolean, which?: Which): Promise<Pod[]> {
  let pods: Pod[] = []
  await until(what, async () => {
    pods = await withoutEnded(await listPods(cluster, which))
    return condition(pods) || await sleep(200, false)
  }, PATIENCE).catch(error => { throw new Error(`${error.message}; there are ${JSON.stringify(pods, undefined, 2)}`) })
  return pods
}

async function withoutEnded (pods: readonly Pod[]): Promise<Pod[]> {
  const running = await Promise.all(pods.map(async pod => !pod.terminating || await processOf(pod) !== undefined))
  return pods.filter((_, index) => running[index])
}

/** The process of its container, while it runs: by its control group, since containerd's client takes a while to start. */
export async function processOf ({ node, container, object: { metadata } }: Pod): Promise<number | undefined> {
  const file = `/sys/fs/cgroup/pids/${cgroupOf(node)}/kubepods/burstable/pod${metadata.uid}/${container}/cgroup.procs`
  const [pid] = (await readFile(file, 'utf8').catch(() => '')).split('\n')
  return container === '' || pid === '' ? undefined : Number(pid)
}
