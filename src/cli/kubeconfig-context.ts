/**
 * The current context of a kubeconfig, by the rules of client-go (`clientcmd`,
 * `rest`): what an API server starts with is good here, and what it does not
 * start with is an error. Beyond that, what this project does not do, or will not
 * do to tokens, is named.
 */
import type { Kubeconfig, KubeconfigCluster, KubeconfigUser } from '../../schemas/kubeconfig.js'
import type { FieldError } from '../errors.js'
import { validationError, type Document } from '../documents/yaml-file.js'
import { parseServerUrl } from './server-url.js'

export interface CurrentContext {
  readonly server: URL
  readonly cluster: KubeconfigCluster
  readonly user: KubeconfigUser
  /** Where the context names a user that is not there: an API server starts, and sends no credential. */
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
  // without such a user an API server asks as nobody
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
  return list.flatMap(({ name }, index) => indexOf(list, name) === index ? [] : [{ path: `${key}[${index}].name`, message: 'is there twice' }])
}

/** Names none of which a person mistakes for a secret. */
function unknownName (document: Document<unknown>, path: string, wanted: string | null | undefined, known: readonly Named[]): Error {
  const names = known.map(({ name }) => name ?? '').join(', ')
  if ((wanted ?? '') === '') return validationError(document, [{ path, message: 'is missing' }])
  return validationError(document, [{ path, message: names === '' ? 'names something that is not there' : `must be one of ${names}` }])
}

function clusterErrors (cluster: KubeconfigCluster, server: URL | undefined, path: string): FieldError[] {
  return [
    ...server === undefined ? [{ path: `${path}.server`, message: serverError(cluster.server ?? '') }] : [],
    ...server !== undefined && !isDecodable(server) ? [{ path: `${path}.server`, message: 'holds a user name or password that is not UTF-8, which is not supported' }] : [],
    ...excluding(cluster, path, 'certificate-authority', 'certificate-authority-data'),
    // Node.js compares no name with a NUL; to Go it is a name that no certificate has
    ...CONTROL.test(cluster['tls-server-name'] ?? '') ? [{ path: `${path}.tls-server-name`, message: 'holds control characters, which no name in a certificate does' }] : [],
    ...cluster['insecure-skip-tls-verify'] === true
      ? [{ path: `${path}.insecure-skip-tls-verify`, message: 'is not supported: tokens would go to whoever answers; give certificate-authority' }]
      : [],
    ...has(cluster['proxy-url'])
      ? [{ path: `${path}.proxy-url`, message: 'is not supported: review and doctor connect directly; give them a copy of this file without it, on a machine that needs no proxy' }]
      : []
  ]
}

const CONTROL = /\p{Cc}/u

/** Go takes any bytes there. */
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
  const report = (key: string, message: string): void => { errors.push({ path: `${path}.${key}`, message }) }
  for (const key of ['exec', 'auth-provider'] as const) {
    if ((user[key] ?? undefined) !== undefined) report(key, 'is not supported: plugins are not run here; give a client certificate or a token')
  }
  for (const key of IMPERSONATION) {
    if (has(user[key])) report(key, 'is not supported: nobody is impersonated here; give a user with rights of its own')
  }
  if (has(user['client-certificate']) || has(user['client-certificate-data'])) {
    errors.push(...excluding(user, path, 'client-certificate', 'client-certificate-data'), ...excluding(user, path, 'client-key', 'client-key-data'))
    if (!has(user['client-key']) && !has(user['client-key-data'])) report('client-key', 'is missing: a client certificate needs its private key')
  }
  const token = (['token', 'tokenFile'] as const).find(key => has(user[key]))
  if (has(user.username) && !has(user.password)) report('password', 'is missing: username needs one')
  if (has(user.username) && token !== undefined) report('username', `excludes ${token}: only one of them can identify the user`)
  return errors
}

function excluding<T extends object> (fields: T, path: string, key: keyof T & string, other: keyof T & string): FieldError[] {
  return has(fields[key]) && has(fields[other]) ? [{ path: `${path}.${key}`, message: `excludes ${other}: an API server does not start with both` }] : []
}

/** What Go leaves out as empty is not there. */
function has (value: unknown): boolean {
  return typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : (value ?? '') !== ''
}
