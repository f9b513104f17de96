/** The config file, with the default of each field; src/config/load.ts reads it. */
import { Type, type Static } from '@sinclair/typebox'
import { MAX_TOKEN_BYTES } from './limits.js'
import { LoginConfig, SessionsConfig, StoreConfig } from './login.js'
import { Closed, Duration, Enum, Name, Path, Port, Secret } from './primitives.js'

export const CONFIG_VERSION = 'authn-webhook/v1'

/** Node.js timers longer than 2^31 ms fire immediately. */
const MAX_TIMER = '576h'

export const ServerConfig = Closed({
  host: Type.Optional(Type.String({ description: 'Address to listen on; by default `::` (dual stack), or `0.0.0.0` on a machine without IPv6.' })),
  port: Type.Integer({ minimum: 0, maximum: 65535, default: 8443, description: 'Port of the TokenReview route; 0: any free port.' }),
  path: Type.String({ pattern: '^(/|(/([A-Za-z0-9_-][A-Za-z0-9_.-]*|\\.[A-Za-z0-9_-][A-Za-z0-9_.-]*|\\.\\.[A-Za-z0-9_.-]+))+)$', default: '/authenticate', expected: 'a path such as /authenticate, without "/" at the end, "//", "." or "..": API servers normalize their URL and never request such a path', description: 'Path of the TokenReview route.' }),
  timeout: Duration('8s', { least: '10ms', greatest: '1m', description: 'Time limit for one review. The `?timeout=` of the API server (30s) can only shorten it.' }),
  bodyLimit: Type.Integer({ minimum: 1024, maximum: 1048576, default: 65536, description: 'Maximum size of a request body, in bytes.' }),
  maxTokenBytes: Type.Integer({ minimum: 256, maximum: 1048576, default: MAX_TOKEN_BYTES, description: 'Maximum size of a token, in bytes, at least 512 less than bodyLimit; longer tokens are denied.' }),
  maxConnections: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1024, description: 'Maximum number of open connections of a listener; at most 64 of the admin listener. Connections without an accepted credential can use half of them, and those from one IPv4 address or IPv6 /64 a quarter.' }),
  maxConnectionAge: Duration('5m', { zero: 'never', least: '1s', greatest: MAX_TIMER, description: 'Age (± 20 %) at which a connection is drained, so that replicas share the load.' }),
  http2: Type.Boolean({ default: true, description: 'Offer HTTP/2, with which an API server sends all reviews over one connection. false: HTTP/1.1 only, with a connection for each concurrent review: use it if several replicas share an address.' }),
  shutdownDelay: Duration('0s', { zero: 'none', greatest: '1h', description: 'Time after SIGTERM in which the service is not ready but still serves.' })
}, { default: {} })
export type ServerConfig = Static<typeof ServerConfig>

export const AdminConfig = Closed({
  host: Type.Optional(Type.String({ description: 'Address to listen on, with the default of `server.host`.' })),
  port: Type.Integer({ ...Port, default: 9443, description: 'Port of the admin listener; 0: any free port.' })
}, { description: 'Plain HTTP listener for probes and metrics, which then are not served on the review port.' })
export type AdminConfig = Static<typeof AdminConfig>

export const TlsConfig = Closed({
  certFile: Type.Unsafe<string>({ ...Path, description: 'Serving certificate with its chain, PEM; reloaded when it changes.' }),
  keyFile: Type.Unsafe<string>({ ...Path, description: 'Private key of the serving certificate, PEM.' }),
  clientCAFile: Type.Optional(Type.Unsafe<string>({ ...Path, description: 'CA of the client certificates that may POST reviews.' })),
  clientNames: Type.Array(Type.String({ minLength: 1 }), { default: [], description: 'Common names or DNS names of the client certificates that may POST reviews; empty: any.' }),
  minVersion: Enum(['TLSv1.2', 'TLSv1.3'], { default: 'TLSv1.3' })
})
export type TlsConfig = Static<typeof TlsConfig>

export const ThrottleConfig = Closed({
  maxFailures: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 5, description: 'Wrong passwords in a row before an account is throttled; more than 100 is a warning.' }),
  baseDelay: Duration('1s', { least: '100ms', greatest: '24h', description: 'Delay after the first failure beyond maxFailures; doubles with each failure, up to maxDelay.' }),
  maxDelay: Duration('5m', { least: '1s', greatest: '24h', description: 'Longest delay; in the long run, it allows one guess per account.' }),
  maxConcurrent: Type.Optional(Type.Integer({ minimum: 1, maximum: 64, description: 'Concurrent password checks of one provider; by default one less than the number of CPUs, between 1 and 3.' })),
  maxQueue: Type.Integer({ minimum: 0, maximum: 10_000, default: 64, description: 'Maximum number of password checks in the queue; 0: none.' })
}, { default: {} })
export type ThrottleConfig = Static<typeof ThrottleConfig>

