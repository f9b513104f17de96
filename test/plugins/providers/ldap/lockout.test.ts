/** What keeps guesses, and stale passwords, from locking people out of their directory; the service account first of all. */
import { Attribute, Change, Client } from 'ldapts'
import { test, type Test } from 'tap'
import { LdapConnection } from '../../../../plugins/providers/ldap/connection/ldap-connection.js'
import { dial, hostOf, type Host } from '../../../../plugins/providers/ldap/connection/dial.js'
import type { Directory } from '../../../../plugins/providers/ldap/connection/directory.js'
import { LdapEntry } from '../../../../plugins/providers/ldap/connection/ldap-entry.js'
import { isUnchanged, passwordVersionOf, type PasswordVersion } from '../../../../plugins/providers/ldap/accounts/password-version.js'
import { LdapProvider } from '../../../../plugins/providers/ldap/provider.js'
import { RejectedPasswordCache } from '../../../../plugins/providers/ldap/accounts/rejected-password-cache.js'
import { ServiceBind } from '../../../../plugins/providers/ldap/connection/service-bind.js'
import { resolveSettings } from '../../../../plugins/providers/ldap/settings.js'
import type { CheckOutcome, RequestContext } from '../../../../src/authn/provider.js'
import { Throttle } from '../../../../src/authn/throttle.js'
import { UnavailableError } from '../../../../src/errors.js'
import { ldapConfig, openLdap, openldapConfig, outcome, type LdapFields } from '../../../fixtures/ldap.js'
import { freePort } from '../../../fixtures/child.js'
import { alice, bob, carol } from '../../../fixtures/people.js'
import { ADMIN, READER, startSlapd, SUFFIX, type Slapd } from '../../../fixtures/slapd.js'

const erin = { dn: `uid=erin,ou=people,${SUFFIX}`, password: 'canary-erin-password' }
/** Of the second one the directory notes each refused bind. */
const PEOPLE = ['gina', 'hugo'].map(name => `
dn: uid=${name},ou=people,${SUFFIX}
objectClass: inetOrgPerson
uid: ${name}
cn: ${name}
sn: ${name}
userPassword: canary-${name}-password
${name === 'hugo' ? `pwdPolicySubentry: cn=strict,${SUFFIX}\n` : ''}`).join('')

const NO_GROUPS = { groupSearch: { mode: 'none' } }

async function change ({ url }: Slapd, operation: 'replace' | 'delete', dn: string, type: string, values: string[]): Promise<void> {
  const client = new Client({ url })
  await client.bind(ADMIN.dn, ADMIN.password)
  await client.modify(dn, new Change({ operation, modification: new Attribute({ type, values }) }))
  await client.unbind()
}

/** Under a throttle such as the service has. */
function throttled (maxFailures: number): Pick<RequestContext, 'attempt'> {
  const throttle = new Throttle({ maxFailures, baseDelay: 60_000, maxDelay: 300_000, maxConcurrent: 8, maxQueue: 64, onThrottled: () => {} })
  return { attempt: async (identity, check) => await throttle.attempt(identity, check, new AbortController().signal) }
}

