/** What `validate` says of the config of a directory. */
import { test } from 'tap'
import ldap from '../../../../plugins/providers/ldap/index.js'
import { findErrors } from '../../../../src/documents/schema-errors.js'
import type { LdapFields } from '../../../fixtures/ldap.js'

const OPENLDAP = { preset: 'openldap', urls: ['ldaps://ldap.example.test'], userSearch: { baseDN: 'dc=example,dc=test' }, groupSearch: { baseDN: 'ou=groups,dc=example,dc=test' } }
const AD = { preset: 'activeDirectory', urls: ['ldaps://dc1.example.test'], userSearch: { baseDN: 'DC=example,DC=test' } }
const READER = { bindDN: 'cn=reader,dc=example,dc=test', bindPassword: 'canary' }
const TEMPLATE = { userDNTemplate: 'uid={username},dc=example,dc=test' }

function inspect (fields: LdapFields, needsLookup = false): string[] {
  const config: any = structuredClone(fields)
  const errors = findErrors(config, ldap.schema)
  const findings = errors.length > 0 ? errors : ldap.validate!(config, { timeout: '3s', needsLookup })
  return findings.map(({ path, message, ...rest }) => `${'warning' in rest ? 'warning: ' : ''}${path}: ${message}`)
}

test('lookups for another provider need a service account or an anonymous search', async t => {
  const message = 'bindDN: is required: groupsFrom of another provider looks up users here, and without a service account only users can read their entries'
  for (const [config, needsLookup, expected] of [
    [{ ...OPENLDAP, ...TEMPLATE, userSearch: {} }, true, [message]],
    [{ ...OPENLDAP, ...TEMPLATE, userSearch: {} }, false, []],
    [{ ...OPENLDAP, ...TEMPLATE, userSearch: {}, ...READER }, true, []],
    [OPENLDAP, true, []]
  ] as const) t.strictSame(inspect(config, needsLookup), expected)
})

test('nothing is wrong with', async t => {
  for (const [name, config] of [
    ['the least for OpenLDAP', OPENLDAP],
    ['five lines for Active Directory', { ...AD, bindDN: 'reader@example.test', bindPassword: 'canary' }],
    ['FreeIPA', { ...OPENLDAP, preset: 'freeIPA', ...READER }],
    ['a template', { ...OPENLDAP, ...TEMPLATE, userSearch: {} }],
    ['a directory of its own kind', { preset: 'none', urls: OPENLDAP.urls, userSearch: { baseDN: 'o=x', filter: '(|(cn={username})(mail={username}@example.test))', attributes: { username: 'cn' } }, groupSearch: { mode: 'none' } }],
    ['names that are unique by themselves', { ...AD, groupSearch: { mode: 'memberOf', baseDN: '' } }],
    ['a port, an address', { ...OPENLDAP, urls: ['ldaps://ldap.example.test:1636', 'ldaps://[2001:db8::1]', 'ldaps://192.0.2.1/'] }],
    ['filters over several lines', { ...OPENLDAP, userSearch: { baseDN: 'o=x', filter: '(&\n  (objectClass=person)\n  (uid={username})\n)\n' }, groupSearch: { baseDN: 'o=x', filter: '\n(member={dn})\n' } }],
    ['a letter that is escaped', { ...OPENLDAP, userSearch: { baseDN: 'o=x', filter: '(&(uid={username})(o=Gr\\c3\\bc))' } }],
    ['POSIX groups', { ...OPENLDAP, groupSearch: { baseDN: 'o=x', filter: '(|(memberUid={username})(gidNumber={gidNumber}))' } }],
    ['nesting by the DN, beside POSIX groups', { ...OPENLDAP, groupSearch: { baseDN: 'o=x', filter: '(|(member={dn})(memberUid={username})(gidNumber={gidNumber}))', nested: 3 } }],
    ['a group in another spelling of the base', { ...OPENLDAP, requireGroup: 'CN=staff, OU=Groups, DC=Example, DC=Test' }],
    ['a group of the domain', { ...AD, requireGroup: 'cn=staff,ou=x,dc=example,dc=test' }],
    ['StartTLS', { ...OPENLDAP, urls: ['ldap://ldap.example.test'], tls: { mode: 'startTLS' } }]
  ] as Array<[string, LdapFields]>) t.strictSame(inspect(config), [], name)
})

