/** The parts of the provider ldap that need no directory: names, filters, entries, what an answer means. */
import { BerReader } from 'ldapts'
import { test } from 'tap'
import { fileTime, accountStateOf } from '../../../../plugins/providers/ldap/accounts/account-state.js'
import { BadPasswordLimit } from '../../../../plugins/providers/ldap/accounts/bad-password-limit.js'
import { hostOf, type Host } from '../../../../plugins/providers/ldap/connection/dial.js'
import { dnsNameOf, domainOf, escapeInDN, isUnder, LONGEST_DN, nameInDN, normalizeDN, parseDN } from '../../../../plugins/providers/ldap/syntax/distinguished-name.js'
import { LdapEntry, guidOf, sidOf } from '../../../../plugins/providers/ldap/connection/ldap-entry.js'
import { comparisonsOf, fillFilter, isSameName, normalizeFilter, expectedValue } from '../../../../plugins/providers/ldap/syntax/filter.js'
import { groupNameOf } from '../../../../plugins/providers/ldap/groups/group.js'
import { fillGroupFilter } from '../../../../plugins/providers/ldap/groups/group-filter.js'
import { Groups } from '../../../../plugins/providers/ldap/groups/groups.js'
import { GroupNames } from '../../../../plugins/providers/ldap/groups/group-names.js'
import { Hosts } from '../../../../plugins/providers/ldap/connection/hosts.js'
import { PasswordPolicyControl } from '../../../../plugins/providers/ldap/connection/password-policy.js'
import type { Search } from '../../../../plugins/providers/ldap/connection/directory.js'
import { resolveSettings } from '../../../../plugins/providers/ldap/settings.js'
import { TokenGroups } from '../../../../plugins/providers/ldap/groups/token-groups.js'
import { ldapConfig } from '../../../fixtures/ldap.js'
import { bindOutcomeOf } from '../../../../plugins/providers/ldap/connection/bind-outcome.js'
import { until } from '../../../fixtures/waiting.js'

test('distinguished names: RFC 4514', async t => {
  for (const [text, expected] of [
    ['', []],
    ['uid=alice,dc=example', [['uid=alice'], ['dc=example']]],
    ['UID = alice , DC=example', [['uid=alice'], ['dc=example']]],
    ['cn=a\\, b,dc=x', [['cn=a, b'], ['dc=x']]],
    ['cn=Gr\\C3\\BC\\C3\\9Fe', [['cn=Gr\u00fc\u00dfe']]],
    ['cn="a, b",dc=x', [['cn=a, b'], ['dc=x']]],
    ['cn=a\\ ,dc=x', [['cn=a '], ['dc=x']]],
    ['cn=a+uid=b,dc=x', [['cn=a', 'uid=b'], ['dc=x']]],
    ['2.5.4.3=a', [['2.5.4.3=a']]],
    ['cn=a\\\\', [['cn=a\\']]],
    ['cn=a\\\\  ,dc=x', [['cn=a\\'], ['dc=x']]],
    ['cn=a\\\\\\  ,dc=x', [['cn=a\\ '], ['dc=x']]],
    ['cn=', [['cn=']]],
    ['alice', undefined], ['=a', undefined], ['cn=a,', undefined], ['cn=a,,dc=x', undefined], ['cn=a"b', undefined], ['cn=<a>', undefined],
    // a backslash before what needs none, and is no number: broken on the way, and no guess is made what it was
    ['cn=develo\\ers,dc=x', undefined], ['cn=a\\4,dc=x', undefined], ['cn="a\\b"', undefined]
  ] as const) t.strictSame(parseDN(text)?.map(parts => parts.map(({ type, value }) => `${type}=${value}`)), expected, text)

  for (const value of ['alice', ' a', 'a ', '#a', 'a,b', 'a+b', 'a"b', 'a\\b', 'a<b>', 'a;b', 'a=b', '\0', ' ', '#', '\u00e9', ',+"\\<>;= ']) {
    t.strictSame(parseDN(`cn=${escapeInDN(value)},dc=x`), [[{ type: 'cn', value }], [{ type: 'dc', value: 'x' }]], JSON.stringify(value))
  }
  const long = `a${' '.repeat(8_000)}b`
  t.ok(nameInDN(`cn=${long},dc=x`, 'cn') === long, 'a name of many spaces')
  t.equal(parseDN(`cn=${'a'.repeat(LONGEST_DN)}`), undefined, 'too long for a name')
  t.equal(normalizeDN('CN=A\\2C b,  DC=X'), normalizeDN('cn=a\\, B,dc=x'))
  t.not(normalizeDN('cn=a,cn=b'), normalizeDN('cn=a\\,cn=b'), 'what is escaped ends nothing')
  t.equal(normalizeDN('No DN'), 'no dn')

  for (const [dn, base, expected] of [
    ['cn=a,ou=x,dc=y', 'OU=X,dc=y', true], ['ou=x,dc=y', 'ou=x,dc=y', true], ['dc=y', 'ou=x,dc=y', false], ['cn=a,ou=x\\,dc=y', 'dc=y', false], ['cn=a,ou=xx,dc=y', 'ou=x,dc=y', false], ['nonsense', 'dc=y', false]
  ] as const) t.equal(isUnder(dn, base), expected, `${dn} under ${base}`)
  t.equal(domainOf('CN=a,OU=b,DC=corp,DC=example,DC=test'), 'DC=corp,DC=example,DC=test')
  t.equal(domainOf('cn=a,o=b'), '')
  t.equal(dnsNameOf('CN=a,DC=corp,DC=example'), 'corp.example')
  t.equal(nameInDN('CN=a+uid=b,dc=x', 'UID'), 'b')
})

