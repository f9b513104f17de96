/**
 * Kubernetes objects, checked more strictly than an API server would: their
 * values by JSON Schema, their field names by TypeScript, which an API server
 * would drop without a word.
 */
import { execFile } from 'node:child_process'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string, readonly annotations?: Record<string, string>, readonly labels?: Record<string, string> }
  readonly [field: string]: any
}

/** YAML 1.1, as Kubernetes reads it. */
export function parseManifests (text: string): Manifest[] {
  return parseAllDocuments(text, { version: '1.1' }).map(document => document.toJS()).filter(Boolean)
}

/** @returns what is wrong with their values, one string an error */
export async function findErrors (manifests: readonly Manifest[]): Promise<string[]> {
  const errors: string[] = []
  for (const manifest of manifests) {
    const { [manifest.kind]: Model } = await import(moduleOf(manifest))
    try {
      new Model(manifest).validate()
    } catch (error) {
      errors.push(`${manifest.kind} ${manifest.metadata.name}: ${(error as Error).message}`)
    }
  }
  return errors
}

/** @param dir empty, inside of the project, where the types of Node.js are found. @returns what the compiler says of their fields; nothing where all are known */
export async function findUnknownFields (dir: string, manifests: readonly Manifest[]): Promise<string> {
  const file = join(dir, 'manifests.ts')
  await symlink(fileURLToPath(new URL('node_modules', import.meta.url)), join(dir, 'node_modules'))
  await writeFile(file, manifests.map((manifest, index) => `
import type { I${manifest.kind} as T${index} } from '${moduleOf(manifest)}'
export const manifest${index}: T${index} = ${JSON.stringify(manifest, null, 2)}`).join('\n'))
  const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))
  return await new Promise(resolve => {
    // optional fields that are absent, and no others
    execFile(process.execPath, [tsc, '--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck', '--types', 'node', '--module', 'nodenext', '--moduleResolution', 'nodenext', file], (error, stdout) => { resolve(error === null ? '' : stdout) })
  })
}

function moduleOf ({ apiVersion }: Manifest): string {
  if (apiVersion.startsWith('monitoring.coreos.com/')) return `@kubernetes-models/prometheus-operator/${apiVersion}`
  if (apiVersion.startsWith('cert-manager.io/')) return `@kubernetes-models/cert-manager/${apiVersion}`
  if (apiVersion.startsWith('gateway.networking.k8s.io/')) return `@kubernetes-models/gateway-api/${apiVersion}`
  return `kubernetes-models/${apiVersion}`
}