test('what is wrong with', async t => {
  for (const [name, config, expected] of [
    ['no host', { ...OPENLDAP, urls: [] }, /^urls: must not be empty/],
    ['another protocol', { ...OPENLDAP, urls: ['https://ldap.example.test'] }, /^urls\[0\]: is not a URL such as/],
    ['a password in the URL', { ...OPENLDAP, urls: ['ldaps://reader:canary@ldap.example.test'] }, /^urls\[0\]: is not a URL such as ldaps:/],
    ['a port that is none', { ...OPENLDAP, urls: ['ldaps://ldap.example.test:x'] }, /^urls\[0\]: is not a URL/],
    ['TLS that starts later', { ...OPENLDAP, urls: ['ldap://ldap.example.test'] }, /^urls\[0\]: must start with ldaps:\/\/ when tls.mode is ldaps/],
    ['TLS twice', { ...OPENLDAP, tls: { mode: 'startTLS' } }, /^urls\[0\]: must start with ldap:\/\/ when tls.mode is startTLS/],
    ['plaintext', { ...OPENLDAP, urls: ['ldap://x'], tls: { mode: 'none' } }, /^tls.mode: sends every password in plaintext: set tls.insecure to true/],
    ['insecure without need', { ...OPENLDAP, tls: { insecure: true } }, /^tls.insecure: is only for "mode: none"/],
    ['a client certificate without its key', { ...OPENLDAP, tls: { certFile: 'client.crt' } }, /^tls.keyFile: is required when tls.certFile is set/],
    ['a key without its certificate', { ...OPENLDAP, tls: { keyFile: 'client.key' } }, /^tls.certFile: is required when tls.keyFile is set/],
    ['a client certificate without TLS', { ...OPENLDAP, urls: ['ldap://x'], tls: { mode: 'none', insecure: true, certFile: 'client.crt', keyFile: 'client.key' } }, /^tls.certFile: needs TLS/],
    ['an account without a password', { ...OPENLDAP, bindDN: READER.bindDN }, /^bindPassword: is required when bindDN is set/],
    ['a password without an account', { ...OPENLDAP, bindPassword: 'canary' }, /^bindDN: is required when bindPassword is set/],
    ['a SASL mechanism', { ...OPENLDAP, bindDN: 'EXTERNAL', bindPassword: 'canary' }, /^bindDN: is not a DN/],
    ['no time', { ...OPENLDAP, timeouts: { bind: '0s' } }, /^timeouts.bind: must be at least 10ms/],
    ['much time', { ...OPENLDAP, pool: { age: '48h' } }, /^pool.age: must be at most 24h/],
    ['a pool that is too small for itself', { ...OPENLDAP, pool: { min: 3, max: 2 } }, /^pool.min: must not be more than pool.max/],
    ['a base that is no DN', { ...OPENLDAP, userSearch: { baseDN: 'people' } }, /^userSearch.baseDN: is not a DN/],
    ['no base', { ...OPENLDAP, userSearch: {} }, /^userSearch.baseDN: is required$/],
    ['no domain', { ...AD, userSearch: {} }, /^userSearch.baseDN: is required: the domain/],
    ['a template for everybody', { ...OPENLDAP, userDNTemplate: 'uid=alice,dc=example,dc=test', userSearch: {} }, /^userDNTemplate: is not a DN with \{username\} as its first value/],
    ['a template that is no DN', { ...OPENLDAP, userDNTemplate: '{username}@example.test', userSearch: {} }, /^userDNTemplate: is not a DN/],
    ['a template with the name in two places', { ...OPENLDAP, userDNTemplate: 'uid={username},ou={username}', userSearch: {} }, /^userDNTemplate: is not a DN/],
    ['a template and a filter', { ...OPENLDAP, ...TEMPLATE, userSearch: { filter: '(uid={username})' } }, /^userSearch.filter: has no effect with userDNTemplate/],
    ['a filter that is none', { ...OPENLDAP, userSearch: { baseDN: 'o=x', filter: '(uid={username}' } }, /^userSearch.filter: is not a search filter: Unbalanced parens/],
    ['a filter that finds everybody', { ...OPENLDAP, userSearch: { baseDN: 'o=x', filter: '(objectClass=person)' } }, /^userSearch.filter: needs \{username\} as a value/],
    ['a name for an attribute', { ...OPENLDAP, userSearch: { baseDN: 'o=x', filter: '({username}=x)' } }, /^userSearch.filter: needs \{username\} as a value/],
    ['a wildcard', { ...OPENLDAP, userSearch: { baseDN: 'o=x', filter: '(uid={username}*)' } }, /^userSearch.filter: has a wildcard/],
    ['an unknown placeholder', { ...OPENLDAP, userSearch: { baseDN: 'o=x', filter: '(&(uid={username})(o={org}))' } }, /^userSearch.filter: has an unknown placeholder \{org\}: use \{username\}/],
    ['escaped bytes that are no text', { ...OPENLDAP, userSearch: { baseDN: 'o=x', filter: '(&(uid={username})(o=Gr\\fc))' } }, /^userSearch.filter: has "\\fc", which is not UTF-8: write the character itself, or \\5c for a backslash/],
    ['a backslash before #', { ...OPENLDAP, userSearch: { baseDN: 'o=x', filter: '(&(uid={username})(o=\\#1))' } }, /^userSearch.filter: has a backslash before "#": write \\5c for a backslash/],
    ['a backslash before a comma of a DN', { ...OPENLDAP, groupSearch: { baseDN: 'o=x', filter: '(&(member={dn})(manager=cn=a\\, b))' } }, /^groupSearch.filter: has a backslash before ",": write \\5c for a backslash/],
    ['a backslash at the end', { ...OPENLDAP, userSearch: { baseDN: 'o=x', filter: '(&(uid={username})(o=x\\))' } }, /^userSearch.filter: has a backslash before "\)"/],
    ['placeholders in another case', { ...OPENLDAP, groupSearch: { baseDN: 'o=x', filter: '(member={DN})' } }, /^groupSearch.filter: has an unknown placeholder \{DN\}: use \{dn\}/],
    ['no preset and no filter', { ...OPENLDAP, preset: 'none' }, /^userSearch.attributes.username: is required without a preset/],
    ['names that somebody else could give', { ...OPENLDAP, groupSearch: {} }, /^groupSearch.baseDN: is required: cn is unique only inside a container/],
    ['account names of what is no domain', { ...OPENLDAP, groupSearch: { mode: 'memberOf', nameAttribute: 'sAMAccountName' } }, /^groupSearch.baseDN: is required: sAMAccountName is unique only/],
    ['CNs in a domain, by memberOf', { ...AD, userSearch: { baseDN: 'o=x' }, groupSearch: { mode: 'memberOf', nameAttribute: 'cn' } }, /^groupSearch.baseDN: is required: cn is unique only/],
    ['a search from nowhere', { ...AD, userSearch: { baseDN: 'o=x' }, groupSearch: { mode: 'search' } }, /^groupSearch.baseDN: is required$/],
    ['everybody in every group', { ...OPENLDAP, groupSearch: { baseDN: 'o=x', filter: '(objectClass=group)' } }, /^groupSearch.filter: needs \{dn\}, \{username\} or an attribute of the user such as \{gidNumber\}/],
    ['a group filter that is none', { ...OPENLDAP, groupSearch: { baseDN: 'o=x', filter: 'member={dn})' } }, /^groupSearch.filter: is not a search filter/],
    ['a group filter where nobody searches', { ...AD, groupSearch: { filter: '(member={dn})' } }, /^groupSearch.filter: is only for "mode: search"/],
    ['nesting twice', { ...AD, groupSearch: { nested: 1 } }, /^groupSearch.nested: is only for memberOf and search/],
    ['groups that are called like users', { ...OPENLDAP, groupSearch: { baseDN: 'o=x', filter: '(memberUid={username})', nested: 1 } }, /^groupSearch.nested: needs a filter that works with \{dn\} alone/],
    ['groups in groups by an attribute of users', { ...OPENLDAP, groupSearch: { baseDN: 'o=x', filter: '(&(member={dn})(l={l}))', nested: 1 } }, /^groupSearch.nested: needs a filter that works with \{dn\} alone/],
    ['an expression that is none', { ...OPENLDAP, groupSearch: { baseDN: 'o=x', include: '(' } }, /^groupSearch.include: Invalid regular expression/],
    ['a group to be in, without groups', { ...OPENLDAP, requireGroup: 'x', groupSearch: { mode: 'none' } }, /^requireGroup: needs groups/],
    ['a group outside of where groups are looked for', { ...OPENLDAP, requireGroup: 'cn=staff,ou=teams,dc=example,dc=test' }, /^requireGroup: is not below groupSearch\.baseDN, ou=groups,dc=example,dc=test: nobody could log in/],
    ['… of the domain', { ...AD, requireGroup: 'CN=staff,DC=other,DC=test' }, /^requireGroup: is not below groupSearch\.baseDN, DC=example,DC=test/],
    ['a group that is no DN', { ...OPENLDAP, requireGroup: 'cn=x,' }, /^requireGroup: is not a DN/],
    ['a counter that nobody reads', { ...OPENLDAP, ...TEMPLATE, userSearch: {}, maxBadPasswordCount: 3 }, /^maxBadPasswordCount: needs a service account/],
    ['groups without a mode', { preset: 'none', urls: OPENLDAP.urls, userSearch: { baseDN: 'o=x', filter: '(cn={username})', attributes: { username: 'cn' } } }, /^groupSearch.mode: is required without a preset/],
    ['groups without a name', { preset: 'none', urls: OPENLDAP.urls, userSearch: { baseDN: 'o=x', filter: '(cn={username})', attributes: { username: 'cn' } }, groupSearch: { mode: 'memberOf' } }, /^groupSearch.nameAttribute: is required without a preset/],
    ['a search without a filter', { preset: 'none', urls: OPENLDAP.urls, userSearch: { baseDN: 'o=x', filter: '(cn={username})', attributes: { username: 'cn' } }, groupSearch: { mode: 'search', nameAttribute: 'cn', baseDN: 'o=x' } }, /^groupSearch.filter: is required without a preset/]
  ] as Array<[string, LdapFields, RegExp]>) {
    const findings = inspect(config)
    t.ok(findings.some(finding => expected.test(finding)), `${name}: ${findings.join('; ')}`)
    t.notMatch(findings.join(), 'canary', 'and no secret in it')
  }
})