test('maxBadPasswordCount waits for as long as the domain counts', async t => {
  const ticks = (time: number): string => String((BigInt(time) + 11_644_473_600_000n) * 10_000n)
  for (const [name, window, age, expected] of [
    ['within', '-18000000000', 29, 'throttled'],
    ['after', '-18000000000', 31, 'bound'],
    ['where it may not be read: the usual time', undefined, 29, 'throttled'],
    ['and after it', undefined, 31, 'bound'],
    ['until an administrator comes', '-9223372036854775808', 100_000, 'throttled'],
    ['no time at all, which is no rule', '0', 29, 'throttled'],
    ['nonsense', 'x', 29, 'throttled']
  ] as const) {
    const search: Search = async ({ attributes }) => [new LdapEntry({
      dn: 'cn=a,dc=x',
      ...attributes.includes('badPwdCount') ? { badPwdCount: '3', badPasswordTime: ticks(Date.now() - age * 60_000) } : window !== undefined && { lockOutObservationWindow: window }
    })]
    const outcome = await new BadPasswordLimit(3, () => {}).guard('cn=a,dc=x', search, async () => 'bound').catch(error => error.reason)
    t.equal(outcome, expected, name)
  }
})

test('filters: RFC 4515', async t => {
  for (const [typed, expected] of [
    ['alice', '(uid=alice)'], ['*', '(uid=\\2a)'], [')(uid=*', '(uid=\\29\\28uid=\\2a)'], ['\\00', '(uid=\\5c00)'], ['\0', '(uid=\\00)'], ['\u00e9', '(uid=\u00e9)'], ['{username}', '(uid={username})'], ['$&', '(uid=$&)']
  ] as const) t.equal(fillFilter('(uid={username})', { username: typed }), expected, typed)
  t.equal(fillFilter('(&(member={dn})(x={other}))', { dn: 'cn=a\\, (b)' }), '(&(member=cn=a\\5c, \\28b\\29)(x={other}))', 'once')
  t.strictSame(comparisonsOf('(&(objectClass=x)(|(uid={username})(mail:caseExactMatch:={username}@x)(cn>={username})))'), [
    { attribute: 'uid', value: '{username}' }, { attribute: 'mail', value: '{username}@x' }, { attribute: 'cn', value: '{username}' }
  ])
  for (const [value, name, expected] of [
    ['{username}', 'a\\b(c)*', 'a\\b(c)*'], ['{username} \\28on call\\29', '\\28', '\\28 (on call)'], ['\\7busername\\7d{username}', 'alice', '{username}alice'], ['CORP\\5c{username}', 'alice', 'CORP\\alice']
  ] as const) t.equal(expectedValue({ attribute: 'cn', value }, name), expected, value)
})

