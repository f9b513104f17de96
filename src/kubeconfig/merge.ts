/**
 * Which changes add a person's entries to a kubeconfig. Entries of others never
 * change: what has the same name is left as it is if it already does the same,
 * updated if it signs in to the same client, and an error otherwise.
 */
import { basename } from 'node:path'
import type { Kubeconfig, KubeconfigUser } from '../../schemas/kubeconfig.js'
import { KubeconfigEditError } from '../errors.js'
import { clusterFields, loginPlugin, signInFlags, type ClusterAddress, type SignIn } from './entries.js'

export interface ClientEntries extends SignIn {
  /** Of all entries. */
  readonly name: string
  /** Absent: only the user is added. */
  readonly cluster?: ClusterAddress | undefined
}

export type EntryKind = 'cluster' | 'user' | 'context'
export type Outcome = 'added' | 'updated' | 'unchanged'

/** A change at a path; a value that is `undefined` removes a key. */
export type Edit =
  | { readonly append: 'clusters' | 'users' | 'contexts', readonly item: object }
  | { readonly set: ReadonlyArray<string | number>, readonly value: string | boolean | readonly string[] | undefined }

export interface Merge {
  readonly edits: readonly Edit[]
  readonly outcomes: ReadonlyArray<readonly [kind: EntryKind, outcome: Outcome]>
  /** The active context afterwards; absent if there is none. */
  readonly currentContext?: string | undefined
}

/**
 * @param file for errors
 * @throws KubeconfigEditError if an entry of the same name is another one
 */
export function planMerge (config: Kubeconfig, entries: ClientEntries, file: string): Merge {
  const user = mergeUser(config, entries, file)
  if (entries.cluster === undefined) return { edits: user.edits, outcomes: [['user', user.outcome]], currentContext: config['current-context'] || undefined }
  const cluster = mergeCluster(config, entries, entries.cluster, user.outcome !== 'added', file)
  const context = mergeContext(config, entries, file)
  const selected = config['current-context'] || undefined
  return {
    edits: [...cluster.edits, ...user.edits, ...context.edits, ...selected === undefined ? [{ set: ['current-context'], value: entries.name }] : []],
    outcomes: [['cluster', cluster.outcome], ['user', user.outcome], ['context', context.outcome]],
    currentContext: selected ?? entries.name
  }
}

interface EntryMerge {
  readonly outcome: Outcome
  readonly edits: readonly Edit[]
}

function mergeUser ({ users }: Kubeconfig, entries: ClientEntries, file: string): EntryMerge {
  const exec = loginPlugin(entries)
  const index = indexOf(users, entries.name)
  if (index === -1) return { outcome: 'added', edits: [{ append: 'users', item: { name: entries.name, user: { exec } } }] }
  const current = users![index]!.user ?? {}
  if (!signsIn(current, entries)) throw isAnother(file, 'user', entries.name)
  return update(['users', index, 'user', 'exec'], current.exec ?? {}, exec)
}

/** Whether the user signs in to this client. */
function signsIn ({ exec }: KubeconfigUser, entries: ClientEntries): boolean {
  const { command, args } = (exec ?? {}) as { command?: unknown, args?: unknown }
  return typeof command === 'string' && PROGRAMS.includes(basename(command)) && Array.isArray(args) &&
    args[0] === 'login' && signInFlags(entries).every(flag => hasFlag(args, flag))
}

/** As `--name=value`, or as two words. */
function hasFlag (args: readonly unknown[], flag: string): boolean {
  const [name, ...value] = flag.split('=')
  return args.some((word, index) => word === flag || (word === name && args[index + 1] === value.join('=')))
}

const PROGRAMS = ['authn-webhook', 'kubectl-authn']

/** @param ours whether the user of the same name signs in to this client: then the cluster belongs to it */
function mergeCluster ({ clusters, contexts }: Kubeconfig, { name }: ClientEntries, address: ClusterAddress, ours: boolean, file: string): EntryMerge {
  const fields = clusterFields(address)
  const index = indexOf(clusters, name)
  if (index === -1) return { outcome: 'added', edits: [{ append: 'clusters', item: { name, cluster: fields } }] }
  const current = clusters![index]!.cluster ?? {}
  const merged = update(['clusters', index, 'cluster'], current, fields)
  if (merged.outcome === 'unchanged') return merged
  const shared = contexts?.some(({ context }) => context?.cluster === name && context.user !== name) === true
  if (!ours || shared) throw isAnother(file, 'cluster', name)
  // as kubectl does: it rejects a file beside the data, and no verification beside a CA
  const obsolete = fields['certificate-authority-data'] === undefined ? [] : ['certificate-authority', 'insecure-skip-tls-verify'].filter(key => key in current)
  return { outcome: 'updated', edits: [...merged.edits, ...obsolete.map(key => ({ set: ['clusters', index, 'cluster', key], value: undefined }))] }
}

function mergeContext ({ contexts }: Kubeconfig, { name }: ClientEntries, file: string): EntryMerge {
  const index = indexOf(contexts, name)
  if (index === -1) return { outcome: 'added', edits: [{ append: 'contexts', item: { name, context: { cluster: name, user: name } } }] }
  const { cluster, user } = contexts![index]!.context ?? {}
  if (cluster !== name || user !== name) throw isAnother(file, 'context', name)
  return { outcome: 'unchanged', edits: [] }
}

/** Fields that are not ours, such as a proxy or a namespace, stay. */
function update (path: ReadonlyArray<string | number>, current: object, fields: object): EntryMerge {
  const changed = Object.entries(fields).filter(([key, value]) => JSON.stringify(Object.entries(current).find(([name]) => name === key)?.[1]) !== JSON.stringify(value))
  return { outcome: changed.length === 0 ? 'unchanged' : 'updated', edits: changed.map(([key, value]) => ({ set: [...path, key], value })) }
}

function indexOf (list: ReadonlyArray<{ readonly name?: string | null }> | null | undefined, name: string): number {
  return list?.findIndex(each => each.name === name) ?? -1
}

function isAnother (file: string, kind: EntryKind, name: string): Error {
  return new KubeconfigEditError(`${file} has another ${kind} ${JSON.stringify(name)}: choose a name for the new entries with --name, or remove that one with "kubectl config delete-${kind} ${name}"`)
}