test('lockout', async t => {
  const slapd = await startSlapd(t, { tree: PEOPLE })
  if (slapd === undefined) return
  const open = async (t: Test, fields: LdapFields = {}) => await openLdap(t, openldapConfig(slapd, { ...NO_GROUPS, ...fields }))
  const binds = async (name: string): Promise<number> => await slapd.count(new RegExp(`BIND dn="uid=${name},.*method`))

  t.test('every spelling of an account shares one budget', async t => {
    const { ask } = await open(t)
    const ctx = throttled(2)
    for (const [index, spelling] of ['bob', 'BOB', 'Bob'].entries()) t.equal(outcome(await ask(spelling, `canary-guess-${index}`, ctx)), 'wrong-credential')
    for (const spelling of ['bob', 'BOB', 'bOb']) await t.rejects(ask(spelling, bob.password, ctx), new UnavailableError('throttled'), spelling)
    t.equal(await binds('bob'), 3)
    t.equal(outcome(await ask('alice', alice.password, ctx)), 'alice', 'others have theirs')
  })

  t.test('without a service account too, however a directory folds names', async t => {
    const { ask, attempts } = await open(t, { bindDN: '', bindPassword: undefined, userDNTemplate: `uid={username},ou=people,${SUFFIX}`, userSearch: {} })
    // each of them is alice to OpenLDAP, or to another directory
    const spellings = ['alice', 'ALICE', ' alice ', '\uff41lice', '\u{1d41a}lice', 'al\u00adice', 'alice\u200b', '\u24d0lice', '\u00e0lice', 'alic\u0065\u0301', 'alice\u00a0', 'alice\ufe0f']
    for (const spelling of spellings) await ask(spelling, 'canary-guess')
    t.strictSame(new Set(attempts).size, 1, attempts.join(' '))
    await ask('al ice', 'canary-guess')
    await ask('bob', 'canary-guess')
    t.strictSame(new Set(attempts).size, 3)
  })

  t.test('only a wrong password counts', async t => {
    const ctx = throttled(1)
    const { ask } = await open(t)
    for (let index = 0; index < 4; index++) {
      t.equal(outcome(await ask('carol', carol.password, ctx)), 'locked')
      t.equal(outcome(await ask('frank', 'canary-frank-password', ctx)), 'expired', 'not a password that is too old')
      t.equal(outcome(await ask('nobody', 'canary-nobody', ctx)), 'nobody')
    }
    const down = await open(t, { urls: [`ldaps://127.0.0.1:${await freePort()}`] })
    for (let index = 0; index < 4; index++) await t.rejects(down.ask('alice', alice.password, ctx), { code: 'AUTHN_DIRECTORY' }, 'not an outage')
    t.equal(outcome(await ask('alice', alice.password, ctx)), 'alice')
  })

  t.test('what no bind can test is attempted as an unknown name, once a password', async t => {
    const { ask, unknown, attempts } = await open(t)
    const names: Array<[string, string]> = [['mallory', 'nobody'], ['Mallory', 'nobody'], ['trudy', 'nobody'], ['carol', 'locked'], ['twin', 'wrong-credential']]
    for (const [name, expected] of names) for (let index = 0; index < 3; index++) t.equal(outcome(await ask(name, 'canary-guess')), expected, name)
    t.equal(unknown.length, 4)
    t.equal(unknown[0], unknown.find(name => /mallory/i.test(name)))
    await ask('MALLORY', 'canary-another-guess')
    t.equal(unknown[4], unknown[0], 'however it is spelt')
    t.strictSame(attempts, [])
    const throttled = new Error('throttled')
    for (let index = 0; index < 2; index++) await t.rejects(ask('trudy', 'canary-third', { attemptUnknown: async () => { throw throttled } }), throttled, 'and again if it was refused')
  })

  t.test('a stale password costs searches, not binds, and neither locks nor throttles', async t => {
    const { ask, events } = await open(t)
    const ctx = throttled(2)
    const before = await binds('alice')
    for (let index = 0; index < 20; index++) t.equal(outcome(await ask('alice', 'canary-stale', ctx)), 'wrong-credential')
    t.equal(await binds('alice'), before + 1)
    t.strictSame(events, Array.from({ length: 19 }, () => 'rejected-from-cache'))
    t.equal(outcome(await ask('alice', alice.password, ctx)), 'alice', 'the right one is taken')
    t.equal(outcome(await ask('bob', 'canary-stale', ctx)), 'wrong-credential', 'and another account asked')
    t.ok(await binds('bob') > 0)
  })

  t.test('nor where the directory notes each failure in the entry', async t => {
    const { ask } = await open(t)
    const before = await binds('erin')
    for (let index = 0; index < 10; index++) t.equal(outcome(await ask('erin', `canary-stale-${index % 2}`)), 'wrong-credential')
    t.equal(await binds('erin'), before + 2)
    t.equal(outcome(await ask('erin', erin.password)), 'erin')
  })

  t.test('it is tried again once the entry has changed', async t => {
    const { ask } = await open(t)
    t.equal(outcome(await ask('bob', 'canary-new-of-bob')), 'wrong-credential')
    await change(slapd, 'replace', `uid=bob,ou=people,${SUFFIX}`, 'userPassword', ['canary-new-of-bob'])
    t.equal(outcome(await ask('bob', 'canary-new-of-bob')), 'bob')
    t.equal(outcome(await ask('bob', bob.password)), 'wrong-credential', 'the old one is one no more')
  })

  t.test('nor is it remembered where it becomes the password while it is being refused', async t => {
    const { ask, events } = await open(t)
    for (const name of ['gina', 'hugo']) {
      const set = async (_account: string, check: () => Promise<CheckOutcome>): Promise<CheckOutcome> => {
        const right = await check()
        await change(slapd, 'replace', `uid=${name},ou=people,${SUFFIX}`, 'userPassword', ['canary-set-meanwhile'])
        return right
      }
      t.equal(outcome(await ask(name, 'canary-set-meanwhile', { attempt: set })), 'wrong-credential')
      t.equal(outcome(await ask(name, 'canary-set-meanwhile')), name)
    }
    t.strictSame(events, [])
  })

  t.test('what the throttle refused, the directory has not', async t => {
    const { ask } = await open(t)
    t.equal(outcome(await ask('alice', alice.password, { attempt: async () => 'incorrect' })), 'wrong-credential')
    t.equal(outcome(await ask('alice', alice.password)), 'alice')
  })

  t.test('a lock of the directory is no wrong password', async t => {
    const { ask } = await open(t)
    for (let index = 0; index < 3; index++) t.equal(outcome(await ask('erin', `canary-guess-${index}`)), 'wrong-credential')
    t.equal(outcome(await ask('erin', erin.password)), 'locked')
    await change(slapd, 'delete', erin.dn, 'pwdAccountLockedTime', [])
    t.equal(outcome(await ask('erin', erin.password)), 'erin', 'and is not remembered as one')
  })

  t.test('nor is one that came while the bind was under way', async t => {
    const { ask, events } = await open(t)
    const { dn, password } = { dn: `uid=hugo,ou=people,${SUFFIX}`, password: 'canary-new-of-hugo' }
    await change(slapd, 'replace', dn, 'userPassword', [password])
    const lock = async (_account: string, check: () => Promise<CheckOutcome>): Promise<CheckOutcome> => {
      const client = new Client({ url: slapd.url })
      for (let index = 0; index < 3; index++) await t.rejects(client.bind(dn, `canary-other-guess-${index}`))
      await client.unbind()
      return await check()
    }
    t.equal(outcome(await ask('hugo', password, { attempt: lock })), 'wrong-credential', 'it can\'t be told from one')
    await change(slapd, 'delete', dn, 'pwdAccountLockedTime', [])
    t.equal(outcome(await ask('hugo', password)), 'hugo')
    t.strictSame(events, [])
  })

  t.test('a refused service account is tried once, and then not for a while', async t => {
    let password = 'canary-wrong-reader'
    const reader = async (): Promise<number> => await slapd.count(/BIND dn="cn=reader.* method/)
    const before = await reader()
    const { ask, events, logged } = await open(t, { bindPassword: { reveal: () => password }, pool: { min: 3 } })
    await Promise.all(Array.from({ length: 30 }, async () => { await t.rejects(ask('alice', alice.password), { message: /rejected the service account/ }) }))
    await t.rejects(ask('alice', alice.password), { message: /next attempt in \d+ s, or when its password file changes/ })
    t.equal(await reader(), before + 1)
    t.strictSame(events, ['service-bind-rejected'])
    t.match(logged, [/error: the directory rejects the service account/])
    password = READER.password
    t.equal(outcome(await ask('alice', alice.password)), 'alice', 'at once when the password changes')
    t.match(logged.at(-1), /accepts the service account again/)
  })

  t.test('the while grows from 30 s to 15 min, and begins anew with each password', async t => {
    let now = 0
    let password = 'canary-wrong'
    let refusals = 0
    const bind = new ServiceBind({ bindDN: READER.dn, password: { reveal: () => password }, onRejected: () => { refusals++ }, onChanged: () => {}, log: QUIET, now: () => now })
    const { signal } = new AbortController()
    t.teardown(() => { bind.close() })
    const attempt = async (): Promise<void> => {
      const host = hostOf(slapd.url)
      const connection = new LdapConnection(host, await dial(host, { tls: { mode: 'none', insecure: true, serverName: '', insecureSkipVerify: false }, certificates: () => ({}), timeout: 2000 }, signal), { connect: 2000, bind: 2000, search: 2000 })
      try {
        await bind.bind(connection, signal)
      } finally {
        connection.close()
      }
    }
    for (const [index, pause] of [30, 60, 120, 240, 480, 900, 900].entries()) {
      await t.rejects(attempt(), { message: /rejected the service account/ })
      t.equal(refusals, index + 1)
      now += pause * 1000 - 1
      await t.rejects(attempt(), { message: /next attempt in 1 s/ })
      t.equal(refusals, index + 1, `nothing for ${pause} s`)
      now += 1
    }
    password = 'canary-also-wrong'
    await t.rejects(attempt(), { message: /rejected the service account/ })
    await t.rejects(attempt(), { message: /next attempt in 30 s/ })
    password = READER.password
    await t.resolves(attempt())
  })
})

test('rejected passwords', async t => {
  let now = 1
  const refused = new RejectedPasswordCache(() => now)
  const mark = { source: 'password', value: '1' } as const
  refused.add('1001', 'canary', mark)
  for (const [name, account, password, expected] of [
    ['the same again', '1001', 'canary', true],
    ['another account', '1002', 'canary', false],
    ['another password', '1001', 'canary2', false],
    ['the two run together', '1001c', 'anary', false]
  ] as const) t.equal(refused.has(account, password, mark), expected, name)
  t.equal(refused.has('1001', 'canary', { ...mark, value: '2' }), false, 'a changed password')
  t.equal(refused.has('1001', 'canary', undefined), false, 'an entry without a mark')
  refused.add('1003', 'canary', undefined)
  t.equal(refused.has('1003', 'canary', undefined), false, 'nothing would end such a memory')
  now += 30 * 60_000
  t.equal(refused.has('1001', 'canary', mark), true)
  now++
  t.equal(refused.has('1001', 'canary', mark), false, 'half an hour, and no longer')
})

test('what an entry shows of its password', async t => {
  const [policy, kerberos] = [['pwdChangedTime'], ['krbLastPwdChange']]
  const untouched = { entryCSN: '1', modifyTimestamp: '1' }
  const failed = { entryCSN: '2', modifyTimestamp: '2', pwdFailureTime: ['1', '2'] }
  const changed = { entryCSN: '3', modifyTimestamp: '3', pwdChangedTime: '3' }
  for (const [name, attributes, then, now, expected] of [
    ['nothing has changed', policy, untouched, untouched, true],
    ['something has, and it may be the password', policy, untouched, { ...untouched, entryCSN: '2' }, false],
    ['within a second', policy, untouched, { ...untouched, modifyTimestamp: '2' }, false],
    ['a refused bind was noted, by what would have noted a change too', policy, untouched, failed, true],
    ['another one', policy, failed, { ...failed, entryCSN: '4', pwdFailureTime: ['2', '4'] }, true],
    ['the right password has come, or another one was set where no policy is', policy, failed, { entryCSN: '5', modifyTimestamp: '5' }, false],
    ['the password was set for the first time under a policy', policy, untouched, changed, false],
    ['after a noted failure', policy, failed, changed, false],
    ['another attribute was', policy, changed, { ...changed, entryCSN: '4', pwdFailureTime: '4' }, true],
    ['the password was', policy, changed, { ...changed, pwdChangedTime: '4' }, false],
    ['its time was taken away', policy, changed, failed, false],
    ['a note that tells nothing where no such policy is', kerberos, { ...untouched, pwdFailureTime: '1' }, failed, false]
  ] as Array<[string, string[], Record<string, string>, Record<string, string>, boolean]>) {
    const version = (entry: Record<string, string>): PasswordVersion => passwordVersionOf(new LdapEntry({ dn: 'cn=a', ...entry }), attributes)!
    t.equal(isUnchanged(version(then), version(now)), expected, name)
  }
  t.equal(passwordVersionOf(new LdapEntry({ dn: 'cn=a', uid: 'a' }), policy), undefined, 'nothing at all')
})

test('a host that lags behind', async t => {
  const settings = resolveSettings(ldapConfig({ preset: 'freeIPA', urls: ['ldaps://one.example.test', 'ldaps://two.example.test'], userSearch: { baseDN: SUFFIX }, ...NO_GROUPS }))
  const [one, two] = ['one', 'two'].map(name => ({ name, hostname: name, port: 636 })) as [Host, Host]
  const entry = new LdapEntry({ dn: `uid=alice,${SUFFIX}`, uid: 'alice', krbLastPwdChange: '20260101000000Z' }, one)
  const ctx = { audiences: [], signal: new AbortController().signal, log: QUIET, attempt: async (_account: string, check: () => Promise<CheckOutcome>) => await check(), attemptUnknown: async () => {} }
  for (const [name, host, expected] of [['the password is remembered', one, 1], ['where another one tells of the entry, it is not', two, 3]] as const) {
    let binds = 0
    const directory = { search: async () => [entry], checkPassword: async () => ({ outcome: 'incorrect', host, bind: binds++ }) }
    const provider = new LdapProvider(settings, directory as unknown as Directory, { log: QUIET, countEvent () {} })
    for (let index = 0; index < 3; index++) t.equal(outcome(await provider.authenticatePassword({ username: 'alice', password: 'canary-new' }, ctx)), 'wrong-credential')
    t.equal(binds, expected, name)
  }
})

const QUIET = { debug () {}, info () {}, warn () {}, error () {} }