test('filters as a config writes them', async t => {
  for (const [written, expected] of [
    ['(uid={username})', '(uid={username})'],
    ['uid={username}', '(uid={username})'],
    [' (uid={username})\n', '(uid={username})'],
    ['(&\n  (objectClass=person)\r\n  (|\n    (uid={username})\n\t(mail={username})\n  )\n)\n', '(&(objectClass=person)(|(uid={username})(mail={username})))'],
    ['( & ( ! ( cn=a b ) ) (uid={username}) )', '(&(!(cn=a b ))(uid={username}))'],
    ['(cn= {username} )', '(cn= {username} )'],
    ['(&(ou=Gr\\c3\\bc\\C3\\9fe)(uid={username}))', '(&(ou=Gr\u00fc\u00dfe)(uid={username}))'],
    ['(cn=\\28\\ff)', '(cn=\\28\\ff)']
  ] as const) t.equal(normalizeFilter(written), expected, JSON.stringify(written))
})

test('filters with attributes of the user', async t => {
  const user: Record<string, string[]> = { dn: ['uid=a,dc=x'], gid: ['5'], department: ['a*', '{gid}'] }
  const fill = (template: string): string | undefined => fillGroupFilter(template, name => user[name] ?? [])
  for (const [template, expected] of [
    ['(gidNumber={gid})', '(gidNumber=5)'],
    ['(cn={department})', '(|(cn=a\\2a)(cn={gid}))'],
    ['(cn={department}-{gid})', '(|(cn=a\\2a-5)(cn={gid}-5))'],
    ['(|(member={dn})(cn={none}))', '(|(member=uid=a,dc=x))'],
    ['(|(cn={none})(&(member={dn})(cn={none})))', undefined],
    ['(&(objectClass=group)(|(member={dn})(cn={none})))', '(&(objectClass=group)(|(member=uid=a,dc=x)))'],
    ['(&(objectClass=group)(!(cn={none})))', undefined],
    ['(|(member={dn})(!(cn={none}))(!(cn={gid})))', '(|(member=uid=a,dc=x)(!(cn=5)))'],
    ['(cn={none})', undefined]
  ] as const) t.equal(fill(template), expected, template)
  const many = Array.from({ length: 8 }, (_, index) => String(index))
  t.throws(() => fillGroupFilter('(cn={a}-{b})', () => many), { code: 'AUTHN_DIRECTORY', message: /64 values/ })
})

test('what is the same name', async t => {
  for (const [a, b, expected] of [
    ['alice', 'ALICE', true], ['zo\u00eb', 'ZOE\u0308', true], ['alice', 'alice ', false], ['ren\u00e9', 'rene', false], ['s', '\u017f', false], ['alice', '\uff41lice', false], ['stra\u00dfe', 'STRASSE', false]
  ] as const) t.equal(isSameName(a, b), expected, `${a} ${b}`)
})

test('entries', async t => {
  const guid = Buffer.from('33221100554477668899aabbccddeeff', 'hex')
  const sid = Buffer.from('010500000000000515000000010000000200000003000000e8030000', 'hex')
  const entry = new LdapEntry({ dn: 'cn=a', UID: ['a', 'b'], objectGUID: guid, objectSid: sid, photo: Buffer.from([0xff]), member: [], 'member;range=0-1': ['x', 'y'] })
  t.strictSame(entry.texts('uid'), ['a', 'b'])
  t.equal(entry.text('OBJECTGUID'), '00112233-4455-6677-8899-aabbccddeeff')
  t.equal(guidOf(guid), entry.text('objectguid'))
  t.equal(entry.text('objectSid'), 'S-1-5-21-1-2-3-1000')
  t.equal(sidOf(sid), entry.text('objectsid'))
  t.equal(entry.text('photo'), '/w==')
  t.equal(entry.text('nothing'), undefined)
  t.equal(entry.missing, 'member;range=2-*')
  entry.add({ dn: 'cn=a', 'member;range=2-*': ['z'] })
  t.strictSame([entry.texts('member'), entry.missing], [['x', 'y', 'z'], undefined])
  t.equal(groupNameOf(new LdapEntry({ dn: 'cn=a,dc=x', cn: ['b', 'a'] }), 'cn'), 'a', 'the one in the DN')
  t.equal(groupNameOf(new LdapEntry({ dn: 'ou=a,dc=x', cn: ['b', 'c'] }), 'cn'), undefined, 'none of several')
})

