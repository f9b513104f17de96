/** What the chart renders without a cluster, and how a test finds its way in it. */
import { load } from 'js-yaml'
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

/** The template of the pods that review, or of those of another Deployment or DaemonSet. */
export function podOf (manifests: readonly Manifest[], name?: string): any {
  return manifests.find(manifest => isWorkload(manifest) && (name === undefined ? !manifest.metadata.name.endsWith('-login') : manifest.metadata.name === name))!['spec'].template
}

/** The templates of all pods. */
export function podsOf (manifests: readonly Manifest[]): any[] {
  return manifests.filter(isWorkload).map(({ spec }) => spec.template)
}

function isWorkload ({ kind }: Manifest): boolean {
  return ['Deployment', 'DaemonSet'].includes(kind)
}

/** The config of the service in a ConfigMap. */
export function configOf (manifests: readonly Manifest[], name?: string): any {
  return load(manifests.find(({ kind, metadata, data }) => kind === 'ConfigMap' && data['config.yaml'] !== undefined && (name === undefined || metadata.name === name))!['data']['config.yaml'])
}
