/** What the chart renders without a cluster, and how a test finds its way in it. */
import { tool } from '../e2e/cluster.js'
import type { Outcome } from '../fixtures/command.js'
import { parseManifests, type Manifest } from './manifests.js'
import { type } from './podman.js'
import { CHART } from './release.js'

export async function template (...args: readonly string[]): Promise<Outcome> {
  return await type(tool('HELM'), ['template', 'authn-webhook', CHART, '--namespace', 'kube-system', ...args])
}

export async function render (...args: readonly string[]): Promise<Manifest[]> {
  const { code, stdout, stderr } = await template(...args)
  if (code !== 0) throw new Error(stderr)
  return parseManifests(stdout)
}

export function find (manifests: readonly Manifest[], kind: string, name?: string): Manifest {
  const found = manifests.find(manifest => manifest.kind === kind && (name === undefined || manifest.metadata.name === name))
  if (found === undefined) throw new Error(`there is no ${kind} ${name ?? ''} among ${manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ')}`)
  return found
}

/** The template of the pods of a Deployment or DaemonSet. */
export function podOf (manifests: readonly Manifest[]): any {
  return manifests.find(({ kind }) => ['Deployment', 'DaemonSet'].includes(kind))!['spec'].template
}