test('a name is nobody\'s where another group has it', async t => {
  const forest = 'DC=example,DC=com'
  const ours = { dn: `CN=cluster-admins,OU=groups,${forest}`, name: 'cluster-admins' }
  const childs = { dn: `CN=cluster-admins,DC=child,${forest}`, name: 'cluster-admins' }
  const search: Search = async () => [ours, childs].map(({ dn, name }) => new LdapEntry({ dn, sAMAccountName: name }))
  for (const [name, preset, group, expected] of [
    ['account names of the domain', 'activeDirectory', ours, []],
    ['account names of another domain, as a global catalog has them', 'activeDirectory', childs, ['cluster-admins']],
    ['account names of what is no domain', 'openldap', ours, ['cluster-admins']]
  ] as const) {
    const settings = resolveSettings(ldapConfig({ preset, urls: ['ldaps://dc1'], userSearch: { baseDN: forest }, groupSearch: { mode: 'memberOf', baseDN: forest.toLowerCase(), nameAttribute: 'sAMAccountName' } })).groups
    t.strictSame([...await new GroupNames(settings).shared([group], search)], expected, name)
  }
})

test('what tokenGroups are called, once a minute', async t => {
  let now = 1
  const [known, fresh] = ['e8', 'e9'].map(id => Buffer.from(`010500000000000515000000010000000200000003000000${id}030000`, 'hex')) as [Buffer, Buffer]
  let tokenGroups = [known]
  const asked: string[] = []
  const search: Search = async ({ filter }) => {
    if (filter === undefined) return [new LdapEntry({ dn: 'cn=alice', tokenGroups })]
    asked.push(String(filter))
    now += 1000
    return tokenGroups.map(sid => new LdapEntry({ dn: `cn=${sid.at(-4)},dc=x`, objectSid: sid, sAMAccountName: String(sid.at(-4)) }))
  }
  const groups = new TokenGroups(resolveSettings(ldapConfig({ preset: 'activeDirectory', urls: ['ldaps://dc1'], userSearch: { baseDN: 'dc=x' } })).groups, () => now)
  const names = async (): Promise<string[]> => (await groups.of('cn=alice', search)).map(({ name }) => name)
  t.strictSame(await names(), ['232'])
  tokenGroups = [known, fresh]
  now += 59_500
  t.strictSame(await names(), ['232', '233'], 'nor is one forgotten that grows old while others are asked for')
  t.equal(asked.length, 2)
})

test('what a password policy says beside an answer', async t => {
  for (const [name, hex, expected] of [
    ['nothing', '3000', undefined],
    ['expired', '3003810100', 'expired'],
    ['locked', '3003810101', 'locked'],
    ['to be changed', '3003810102', 'must-change'],
    ['something that no bind is told', '3003810106', undefined],
    ['that it will expire', '3005a003800132', undefined],
    ['that some logins are left, and locked', '3008a003810102810101', 'locked'],
    ['no value at all', '', undefined]
  ] as const) {
    const control = new PasswordPolicyControl()
    control.parse(new BerReader(Buffer.from(hex, 'hex')))
    t.equal(control.error, expected, name)
  }
  for (const [name, hex] of [
    ['what is no sequence', '0400'],
    ['a lock that is cut short', '30028101'],
    ['a lock without a number', '30028100'],
    ['an error that there is not', '3003810109'],
    ['something behind it', '30038101013000'],
    ['something behind the error', '3006810101810101']
  ] as const) t.throws(() => { new PasswordPolicyControl().parse(new BerReader(Buffer.from(hex, 'hex'))) }, { name: 'AnswerError' }, name)
})

test('identifiers of the wrong length', async t => {
  for (const [attribute, hex] of [['objectGUID', ''], ['objectGUID', '0011'], ['objectSid', ''], ['objectSid', '0105000000000005'], ['objectSid', '01000000000000050000']] as const) {
    t.throws(() => new LdapEntry({ dn: 'cn=a', [attribute]: Buffer.from(hex, 'hex') }).text(attribute), { code: 'AUTHN_DIRECTORY' }, `${attribute} ${hex}`)
  }
})

