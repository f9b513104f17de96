/** The provider ldap on Active Directory, where it differs: names, groups, states, and what the directory counts itself. */
import { test, type Test } from 'tap'
import ldap from '../../../../plugins/providers/ldap/index.js'
import { LdapConnection } from '../../../../plugins/providers/ldap/connection/ldap-connection.js'
import { dial, hostOf } from '../../../../plugins/providers/ldap/connection/dial.js'
import { UnavailableError } from '../../../../src/errors.js'
import { readText } from '../../../../src/documents/text.js'
import { conformanceCases } from '../../../../src/conformance/index.js'
import type { Authentication, CheckOutcome } from '../../../../src/authn/provider.js'
import { freePort } from '../../../fixtures/child.js'
import { ldapConfig, openLdap, outcome, type LdapFields } from '../../../fixtures/ldap.js'
import { alice, bob, carol } from '../../../fixtures/people.js'
import { needsRoot } from '../../../fixtures/packages.js'
import { DOMAIN, groupDN, READER, startSamba, userDN } from '../../../fixtures/samba.js'

/** What everybody is in: the primary group, and what that is in. */
const EVERYBODY = ['Domain Users', 'Users']

test('Active Directory', needsRoot('Samba'), async t => {
  const samba = await startSamba(t)
  if (samba === undefined) return
  const config = (fields: LdapFields = {}) => ldapConfig({
    preset: 'activeDirectory',
    urls: [samba.url],
    tls: { caFile: samba.caFile },
    bindDN: READER.name,
    bindPassword: READER.password,
    userSearch: { baseDN: DOMAIN },
    ...fields
  })
  const open = async (t: Test, fields: LdapFields = {}) => await openLdap(t, config(fields))
  const uid = (await (await open(t)).lookup('alice'))!.uid

  t.test('keeps the contract', async t => {
    const groupSearch = { mode: 'search', baseDN: `OU=groups,${DOMAIN}` }
    const cases = conformanceCases({
      definition: ldap,
      config: config({ groupSearch }),
      unreachable: config({ groupSearch, urls: [`ldaps://127.0.0.1:${await freePort()}`] }),
      valid: [{
        credential: { username: 'alice', password: alice.password },
        user: { username: 'alice', uid: uid!, groups: ['developers', 'odd group'], extra: {} },
        spellings: ['ALICE', 'CORP\\alice', 'corp\\Alice', 'alice@example.test', 'alice@corp', 'ALICE@Example.Test']
      }],
      refused: [
        { credential: { username: 'bob', password: 'canary-not-of-bob' }, reason: 'wrong-credential' },
        { credential: { username: 'carol', password: carol.password }, reason: 'disabled' }
      ],
      deniedAccounts: [{ query: { username: 'carol' }, reason: 'disabled' }, { query: { username: 'CORP\\dave' }, reason: 'expired' }, { query: { username: 'erin' }, reason: 'expired' }],
      foreign: [{ username: 'nobody', password: 'canary-of-nobody' }],
      changePassword: async (_credential, password) => { await samba.setPassword('alice', password) }
    })
    for (const { name, run } of cases) await t.resolves(run(), name)
  })

  t.test('gives an unknown name one budget, with its domain or without, and another domain\'s another', async t => {
    const { ask, unknown } = await open(t)
    const typed = ['mallory', 'CORP\\mallory', 'corp\\Mallory', 'example.test\\mallory', 'MALLORY@Example.Test', 'mallory@corp', 'OTHER\\mallory', 'mallory@other']
    for (const name of typed) t.equal(outcome(await ask(name, `canary-guess of ${name}`)), 'nobody', name)
    t.equal(unknown.length, typed.length)
    t.equal(new Set(unknown.slice(0, 6)).size, 1)
    t.equal(new Set(unknown).size, 3)
  })

  t.test('knows a name with its domain, and no other domain\'s', async t => {
    await samba.change(userDN('frank'), { userPrincipalName: 'frank.miller@corp.example.com' })
    const { lookup } = await open(t)
    for (const [typed, expected] of [
      ['alice', 'alice'], ['CORP\\alice', 'alice'], ['corp\\ALICE', 'alice'], ['example.test\\alice', 'alice'], ['alice@example.test', 'alice'], ['alice@corp', 'alice'],
      ['frank.miller@corp.example.com', 'frank'], ['frank@corp', 'frank'], ['CORP\\ren\u00e9', 'Ren\u00e9'],
      ['OTHER\\alice', undefined], ['alice@other', undefined], ['alice@corp.example.com', undefined], ['frank.miller', undefined], ['CORP\\', undefined], ['\\alice', undefined],
      ['CORP\\alice@corp', undefined], ['CORP\\CORP\\alice', undefined], ['alice@corp@corp', undefined], ['rene', undefined], ['*', undefined], ['CORP\\*', undefined], ['*@corp', undefined], ['CORP\\alice)(cn=*', undefined]
    ] as const) t.equal((await lookup(typed))?.username, expected, typed)
  })

  t.test('looks users up by objectGUID and objectSid', async t => {
    const { find } = await open(t)
    t.match(await find({ uid: uid! }), { user: { username: 'alice', uid } })
    for (const other of [uid!.toUpperCase(), uid!.replaceAll('-', ''), `{${uid!}}`, '00000000-0000-0000-0000-000000000000', '*', 'alice']) t.equal(await find({ uid: other }), null, other)
    const bobs = (await find({ username: 'bob' }) as Authentication).user.uid!
    await samba.change(userDN('bob'), { mail: 'alice@example.test' })
    const byMail = await open(t, { userSearch: { baseDN: DOMAIN, filter: '(|(mail={username})(userPrincipalName={username}))' } })
    t.equal(outcome(await byMail.find({ username: 'alice@example.test' })), 'alice', 'whose userPrincipalName it is')
    t.equal(outcome(await byMail.find({ uid: bobs })), 'bob', 'by the name that means nobody else')
    const bySid = await open(t, { userSearch: { baseDN: DOMAIN, attributes: { uid: 'objectSid' } } })
    const sid = (await bySid.lookup('bob'))!.uid!
    t.match(sid, /^S-1-5-21-/)
    t.match(await bySid.find({ uid: sid }), { user: { username: 'bob', uid: sid } })
    for (const other of [`${sid}0`, 'S-1-5-32-544', 'S-1-5', 'S-1-281474976710656-1', 'S-256-5-21', 'S-1-5-4294967296', '*', 'bob']) t.equal(await bySid.find({ uid: other }), null, other)
  })

  t.test('takes a userPrincipalName for its own account, before the account name with a domain of another one', async t => {
    await samba.change(userDN('frank'), { userPrincipalName: 'bob@corp' })
    const { ask, lookup, events, explain } = await open(t)
    for (const typed of ['bob@corp', 'BOB@Corp']) t.equal((await lookup(typed))?.username, 'frank', typed)
    for (const typed of ['bob', 'CORP\\bob', 'bob@example.test']) t.equal((await lookup(typed))?.username, 'bob', typed)
    t.equal(outcome(await ask('bob@corp', 'canary-frank-password')), 'frank')
    t.equal(outcome(await ask('bob@corp', bob.password)), 'wrong-credential')
    t.match((await explain('bob@corp'))[1], `ignored ${userDN('bob')}: bob@corp is the userPrincipalName of another account`)
    t.strictSame(events, [])
  })

  t.test('refuses a name that means two accounts', async t => {
    for (const name of ['alice', 'frank']) await samba.change(userDN(name), { mail: 'platform@example.test' })
    const { find, lookup, events } = await open(t, { userSearch: { baseDN: DOMAIN, filter: '(|(sAMAccountName={username})(userPrincipalName={username})(mail={username}))' } })
    t.strictSame(await find({ username: 'platform@example.test' }), { denied: 'wrong-credential' })
    t.match(await find({ uid: uid! }), { user: { username: 'alice' } }, 'unless another of their names means one')
    t.strictSame(events, ['ambiguous-user'])
    await samba.change(userDN('frank'), { userPrincipalName: 'platform@example.test' })
    t.equal((await lookup('platform@example.test'))?.username, 'frank', 'unless it is the userPrincipalName of one')
  })

  t.test('reads groups', async t => {
    for (const [name, username, groupSearch, expected] of [
      ['by tokenGroups, with nesting and the primary group', 'alice', {}, ['developers', 'engineering', 'odd group', ...EVERYBODY]],
      ['below a base', 'alice', { baseDN: `OU=groups,${DOMAIN}` }, ['developers', 'engineering', 'odd group']],
      ['by another name', 'alice', { baseDN: `OU=groups,${DOMAIN}`, nameAttribute: 'cn' }, ['a, b (c*) \\ d', 'developers', 'engineering']],
      ['not by a name that two have', 'bob', { baseDN: DOMAIN, nameAttribute: 'cn', include: 'admins|dev' }, ['developers']],
      ['by the matching rule', 'alice', { mode: 'inChain' }, ['developers', 'engineering', 'odd group']],
      ['by memberOf', 'alice', { mode: 'memberOf' }, ['developers', 'odd group']],
      ['by memberOf, nested', 'alice', { mode: 'memberOf', nested: 3 }, ['developers', 'engineering', 'odd group']],
      ['by a search, nested', 'bob', { mode: 'search', nested: 3 }, ['delegated-admins', 'developers', 'engineering']]
    ] as const) {
      const { lookup } = await open(t, { groupSearch })
      t.strictSame((await lookup(username))?.groups?.toSorted(), expected.toSorted(), name)
    }
  })

  t.test('reads more groups than fit into one question, once a minute', async t => {
    const crowd = Array.from({ length: 240 }, (_, index) => `crowd-${index}`)
    for (const name of crowd) await samba.addGroup(groupDN(name), name, [userDN('gail')])
    const { lookup } = await open(t, { groupSearch: { include: '^crowd' } })
    t.strictSame((await lookup('gail'))?.groups?.toSorted(), crowd.toSorted())
    t.equal((await lookup('gail'))?.groups?.length, crowd.length, 'again')
  })

  t.test('puts together a list that comes in parts', async t => {
    const { caFile, url } = samba
    const ca = await readText(caFile)
    const settings = { tls: config().tls, certificates: () => ({ ca }), timeout: 2000 }
    const { signal } = new AbortController()
    const connection = new LdapConnection(hostOf(url), await dial(hostOf(url), settings, signal), { connect: 2000, bind: 2000, search: 2000 })
    t.teardown(() => { connection.close() })
    await connection.bind(READER.name, READER.password)
    const search = async (attribute: string) => (await connection.search({ baseDN: userDN('gail'), scope: 'base', attributes: [attribute] }, signal))![0]!.texts('memberOf')
    const whole = await search('memberOf')
    t.equal(whole.length, 240)
    // Samba gives parts only to who asks for one; the rest is asked for as if it had been its own idea
    t.strictSame((await search('memberOf;range=0-99')).toSorted(), whole.toSorted())
  })

  t.test('tells the state of an account', async t => {
    const { ask, find, logged } = await open(t)
    for (const [name, username, password, expected] of [
      ['in order', 'alice', alice.password, 'alice'],
      ['disabled', 'carol', carol.password, 'disabled'],
      ['must change the password', 'dave', 'canary-dave-password', 'expired'],
      ['expired', 'erin', 'canary-erin-password', 'expired'],
      ['not at this hour (530)', 'gail', 'canary-gail-password', 'disabled'],
      ['wrong password (52e)', 'alice', 'canary-wrong', 'wrong-credential']
    ] as const) t.equal(outcome(await ask(username, password)), expected, name)
    t.match(logged, [/disabled/, /password has expired/, /account has expired/, /at this hour/])
    for (const [username, reason] of [['carol', 'disabled'], ['dave', 'expired'], ['erin', 'expired']] as const) t.strictSame(await find({ username }), { denied: reason, username })
  })

  t.test('tells it from the answer to the bind, where the entry said nothing yet', async t => {
    const { ask, logged } = await open(t)
    const dn = userDN('Ren\u00e9')
    for (const [name, changed, back, expected, why] of [
      ['disabled (533)', { userAccountControl: '66050' }, { userAccountControl: '66048' }, 'disabled', /the account is disabled/],
      ['expired (701)', { accountExpires: '132223104000000000' }, { accountExpires: '0' }, 'expired', /the account has expired/],
      ['the password must be changed (773)', { userAccountControl: '512', pwdLastSet: '0' }, { userAccountControl: '66048', pwdLastSet: '-1' }, 'expired', /must be changed first/]
    ] as const) {
      const change = async (_account: string, check: () => Promise<CheckOutcome>): Promise<CheckOutcome> => {
        await samba.change(dn, changed)
        return await check()
      }
      t.equal(outcome(await ask('Ren\u00e9', 'canary-rene-password', { attempt: change })), expected, name)
      t.match(logged.at(-1), why)
      await samba.change(dn, back)
    }
    t.equal(outcome(await ask('Ren\u00e9', 'canary-rene-password')), 'Ren\u00e9', 'nothing of it is remembered')
  })

  t.test('knows when an account ends', async t => {
    const end = new Date('2099-01-01T00:00:00Z')
    await samba.change(userDN('bob'), { accountExpires: String((BigInt(end.getTime()) + 11_644_473_600_000n) * 10_000n) })
    t.match(await (await open(t)).ask('bob', bob.password), { expiresAt: end })
    await samba.change(userDN('bob'), { accountExpires: '0' })
  })

  t.test('remembers a refused password until it changes', async t => {
    // it counts nothing where nothing is locked
    await samba.change(DOMAIN, { lockoutThreshold: '3' })
    const { ask, events } = await open(t)
    const before = Number(await samba.read(userDN('frank'), 'badPwdCount'))
    for (let index = 0; index < 5; index++) t.equal(outcome(await ask('frank', 'canary-stale')), 'wrong-credential')
    t.equal(Number(await samba.read(userDN('frank'), 'badPwdCount')), before + 1, 'one bind')
    t.strictSame(events, Array.from({ length: 4 }, () => 'rejected-from-cache'))
    await samba.setPassword('frank', 'canary-stale')
    t.equal(outcome(await ask('frank', 'canary-stale')), 'frank', 'now it is the password')
  })

  t.test('stays below the directory\'s own limit, if told to', async t => {
    await samba.setPassword('frank', 'canary-frank-password')
    const { ask, events } = await open(t, { maxBadPasswordCount: 2 })
    t.equal(outcome(await ask('frank', 'canary-frank-password')), 'frank')
    const guesses = await Promise.all(Array.from({ length: 12 }, async (_, index) => await ask('frank', `canary-guess-${index}`).then(outcome, error => error.reason)))
    t.strictSame(guesses.toSorted(), [...Array.from({ length: 10 }, () => 'throttled'), 'wrong-credential', 'wrong-credential'], 'however many come at once')
    await t.rejects(ask('frank', 'canary-frank-password'), new UnavailableError('throttled'), 'the right one is not looked at either')
    t.equal(await samba.read(userDN('frank'), 'badPwdCount'), '2', 'the third would have locked the account')
    t.ok(events.includes('bad-password-limit'))
    await samba.change(DOMAIN, { lockOutObservationWindow: '-10000000', lockoutDuration: '-10000000' })
    const later = await open(t, { maxBadPasswordCount: 2 })
    await new Promise(resolve => { setTimeout(resolve, 1100) })
    t.equal(outcome(await later.ask('frank', 'canary-frank-password')), 'frank', 'the counter is of no account when its time is over')
  })

  t.test('tells a locked account from a wrong password (775)', async t => {
    await samba.change(DOMAIN, { lockOutObservationWindow: '-18000000000', lockoutDuration: '-18000000000' })
    const { ask, attempts, find } = await open(t)
    const guess = async (_account: string, check: () => Promise<CheckOutcome>): Promise<CheckOutcome> => {
      for (let index = 0; index < 3; index++) t.equal(outcome(await ask('bob', `canary-other-guess-${index}`)), 'wrong-credential')
      return await check()
    }
    t.equal(outcome(await ask('bob', bob.password, { attempt: guess })), 'locked', 'by the answer to the bind')
    t.equal(outcome(await ask('bob', bob.password)), 'locked', 'by the entry')
    t.equal(attempts.length, 3, 'which spares the bind')
    t.strictSame(await find({ username: 'bob' }), { denied: 'locked', username: 'bob' })
  })

  t.test('is asked over StartTLS too, and never in plaintext', async t => {
    const startTLS = await open(t, { urls: ['ldap://127.0.0.1'], tls: { mode: 'startTLS', caFile: samba.caFile } })
    t.equal(outcome(await startTLS.ask('alice', alice.password)), 'alice')
    const plaintext = await open(t, { urls: ['ldap://127.0.0.1'], tls: { mode: 'none', insecure: true } })
    await t.rejects(plaintext.ask('alice', alice.password), { message: /rejected the service account .*StrongAuthRequiredError 8/ })
    t.strictSame(plaintext.events, ['service-bind-rejected'])
  })

  t.test('by the global catalog', async t => {
    const { ask } = await open(t, { urls: ['ldap://127.0.0.1:3268'], tls: { mode: 'startTLS', caFile: samba.caFile }, groupSearch: { mode: 'memberOf' } })
    t.match(await ask('alice', alice.password), { user: { username: 'alice', groups: ['developers', 'odd group'] } })
  })
})