export const PressureConfig = Closed({
  maxEventLoopDelay: Duration('1s', { least: '10ms', greatest: '1m', description: 'Delay of the event loop above which reviews are rejected.' }),
  maxHeapUsedRatio: Type.Number({ minimum: 0.5, maximum: 1, default: 0.95, description: 'Share of the heap limit above which reviews are rejected; 1: no limit.' })
}, { default: {} })
export type PressureConfig = Static<typeof PressureConfig>

export const CacheConfig = Closed({
  successTTL: Duration('1m', { zero: 'not cached', greatest: '24h', description: 'Time that an authenticated user is cached, and may remain authenticated after removal.' }),
  failureTTL: Duration('10s', { zero: 'not cached', greatest: '1h', description: 'Time that a denial is cached.' }),
  maxEntries: Type.Integer({ minimum: 0, maximum: 1_000_000, default: 10000, description: 'Maximum number of entries of about 2 KiB, for users and for denials each; users with hundreds of groups count as several. 0: no cache.' })
}, { default: {} })
export type CacheConfig = Static<typeof CacheConfig>

export const ReservedConfig = Closed({
  allowUsers: Type.Array(Type.String(), { default: [] }),
  allowGroups: Type.Array(Type.String(), { default: [] })
}, { default: {}, description: 'Allowlists of reserved users and groups, by exact name.' })
export type ReservedConfig = Static<typeof ReservedConfig>

/** A provider's name, or with whether its users must be known. */
export const GroupsFromConfig = Type.Unsafe<string | { readonly provider: string, readonly optional?: boolean }>({
  expected: 'the name of a provider, or {provider: NAME, optional: true}',
  anyOf: [
    Name,
    { type: 'object', properties: { provider: Name, optional: { type: 'boolean' } }, required: ['provider'], additionalProperties: false }
  ],
  description: 'Another provider that looks up the user by name: its groups replace the user\'s own. Users that it does not know are denied, or have no groups with `{provider: NAME, optional: true}`.'
})
export type GroupsFromConfig = Static<typeof GroupsFromConfig>

const Prefix = Type.String({ maxLength: 128, pattern: '^[\\x21-\\x7e]*$', expected: 'a prefix of printable ASCII characters, such as corp:' })

/** `config` is validated with the schema of the `kind`. */
export const IdentityProviderConfig = Closed({
  name: Name,
  kind: Type.String({ minLength: 1 }),
  from: Type.Optional(Type.String({ minLength: 1, description: 'For `kind: module`: a package, or a path relative to this file.' })),
  usernamePrefix: Type.Optional(Prefix),
  groupPrefix: Type.Optional(Prefix),
  groupsFrom: Type.Optional(GroupsFromConfig),
  reserved: ReservedConfig,
  timeout: Duration('3s', { least: '10ms', greatest: '1m', description: 'Time limit for one request to this provider, at most server.timeout.' }),
  maxConcurrent: Type.Integer({ minimum: 1, maximum: 10_000, default: 64, description: 'Concurrent requests to this provider. Further requests are unavailable.' }),
  cache: CacheConfig,
  config: Type.Unknown({ default: {} })
})
export type IdentityProviderConfig = Static<typeof IdentityProviderConfig>

export const LogConfig = Closed({
  level: Enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], { default: 'info' }),
  format: Enum(['auto', 'text', 'json'], { default: 'auto', description: 'auto: text on a terminal, JSON otherwise.' }),
  audit: Type.Boolean({ default: true, description: 'Write one log line per review, at any level.' }),
  fingerprintKey: Type.Optional(Secret)
}, { default: {} })
export type LogConfig = Static<typeof LogConfig>

export const Config = Closed({
  apiVersion: Type.Literal(CONFIG_VERSION),
  server: ServerConfig,
  admin: Type.Optional(AdminConfig),
  tls: TlsConfig,
  audiences: Type.Array(Type.String({ minLength: 1 }), { default: [], description: 'Audiences of the API server; empty: the API server validates them.' }),
  throttle: ThrottleConfig,
  pressure: PressureConfig,
  sharedNames: Type.Boolean({ default: false, description: 'Allow several providers to issue the same names.' }),
  identityProviders: Type.Array(IdentityProviderConfig, { minItems: 1, description: 'Identity providers, in the order in which they are asked.' }),
  login: Type.Optional(LoginConfig),
  sessions: Type.Optional(SessionsConfig),
  store: StoreConfig,
  log: LogConfig
}, { title: 'authn-webhook config' })
export type Config = Static<typeof Config>
