/**
 * The `config:` of the provider `ldap`. Fields that a preset sets have no default
 * here; plugins/providers/ldap/settings.ts merges the two.
 */
import { Type, type Static } from '@sinclair/typebox'
import { Closed, Duration, Enum, MapOf, Path, Secret } from '../primitives.js'

const Text = (description: string) => Type.String({ default: '', description })
const FromPreset = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))

const SHORT = { least: '10ms', greatest: '1m' } as const
const LONG = { least: '10ms', greatest: '24h' } as const

export const LDAP_PRESETS = ['openldap', 'activeDirectory', 'freeIPA', 'none'] as const
export const LDAP_GROUP_MODES = ['memberOf', 'search', 'tokenGroups', 'inChain', 'none'] as const

export const LdapTlsConfig = Closed({
  mode: Enum(['ldaps', 'startTLS', 'none'], { default: 'ldaps', description: 'Encryption. ldaps: TLS; startTLS: StartTLS before anything else is sent; none: plaintext, requires `insecure: true`.' }),
  insecure: Type.Boolean({ default: false, description: 'Allow `mode: none`: passwords are sent in plaintext.' }),
  caFile: Type.Optional(Type.Unsafe<string>({ ...Path, description: 'CA bundle for the certificates of the directory, PEM; reloaded when it changes. By default the CAs that Node.js trusts.' })),
  certFile: Type.Optional(Type.Unsafe<string>({ ...Path, description: 'Client certificate for a directory that requires one, PEM; reloaded when it changes.' })),
  keyFile: Type.Optional(Type.Unsafe<string>({ ...Path, description: 'Private key of certFile, PEM; reloaded when it changes.' })),
  serverName: Text('Expected name in the certificate; empty: the host of the URL.'),
  insecureSkipVerify: Type.Boolean({ default: false, description: 'Accept any certificate: a man in the middle can read passwords.' })
}, { default: {} })
export type LdapTlsConfig = Static<typeof LdapTlsConfig>

export const LdapUserSearchConfig = Closed({
  baseDN: Text('Base DN of the search for users.'),
  filter: FromPreset('Search filter for the user. {username} is the typed name, escaped; it must be a whole value, or part of a value without wildcards.'),
  scope: Enum(['sub', 'one'], { default: 'sub', description: 'Search scope. sub: the whole subtree of baseDN; one: only its children.' }),
  attributes: Closed({
    username: FromPreset('Attribute for the username.'),
    uid: FromPreset('Attribute for the uid, with values that are never reused.'),
    extra: MapOf(Type.String({ minLength: 1 }), { default: {}, description: 'Attributes for `extra`, by key: `example.com/department: departmentNumber`.' })
  }, { default: {} })
}, { default: {} })
export type LdapUserSearchConfig = Static<typeof LdapUserSearchConfig>

export const LdapGroupSearchConfig = Closed({
  mode: Type.Optional(Enum(LDAP_GROUP_MODES, { description: 'Source of groups. memberOf: attribute of the user\'s entry; search: search with `filter`; tokenGroups, inChain: Active Directory, including nested groups; none: no groups.' })),
  baseDN: Text('Base DN of groups; others are ignored. Required unless nameAttribute is unique in the whole directory.'),
  filter: FromPreset('Search filter for `mode: search`, with {dn} of the user\'s entry, {username} (canonical), or any attribute of the entry, such as {gidNumber}.'),
  nameAttribute: FromPreset('Attribute for the name of a group.'),
  nested: Type.Integer({ minimum: 0, maximum: 20, default: 0, description: 'Levels of nested groups to resolve, for memberOf and search; 0: none.' }),
  include: Type.String({ default: '', description: 'Regular expression that the names of groups must match; empty: all groups.' })
}, { default: {} })
export type LdapGroupSearchConfig = Static<typeof LdapGroupSearchConfig>

export const LdapTimeoutsConfig = Closed({
  connect: Duration('1s', { ...SHORT, description: 'Time limit for connecting to a host, including TLS.' }),
  bind: Duration('2s', { ...SHORT, description: 'Time limit for a bind.' }),
  search: Duration('2s', { ...SHORT, description: 'Time limit for a search, including all pages.' })
}, { default: {}, description: 'Time limits for operations, each at most the provider\'s `timeout`, which limits them together.' })

export const LdapPoolConfig = Closed({
  min: Type.Integer({ minimum: 0, maximum: 64, default: 1, description: 'Minimum number of open connections of the service account; 0: none.' }),
  max: Type.Integer({ minimum: 1, maximum: 64, default: 8, description: 'Maximum number of connections of the service account, and of connections for users\' binds.' }),
  idle: Duration('5m', { ...LONG, description: 'Time after which an unused connection is closed, if shorter than `age`.' }),
  age: Duration('30m', { ...LONG, description: 'Time after which a connection is replaced.' })
}, { default: {} })

export const LdapProviderConfig = Closed({
  preset: Enum(LDAP_PRESETS, { default: 'none', description: 'Filters and attributes of a kind of directory; none: set them all here.' }),
  urls: Type.Array(Type.String({ pattern: '^ldaps?://[^/?#@\\s]+/?$', expected: 'a URL such as ldaps://dc1.example.com or ldap://10.0.0.1:389' }), { minItems: 1, description: 'Hosts of one directory, in order of preference.' }),
  tls: LdapTlsConfig,
  bindDN: Text('Bind DN of the service account that searches; empty: anonymous.'),
  bindPassword: Type.Optional(Secret),
  userDNTemplate: Text('DN of a user, instead of a search: `uid={username},ou=people,dc=example,dc=com`.'),
  userSearch: LdapUserSearchConfig,
  groupSearch: LdapGroupSearchConfig,
  requireGroup: Text('Name or DN of a group that users must be members of.'),
  maxBadPasswordCount: Type.Optional(Type.Integer({ minimum: 1, maximum: 999, description: 'Value of badPwdCount at which no more binds are tried for an account (Active Directory).' })),
  pageSize: Type.Integer({ minimum: 0, maximum: 5000, default: 500, description: 'Entries in a page of search results; 0: no paging, for a directory that refuses it.' }),
  timeouts: LdapTimeoutsConfig,
  pool: LdapPoolConfig
})
export type LdapProviderConfig = Static<typeof LdapProviderConfig>
