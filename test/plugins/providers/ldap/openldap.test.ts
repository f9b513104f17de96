/** The provider ldap on OpenLDAP: who is found, who gets in, and with which groups. */
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { Attribute, Change, Client } from 'ldapts'
import { test } from 'tap'
import ldap from '../../../../plugins/providers/ldap/index.js'
import type { Authentication } from '../../../../src/authn/provider.js'
import { conformanceCases } from '../../../../src/conformance/index.js'
import { openLdap, openldapConfig, outcome, type LdapFields } from '../../../fixtures/ldap.js'
import { freePort } from '../../../fixtures/child.js'
import { alice, bob, carol } from '../../../fixtures/people.js'
import { ADMIN, GROUPS, odd, READER, startSlapd, SUFFIX, UUIDS, zoe } from '../../../fixtures/slapd.js'

const PEOPLE = `ou=people,${SUFFIX}`

/** 1,200 groups of one user: more than a page. */
const CROWD = Array.from({ length: 1200 }, (_, index) => `dn: cn=team-${index},ou=crowd,${SUFFIX}
objectClass: groupOfNames
cn: team-${index}
member: uid=bob,${PEOPLE}

`).join('')
const HEIDI_PASSWORD = 'canary-heidi-password'

function posixGroup (name: string, gid: number, more = ''): string {
  return `dn: cn=${name},ou=posix,${SUFFIX}\nobjectClass: posixGroup\ncn: ${name}\ngidNumber: ${gid}\n${more}\n`
}

const TREE = `
dn: ou=crowd,${SUFFIX}
objectClass: organizationalUnit
ou: crowd

${CROWD}
dn: ou=hard,${SUFFIX}
objectClass: organizationalUnit
ou: hard

dn: cn=a\\2Cb \\2B (c*) \\5C d,ou=hard,${SUFFIX}
objectClass: groupOfNames
cn: a,b + (c*) \\ d
member: uid=alice,${PEOPLE}

dn: cn=Gr\u00fc\u00dfe,ou=hard,${SUFFIX}
objectClass: groupOfNames
cn: Gr\u00fc\u00dfe
cn: cluster-admins
member: uid=alice,${PEOPLE}
member: cn=a\\2Cb \\2B (c*) \\5C d,ou=hard,${SUFFIX}

dn: uid=ivan,ou=hard,${SUFFIX}
objectClass: inetOrgPerson
uid: ivan
cn: ivan
sn: ivan
userPassword: canary-ivan-password
pwdChangedTime: 20200101000000Z

dn: ou=posix,${SUFFIX}
objectClass: organizationalUnit
ou: posix

dn: uid=heidi,${PEOPLE}
objectClass: inetOrgPerson
objectClass: posixAccount
uid: heidi
cn: Heidi (on call)
sn: Heidi
uidNumber: 5000
gidNumber: 5001
homeDirectory: /home/heidi
departmentNumber: *)(cn=*
userPassword: ${HEIDI_PASSWORD}

${posixGroup('staff', 5001)}
${posixGroup('operators', 5002, 'memberUid: heidi')}
${posixGroup('finance', 50010)}
${posixGroup('platform', 5003, 'memberUid: alice')}
`

