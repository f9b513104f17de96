/** The config file. Each default stands beside its field; src/config/load.ts reads the file. */
import { Type, type Static } from '@sinclair/typebox'
import { MAX_TOKEN_BYTES } from './limits.js'
import { Closed, Duration, Enum, Name, Path, Port, Secret } from './primitives.js'

export const CONFIG_VERSION = 'authn-webhook/v1'

/** Node's timers fire at once when they are set for longer than 2^31 ms. */
const MAX_TIMER = '576h'

export const ServerConfig = Closed({
  host: Type.Optional(Type.String({ description: 'Address to listen on. By default `::`, which is dual stack, or `0.0.0.0` if the machine has no IPv6.' })),
  port: Type.Integer({ minimum: 0, maximum: 65535, default: 8443, description: 'Port of the TokenReview route; 0 takes a free one.' }),
  path: Type.String({ pattern: '^(/|(/([A-Za-z0-9_-][A-Za-z0-9_.-]*|\\.[A-Za-z0-9_-][A-Za-z0-9_.-]*|\\.\\.[A-Za-z0-9_.-]+))+)$', default: '/authenticate', expected: 'a path such as /authenticate, without "/" at the end, "//", "." or "..": API servers clean their URL, and ask for no such path', description: 'Path of the TokenReview route.' }),
  timeout: Duration('8s', { least: '10ms', greatest: '1m', description: 'Budget of one review; `?timeout=` may only shorten it, and that of API servers is 30s.' }),
  bodyLimit: Type.Integer({ minimum: 1024, maximum: 1048576, default: 65536, description: 'Bytes of a request body.' }),
  maxTokenBytes: Type.Integer({ minimum: 256, maximum: 1048576, default: MAX_TOKEN_BYTES, description: 'Longer tokens are not authenticated. At least 512 less than bodyLimit.' }),
  maxConnections: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1024, description: 'Open connections of a listener. Those that have shown no accepted credential may be half of them, and a quarter for one IPv4 address or IPv6 /64.' }),
  maxConnectionAge: Duration('5m', { zero: 'never', least: '1s', greatest: MAX_TIMER, description: 'Age, ± 20 %, at which a connection is drained so that replicas share the load.' }),
  shutdownDelay: Duration('0s', { zero: 'none', greatest: '1h', description: 'Unready but still serving for this long after SIGTERM.' })
}, { default: {} })
export type ServerConfig = Static<typeof ServerConfig>

export const AdminConfig = Closed({
  host: Type.Optional(Type.String({ description: 'As `server.host`.' })),
  port: Type.Integer({ ...Port, default: 9443, description: '0 takes a free one.' })
}, { description: 'A plain HTTP listener for health and metrics, which then leave the review port.' })
export type AdminConfig = Static<typeof AdminConfig>

export const TlsConfig = Closed({
  certFile: Type.Unsafe<string>({ ...Path, description: 'Serving certificate with its chain, PEM. Its directory is watched.' }),
  keyFile: Type.Unsafe<string>({ ...Path, description: 'Private key of the serving certificate, PEM.' }),
  clientCAFile: Type.Optional(Type.Unsafe<string>({ ...Path, description: 'Who may POST reviews: certificates of this CA.' })),
  clientNames: Type.Array(Type.String({ minLength: 1 }), { default: [], description: 'Common names or DNS names of client certificates that may POST reviews; empty: any.' }),
  minVersion: Enum(['TLSv1.2', 'TLSv1.3'], { default: 'TLSv1.3' })
})
export type TlsConfig = Static<typeof TlsConfig>

export const ThrottleConfig = Closed({
  maxFailures: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 5, description: 'Wrong passwords in a row that an account has free; more than 100 is a warning.' }),
  baseDelay: Duration('1s', { least: '100ms', greatest: '24h', description: 'Wait after the first failure beyond them; doubles with each, up to maxDelay.' }),
  maxDelay: Duration('5m', { least: '1s', greatest: '24h', description: 'The longest wait: in the long run an account can be guessed at once in this time.' }),
  maxConcurrent: Type.Optional(Type.Integer({ minimum: 1, maximum: 64, description: 'Password checks at a time in one provider; by default one less than the processors, at least 1 and under 4.' })),
  maxQueue: Type.Integer({ minimum: 0, maximum: 10_000, default: 64, description: 'Password checks that may wait; 0: none.' })
}, { default: {} })
export type ThrottleConfig = Static<typeof ThrottleConfig>