test('hosts that fail are asked again until they answer', async t => {
  const [one, two] = ['one', 'two'].map(name => ({ name, hostname: name, port: 636 })) as [Host, Host]
  const events: string[] = []
  let probes = 0
  const hosts = new Hosts({
    hosts: [one, two],
    probeInterval: 1,
    onLost: ({ name }) => { events.push(`lost ${name}`) },
    log: { debug () {}, error () {}, warn: (_fields, message) => { events.push(message) }, info: (_fields, message) => { events.push(message) } },
    probe: async () => { if (++probes < 3) throw new Error('not yet') }
  })
  t.teardown(() => { hosts.close() })
  t.strictSame(hosts.inOrder(), [one, two])
  for (let times = 0; times < 3; times++) hosts.markDown(one, new Error('gone'))
  t.strictSame(hosts.inOrder(), [two, one])
  await until('it answers', () => events.length === 3)
  t.strictSame([probes, hosts.inOrder()], [3, [one, two]])
  t.strictSame(events, ['lost connection to directory host; retrying', 'lost one', 'directory host is reachable again'])
})

test('what the answer to a bind means', async t => {
  const microsoft = (data: string): string => `InvalidCredentialsError 49: 80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data ${data}, v4563`
  for (const [name, code, message, policy, expected] of [
    ['success', 0, '', undefined, 'correct'],
    ['wrong', 49, 'InvalidCredentialsError 49', undefined, 'incorrect'],
    ['52e', 49, microsoft('52e'), undefined, 'incorrect'],
    ['525', 49, microsoft('525'), undefined, 'incorrect'],
    ['530', 49, microsoft('530'), undefined, 'disabled'],
    ['531', 49, microsoft('531'), undefined, 'disabled'],
    ['532', 49, microsoft('532'), undefined, 'expired'],
    ['533', 49, microsoft('533'), undefined, 'disabled'],
    ['701', 49, microsoft('701'), undefined, 'expired'],
    ['773', 49, microsoft('773'), undefined, 'expired'],
    ['775', 49, microsoft('775'), undefined, 'locked'],
    ['52f', 49, microsoft('52f'), undefined, 'disabled'],
    ['569', 49, microsoft('569'), undefined, 'disabled'],
    ['words that only look like one', 49, 'InvalidCredentialsError 49: no data fed', undefined, 'incorrect'],
    ['policy: expired', 49, '', 'expired', 'expired'],
    ['policy: locked', 49, '', 'locked', 'locked'],
    ['policy: to be changed, with a success', 0, '', 'must-change', 'expired'],
    ['389-ds: inactivated', 53, 'UnwillingToPerformError 53: Account inactivated. Contact system administrator.', undefined, 'disabled'],
    ['389-ds: too many tries', 19, 'ConstraintViolationError 19: Exceed password retry limit. Please try later.', undefined, 'locked']
  ] as const) {
    const outcome = bindOutcomeOf({ code, rawMessage: message, message, policy })
    t.equal(typeof outcome === 'string' ? outcome : outcome.denied, expected, name)
  }
  for (const [code, message] of [[49, microsoft('51f')], [49, microsoft('0')], [10, 'UnknownStatusCodeError 10: referral'], [53, 'UnwillingToPerformError 53: restricted'], [13, 'ConfidentialityRequiredError 13'], [1, 'OperationsError 1']] as const) {
    t.throws(() => bindOutcomeOf({ code, rawMessage: message, message, policy: undefined }), { code: 'AUTHN_DIRECTORY' }, message)
  }
})

