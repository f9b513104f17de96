/** Rules across the fields of `login`, `sessions` and `store`. */
import { isIP } from 'node:net'
import { StoreConfig, type ClientConfig, type LoginConfig } from '../../schemas/login.js'
import type { Config } from '../../schemas/config.js'
import { didYouMean } from '../documents/spelling.js'
import type { FieldError } from '../errors.js'
import { redirectUriError } from './redirect-uri.js'
import { entriesOf, type AddError } from './rule.js'

/** Fields may have errors of their own, which `addError` knows. */
export function validateSignIn (config: Config, addError: AddError): void {
  const { login, sessions, store } = config
  for (const [path, issuer] of [['login.issuer', login?.issuer], ['sessions.issuer', sessions?.issuer]] as const) {
    if (typeof issuer === 'string' && !isNormalUrl(issuer)) addError(path, 'is not a URL as browsers write it: check host and port, and leave out "." and ".." and a default port')
  }
  if (isMapping(login)) {
    validateProxies(login, addError)
    validateProviders(config, login, addError)
    validateClients(login, addError)
  } else if (isMapping(sessions)) {
    for (const field of ['issuer', 'certFiles', 'audiences'] as const) {
      if (sessions[field] === undefined) addError(`sessions.${field}`, 'is required without "login", whose values are the default')
    }
  }
  if (isMapping(store)) validateStore(store, addError)
}

/** Finds what is allowed but probably a mistake. */
export function findSignInWarnings ({ login, sessions }: Pick<Config, 'login' | 'sessions'>): FieldError[] {
  if (login === undefined) return []
  const ids = login.clients.map(({ id }) => id)
  return [
    ...login.clients.flatMap(({ grants, clientSecret }, index) => {
      const grant = grants.indexOf('password')
      return grant === -1 || clientSecret === undefined ? [] : [{ path: `login.clients[${index}].grants[${grant}]`, message: 'lets a web application ask people for their passwords: remove "password", unless it can\'t redirect browsers' }]
    }),
    ...(login.trustedProxies ?? []).flatMap((proxy, index) => proxy.endsWith('/0') ? [{ path: `login.trustedProxies[${index}]`, message: 'trusts every address, so anyone can choose the address that limits and audit lines are about: name the proxies' }] : []),
    ...sessions?.issuer !== undefined && sessions.issuer !== login.issuer ? [{ path: 'sessions.issuer', message: 'differs from login.issuer: reviews of this process deny the tokens that it issues' }] : [],
    ...(sessions?.audiences ?? []).flatMap((audience, index) => ids.includes(audience) ? [] : [{ path: `sessions.audiences[${index}]`, message: `is the ID of no client in login.clients${didYouMean(audience, ids)}` }])
  ]
}

function validateProxies ({ tls, trustedProxies }: LoginConfig, addError: AddError): void {
  if (tls === undefined && trustedProxies === undefined) {
    addError('login', 'requires tls, or trustedProxies with the addresses of the reverse proxies that speak TLS for it', ['login.tls', 'login.trustedProxies'])
  }
  if (!Array.isArray(trustedProxies)) return
  trustedProxies.forEach((proxy: unknown, index) => {
    if (typeof proxy === 'string' && !isAddressOrBlock(proxy)) addError(`login.trustedProxies[${index}]`, 'is not an IP address or a CIDR block, such as 10.0.0.0/8')
  })
}

/** Whether a browser requests it as it is written. */
function isNormalUrl (text: string): boolean {
  return URL.canParse(text) && [text, `${text}/`].includes(new URL(text).href)
}

function isAddressOrBlock (text: string): boolean {
  const [, address = '', length] = /^([^/%]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? []
  const family = isIP(address)
  return family !== 0 && (length === undefined || Number(length) <= (family === 4 ? 32 : 128))
}

function validateProviders ({ identityProviders }: Config, { providers }: LoginConfig, addError: AddError): void {
  const names = entriesOf(identityProviders, '').map(({ entry: { name } }) => name)
  if (!Array.isArray(providers)) return
  providers.forEach((name: unknown, index) => {
    if (typeof name === 'string' && !names.includes(name)) addError(`login.providers[${index}]`, `no identity provider is named "${name}"${didYouMean(name, names)}`)
  })
}

function validateClients ({ clients }: LoginConfig, addError: AddError): void {
  const ids = new Map<string, string>()
  for (const { entry, at } of entriesOf<ClientConfig>(clients, 'login.clients')) {
    const namesake = ids.get(entry.id)
    if (namesake !== undefined) addError(`${at}.id`, `is already the ID of ${namesake}: IDs must be unique, they are the audiences of tokens`)
    ids.set(entry.id, namesake ?? at)
    for (const field of ['redirectURIs', 'postLogoutRedirectURIs'] as const) {
      const uris: unknown = entry[field]
      if (!Array.isArray(uris)) continue
      uris.forEach((uri: unknown, index) => {
        const error = typeof uri === 'string' ? redirectUriError(uri) : undefined
        if (error !== undefined) addError(`${at}.${field}[${index}]`, error)
      })
    }
  }
}

/** Fields of `store` with a default have it by now. */
function validateStore (store: StoreConfig, addError: AddError): void {
  if (store.kind === 'redis') {
    if (store.url === undefined) addError('store.url', 'is required with "kind: redis"')
    if (store.caFile !== undefined && store.url?.startsWith('redis:') === true) addError('store.caFile', 'requires a URL that begins with rediss://: without TLS there is no certificate to verify', ['store.url'])
    return
  }
  for (const [field, { default: initial }] of Object.entries(StoreConfig.properties) as Array<[keyof StoreConfig, { default?: unknown }]>) {
    if (field !== 'kind' && store[field] !== undefined && store[field] !== initial) addError(`store.${field}`, 'requires "kind: redis"', ['store.kind'])
  }
}

function isMapping<T> (value: T): value is NonNullable<T> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
