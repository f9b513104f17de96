/**
 * The current context of a kubeconfig, by the rules of client-go (`clientcmd`,
 * `rest`): valid if an API server starts with it, and an error otherwise or if
 * this project does not support it.
 */
import type { Kubeconfig, KubeconfigCluster, KubeconfigUser } from '../../schemas/kubeconfig.js'
import type { FieldError } from '../errors.js'
import { validationError, type Document } from '../documents/yaml-file.js'
import { parseServerUrl } from './server-url.js'

export interface CurrentContext {
  readonly server: URL
  readonly cluster: KubeconfigCluster
  readonly user: KubeconfigUser
  /** The field that names a user who is not in the file: an API server starts, but sends no credential. */
  readonly missingUser?: string
}

/** @throws ValidationError */
export function currentContext (document: Document<Kubeconfig>): CurrentContext {
  const { value } = document
  const [clusters, users, contexts] = [value.clusters ?? [], value.users ?? [], value.contexts ?? []]
  const twice = [...repeatedNames(clusters, 'clusters'), ...repeatedNames(users, 'users'), ...repeatedNames(contexts, 'contexts')]
  if (twice.length > 0) throw validationError(document, twice)
  const contextAt = indexOf(contexts, value['current-context'])
  if (contextAt === -1) throw unknownName(document, 'current-context', value['current-context'], contexts)
  const context = contexts[contextAt]!.context ?? {}
  const clusterAt = indexOf(clusters, context.cluster)
  if (clusterAt === -1) throw unknownName(document, `contexts[${contextAt}].context.cluster`, context.cluster, clusters)
  const cluster = clusters[clusterAt]!.cluster ?? {}
  const userAt = indexOf(users, context.user)
  const user = users[userAt]?.user ?? {}
  const server = parseServerUrl(cluster.server ?? '')
  const errors = [...clusterErrors(cluster, server, `clusters[${clusterAt}].cluster`), ...userErrors(user, `users[${userAt}].user`)]
  if (errors.length > 0 || server === undefined) throw validationError(document, errors)
  return { server, cluster, user, ...userAt === -1 && context.user && { missingUser: `contexts[${contextAt}].context.user` } }
}

interface Named {
  readonly name?: string | null
}

function indexOf (list: readonly Named[], wanted: string | null | undefined): number {
  return list.findIndex(({ name }) => (name ?? '') === (wanted ?? ''))
}

function repeatedNames (list: readonly Named[], key: string): FieldError[] {
  return list.flatMap(({ name }, index) => indexOf(list, name) === index ? [] : [{ path: `${key}[${index}].name`, message: 'is a duplicate' }])
}

function unknownName (document: Document<unknown>, path: string, wanted: string | null | undefined, known: readonly Named[]): Error {
  const names = known.map(({ name }) => name ?? '').join(', ')
  if ((wanted ?? '') === '') return validationError(document, [{ path, message: 'is missing' }])
  return validationError(document, [{ path, message: names === '' ? 'does not exist' : `must be one of ${names}` }])
}

function clusterErrors (cluster: KubeconfigCluster, server: URL | undefined, path: string): FieldError[] {
  return [
    ...server === undefined ? [{ path: `${path}.server`, message: serverError(cluster.server ?? '') }] : [],
    ...server !== undefined && !isDecodable(server) ? [{ path: `${path}.server`, message: 'contains a username or password that is not UTF-8, which is not supported' }] : [],
    ...conflicting(cluster, path, 'certificate-authority', 'certificate-authority-data'),
    // Node.js rejects a NUL; in Go no certificate has such a name
    ...CONTROL.test(cluster['tls-server-name'] ?? '') ? [{ path: `${path}.tls-server-name`, message: 'contains control characters, which certificate names never do' }] : [],
    ...cluster['insecure-skip-tls-verify'] === true
      ? [{ path: `${path}.insecure-skip-tls-verify`, message: 'is not supported: tokens could be sent to any server; set certificate-authority' }]
      : [],
    ...has(cluster['proxy-url'])
      ? [{ path: `${path}.proxy-url`, message: 'is not supported: review and doctor connect directly; use a copy of this file without it, on a machine that needs no proxy' }]
      : []
  ]
}

const CONTROL = /\p{Cc}/u

/** Go accepts any bytes. */
function isDecodable ({ username, password }: URL): boolean {
  try {
    for (const part of [username, password]) decodeURIComponent(part)
    return true
  } catch {
    return false
  }
}

function serverError (server: string): string {
  if (server === '') return 'is missing'
  return /^https:\/\//i.test(server) ? 'is not a URL' : 'is not an https:// URL'
}

const IMPERSONATION = ['as', 'as-uid', 'as-groups', 'as-user-extra'] as const

function userErrors (user: KubeconfigUser, path: string): FieldError[] {
  const errors: FieldError[] = []
  const add = (key: string, message: string): void => { errors.push({ path: `${path}.${key}`, message }) }
  for (const key of ['exec', 'auth-provider'] as const) {
    if ((user[key] ?? undefined) !== undefined) add(key, 'is not supported: use a client certificate or a token instead of a plugin')
  }
  for (const key of IMPERSONATION) {
    if (has(user[key])) add(key, 'is not supported: use a user with the necessary rights instead of impersonation')
  }
  if (has(user['client-certificate']) || has(user['client-certificate-data'])) {
    errors.push(...conflicting(user, path, 'client-certificate', 'client-certificate-data'), ...conflicting(user, path, 'client-key', 'client-key-data'))
    if (!has(user['client-key']) && !has(user['client-key-data'])) add('client-key', 'is required with a client certificate')
  }
  const token = (['token', 'tokenFile'] as const).find(key => has(user[key]))
  if (has(user.username) && !has(user.password)) add('password', 'is required with username')
  if (has(user.username) && token !== undefined) add('username', `can't be combined with ${token}`)
  return errors
}

function conflicting<T extends object> (fields: T, path: string, key: keyof T & string, other: keyof T & string): FieldError[] {
  return has(fields[key]) && has(fields[other]) ? [{ path: `${path}.${key}`, message: `can't be combined with ${other}: an API server does not start with both` }] : []
}

/** Empty values are absent, as in Go. */
function has (value: unknown): boolean {
  return typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : (value ?? '') !== ''
}