test('what an entry says of its account', async t => {
  const now = Date.UTC(2027, 0, 1)
  const ticks = (time: number): string => String((BigInt(time) + 11_644_473_600_000n) * 10_000n)
  for (const [name, attributes, expected] of [
    ['nothing', {}, undefined],
    ['in order', { userAccountControl: '66048', accountExpires: '9223372036854775807' }, undefined],
    ['never expires', { accountExpires: '0' }, undefined],
    ['disabled (AD)', { userAccountControl: '514' }, 'disabled'],
    ['locked (AD)', { 'msDS-User-Account-Control-Computed': '16' }, 'locked'],
    ['a password that is too old (AD)', { userAccountControl: '512', 'msDS-User-Account-Control-Computed': '8388608' }, 'expired'],
    ['disabled before all else', { userAccountControl: '530' }, 'disabled'],
    ['disabled (389-ds, FreeIPA)', { nsAccountLock: 'true' }, 'disabled'],
    ['not disabled', { nsAccountLock: 'FALSE' }, undefined],
    ['expired (AD)', { accountExpires: ticks(now) }, 'expired'],
    ['not yet', { accountExpires: ticks(now + 1) }, undefined],
    ['expired (FreeIPA)', { krbPrincipalExpiration: '20261231235959Z' }, 'expired'],
    ['not a time', { krbPrincipalExpiration: 'tomorrow', accountExpires: 'never' }, undefined],
    ['locked for good', { pwdAccountLockedTime: '000001010000Z' }, 'locked'],
    ['locked for a while', { pwdAccountLockedTime: '20261231235959Z' }, undefined],
    ['must change the password', { pwdReset: 'TRUE' }, 'expired']
  ] as Array<[string, Record<string, string>, string | undefined]>) {
    t.equal(accountStateOf(new LdapEntry({ dn: 'cn=a', ...attributes }), now).denial?.denied, expected, name)
  }
  t.equal(accountStateOf(new LdapEntry({ dn: 'cn=a', pwdAccountLockedTime: '20261231235959Z' }), now).maybeLocked, true)
  t.strictSame(accountStateOf(new LdapEntry({ dn: 'cn=a', accountExpires: ticks(now + 5000), krbPrincipalExpiration: '20270101000001Z' }), now).expiresAt, new Date(now + 1000), 'the earlier end')
  t.strictSame(fileTime('132223104000000000'), new Date('2020-01-01T00:00:00Z'))
})

test('hosts', async t => {
  for (const [url, name, hostname, port] of [
    ['ldaps://dc1.example.test', 'dc1.example.test:636', 'dc1.example.test', 636], ['ldap://dc1', 'dc1:389', 'dc1', 389], ['ldaps://[2001:db8::1]:1636/', '[2001:db8::1]:1636', '2001:db8::1', 1636]
  ] as const) t.strictSame(hostOf(url), { name, hostname, port }, url)
})

test('more groups than can be meant', async t => {
  const settings = (fields: object) => resolveSettings(ldapConfig({ preset: 'openldap', urls: ['ldaps://dc1'], userSearch: { baseDN: 'dc=x' }, groupSearch: { baseDN: 'dc=x', nameAttribute: 'entryUUID', ...fields } })).groups
  const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `entryUUID=g${index},dc=x`)
  const account = (memberOf: string[]) => ({ entry: new LdapEntry({ dn: 'uid=a,dc=x', memberOf }), username: 'a', uid: undefined, extra: {}, key: 'a', passwordVersion: undefined })
  const nobody: Search = async () => []
  const direct = new Groups(settings({ mode: 'memberOf' }), { onDropped () {}, onCaseMismatch () {} })
  t.equal((await direct.of(account(names(5_000)), nobody)).names.length, 5_000)
  t.equal((await direct.of(account([...names(5_000), ...names(5_000)]), nobody)).names.length, 5_000, 'each counts once')
  await t.rejects(direct.of(account(names(5_001)), nobody), { code: 'AUTHN_DIRECTORY', message: 'an account is in more than 5000 groups' })
  const nested = new Groups(settings({ mode: 'search', nested: 1 }), { onDropped () {}, onCaseMismatch () {} })
  let level = 0
  const climbing: Search = async () => names(level++ === 0 ? 1 : 5_001).map(dn => new LdapEntry({ dn }))
  await t.rejects(nested.of(account([]), climbing), { message: /more than 5000 groups/ })
  const tokens = new TokenGroups(settings({ mode: 'search' }))
  const sids = Array.from({ length: 5_001 }, () => Buffer.from('010100000000000515000000', 'hex'))
  await t.rejects(tokens.of('cn=a', async () => [new LdapEntry({ dn: 'cn=a', tokenGroups: sids })]), { message: /more than 5000 groups/ })
})
