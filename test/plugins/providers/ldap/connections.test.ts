/** Connections of the provider ldap: whom they trust, what goes over them, and what happens when a directory fails. */
import { once } from 'node:events'
import { copyFile, rename, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { SASL_MECHANISMS } from 'ldapts'
import { test, type Test } from 'tap'
import { LdapConnection } from '../../../../plugins/providers/ldap/connection/ldap-connection.js'
import { dial, hostOf } from '../../../../plugins/providers/ldap/connection/dial.js'
import { createCA, issueServing } from '../../../../src/certificates/issue.js'
import { UnavailableError } from '../../../../src/errors.js'
import type { CheckOutcome } from '../../../../src/authn/provider.js'
import { issueOdd } from '../../../fixtures/certificates.js'
import { freePort } from '../../../fixtures/child.js'
import { ldapConfig, openLdap, openldapConfig, outcome, type LdapFields } from '../../../fixtures/ldap.js'
import { alice, bob } from '../../../fixtures/people.js'
import { READER, startSlapd, SUFFIX, type Slapd } from '../../../fixtures/slapd.js'
import { startProxy } from '../../../fixtures/tcp-proxy.js'
import { until } from '../../../fixtures/waiting.js'

/** For what has to be answered, on a busy machine too. */
const PATIENT = { connect: '5s', bind: '5s', search: '5s' }
/** For what is never answered: short enough to wait for. */
const SHORT = { connect: '700ms', bind: '700ms', search: '700ms' }
const NO_GROUPS = { groupSearch: { mode: 'none' } }
const PLAIN = { tls: { mode: 'none', insecure: true } }

async function open (t: Test, slapd: Slapd, fields: LdapFields = {}) {
  return await openLdap(t, openldapConfig(slapd, { ...NO_GROUPS, timeouts: PATIENT, ...fields }))
}

test('connections', async t => {
  const slapd = await startSlapd(t)
  if (slapd === undefined) return

  t.test('trust a host that proves its name', async t => {
    const caFile = join(slapd.dir, 'ca.crt')
    const other = join(slapd.dir, 'other.crt')
    await writeFile(other, (await createCA({ commonName: 'another CA', days: 1 })).cert)
    const startTLS = slapd.url
    for (const [name, url, tls, expected] of [
      ['over LDAPS', slapd.tlsUrl, { caFile }, 'alice'],
      ['over StartTLS', startTLS, { mode: 'startTLS', caFile }, 'alice'],
      ['under a name that the config gives', slapd.tlsUrl, { caFile, serverName: 'localhost' }, 'alice'],
      ['in plaintext, as written', slapd.url, PLAIN.tls, 'alice'],
      ['whatever it is, as written', slapd.tlsUrl, { insecureSkipVerify: true }, 'alice'],
      ['not of an unknown CA', slapd.tlsUrl, {}, /certificate/],
      ['not of another CA', slapd.tlsUrl, { caFile: other }, /certificate/],
      ['not under another name', slapd.tlsUrl, { caFile, serverName: 'dc1.example.test' }, /ERR_TLS_CERT_ALTNAME_INVALID/],
      ['not by StartTLS either', startTLS, { mode: 'startTLS', caFile: other }, /certificate/],
      ['not what speaks no TLS', slapd.url.replace('ldap:', 'ldaps:'), { caFile }, /TLS handshake/]
    ] as const) {
      const { ask } = await open(t, slapd, { urls: [url], tls, timeouts: name === 'not what speaks no TLS' ? SHORT : PATIENT })
      if (typeof expected === 'string') t.equal(outcome(await ask('alice', alice.password)), expected, name)
      else await t.rejects(ask('alice', alice.password), { message: expected }, name)
    }
    t.ok(await slapd.count(/STARTTLS/) > 0)
  })

  t.test('send no password before TLS', async t => {
    // what speaks no StartTLS: a proxy that answers "unwilling to perform" to it
    const refusal = Buffer.from('300c02010278070a013504000400', 'hex')
    const proxy = await startProxy(t, slapd.port, { answer: () => refusal })
    const before = await slapd.count(/BIND dn/)
    const { ask } = await open(t, slapd, { urls: [`ldap://127.0.0.1:${proxy.port}`], tls: { mode: 'startTLS', caFile: join(slapd.dir, 'ca.crt') } })
    await t.rejects(ask('alice', alice.password), { message: /can't be reached/ })
    t.equal(await slapd.count(/BIND dn/), before)
  })

  t.test('take nothing that came before TLS for an answer', async t => {
    // behind the answer to StartTLS, the head of a "success" to the next request, which would swallow the true answer
    const injected = Buffer.from('301a02010361150a01000400040e', 'hex')
    const proxy = await startProxy(t, slapd.port, { answer: injectAfterStartTLS(injected) })
    const { ask } = await open(t, slapd, { urls: [`ldap://127.0.0.1:${proxy.port}`], tls: { mode: 'startTLS', caFile: join(slapd.dir, 'ca.crt') } })
    t.not(outcome(await ask('alice', 'canary-not-of-alice').catch(() => null)), 'alice')
  })

  t.test('carry no bind that would prove nothing, or go another way', async t => {
    const own = (await startSlapd(t))!
    const { signal } = new AbortController()
    const host = hostOf(own.url)
    const connection = new LdapConnection(host, await dial(host, { tls: openldapConfig(own, { urls: [own.url], ...PLAIN }).tls, certificates: () => ({}), timeout: 2000 }, signal), { connect: 2000, bind: 2000, search: 2000 })
    t.teardown(() => { connection.close() })
    for (const [name, password] of [[READER.dn, ''], ['', ''], ['', 'canary'], ['alice', 'canary'], ...SASL_MECHANISMS.map(name => [name, 'canary'])] as Array<[string, string]>) {
      await t.rejects(connection.bind(name, password), { code: 'AUTHN_DIRECTORY', message: /are not sent/ }, name)
    }
    const { ask } = await open(t, own, { bindPassword: { reveal: () => '' } })
    await t.rejects(ask('alice', alice.password), { message: /with an empty password are not sent/ }, 'nor for the service account, where its file is empty')
    t.equal(await own.count(/ BIND /), 0)
  })

  t.test('reload the CA bundle', async t => {
    const caFile = join(t.testdir(), 'ca.crt')
    await copyFile(join(slapd.dir, 'ca.crt'), caFile)
    const { ask, reloads } = await open(t, slapd, { tls: { caFile }, pool: { min: 0 } })
    await t.rejects(open(t, slapd, { tls: { caFile: `${caFile}.missing` } }), 'none at the start is an error')
    t.equal(outcome(await ask('alice', alice.password)), 'alice')
    await writeFile(`${caFile}.new`, 'nonsense')
    await rename(`${caFile}.new`, caFile)
    await until('the bad file is noticed', () => reloads.includes('failed'))
    t.equal(outcome(await ask('alice', alice.password)), 'alice', 'the previous one stays active')
    await copyFile(join(slapd.dir, 'ca.crt'), `${caFile}.new`)
    await rename(`${caFile}.new`, caFile)
    await until('the good file is noticed', () => reloads.includes('reloaded'))
  })

  t.test('never carry an identity over to the next user', async t => {
    const from = await slapd.written()
    const { ask } = await open(t, slapd, { pool: { max: 2 } })
    await Promise.all(Array.from({ length: 60 }, async (_, index) => {
      const [person, password] = [['alice', alice.password], ['bob', bob.password], ['bob', `canary-wrong-${index}`], ['alice', `canary-wrong-${index}`]][index % 4] as [string, string]
      t.equal(outcome(await ask(person, password)), index % 4 < 2 ? person : 'wrong-credential')
    }))
    await until('slapd has written it all down', () => slapd.lines.slice(from).filter(line => /BIND dn="uid=.* method/.test(line)).length === 60)
    const operations = new Map<string, string[]>()
    for (const line of slapd.lines.slice(from)) {
      const [, connection, operation] = /conn=(\d+) op=\d+ (BIND dn="[^"]*" method|BIND anonymous|SRCH base)/.exec(line) ?? []
      if (connection !== undefined) operations.set(connection, [...operations.get(connection) ?? [], operation!])
    }
    const ofUsers = [...operations.values()].filter(lines => lines.some(line => line.includes('uid=')))
    const ofService = [...operations.values()].filter(lines => lines.some(line => line.includes('SRCH')))
    t.ok(ofUsers.length > 0 && ofUsers.length <= 2, 'no more connections than the pool may have')
    t.ok(ofUsers.some(lines => lines.length > 10), 'they are used again')
    t.notMatch(ofUsers.flat().join('\n'), /SRCH/, 'nothing is asked as a user')
    for (const lines of ofService) {
      t.strictSame(lines.filter(line => line.startsWith('BIND')), [`BIND dn="${READER.dn}" method`], 'nobody but the service account is ever bound where it searches')
    }
    for (const lines of ofUsers.filter(lines => lines.length > 2)) t.ok(lines.includes('BIND anonymous'), 'the server forgets the one before')
  })

  t.test('are closed where somebody read as a user', async t => {
    const from = await slapd.written()
    const { ask } = await open(t, slapd, { bindDN: '', bindPassword: undefined, userDNTemplate: `uid={username},ou=people,${SUFFIX}`, userSearch: {}, pool: { max: 1 } })
    for (const [person, password] of [['alice', alice.password], ['bob', bob.password], ['alice', 'canary-wrong'], ['bob', bob.password]] as const) {
      t.equal(outcome(await ask(person, password)), password === 'canary-wrong' ? 'wrong-credential' : person)
    }
    const searches = (): string[] => slapd.lines.slice(from).filter(line => / SRCH base/.test(line)).map(line => /conn=(\d+)/.exec(line)![1]!)
    await until('three have read', () => searches().length === 3)
    t.equal(new Set(searches()).size, 3, 'each on a connection of its own')
  })

  t.test('are bounded, and shared in turn', async t => {
    const proxy = await startProxy(t, slapd.port)
    const { ask, close } = await open(t, slapd, { urls: [`ldap://127.0.0.1:${proxy.port}`], ...PLAIN, pool: { min: 2, max: 3 } })
    await until('two are opened before anybody asks', () => proxy.accepted === 2)
    const answers = await Promise.all(Array.from({ length: 100 }, async () => outcome(await ask('alice', alice.password))))
    t.strictSame(new Set(answers), new Set(['alice']))
    t.ok(proxy.accepted <= 6, `${proxy.accepted} connections: 3 of the service account, 3 for users`)
    await close()
    await until('all are closed', () => proxy.open === 0)
  })

  t.test('are waited for in turn, by who still waits', async t => {
    const proxy = await startProxy(t, slapd.port, { delay: 50 })
    const { ask } = await open(t, slapd, { urls: [`ldap://127.0.0.1:${proxy.port}`], ...PLAIN, pool: { min: 0, max: 1 } })
    const caller = new AbortController()
    const [first, second, third] = [ask('alice', alice.password), ask('alice', alice.password, { signal: caller.signal }), ask('bob', bob.password)]
    await until('the first one has the connection', () => proxy.open === 1)
    const reason = new Error('the caller left')
    caller.abort(reason)
    await t.rejects(second, reason)
    t.strictSame([outcome(await first), outcome(await third)], ['alice', 'bob'])
    t.equal(proxy.accepted, 2, 'one connection that searches, one that binds')
  })

  t.test('are replaced when they are old or unused', async t => {
    const proxy = await startProxy(t, slapd.port)
    const { ask } = await open(t, slapd, { urls: [`ldap://127.0.0.1:${proxy.port}`], ...PLAIN, pool: { min: 1, max: 3, idle: '50ms', age: '100ms' } })
    t.equal(outcome(await ask('alice', alice.password)), 'alice')
    await until('the users\' one is closed, the other one replaced', () => proxy.open === 1 && proxy.accepted >= 4)
    t.equal(outcome(await ask('alice', alice.password)), 'alice')
  })

  t.test('outlive what a server closes', async t => {
    const impatient = (await startSlapd(t, { conf: '' }))!
    const { ask } = await open(t, impatient)
    t.equal(outcome(await ask('alice', alice.password)), 'alice')
    await impatient.stop()
    await impatient.start()
    t.equal(outcome(await ask('alice', alice.password)), 'alice', 'at the first question after the restart')
  })

  t.test('end when nobody waits any more', async t => {
    const proxy = await startProxy(t, slapd.port, { delay: 300 })
    const { ask } = await open(t, slapd, { urls: [`ldap://127.0.0.1:${proxy.port}`], ...PLAIN, pool: { min: 0 } })
    const caller = new AbortController()
    const question = ask('alice', alice.password, { signal: caller.signal })
    await until('it is under way', () => proxy.open === 1)
    const reason = new Error('the caller left')
    caller.abort(reason)
    await t.rejects(question, reason)
    await until('its connection is gone', () => proxy.open === 0)
  })

  t.test('let a password that was sent be counted, though nobody waits', async t => {
    const { ask } = await open(t, slapd, { urls: [`ldap://127.0.0.1:${(await startProxy(t, slapd.port, { delay: 200 })).port}`], ...PLAIN })
    const caller = new AbortController()
    const before = await slapd.count(/BIND dn="uid=alice/)
    let judged: CheckOutcome | undefined
    const question = ask('alice', 'canary-a-guess', {
      signal: caller.signal,
      attempt: async (_account, check) => {
        const checked = check()
        await until('the password is there', async () => await slapd.count(/BIND dn="uid=alice/) > before)
        caller.abort(new Error('the caller left'))
        judged = await checked
        return judged
      }
    })
    await t.rejects(question, { message: 'the caller left' })
    await until('the guess is counted', () => judged !== undefined)
    t.equal(judged, 'incorrect')
  })
})

test('a failing directory', async t => {
  const slapd = await startSlapd(t)
  if (slapd === undefined) return
  const plainUrl = (port: number): LdapFields => ({ urls: [`ldap://127.0.0.1:${port}`], ...PLAIN })

  t.test('that is killed in the middle of a bind: unavailable', async t => {
    const mortal = (await startSlapd(t))!
    const { ask } = await open(t, mortal, plainUrl((await startProxy(t, mortal.port, { delay: 200 })).port))
    const question = ask('alice', alice.password, {
      attempt: async (_account, check) => {
        const checked = check()
        // the connection may break before the exit is noticed, and nobody waits for the answer until then
        checked.catch(() => {})
        await until('the bind has arrived', async () => await mortal.count(/BIND dn="uid=alice/) > 0)
        await mortal.stop('SIGKILL')
        return await checked
      }
    })
    await t.rejects(question, { code: 'AUTHN_DIRECTORY' })
    await mortal.start()
    t.equal(outcome(await ask('alice', alice.password)), 'alice', 'and back again')
  })

  t.test('that is frozen: unavailable, in time', async t => {
    const { ask, provider } = await open(t, slapd, { timeouts: SHORT })
    t.equal(outcome(await ask('alice', alice.password)), 'alice')
    await slapd.freeze()
    t.teardown(() => { slapd.signal('SIGCONT') })
    await t.rejects(ask('alice', alice.password), { code: 'AUTHN_DIRECTORY', message: /did not answer a search within 700 ms|no TLS handshake within 700 ms/ })
    const budget = new AbortController()
    setTimeout(() => { budget.abort(new UnavailableError('deadline')) }, 100)
    await t.rejects(ask('alice', alice.password, { signal: budget.signal }), new UnavailableError('deadline'), 'the review\'s own deadline goes before')
    await t.rejects(Promise.resolve(provider.ping!({ signal: new AbortController().signal, log: QUIET })))
    slapd.signal('SIGCONT')
    t.equal(outcome(await ask('alice', alice.password)), 'alice')
  })

  t.test('that is slow: answers within the limits, or unavailable', async t => {
    const slow = await open(t, slapd, plainUrl((await startProxy(t, slapd.port, { delay: 100 })).port))
    t.equal(outcome(await slow.ask('alice', alice.password)), 'alice')
    t.equal(outcome(await slow.ask('alice', 'canary-wrong')), 'wrong-credential')
    const slower = await open(t, slapd, { ...plainUrl((await startProxy(t, slapd.port, { delay: 900 })).port), timeouts: SHORT })
    await t.rejects(slower.ask('alice', alice.password), { code: 'AUTHN_DIRECTORY', message: /within 700 ms/ })
  })

  t.test('that talks nonsense: unavailable', async t => {
    for (const [name, answer] of [
      ['words', () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
      ['noise', () => Buffer.from(Array.from({ length: 300 }, (_, index) => index * 7919 % 256))],
      ['a message that never ends', () => Buffer.from('308400ffffff020101', 'hex')],
      ['an answer of another kind', () => Buffer.from('300c02010265070a010004000400', 'hex')],
      ['an answer to nobody', () => Buffer.from('300c02017f61070a010004000400', 'hex')],
      ['nothing', () => undefined],
      ['noise after the bind', (bytes: Buffer) => bytes[5] === 0x61 ? bytes : Buffer.from('3005020103ffff', 'hex')]
    ] as Array<[string, (bytes: Buffer) => Buffer | undefined]>) {
      const { ask } = await open(t, slapd, { ...plainUrl((await startProxy(t, slapd.port, { answer })).port), timeouts: { connect: '300ms', bind: '300ms', search: '300ms' } })
      await t.rejects(ask('alice', alice.password), { code: 'AUTHN_DIRECTORY' }, name)
    }
  })

  t.test('that resets connections before anything is asked on them: nothing happens', async t => {
    let reset = 0
    const server = createServer(socket => {
      socket.once('close', () => { reset++ })
      socket.resetAndDestroy()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => { server.close() })
    const { ask } = await open(t, slapd, { ...plainUrl((server.address() as AddressInfo).port), bindDN: '', bindPassword: undefined, pool: { min: 2 } })
    await until('those that were opened unasked are gone', () => reset >= 2)
    await t.rejects(ask('alice', alice.password), { code: 'AUTHN_DIRECTORY' })
  })

  t.test('whose certificate has expired: unavailable', async t => {
    const authority = await createCA({ commonName: 'directory CA', days: 2 })
    const expired = (await startSlapd(t, { certificate: await issueOdd(authority, { commonName: 'localhost', names: ['localhost'], days: -1 }) }))!
    await writeFile(join(expired.dir, 'ca.crt'), authority.cert)
    const { ask, logged } = await open(t, expired, { urls: [`ldaps://localhost:${expired.tlsPort}`] })
    await t.rejects(ask('alice', alice.password), { code: 'AUTHN_DIRECTORY', message: /expired/ })
    t.match(logged, [/lost connection to directory host.*expired/], 'the log says why')
  })

  t.test('that nobody answers for: opens all the same, and unavailable', async t => {
    const { ask, provider } = await openLdap(t, ldapConfig({ preset: 'openldap', urls: [`ldap://127.0.0.1:${await freePort()}`], ...PLAIN, bindDN: READER.dn, bindPassword: READER.password, userSearch: { baseDN: SUFFIX }, ...NO_GROUPS }))
    await t.rejects(ask('alice', alice.password), { code: 'AUTHN_DIRECTORY', message: /ECONNREFUSED/ })
    await t.rejects(Promise.resolve(provider.ping!({ signal: new AbortController().signal, log: QUIET })))
  })
})

test('several hosts', async t => {
  const first = await startSlapd(t)
  if (first === undefined) return
  const second = (await startSlapd(t, { certificate: await issueServing(first.authority, { names: ['127.0.0.1'], days: 1 }) }))!
  const both = { urls: [first.tlsUrl, second.tlsUrl] }
  const SEARCH = /SRCH base="ou=people/

  t.test('the first one is preferred; while it is dead it costs nothing; then it is preferred again', async t => {
    const { ask, events, logged } = await open(t, first, { ...both, pool: { min: 0, age: '1s' } })
    await ask('alice', alice.password)
    t.equal(await second.count(SEARCH), 0)
    await first.stop('SIGKILL')
    t.equal(outcome(await ask('alice', alice.password)), 'alice', 'the very next question')
    t.strictSame(events, ['host-lost'])
    for (let index = 0; index < 20; index++) t.equal(outcome(await ask('alice', alice.password)), 'alice')
    t.strictSame(events, ['host-lost'], 'nobody tried it again for them')
    await first.start()
    await until('it is found well', () => logged.some(line => line.includes('is reachable again')))
    const before = await first.count(SEARCH)
    await until('it is asked', async () => {
      await ask('alice', alice.password)
      return await first.count(SEARCH) > before
    })
  })

  t.test('a frozen one is left for the next, within one question', async t => {
    const { ask, events } = await open(t, first, { ...both, timeouts: SHORT })
    await ask('alice', alice.password)
    await first.freeze()
    t.teardown(() => { first.signal('SIGCONT') })
    t.equal(outcome(await ask('alice', alice.password)), 'alice')
    const asked = await second.count(SEARCH)
    t.ok(asked > 0)
    for (let index = 0; index < 5; index++) t.equal(outcome(await ask('alice', alice.password)), 'alice')
    t.equal(await second.count(SEARCH), asked + 5)
    t.strictSame(events, ['host-lost'])
    first.signal('SIGCONT')
  })

  t.test('a password that one refuses is not tried on the other', async t => {
    const { ask } = await open(t, first, both)
    const before = await second.count(/BIND dn="uid=/)
    t.equal(outcome(await ask('bob', 'canary-wrong')), 'wrong-credential')
    t.equal(await second.count(/BIND dn="uid=/), before)
  })

  t.test('a host that is down is better than none', async t => {
    const { ask } = await open(t, first, { urls: [`ldaps://127.0.0.1:${await freePort()}`, `ldaps://127.0.0.1:${await freePort()}`] })
    for (let index = 0; index < 3; index++) await t.rejects(ask('alice', alice.password), { message: /ECONNREFUSED/ })
  })
})

const QUIET = { debug () {}, info () {}, warn () {}, error () {} }

/** Appends bytes to the first answer of each connection. */
function injectAfterStartTLS (bytes: Buffer): (answer: Buffer, connection: number) => Buffer {
  const seen = new Set<number>()
  return (answer, connection) => {
    if (seen.has(connection)) return answer
    seen.add(connection)
    return Buffer.concat([answer, bytes])
  }
}
