/** Makes the paths of a config absolute. */
import { resolve } from 'node:path'
import type { Config, TlsConfig } from '../../schemas/config.js'
import type { ClientConfig, LoginConfig } from '../../schemas/login.js'

/** @param dir where relative paths start */
export function withAbsolutePaths (config: Config, dir: string): Config {
  const { tls, login, sessions, store } = config
  return {
    ...config,
    tls: resolveTls(tls, dir),
    ...login !== undefined && { login: resolveLogin(login, dir) },
    ...sessions !== undefined && { sessions: { ...sessions, ...resolveLists(sessions, ['certFiles'], dir), ...resolveFields(sessions, ['revocationsFile'], dir) } },
    store: { ...store, ...resolveFields(store, ['caFile'], dir) }
  }
}

export function resolveTls (tls: TlsConfig, dir: string): TlsConfig {
  return { ...tls, ...resolveFields(tls, ['certFile', 'keyFile', 'clientCAFile'], dir) }
}

function resolveLogin (login: LoginConfig, dir: string): LoginConfig {
  const { tls, signingKeys, clients } = login
  return {
    ...login,
    ...tls !== undefined && { tls: { ...tls, ...resolveFields(tls, ['certFile', 'keyFile'], dir) } },
    signingKeys: signingKeys.map(key => ({ ...key, ...resolveFields(key, ['certFile', 'keyFile'], dir) })),
    clients: clients.map(client => resolveClient(client, dir))
  }
}

function resolveClient (client: ClientConfig, dir: string): ClientConfig {
  const { cluster } = client
  return cluster === undefined ? client : { ...client, cluster: { ...cluster, ...resolveFields(cluster, ['certificateAuthorityFile'], dir) } }
}

/** Those of the fields that are set. */
function resolveFields<K extends string> (value: { readonly [key in K]?: string | undefined }, fields: readonly K[], dir: string): { [key in K]?: string } {
  return Object.fromEntries(fields.flatMap(field => value[field] === undefined ? [] : [[field, resolve(dir, value[field])]])) as { [key in K]?: string }
}

function resolveLists<K extends string> (value: { readonly [key in K]?: readonly string[] | undefined }, fields: readonly K[], dir: string): { [key in K]?: string[] } {
  return Object.fromEntries(fields.flatMap(field => value[field] === undefined ? [] : [[field, value[field].map(path => resolve(dir, path))]])) as { [key in K]?: string[] }
}
