/** The parts of the config that are about signing in: the sign-in service, its session tokens, shared state. */
import { Type, type Static } from '@sinclair/typebox'
import { CLIENT_ID, ISSUER } from './client-identity.js'
import { Closed, Duration, Enum, Path, Secret } from './primitives.js'

const Issuer = Type.String(ISSUER)

export const GRANTS = ['authorizationCode', 'deviceCode', 'password'] as const
export type Grant = typeof GRANTS[number]

export const SigningKeyConfig = Closed({
  certFile: Type.Unsafe<string>({ ...Path, description: 'Self-signed certificate of the key, PEM: its public half.' }),
  keyFile: Type.Unsafe<string>({ ...Path, description: 'Private key, PEM; ECDSA with P-256.' })
})
export type SigningKeyConfig = Static<typeof SigningKeyConfig>

export const ClusterConfig = Closed({
  server: Type.String({ pattern: '^https://[^\\s?#@]+$', expected: 'an https URL without a user, such as https://api.example.com:6443', description: 'URL of the API server, as people reach it.' }),
  certificateAuthorityFile: Type.Optional(Type.Unsafe<string>({ ...Path, description: 'CA of the API server, PEM; embedded in the kubeconfig.' }))
}, { description: 'Cluster of the client: the pages offer a kubeconfig for it.' })
export type ClusterConfig = Static<typeof ClusterConfig>

export const ClientConfig = Closed({
  id: Type.String({ ...CLIENT_ID, description: 'Client ID; the audience of its tokens.' }),
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: 'Name on the pages; by default the ID.' })),
  redirectURIs: Type.Array(Type.String({ minLength: 1, maxLength: 2048 }), { default: [], description: 'Redirect URIs, compared exactly. Loopback addresses with the path / or /callback are always allowed for clients without a secret, on any port.' }),
  postLogoutRedirectURIs: Type.Array(Type.String({ minLength: 1, maxLength: 2048 }), { default: [], description: 'URIs that the browser may be sent to after signing out, compared exactly.' }),
  clientSecret: Type.Optional(Secret),
  grants: Type.Array(Enum(GRANTS), { default: ['authorizationCode'], minItems: 1, uniqueItems: true, description: 'Flows that the client may use.' }),
  cluster: Type.Optional(ClusterConfig)
})
export type ClientConfig = Static<typeof ClientConfig>

export const LoginTlsConfig = Closed({
  certFile: Type.Unsafe<string>({ ...Path, description: 'Serving certificate with its chain, PEM; reloaded when it changes.' }),
  keyFile: Type.Unsafe<string>({ ...Path, description: 'Private key of the serving certificate, PEM.' })
})
export type LoginTlsConfig = Static<typeof LoginTlsConfig>

export const LoginConfig = Closed({
  issuer: Type.Unsafe<string>({ ...Issuer, description: 'URL of the service, as browsers reach it: the issuer of its tokens. A path is allowed.' }),
  host: Type.Optional(Type.String({ description: 'Address to listen on, with the default of `server.host`.' })),
  port: Type.Integer({ minimum: 0, maximum: 65535, default: 8444, description: 'Port of the sign-in service; 0: any free port.' }),
  tls: Type.Optional(LoginTlsConfig),
  certificateAuthorityFile: Type.Optional(Type.Unsafe<string>({ ...Path, description: 'CA of the certificate of `issuer`, PEM, if the machines of people don\'t trust it; embedded in kubeconfigs.' })),
  trustedProxies: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description: 'Addresses and CIDR blocks of reverse proxies, whose X-Forwarded-For is believed. Without `tls`, the service speaks plain HTTP to them.' })),
  signingKeys: Type.Array(SigningKeyConfig, { minItems: 1, description: 'Keys of the tokens: the first signs, all are published.' }),
  providers: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1, uniqueItems: true, description: 'Identity providers whose users can sign in; by default every one that checks passwords and looks up users.' })),
  tokenTTL: Duration('10h', { least: '1m', greatest: '24h', description: 'Lifetime of a session token.' }),
  sessionTTL: Duration('10h', { least: '1m', greatest: '24h', description: 'Lifetime of a browser session, in which further tokens need no password.' }),
  maxAttemptsPerMinute: Type.Integer({ minimum: 1, maximum: 100_000, default: 60, description: 'Passwords and device codes that one address may submit in a minute.' }),
  clients: Type.Array(ClientConfig, { minItems: 1 })
}, { description: 'Sign-in service, on a listener of its own.' })
export type LoginConfig = Static<typeof LoginConfig>

/** `issuer`, `certFiles` and `audiences` are required without `login`, and are those of `login` by default. */
export const SessionsConfig = Closed({
  issuer: Type.Optional(Type.Unsafe<string>({ ...Issuer, description: 'Issuer of the session tokens; by default `login.issuer`.' })),
  certFiles: Type.Optional(Type.Array(Type.Unsafe<string>(Path), { minItems: 1, description: 'Certificates of the keys that sign session tokens; by default those of `login.signingKeys`.' })),
  audiences: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1, uniqueItems: true, description: 'Client IDs whose tokens are accepted; by default those of `login.clients`.' })),
  revocationsFile: Type.Optional(Type.Unsafe<string>({ ...Path, description: 'Revoked session tokens; reloaded when it changes.' }))
}, { description: 'Session tokens, as the sign-in service issues them, in reviews.' })
export type SessionsConfig = Static<typeof SessionsConfig>

export const STORE_KINDS = ['memory', 'redis'] as const

export const StoreConfig = Closed({
  kind: Enum(STORE_KINDS, { default: 'memory' }),
  url: Type.Optional(Type.String({ pattern: '^rediss?://[^\\s@?#]+$', expected: 'a URL such as rediss://redis.example.com:6379/0, without a user and password', description: 'Redis or Valkey; rediss is TLS.' })),
  username: Type.Optional(Type.String({ minLength: 1, description: 'ACL user.' })),
  password: Type.Optional(Secret),
  caFile: Type.Optional(Type.Unsafe<string>({ ...Path, description: 'CA of the server, PEM; by default the CAs of Node.js.' })),
  cluster: Type.Boolean({ default: false, description: 'The URL is that of a node of a cluster.' }),
  keyPrefix: Type.String({ pattern: '^[A-Za-z0-9:._-]{0,64}$', default: 'authn-webhook:', expected: 'at most 64 letters, digits, ":", ".", "_" and "-"', description: 'Prefix of all keys.' }),
  timeout: Duration('500ms', { least: '10ms', greatest: '5s', description: 'Time limit of each command.' })
}, { default: {}, description: 'State that replicas share.' })
export type StoreConfig = Static<typeof StoreConfig>
