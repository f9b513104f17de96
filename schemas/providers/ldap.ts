/**
 * The `config:` of the provider `ldap`. What a preset fills in has no default
 * here; plugins/providers/ldap/settings.ts puts the two together.
 */
import { Type, type Static } from '@sinclair/typebox'
import { Closed, Duration, Enum, MapOf, Path, Secret } from '../primitives.js'

const Text = (description: string) => Type.String({ default: '', description })
const Filled = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))

const SHORT = { least: '10ms', greatest: '1m' } as const
const LONG = { least: '10ms', greatest: '24h' } as const

export const LDAP_PRESETS = ['openldap', 'activeDirectory', 'freeIPA', 'none'] as const
export const LDAP_GROUP_MODES = ['memberOf', 'search', 'tokenGroups', 'inChain', 'none'] as const

export const LdapTlsConfig = Closed({
  mode: Enum(['ldaps', 'startTLS', 'none'], { default: 'ldaps', description: 'ldaps: TLS from the first byte; startTLS: upgraded before anything is sent; none: plaintext, with `insecure: true`.' }),
  insecure: Type.Boolean({ default: false, description: 'Required with `mode: none`: passwords travel in plaintext.' }),
  caFile: Type.Optional(Type.Unsafe<string>({ ...Path, description: 'Who signs the directory\'s certificates, PEM; read again when it changes. Without it: the authorities that Node.js trusts.' })),
  certFile: Type.Optional(Type.Unsafe<string>({ ...Path, description: 'Client certificate for a directory that requires one, PEM; read again when it changes.' })),
  keyFile: Type.Optional(Type.Unsafe<string>({ ...Path, description: 'Private key of certFile, PEM; read again when it changes.' })),
  serverName: Text('The name to find in the certificate; empty: the host of the URL.'),
  insecureSkipVerify: Type.Boolean({ default: false, description: 'Takes any certificate: whoever is in between can read passwords.' })
}, { default: {} })
export type LdapTlsConfig = Static<typeof LdapTlsConfig>

export const LdapUserSearchConfig = Closed({
  baseDN: Text('Where users are looked for.'),
  filter: Filled('Finds the user; {username} is what was typed, escaped. It has to be a whole value or part of one without wildcards.'),
  scope: Enum(['sub', 'one'], { default: 'sub', description: 'sub: everywhere below baseDN; one: right below it.' }),
  attributes: Closed({
    username: Filled('Attribute of the entry that becomes the username.'),
    uid: Filled('Attribute that becomes the uid; one that is never reused.'),
    extra: MapOf(Type.String({ minLength: 1 }), { default: {}, description: 'Key of `extra` → attribute: `example.com/department: departmentNumber`.' })
  }, { default: {} })
}, { default: {} })
export type LdapUserSearchConfig = Static<typeof LdapUserSearchConfig>

export const LdapGroupSearchConfig = Closed({
  mode: Type.Optional(Enum(LDAP_GROUP_MODES, { description: 'memberOf: what the user\'s entry names; search: by the filter; tokenGroups, inChain: Active Directory, with nesting; none: no groups.' })),
  baseDN: Text('Groups outside of it don\'t count. Required unless nameAttribute is unique in the whole directory.'),
  filter: Filled('For `mode: search`: finds the groups of {dn}, the user\'s entry, of {username}, its canonical username, or of any attribute of the entry, such as {gidNumber}.'),
  nameAttribute: Filled('Attribute of the group that becomes its name.'),
  nested: Type.Integer({ minimum: 0, maximum: 20, default: 0, description: 'How many levels of groups in groups to climb, for memberOf and search; 0: none.' }),
  include: Type.String({ default: '', description: 'Regular expression; only groups whose names match it come out.' })
}, { default: {} })
export type LdapGroupSearchConfig = Static<typeof LdapGroupSearchConfig>

export const LdapTimeoutsConfig = Closed({
  connect: Duration('1s', { ...SHORT, description: 'TCP and TLS together, for each host.' }),
  bind: Duration('2s', { ...SHORT, description: 'Each bind.' }),
  search: Duration('2s', { ...SHORT, description: 'Each search, with all its pages.' })
}, { default: {}, description: 'None may be longer than the provider\'s own timeout, in which all of them have to fit.' })

export const LdapPoolConfig = Closed({
  min: Type.Integer({ minimum: 0, maximum: 64, default: 1, description: 'Connections of the service account that stay open; 0: none.' }),
  max: Type.Integer({ minimum: 1, maximum: 64, default: 8, description: 'Connections of the service account, and as many for users\' binds.' }),
  idle: Duration('5m', { ...LONG, description: 'Unused connections are closed after this, or after `age` if that is shorter.' }),
  age: Duration('30m', { ...LONG, description: 'Every connection is replaced after this.' })
}, { default: {} })

export const LdapProviderConfig = Closed({
  preset: Enum(LDAP_PRESETS, { default: 'none', description: 'Fills filters and attributes for a kind of directory; none: all of them are written here.' }),
  urls: Type.Array(Type.String({ pattern: '^ldaps?://[^/?#@\\s]+/?$', expected: 'a URL such as ldaps://dc1.example.com or ldap://10.0.0.1:389' }), { minItems: 1, description: 'Hosts of one directory, the preferred one first.' }),
  tls: LdapTlsConfig,
  bindDN: Text('Service account that searches; empty: anonymous.'),
  bindPassword: Type.Optional(Secret),
  userDNTemplate: Text('Instead of a search: the DN of a user, `uid={username},ou=people,dc=example,dc=com`.'),
  userSearch: LdapUserSearchConfig,
  groupSearch: LdapGroupSearchConfig,
  requireGroup: Text('Only members of this group get in; its name, or its DN.'),
  maxBadPasswordCount: Type.Optional(Type.Integer({ minimum: 1, maximum: 999, description: 'Active Directory: no bind where badPwdCount of the account has reached this.' })),
  pageSize: Type.Integer({ minimum: 0, maximum: 5000, default: 500, description: 'Entries in one page of a search; 0 for a directory that refuses paged searches.' }),
  timeouts: LdapTimeoutsConfig,
  pool: LdapPoolConfig
})
export type LdapProviderConfig = Static<typeof LdapProviderConfig>