test('OpenLDAP', async t => {
  const slapd = await startSlapd(t, { tree: TREE, conf: 'sizelimit size.soft=2000 size.hard=2000' })
  if (slapd === undefined) return
  const open = async (t: Parameters<typeof openLdap>[0], fields: LdapFields = {}) => await openLdap(t, openldapConfig(slapd, fields))

  t.test('keeps the contract', async t => {
    const silent = createServer(socket => { socket.unref().on('error', () => {}) }).listen(0, '127.0.0.1').unref()
    await once(silent, 'listening')
    const gone = `ldaps://127.0.0.1:${await freePort()}`
    const user = { username: 'alice', uid: UUIDS.alice, groups: ['developers', 'platform'], extra: { 'example.com/team': ['platform', 'on-call'] } }
    const fields = { userSearch: { baseDN: PEOPLE, attributes: { extra: { 'example.com/team': 'departmentNumber' } } } }
    const noUid = { userSearch: { baseDN: PEOPLE, attributes: { uid: 'employeeNumber' } } }
    for (const [name, config, valid] of [
      ['with a service account', fields, [
        { credential: { username: 'alice', password: alice.password }, user, spellings: ['ALICE', 'Alice'] },
        { credential: { username: 'bob', password: bob.password }, user: { username: 'bob', uid: UUIDS.bob, groups: ['developers'], extra: {} } }
      ]],
      ['with names that have to be escaped', noUid, [
        { credential: { username: odd.username, password: odd.password }, user: { username: odd.username, groups: ['developers'], extra: {} } },
        { credential: { username: zoe.username, password: zoe.password }, user: { username: zoe.username, groups: [], extra: {} }, spellings: ['ZO\u00cb', 'zoe\u0308'] }
      ]],
      ['with a template and a service account', { userDNTemplate: `uid={username},${PEOPLE}`, userSearch: { attributes: { uid: 'employeeNumber' } } }, [
        { credential: { username: odd.username, password: odd.password }, user: { username: odd.username, groups: ['developers'], extra: {} } },
        { credential: { username: 'bob', password: bob.password }, user: { username: 'bob', groups: ['developers'], extra: {} }, spellings: ['BOB'] }
      ]]
    ] as const) {
      t.test(name, async t => {
        const cases = conformanceCases({
          definition: ldap,
          config: openldapConfig(slapd, config),
          unreachable: openldapConfig(slapd, { ...config, urls: [gone] }),
          silent: openldapConfig(slapd, { ...config, urls: [`ldaps://127.0.0.1:${(silent.address() as AddressInfo).port}`] }),
          valid: valid.map(({ user, credential, ...rest }) => ({ credential: { ...credential }, user: JSON.parse(JSON.stringify(user)), ...'spellings' in rest && { spellings: rest.spellings } })),
          refused: [
            { credential: { username: 'bob', password: 'canary-not-of-bob' }, reason: 'wrong-credential' },
            { credential: { username: 'carol', password: carol.password }, reason: 'locked' },
            { credential: { username: 'dave', password: 'canary-dave-password' }, reason: 'expired' }
          ],
          deniedAccounts: [{ query: { username: 'carol' }, reason: 'locked' }, { query: { username: 'DAVE' }, reason: 'expired' }],
          foreign: ['canary-opaque-token', { username: 'nobody', password: 'canary-of-nobody' }]
        })
        for (const { name, run } of cases) await t.resolves(run(), name)
      })
    }
  })

  t.test('tells the version of a password by pwdChangedTime', async t => {
    const { ask, find } = await open(t, { userSearch: { baseDN: `ou=hard,${SUFFIX}` } })
    const versions = async (username: string, password: string): Promise<Array<string | undefined>> => {
      const answers = [await ask(username, password), await find({ username })]
      return answers.map(answer => (answer as Authentication).passwordVersion)
    }
    const admin = new Client({ url: slapd.url })
    await admin.bind(ADMIN.dn, ADMIN.password)
    t.teardown(async () => { await admin.unbind() })
    const change = async (type: string, value: string): Promise<void> => {
      await admin.modify(`uid=ivan,ou=hard,${SUFFIX}`, new Change({ operation: 'replace', modification: new Attribute({ type, values: [value] }) }))
    }
    const first = 'pwdChangedTime=20200101000000Z;'
    t.strictSame(await versions('ivan', 'canary-ivan-password'), [first, first])
    await ask('ivan', 'canary-ivan-guess')
    await change('description', 'on call')
    t.strictSame(await versions('ivan', 'canary-ivan-password'), [first, first], 'which neither a wrong password nor another attribute changes')
    await change('userPassword', 'canary-ivan-changed')
    const [now, found] = await versions('ivan', 'canary-ivan-changed')
    t.match(now, /^pwdChangedTime=2\d{13}/)
    t.not(now, first)
    t.equal(found, now)
  })

  t.test('has none for a password that no policy has seen', async t => {
    const { ask, find } = await open(t)
    await ask('heidi', 'canary-heidi-guess')
    for (const answer of [await find({ username: 'heidi' }), await ask('heidi', HEIDI_PASSWORD)]) {
      t.equal(outcome(answer), 'heidi')
      t.notOk(Object.hasOwn(answer!, 'passwordVersion'), 'the failed bind that the entry shows is no version')
    }
  })

  t.test('takes for a user nothing but the name that an entry has', async t => {
    const { ask } = await open(t)
    for (const typed of [
      '*', 'al*', 'alice*', '*)(uid=*', ')(uid=*', 'alice)(uid=alice', 'alice)(|(uid=*', '(uid=alice)', '\\61lice', '\\00', 'alice\0', 'alice\\00', '\\2a', '{username}', '{dn}',
      'alice ', ' alice', 'al ice', 'alice\t', 'alice\u00a0', 'alice\u200b', '\u202ealice',
      '\uff41lice', 'alic\u0435', '\u{1d41a}lice', 'al\u0131ce', 'ali\u00e7e', 'alice\u0301',
      `uid=alice,${PEOPLE}`, 'alice,ou=people', 'EXTERNAL', 'PLAIN', 'DIGEST-MD5', 'SCRAM-SHA-1', '$1', '$&', '%s', '', 'a'.repeat(10_000)
    ]) t.equal(outcome(await ask(typed, alice.password)), 'nobody', JSON.stringify(typed.slice(0, 40)))
    t.equal(outcome(await ask('alice', alice.password)), 'alice')
  })

  t.test('and by a template neither', async t => {
    const { ask } = await open(t, { userDNTemplate: `uid={username},${PEOPLE}`, userSearch: {} })
    for (const typed of ['alice,ou=people', `alice,${PEOPLE}`, 'alice+cn=alice', '\\61lice', '#616c696365', 'alice ', ' alice', '"alice"', '\uff41lice', 'alice\0', '{username}', '']) {
      t.equal(outcome(await ask(typed, alice.password)), 'nobody', JSON.stringify(typed))
    }
    t.equal(outcome(await ask('Alice', alice.password)), 'alice')
  })

  t.test('refuses a name that two entries have', async t => {
    const { ask, events } = await open(t)
    t.strictSame(await ask('twin', 'canary-twin-password'), { denied: 'wrong-credential' })
    t.strictSame(events, ['ambiguous-user'])
  })

  t.test('never sends an empty password', async t => {
    const { ask } = await open(t)
    const before = await slapd.count(/BIND dn="uid=alice/)
    t.equal(outcome(await ask('alice', '')), 'nobody')
    t.equal(await slapd.count(/BIND dn="uid=alice/), before)
  })

  t.test('lets users read for themselves where there is no service account', async t => {
    const { ask, provider, logged } = await open(t, { bindDN: '', bindPassword: undefined, userDNTemplate: `uid={username},${PEOPLE}`, userSearch: {}, groupSearch: { mode: 'none' } })
    t.match(await ask('ALICE', alice.password), { user: { username: 'alice', uid: UUIDS.alice, groups: [] } })
    t.equal(outcome(await ask('alice', 'wrong')), 'wrong-credential')
    t.equal(outcome(await ask('nobody', 'wrong')), 'wrong-credential', 'a bind does not tell who is there')
    t.equal(outcome(await ask('dave', 'canary-dave-password')), 'expired')
    t.equal(provider.lookup, undefined, 'nobody may look up others')
    t.match(logged, [/must be changed/])
  })

  t.test('searches anonymously where the directory allows it', async t => {
    const anonymous = { bindDN: '', bindPassword: undefined, groupSearch: { mode: 'none' } }
    const { ask } = await open(t, { ...anonymous, userSearch: { baseDN: `ou=open,${SUFFIX}` } })
    t.equal(outcome(await ask('gail', 'canary-gail-password')), 'gail')
    const refused = await open(t, anonymous)
    await t.rejects(refused.ask('alice', alice.password), { message: /rejected a search under .* InsufficientAccessError 50/ }, 'and says so where it does not')
  })

  t.test('finds users by filters with escapes and line breaks', async t => {
    for (const [name, filter, username, expected] of [
      ['an escaped character beside the name', '(mail={username}@example\\2etest)', 'ALICE', 'alice'],
      ['parentheses around a part of the value', '(cn={username} \\28on call\\29)', 'heidi', 'heidi'],
      ['lines', '(&\n  (objectClass=inetOrgPerson)\n  (|\n    (uid={username})\n    (mail={username})\n  )\n)\n', 'alice@example.test', 'alice'],
      ['no parentheses', 'uid={username}', 'alice', 'alice'],
      ['an escaped letter', '(uid=zo\\c3\\ab{username})', 'x', undefined],
      ['the same where the entry has it', '(&(cn=Zo\\c3\\ab)(uid={username}))', zoe.username, zoe.username]
    ] as const) {
      const { lookup } = await open(t, { userSearch: { baseDN: PEOPLE, filter } })
      t.equal((await lookup(username))?.username, expected, name)
    }
  })

  t.test('reads groups by attributes of the user', async t => {
    const baseDN = `ou=posix,${SUFFIX}`
    for (const [name, username, groupSearch, expected] of [
      ['the primary group too', 'heidi', { baseDN, filter: '(|(memberUid={username})(gidNumber={gidNumber}))' }, ['operators', 'staff']],
      ['none for who has no such attribute', 'alice', { baseDN, filter: '(|(memberUid={username})(gidNumber={gidNumber}))' }, ['platform']],
      ['nor any other group', 'alice', { baseDN, filter: '(gidNumber={gidNumber})' }, []],
      ['nor those that differ from nothing', 'alice', { baseDN, filter: '(!(gidNumber={gidNumber}))' }, []],
      ['each value of several', 'alice', { baseDN: GROUPS, filter: '(cn={departmentNumber})' }, ['platform']],
      ['a value that looks like a filter', 'heidi', { baseDN, filter: '(cn={departmentNumber})' }, []],
      ['and what those are in, by their DN', 'alice', { baseDN: GROUPS, filter: '(|(member={dn})(cn={departmentNumber}))', nested: 1 }, ['developers', 'engineering', 'platform']],
      ['for users found by a template', 'heidi', { baseDN, filter: '(gidNumber={gidNumber})' }, ['staff']]
    ] as const) {
      const template = name.includes('template') ? { userDNTemplate: `uid={username},${PEOPLE}`, userSearch: {} } : {}
      const { lookup } = await open(t, { groupSearch, ...template })
      t.strictSame((await lookup(username))?.groups?.toSorted(), expected, name)
    }
    const { explain } = await open(t, { groupSearch: { baseDN, filter: '(gidNumber={gidNumber})' } })
    t.match((await explain('alice')).at(-1), `uid=alice,${PEOPLE} has no gidNumber, used by groupSearch.filter: no group can match`)
  })

  t.test('says what it may not see', async t => {
    for (const [name, fields, message] of [
      ['no such base', { userSearch: { baseDN: `ou=nowhere,${SUFFIX}` } }, /userSearch.baseDN ou=nowhere,\S+ does not exist/],
      ['no such base of groups', { groupSearch: { baseDN: `ou=nowhere,${SUFFIX}` } }, /groupSearch.baseDN ou=nowhere,\S+ does not exist/],
      ['a filter that the server does not like', { userSearch: { baseDN: 'nonsense', filter: '(uid={username})', attributes: { username: 'uid' } } }, undefined]
    ] as const) {
      if (message === undefined) t.throws(() => openldapConfig(slapd, fields), name)
      else await t.rejects((await open(t, fields)).ask('alice', alice.password), { message }, name)
    }
  })

  t.test('leaves out an entry without a username of its own', async t => {
    const { ask, logged } = await open(t, { userSearch: { baseDN: PEOPLE, attributes: { username: 'employeeNumber' } } })
    t.equal(outcome(await ask('alice', alice.password)), 'nobody')
    t.match(logged, [/no employeeNumber/])
  })

  t.test('tells the state of an account', async t => {
    const { ask, attempts } = await open(t)
    for (const [name, username, password, expected] of [
      ['locked by an administrator', 'carol', carol.password, 'locked'],
      ['must change the password', 'dave', 'canary-dave-password', 'expired'],
      ['a password that is too old', 'frank', 'canary-frank-password', 'expired'],
      ['a wrong password', 'alice', 'canary-not-of-alice', 'wrong-credential']
    ] as const) t.equal(outcome(await ask(username, password)), expected, name)
    t.equal(attempts.length, 2, 'what an entry says itself costs no bind')
  })

  t.test('reads groups', async t => {
    for (const [name, username, groupSearch, expected] of [
      ['by a search', 'alice', { baseDN: GROUPS }, ['developers', 'platform']],
      ['and what is in what', 'alice', { baseDN: GROUPS, nested: 1 }, ['developers', 'engineering', 'platform']],
      ['to any depth, through a circle', 'alice', { baseDN: GROUPS, nested: 20 }, ['developers', 'engineering', 'everybody', 'platform']],
      ['of a DN with every metacharacter', odd.username, { baseDN: GROUPS }, ['developers']],
      ['of whatever name, by the one in the DN', 'alice', { baseDN: `ou=hard,${SUFFIX}` }, ['Gr\u00fc\u00dfe', 'a,b + (c*) \\ d']],
      ['of a group with every metacharacter', 'alice', { baseDN: `ou=hard,${SUFFIX}`, filter: '(&(cn=a,b*)(member={dn}))' }, ['a,b + (c*) \\ d']],
      ['page by page', 'bob', { baseDN: `ou=crowd,${SUFFIX}` }, Array.from({ length: 1200 }, (_, index) => `team-${index}`).sort()],
      ['by the username', 'alice', { baseDN: GROUPS, filter: '(&(cn=platform)(member=uid={username},ou=people,dc=example,dc=test))' }, ['platform']],
      ['that match', 'alice', { baseDN: GROUPS, include: '^plat' }, ['platform']],
      ['by what the entry names, below the base alone', 'alice', { mode: 'memberOf', baseDN: GROUPS }, ['developers', 'platform']],
      ['elsewhere', 'alice', { mode: 'memberOf', baseDN: `ou=elsewhere,${SUFFIX}` }, ['outsiders']],
      ['and what those are in', 'alice', { mode: 'memberOf', baseDN: GROUPS, nested: 1 }, ['developers', 'engineering', 'platform']],
      ['through a circle', 'alice', { mode: 'memberOf', baseDN: GROUPS, nested: 9 }, ['developers', 'engineering', 'everybody', 'platform']],
      ['by an attribute that is not in the DN', 'alice', { mode: 'memberOf', baseDN: GROUPS, nameAttribute: 'entryUUID', include: '.' }, undefined],
      ['wherever they are, by a name that is unique everywhere', 'alice', { mode: 'memberOf', nameAttribute: 'entryUUID' }, 3],
      ['not what is gone', 'bob', { mode: 'memberOf', baseDN: GROUPS, nested: 1 }, ['developers', 'engineering']],
      ['none', 'alice', { mode: 'none' }, []],
      ['not where two share the name', 'bob', { baseDN: GROUPS }, ['developers']],
      ['but in a container where one has it', 'bob', { baseDN: `ou=delegated,${GROUPS}` }, ['cluster-admins']]
    ] as const) {
      const { lookup } = await open(t, { groupSearch })
      const groups = (await lookup(username))?.groups?.toSorted()
      if (expected === 3) t.equal(groups?.length, 3, name)
      else if (expected === undefined) t.match(groups, [/^[0-9a-f-]{36}$/, /^[0-9a-f-]{36}$/], name)
      else t.strictSame(groups, expected, name)
    }
  })

  t.test('climbs from many groups in questions that fit into a message', async t => {
    const { lookup } = await open(t, { groupSearch: { baseDN: SUFFIX, nested: 1, include: '^team-1[0-9]$' } })
    t.equal((await lookup('bob'))?.groups?.length, 10)
    t.equal(await slapd.count(/SRCH base="dc=example,dc=test".*filter="\(\|\(\|\(member=/), Math.ceil(1202 / 50), 'fifty groups in each')
  })

  t.test('asks once for a group that several others are in', async t => {
    const { lookup } = await open(t, { groupSearch: { mode: 'memberOf', baseDN: GROUPS, nested: 1 } })
    const asked = async (): Promise<number> => await slapd.count(/SRCH base="cn=engineering,\S+ scope=0/)
    const before = await asked()
    t.strictSame((await lookup('alice'))?.groups?.toSorted(), ['developers', 'engineering', 'platform'])
    t.equal(await asked(), before + 1)
  })

  t.test('counts groups that share a name, and asks once a minute', async t => {
    const { lookup, events } = await open(t)
    await lookup('bob')
    t.strictSame(events, ['group-dropped'])
    await lookup('alice')
    const asked = async (): Promise<number> => await slapd.count(/filter="\(\|\(cn=/)
    const before = await asked()
    await lookup('alice')
    t.equal(await asked(), before, 'known to be the only ones')
  })

  t.test('wants a group', async t => {
    for (const [requireGroup, expected] of [['platform', 'alice'], [`CN=Platform, ${GROUPS}`, 'alice'], ['cluster-admins', 'not-member'], [`cn=developers,ou=delegated,${GROUPS}`, 'not-member']] as const) {
      const { ask, lookup } = await open(t, { requireGroup })
      t.equal(outcome(await ask('alice', alice.password)), expected, requireGroup)
      t.equal((await lookup('alice'))?.username, expected === 'alice' ? 'alice' : undefined)
    }
    const { ask } = await open(t, { requireGroup: 'platform', groupSearch: { baseDN: GROUPS, include: '^dev' } })
    t.match(await ask('alice', alice.password), { user: { groups: ['developers'] } }, 'which need not come out')
  })

  t.test('wants a group in the spelling of the directory, and says so', async t => {
    const { ask, explain, logged } = await open(t, { requireGroup: 'Platform' })
    t.equal(outcome(await ask('alice', alice.password)), 'not-member')
    t.equal(outcome(await ask('alice', alice.password)), 'not-member', 'said once')
    t.strictSame(logged.filter(line => line.includes('requireGroup')), ['warn: denied a user whose group differs from requireGroup only in case: write requireGroup as the directory does {"requireGroup":"Platform","group":"platform"}'])
    t.ok((await explain('alice')).some(sentence => /not a member of Platform, required by requireGroup; platform differs only in case$/.test(sentence)))
  })

  t.test('looks users up without a password', async t => {
    const { find, attempts, events } = await open(t)
    t.match(await find({ username: 'ALICE' }), { user: { username: 'alice', uid: UUIDS.alice, groups: ['developers', 'platform'] } })
    t.match(await find({ uid: UUIDS.bob }), { user: { username: 'bob', uid: UUIDS.bob, groups: ['developers'] } })
    for (const [username, expected] of [['nobody', 'nobody'], ['*', 'nobody'], ['', 'nobody'], ['carol', 'locked'], ['dave', 'expired'], ['twin', 'wrong-credential']] as const) {
      t.equal(outcome(await find({ username })), expected, username)
    }
    t.strictSame([...events, ...attempts], ['group-dropped', 'ambiguous-user'])
    t.equal(outcome(await (await open(t, { requireGroup: 'cluster-admins' })).find({ username: 'alice' })), 'not-member')
  })

  t.test('looks users up by uid, wherever their entries are now', async t => {
    const admin = new Client({ url: slapd.url })
    t.teardown(async () => { await admin.unbind() })
    await admin.bind(ADMIN.dn, ADMIN.password)
    const uuidOf = async (dn: string): Promise<string> => String((await admin.search(dn, { scope: 'base', attributes: ['entryUUID'] })).searchEntries[0]!['entryUUID'])
    const move = async (from: string, to: string): Promise<void> => { await admin.modifyDN(from, to) }
    await admin.add(`uid=mover,${PEOPLE}`, { objectClass: 'inetOrgPerson', uid: 'mover', cn: 'mover', sn: 'mover', mail: 'mover@example.test' })
    const uid = await uuidOf(`uid=mover,${PEOPLE}`)
    const byFilter = await open(t)
    const byMail = await open(t, { userSearch: { baseDN: SUFFIX, filter: '(&(!(uid=away))(mail={username}@example\\2etest))' } })
    const byTemplate = await open(t, { userDNTemplate: `uid={username},${PEOPLE}`, userSearch: {} })
    const each = async (): Promise<string[]> => await Promise.all([byFilter, byMail, byTemplate].map(async ({ find }) => outcome(await find({ uid }))))
    t.strictSame(await each(), ['mover', 'mover', 'mover'])
    await move(`uid=mover,${PEOPLE}`, `uid=renamed,${PEOPLE}`)
    t.strictSame(await each(), ['renamed', 'renamed', 'renamed'], 'under the new name')
    await move(`uid=renamed,${PEOPLE}`, `uid=renamed,ou=open,${SUFFIX}`)
    t.strictSame(await each(), ['nobody', 'renamed', 'nobody'], 'below the base only')
    await move(`uid=renamed,ou=open,${SUFFIX}`, `uid=away,ou=open,${SUFFIX}`)
    t.strictSame(await each(), ['nobody', 'nobody', 'nobody'], 'whom the filter still finds')
    t.equal(outcome(await byFilter.find({ uid: await uuidOf(`uid=carol,${PEOPLE}`) })), 'locked')
    t.equal(outcome(await byFilter.find({ uid: await uuidOf(`cn=twin one,${PEOPLE}`) })), 'wrong-credential', 'whose name means one account')
    t.match(await byTemplate.find({ uid: await uuidOf(odd.dn) }), { user: { username: odd.username } })
    t.strictSame((await byFilter.explain({ uid: UUIDS.alice })).slice(0, 3), [`searched ${PEOPLE} for entryUUID ${UUIDS.alice}: 1 entry`, `searched ${PEOPLE} for (uid=alice): 1 entry`, `found uid=alice,${PEOPLE}`])
  })

  t.test('takes for a uid nothing but the value that one account has', async t => {
    const { find } = await open(t)
    const byTemplate = await open(t, { userDNTemplate: `uid={username},${PEOPLE}`, userSearch: {} })
    for (const query of [{ username: '' }, { uid: '' }]) t.equal(outcome(await byTemplate.find(query)), 'nobody')
    for (const uid of ['*', '', 'alice', `${UUIDS.alice}*`, UUIDS.alice.replaceAll('-', ''), `${UUIDS.alice})(uid=*`, '11111111-0000-4000-8000-000000000009', '\0', 'x'.repeat(10_000)]) {
      t.equal(outcome(await find({ uid })), 'nobody', uid.slice(0, 40))
    }
    const bySurname = await open(t, { userSearch: { baseDN: SUFFIX, filter: '(cn={username})', attributes: { username: 'cn', uid: 'sn' } } })
    t.equal(outcome(await bySurname.find({ uid: 'heidi' })), 'nobody', 'a uid differs in case')
    t.equal(outcome(await bySurname.find({ uid: 'Heidi' })), 'Heidi (on call)')
    t.equal(outcome(await bySurname.find({ uid: 'twin' })), 'wrong-credential', 'of two accounts')
    const byDepartment = await open(t, { userSearch: { baseDN: SUFFIX, attributes: { uid: 'departmentNumber' } } })
    t.equal(outcome(await byDepartment.find({ uid: 'on-call' })), 'nobody', 'another value of the entry')
    const byClass = await open(t, { userSearch: { baseDN: PEOPLE, filter: '(&(uid={username})(mail=alice@example\\2etest))', attributes: { uid: 'objectClass' } } })
    t.equal(outcome(await byClass.find({ uid: 'inetOrgPerson' })), 'wrong-credential', 'of more than are read, even if one of these can log in')
    const without = await open(t, { preset: 'none', userSearch: { baseDN: PEOPLE, filter: '(uid={username})', attributes: { username: 'uid' } }, groupSearch: { mode: 'none' } })
    t.equal(outcome(await without.find({ uid: UUIDS.alice })), 'nobody', 'without an attribute for it')
  })

  t.test('explains itself', async t => {
    const { explain } = await open(t, { groupSearch: { baseDN: GROUPS, include: '^dev|^cluster' } })
    t.strictSame(await explain('Bob'), [
      `searched ${PEOPLE} for (uid=Bob): 1 entry`,
      `found uid=bob,${PEOPLE}`,
      `username bob from uid; uid ${UUIDS.bob} from entryUUID`,
      `searched ${GROUPS} for (|(member=uid=bob,${PEOPLE})(uniqueMember=uid=bob,${PEOPLE})): 2 groups`,
      `dropped cn=cluster-admins,ou=delegated,${GROUPS}: another group is also named cluster-admins`,
      `group developers: cn=developers,${GROUPS}`
    ])
    t.match((await explain('alice')).slice(-2), [`dropped cn=platform,${GROUPS}: platform does not match groupSearch.include`, /^group developers/])
    t.match((await (await open(t, { groupSearch: { baseDN: GROUPS, nameAttribute: 'ou' } })).explain('alice')).at(-1), /^ignored cn=platform,.*: it has no single ou$/)
    t.strictSame(await explain('twin'), [`searched ${PEOPLE} for (uid=twin): 2 entries`, 'denied: several entries have that name'])
    t.strictSame(await explain('carol'), [`searched ${PEOPLE} for (uid=carol): 1 entry`, `found uid=carol,${PEOPLE}`, 'denied, locked: the account is locked until an administrator unlocks it'])
    t.strictSame(await explain('alice '), [`searched ${PEOPLE} for (uid=alice ): 1 entry`, `uid=alice,${PEOPLE} has another name`])
    t.notMatch((await explain('alice')).join(), READER.password)
  })

  t.test('follows no referral', async t => {
    let asked = 0
    const other = createServer(socket => { asked++; socket.destroy() }).listen(0, '127.0.0.1')
    await once(other, 'listening')
    t.teardown(() => { other.close() })
    const tree = `
dn: ou=away,${SUFFIX}
objectClass: referral
objectClass: extensibleObject
ou: away
ref: ldap://127.0.0.1:${(other.address() as AddressInfo).port}/ou=away,${SUFFIX}
`
    const referring = (await startSlapd(t, { tree }))!
    const { ask } = await openLdap(t, openldapConfig(referring, { userSearch: { baseDN: SUFFIX } }))
    t.equal(outcome(await ask('alice', alice.password)), 'alice', 'one beside the entry')
    const away = { userDNTemplate: `uid={username},ou=away,${SUFFIX}`, userSearch: {} }
    await t.rejects((await openLdap(t, openldapConfig(referring, away))).ask('alice', alice.password), { message: /UnknownStatusCodeError 10/ }, 'one in its place')
    const asUser = await openLdap(t, openldapConfig(referring, { ...away, bindDN: '', bindPassword: undefined, groupSearch: { mode: 'none' } }))
    t.not(outcome(await asUser.ask('alice', alice.password).catch(() => null)), 'alice')
    t.equal(asked, 0, 'nobody came with a password')
  })

  t.test('answers a ping', async t => {
    const { provider } = await open(t)
    await t.resolves(Promise.resolve(provider.ping!({ signal: new AbortController().signal, log: { debug () {}, info () {}, warn () {}, error () {} } })))
  })
})
