/**
 * The `config:` of the provider `ldap`. Fields that a preset sets have no
 * default here: plugins/providers/ldap/settings.ts fills them in.
 */
import { Type, type Static } from '@sinclair/typebox'
import { Closed, Duration, Enum, MapOf, Path, Secret } from '../primitives.js'

const Text = (description: string) => Type.String({ default: '', description })
const FromPreset = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))
const File = (description: string) => Type.Optional(Type.Unsafe<string>({ ...Path, description }))

const SHORT = { least: '10ms', greatest: '1m' } as const
const LONG = { least: '10ms', greatest: '24h' } as const

export const LDAP_PRESETS = ['openldap', 'activeDirectory', 'freeIPA', 'none'] as const
export const LDAP_GROUP_MODES = ['memberOf', 'search', 'tokenGroups', 'inChain', 'none'] as const

export const LdapTlsConfig = Closed({
  mode: Enum(['ldaps', 'startTLS', 'none'], { default: 'ldaps', description: 'ldaps: TLS from the first byte; startTLS: upgraded before anything else is sent; none: plaintext, needs `insecure: true`.' }),
  insecure: Type.Boolean({ default: false, description: 'Required with `mode: none`: passwords are sent in plaintext.' }),
  caFile: File('CA bundle for the directory\'s certificate, PEM; reloaded on change. Without it: the CAs that Node.js trusts.'),
  certFile: File('Client certificate for a directory that requires one, PEM; reloaded on change.'),
  keyFile: File('Private key of certFile, PEM; reloaded on change.'),
  serverName: Text('Name expected in the certificate; empty: the host of the URL.'),
  insecureSkipVerify: Type.Boolean({ default: false, description: 'Accepts any certificate: anyone on the network path can read passwords.' })
}, { default: {} })
export type LdapTlsConfig = Static<typeof LdapTlsConfig>

const UserSearch = Closed({
  baseDN: Text('Base DN of the search for users.'),
  filter: FromPreset('Search filter for the user; {username} is the typed name, escaped. It must be a value or a part of one, without wildcards.'),
  scope: Enum(['sub', 'one'], { default: 'sub', description: 'sub: everything below baseDN; one: directly below it.' }),
  attributes: Closed({
    username: FromPreset('Attribute of the entry that becomes the username.'),
    uid: FromPreset('Attribute that becomes the uid; one whose values are never reused.'),
    extra: MapOf(Type.String({ minLength: 1 }), { default: {}, description: 'Key of `extra` → attribute: `example.com/department: departmentNumber`.' })
  }, { default: {} })
}, { default: {} })

const GroupSearch = Closed({
  mode: Type.Optional(Enum(LDAP_GROUP_MODES, { description: 'memberOf: an attribute of the user\'s entry; search: by the filter; tokenGroups, inChain: Active Directory, including nested groups; none: no groups.' })),
  baseDN: Text('Base DN of groups; others are ignored. Required unless nameAttribute is unique in the whole directory.'),
  filter: FromPreset('Search filter for `mode: search`: finds the groups of {dn}, the user\'s entry, of {username}, its canonical username, or of any attribute of the entry, such as {gidNumber}.'),
  nameAttribute: FromPreset('Attribute of the group that becomes its name.'),
  nested: Type.Integer({ minimum: 0, maximum: 20, default: 0, description: 'Levels of nested groups to resolve, for memberOf and search; 0: none.' }),
  include: Type.String({ default: '', description: 'Regular expression; groups whose names do not match it are dropped.' })
}, { default: {} })

const Timeouts = Closed({
  connect: Duration('1s', { ...SHORT, description: 'Time limit for TCP and TLS together, per host.' }),
  bind: Duration('2s', { ...SHORT, description: 'Time limit for a bind.' }),
  search: Duration('2s', { ...SHORT, description: 'Time limit for a search, including all its pages.' })
}, { default: {}, description: 'None may be longer than the provider\'s own timeout, which limits all of them together.' })

const Pool = Closed({
  min: Type.Integer({ minimum: 0, maximum: 64, default: 1, description: 'Connections of the service account that stay open; 0: none.' }),
  max: Type.Integer({ minimum: 1, maximum: 64, default: 8, description: 'Maximum number of connections of the service account, and of connections for users\' binds.' }),
  idle: Duration('5m', { ...LONG, description: 'Idle time after which a connection is closed, or `age` if that is shorter.' }),
  age: Duration('30m', { ...LONG, description: 'Age at which a connection is replaced.' })
}, { default: {} })

export const LdapProviderConfig = Closed({
  preset: Enum(LDAP_PRESETS, { default: 'none', description: 'Filters and attributes for a kind of directory; none: set all of them here.' }),
  urls: Type.Array(Type.String({ pattern: '^ldaps?://[^/?#@\\s]+/?$', expected: 'a URL such as ldaps://dc1.example.com or ldap://10.0.0.1:389' }), { minItems: 1, description: 'Hosts of one directory, in order of preference.' }),
  tls: LdapTlsConfig,
  bindDN: Text('Bind DN of the service account, which searches; empty: anonymous.'),
  bindPassword: Type.Optional(Secret),
  userDNTemplate: Text('DN of a user, instead of a search: `uid={username},ou=people,dc=example,dc=com`.'),
  userSearch: UserSearch,
  groupSearch: GroupSearch,
  requireGroup: Text('Name or DN of a group; only its members can log in.'),
  maxBadPasswordCount: Type.Optional(Type.Integer({ minimum: 1, maximum: 999, description: 'Active Directory: no bind is sent if badPwdCount of the account has reached this number.' })),
  pageSize: Type.Integer({ minimum: 0, maximum: 5000, default: 500, description: 'Entries in one page of a search; 0: no paging, for a directory that refuses it.' }),
  timeouts: Timeouts,
  pool: Pool
})
export type LdapProviderConfig = Static<typeof LdapProviderConfig>