test('what is allowed, and hardly meant', async t => {
  for (const [name, config, expected] of [
    ['plaintext', { ...OPENLDAP, urls: ['ldap://x'], tls: { mode: 'none', insecure: true } }, /^warning: tls.mode: passwords are sent to the directory in plaintext/],
    ['LDAPS on the port of LDAP', { ...OPENLDAP, urls: ['ldaps://x:389'] }, /^warning: urls\[0\]: port 389 is usually for ldap:/],
    ['StartTLS on the port of LDAPS', { ...OPENLDAP, urls: ['ldap://x:636'], tls: { mode: 'startTLS' } }, /^warning: urls\[0\]: port 636 is usually for ldaps:/],
    ['any certificate', { ...OPENLDAP, tls: { insecureSkipVerify: true } }, /^warning: tls.insecureSkipVerify/],
    ['names that people choose', { ...OPENLDAP, userSearch: { baseDN: 'o=x', attributes: { username: 'mail' } } }, /^warning: userSearch.attributes.username: many directories let users change mail/],
    ['ids that people choose', { ...OPENLDAP, userSearch: { baseDN: 'o=x', attributes: { uid: 'telephoneNumber' } } }, /^warning: userSearch.attributes.uid/],
    ['extra that people choose', { ...OPENLDAP, userSearch: { baseDN: 'o=x', attributes: { extra: { 'example.com/a': 'description' } } } }, /^warning: userSearch.attributes.extra.example.com\/a/],
    ['groups that people choose', { ...OPENLDAP, groupSearch: { baseDN: 'o=x', filter: '(cn={description})' } }, /^warning: groupSearch.filter: many directories let users change description in their own entries, and so choose their groups/],
    ['groups named by their text', { ...OPENLDAP, groupSearch: { baseDN: 'o=x', nameAttribute: 'description' } }, /^warning: groupSearch.nameAttribute/],
    ['nesting that users look up themselves', { ...OPENLDAP, ...TEMPLATE, userSearch: {}, groupSearch: { baseDN: 'o=x', nested: 1 } }, /^warning: groupSearch.nested/]
  ] as Array<[string, LdapFields, RegExp]>) t.match(inspect(config), [expected], name)
})