export const PressureConfig = Closed({
  maxEventLoopDelay: Duration('1s', { least: '10ms', greatest: '1m', description: 'Reviews are shed while the event loop is later than this.' }),
  maxHeapUsedRatio: Type.Number({ minimum: 0.5, maximum: 1, default: 0.95, description: 'Of the heap limit; reviews are shed while more is used. 1: the heap is not looked at.' })
}, { default: {} })
export type PressureConfig = Static<typeof PressureConfig>

export const CacheConfig = Closed({
  successTTL: Duration('1m', { zero: 'not cached', greatest: '24h', description: 'How long a user is cached, and so may stay in after removal.' }),
  failureTTL: Duration('10s', { zero: 'not cached', greatest: '1h', description: 'How long a denial is cached.' }),
  maxEntries: Type.Integer({ minimum: 0, maximum: 1_000_000, default: 10000, description: 'Entries of each of the two stores; 0: no cache.' })
}, { default: {} })
export type CacheConfig = Static<typeof CacheConfig>

export const ReservedConfig = Closed({
  allowUsers: Type.Array(Type.String(), { default: [] }),
  allowGroups: Type.Array(Type.String(), { default: [] })
}, { default: {}, description: 'Exceptions to the guard of reserved identities, by exact name.' })
export type ReservedConfig = Static<typeof ReservedConfig>

const Prefix = Type.String({ maxLength: 128, pattern: '^[\\x21-\\x7e]*$', expected: 'a prefix of printable ASCII characters, such as corp:' })

/** One link of the chain. `config` is validated with the schema of its `kind`. */
export const IdentityProviderConfig = Closed({
  name: Name,
  kind: Type.String({ minLength: 1 }),
  from: Type.Optional(Type.String({ minLength: 1, description: 'For `kind: module`: a package, or a path relative to this file.' })),
  usernamePrefix: Type.Optional(Prefix),
  groupPrefix: Type.Optional(Prefix),
  reserved: ReservedConfig,
  timeout: Duration('3s', { least: '10ms', greatest: '1m', description: 'Budget of one question to this provider, at most server.timeout.' }),
  maxConcurrent: Type.Integer({ minimum: 1, maximum: 10_000, default: 64, description: 'Concurrent requests to this provider. Further requests are unavailable.' }),
  cache: CacheConfig,
  config: Type.Unknown({ default: {} })
})
export type IdentityProviderConfig = Static<typeof IdentityProviderConfig>

export const LogConfig = Closed({
  level: Enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], { default: 'info' }),
  format: Enum(['auto', 'text', 'json'], { default: 'auto', description: 'auto: text on a terminal, JSON otherwise.' }),
  audit: Type.Boolean({ default: true, description: 'Write one line per review, whatever the level.' }),
  fingerprintKey: Type.Optional(Secret)
}, { default: {} })
export type LogConfig = Static<typeof LogConfig>

export const Config = Closed({
  apiVersion: Type.Literal(CONFIG_VERSION),
  server: ServerConfig,
  admin: Type.Optional(AdminConfig),
  tls: TlsConfig,
  audiences: Type.Array(Type.String({ minLength: 1 }), { default: [], description: "The API server's audiences; empty: leave them to the API server." }),
  throttle: ThrottleConfig,
  pressure: PressureConfig,
  sharedNames: Type.Boolean({ default: false, description: 'Several providers may issue the same names.' }),
  identityProviders: Type.Array(IdentityProviderConfig, { minItems: 1, description: 'Asked in this order.' }),
  log: LogConfig
}, { title: 'authn-webhook config' })
export type Config = Static<typeof Config>
