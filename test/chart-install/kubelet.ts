/**
 * What a kubelet does, and `podman play kube` doesn't quite: takes a pod's
 * template from the API server, writes its Secrets and ConfigMaps to disk as a
 * kubelet lays them out (a link to a directory, swapped at once), with
 * `defaultMode` and `fsGroup`, and runs the pod. Probes are the test's to ask.
 */
import { chmod, chown, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import type { Cluster } from '../e2e/cluster.js'
import { freePorts } from '../fixtures/child.js'
import { eventually, podman, type } from './podman.js'

export interface PodOptions {
  readonly namespace: string
  readonly name: string
  /** `metadata` and `spec` of a pod. */
  readonly template: any
  /** Where a port of a container, by its name, is reached on this machine; the others on a free port of 127.0.0.1. */
  readonly addresses?: Record<string, { readonly ip: string, readonly port: number }>
}

export interface RunningPod {
  readonly container: string
  /** By the port's name. */
  readonly ports: Record<string, number>
  /** The kubelet's regular look at what is mounted. */
  refresh: () => Promise<void>
  /** Waits for `/readyz` of the admin listener. */
  ready: () => Promise<void>
  logs: () => Promise<string>
  /** Waits until it ends. @returns its exit code */
  ended: () => Promise<number>
  stop: () => Promise<void>
}

export async function runPod (t: Test, cluster: Cluster, { namespace, name, template, addresses = {} }: PodOptions): Promise<RunningPod> {
  const dir = await mkdtemp(join(tmpdir(), 'authn-webhook-kubelet-'))
  const { volumes, securityContext: { fsGroup } } = template.spec
  const refresh = async (): Promise<void> => {
    for (const volume of volumes) await project(join(dir, volume.name), await filesOf(cluster, namespace, volume), fsGroup)
  }
  await refresh()

  const ports: Record<string, number> = {}
  const free = await freePorts(8)
  const containers = template.spec.containers.map(({ livenessProbe: _l, readinessProbe: _r, startupProbe: _s, ports: declared = [], ...container }: any) => ({
    ...container,
    ports: declared.flatMap((port: any) => {
      // what is on the host's network is where it is
      const { ip, port: hostPort } = template.spec.hostNetwork === true
        ? { ip: undefined, port: port.containerPort }
        : addresses[port.name] ?? { ip: '127.0.0.1', port: free.pop()! }
      ports[port.name] = hostPort
      return ip === undefined ? [] : [{ ...port, hostPort, hostIP: ip }]
    })
  }))
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: template.metadata?.labels },
    spec: { ...template.spec, containers, volumes: volumes.map(({ name }: any) => ({ name, hostPath: { path: join(dir, name), type: 'Directory' } })) }
  }
  const file = join(dir, 'pod.yaml')
  await writeFile(file, JSON.stringify(pod))
  const container = `${name}-${containers[0].name}`
  const remove = async (): Promise<void> => { await podman(['pod', 'rm', '--force', '--time', '0', name]) }
  t.teardown(async () => {
    await remove().catch(() => {})
    await rm(dir, { recursive: true, force: true })
  })
  await podman(['play', 'kube', file])
  // podman's bridge has the least address of its ports until it is told one: when
  // that pod goes, the others look for it for ten seconds
  await type('ip', ['link', 'set', 'podman1', 'address', '02:00:00:00:00:01'])
  return {
    container,
    ports,
    refresh,
    ready: async () => { await eventually(async () => (await fetch(`http://127.0.0.1:${ports['metrics']}/readyz`)).ok || undefined) },
    logs: async () => await podman(['logs', container]),
    ended: async () => Number(await podman(['wait', container])),
    async stop () {
      await podman(['stop', '--time', String(template.spec.terminationGracePeriodSeconds ?? 30), container])
      // what is left of it is a pause container, which needs no grace
      await remove()
    }
  }
}

interface ProjectedFile { readonly path: string, readonly content: Buffer, readonly mode: number }

async function filesOf (cluster: Cluster, namespace: string, { configMap, secret, projected }: any): Promise<ProjectedFile[]> {
  if (configMap !== undefined) return await filesOfObject(cluster, namespace, 'configmap', configMap.name, configMap.items, configMap.defaultMode, configMap.optional)
  if (secret !== undefined) return await filesOfObject(cluster, namespace, 'secret', secret.secretName, secret.items, secret.defaultMode)
  const files = await Promise.all(projected.sources.map(async (source: any) => source.configMap === undefined
    ? await filesOfObject(cluster, namespace, 'secret', source.secret.name, source.secret.items, projected.defaultMode)
    : await filesOfObject(cluster, namespace, 'configmap', source.configMap.name, source.configMap.items, projected.defaultMode)))
  return files.flat()
}

async function filesOfObject (cluster: Cluster, namespace: string, kind: 'configmap' | 'secret', name: string, items?: Array<{ key: string, path: string }>, mode = 0o644, optional = false): Promise<ProjectedFile[]> {
  const { code, stdout, stderr } = await cluster.kubectl('get', kind, name, '--namespace', namespace, '--output', 'json', `--kubeconfig=${cluster.adminKubeconfig}`)
  if (code !== 0 && optional) return []
  if (code !== 0) throw new Error(`the kubelet finds no ${kind} ${name}: ${stderr}`)
  const { data = {} } = JSON.parse(stdout)
  const keys = items ?? Object.keys(data).map(key => ({ key, path: key }))
  return keys.map(({ key, path }) => {
    if (data[key] === undefined) throw new Error(`the ${kind} ${name} has no key ${key}`)
    return { path, content: Buffer.from(data[key], kind === 'secret' ? 'base64' : 'utf8'), mode }
  })
}

/** `..data` names the directory in force; each file is a link through it. */
async function project (volume: string, files: readonly ProjectedFile[], group: number): Promise<void> {
  await mkdir(volume, { recursive: true, mode: 0o755 })
  const version = await mkdtemp(`${volume}/..`)
  await chown(version, 0, group)
  for (const { path, content, mode } of files) {
    const file = join(version, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, content, { mode })
    await chown(file, 0, group)
    await symlink(join('..data', path), join(volume, path)).catch(() => {})
  }
  await chmod(version, 0o750)
  await rm(join(volume, '..data_tmp'), { force: true })
  await symlink(version.slice(volume.length + 1), join(volume, '..data_tmp'))
  await rename(join(volume, '..data_tmp'), join(volume, '..data'))
}
