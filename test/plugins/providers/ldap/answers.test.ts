/** What a connection makes of answers, right and wrong ones, byte by byte. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { test, type Test } from 'tap'
import { MAX_ENTRIES } from '../../../../plugins/providers/ldap/messages/allowance.js'
import { LdapConnection, type Query } from '../../../../plugins/providers/ldap/connection/ldap-connection.js'
import { dial, hostOf, type Host } from '../../../../plugins/providers/ldap/connection/dial.js'
import { LONGEST_DN } from '../../../../plugins/providers/ldap/syntax/distinguished-name.js'
import type { LdapProviderConfig } from '../../../../schemas/providers/ldap.js'
import { control, element, entry, integer, message, Response, result } from '../../../fixtures/ber.js'
import { Request, startHostile, type Say } from '../../../fixtures/hostile-directory.js'
import { authority, serving } from '../../../fixtures/service.js'
import { until } from '../../../fixtures/waiting.js'

const TIMEOUTS = { connect: 20_000, bind: 20_000, search: 20_000 }
const PLAIN: LdapProviderConfig['tls'] = { mode: 'none', insecure: true, insecureSkipVerify: false, serverName: '' }
const { signal } = new AbortController()

async function reach (host: Host, tls = PLAIN): Promise<Socket> {
  return await dial(host, { tls, certificates: () => ({ ca: authority.cert }), timeout: 20_000 }, signal)
}

/** A connection to a host that says this, and what it comes to. */
async function connectTo (t: Test, say: Say, timeouts = TIMEOUTS): Promise<LdapConnection> {
  const { port } = await startHostile(t, say)
  const host = hostOf(`ldap://localhost:${port}`)
  const connection = new LdapConnection(host, await reach(host), timeouts)
  t.teardown(() => { connection.close() })
  return connection
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const POLICY = '1.3.6.1.4.1.42.2.27.8.5.1'
const PAGED = '1.2.840.113556.1.4.319'
const BIND_OK = result(Response.bind)

/** Operations, and what else may be in a message, in answer to a bind. */
const BINDS: ReadonlyArray<readonly [name: string, answer: (id: number) => Buffer, expected: RegExp | number]> = [
  ['a success', id => message(id, BIND_OK), 0],
  ['a wrong password', id => message(id, result(Response.bind, 49, 'no')), 49],
  ['lengths in their long form, as Active Directory writes them', id => hex(`308400000010 0201${byte(id)} 618400000007 0a0100 0400 0400`), 0],
  ['an exotic code', id => message(id, result(Response.bind, 2 ** 31 - 1)), 2 ** 31 - 1],
  ['a code of a SASL bind in progress', id => message(id, result(Response.bind, 14)), 14],
  ['SASL credentials and a referral', id => message(id, result(Response.bind, 10, '', element(0xa3, element(0x04, 'ldap://x')), element(0x87, 'x'))), 10],
  ['a field that RFC 4511 wants to be ignored', id => message(id, result(Response.bind, 0, '', element(0x99, 'x'))), 0],
  ['words that are not UTF-8', id => message(id, element(Response.bind, integer(49, 0x0a), element(0x04), element(0x04, hex('ff00fe')))), 49],
  ['thousands of controls', id => message(id, BIND_OK, ...new Array<Buffer>(5_000).fill(control('1.2.3', hex('ff')))), 0],
  // ldapts takes what is missing for a success
  ['nothing', id => message(id, element(Response.bind)), /the result code is missing/],
  ['a code alone', id => message(id, element(Response.bind, integer(0, 0x0a))), /the matched DN is missing/],
  ['no words', id => message(id, element(Response.bind, integer(0, 0x0a), element(0x04))), /the diagnostic message is missing/],
  ['a code without a number', id => message(id, element(Response.bind, hex('0a00'), element(0x04), element(0x04))), /a number of 0 bytes/],
  ['a code of five bytes', id => message(id, element(Response.bind, hex('0a050000000000'), element(0x04), element(0x04))), /a number of 5 bytes/],
  ['a code that is negative', id => message(id, element(Response.bind, hex('0a01ff'), element(0x04), element(0x04))), /is negative/],
  ['a code the wrong type', id => message(id, element(Response.bind, integer(0), element(0x04), element(0x04))), /the result code has the wrong type/],
  ['a code that goes on beyond its parent', id => hex(`300c 0201${byte(id)} 6107 0a7f00 0400 0400`), /exceeds its parent/],
  ['an operation that goes on beyond the message', id => hex(`300c 0201${byte(id)} 617f 0a0100 0400 0400`), /exceeds its parent/],
  ['an operation that ends before its fields', id => hex(`300c 0201${byte(id)} 6103 0a0100 0400 0400`), /the matched DN is missing/],
  ['controls within the result', id => message(id, result(Response.bind, 0, '', element(0xa0))), /has controls within it/],
  ['something behind the controls', id => element(0x30, integer(id), BIND_OK, element(0xa0), element(0x04)), /has unexpected data at its end/],
  ['a control that is none', id => message(id, BIND_OK, element(0x04)), /a control has the wrong type/],
  ['a control without a type', id => message(id, BIND_OK, element(0x30)), /the type of a control is missing/],
  ['a control with something behind its value', id => message(id, BIND_OK, element(0x30, element(0x04, '1.2'), element(0x04), element(0x04))), /a control has unexpected data at its end/],
  ['a criticality of two bytes', id => message(id, BIND_OK, element(0x30, element(0x04, '1.2'), element(0x01, 'xx'))), /not a boolean/],
  ['a password policy that is cut short', id => message(id, BIND_OK, control(POLICY, hex('30038101'))), /aborted a bind/],
  ['an answer for another request', id => message(id + 1, BIND_OK), /it is for another request/],
  ['an answer for no request', () => message(0, BIND_OK), /it is for another request/],
  ['a negative message ID', () => element(0x30, hex('0201ff'), BIND_OK), /the message ID is negative/],
  ['a message ID of eight bytes', () => element(0x30, hex('02080000000000000002'), BIND_OK), /a number of 8 bytes/],
  ['no message ID', () => element(0x30, BIND_OK), /the message ID has the wrong type/],
  ['no operation', id => element(0x30, integer(id)), /answers another kind of request/],
  ['an empty message', () => element(0x30), /the message ID is missing/],
  ['an entry', id => message(id, entry('cn=a')), /answers another kind of request/],
  ['the end of a search', id => message(id, result(Response.result)), /answers another kind of request/],
  ['an intermediate response', id => message(id, element(0x79)), /answers another kind of request/],
  ['a request', id => message(id, element(Request.search)), /answers another kind of request/],
  ['an operation that there is not', id => message(id, element(0x7e)), /answers another kind of request/],
  ['a tag of several bytes', id => message(id, element(Response.bind, hex('1f810000'))), /a tag of several bytes/],
  ['a length of five bytes', () => hex('30850000000001'), /a length has 5 bytes/],
  ['an indefinite length within', id => element(0x30, integer(id), hex('6180 0a0100 0400 0400 0000')), /an indefinite length/],
  ['words of another protocol', () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /does not begin like an LDAP message/],
  ['that it is leaving', () => message(0, result(Response.extended, 52, 'shutting\ndown', element(0x8a, '1.3.6.1.4.1.1466.20036'))), /aborted a bind: it announces the end of the connection: result code 52 \(shutting down\)/],
  ['another notice', () => message(0, result(Response.extended, 0, '', element(0x8a, '1.2.3'))), /an unsolicited notification/]
]

function byte (value: number): string {
  return value.toString(16).padStart(2, '0')
}

test('answers to a bind', async t => {
  for (const [name, answer, expected] of BINDS) {
    const connection = await connectTo(t, (socket, { id }) => { socket.write(answer(id)) })
    const bind = connection.bind('cn=a', 'canary')
    if (typeof expected === 'number') {
      t.equal((await bind).code, expected, name)
      t.ok(connection.open)
    } else {
      await t.rejects(bind, { code: 'AUTHN_DIRECTORY', message: expected, lost: 'host' }, name)
      t.notOk(connection.open, 'the connection is cut')
    }
  }
})

const QUERY: Query = { baseDN: 'dc=x', scope: 'sub', attributes: ['cn'] }
const END = result(Response.result)
const attribute = (...parts: Buffer[]): Buffer => element(Response.entry, element(0x04, 'cn=a'), element(0x30, element(0x30, ...parts)))
const many = (count: number, operation: Buffer) => (id: number) => Buffer.concat([...new Array<Buffer>(count).fill(message(id, operation)), message(id, END)])

const SEARCHES: ReadonlyArray<readonly [name: string, answer: (id: number) => Buffer, expected: RegExp | number, lost?: 'host' | undefined, limit?: number]> = [
  ['nothing', id => message(id, END), 0],
  ['entries and references', id => Buffer.concat([message(id, entry('cn=a', { cn: ['a'] })), message(id, element(Response.reference, element(0x04, 'ldap://x'))), message(id, entry('cn=b')), message(id, END)]), 2],
  ['as many as may be', many(MAX_ENTRIES, entry('cn=a', { cn: ['a'] })), MAX_ENTRIES],
  ['as many as were asked for, and that there are more', id => Buffer.concat([...new Array<Buffer>(3).fill(message(id, entry('cn=a'))), message(id, result(Response.result, 4))]), 3, undefined, 3],
  ['fewer than were asked for, and that there are more', id => Buffer.concat([message(id, entry('cn=a')), message(id, result(Response.result, 4))]), /stopped a search under "dc=x" after 1 of 3 entries: raise its size limit/, undefined, 3],
  ['none, and that there are more', id => message(id, result(Response.result, 4)), /after 0 of 3 entries/, undefined, 3],
  ['a DN as long as may be', id => Buffer.concat([message(id, entry(`cn=${'a'.repeat(LONGEST_DN - 3)}`)), message(id, END)]), 1],
  ['a DN that is too long', id => message(id, entry(`cn=${'a'.repeat(LONGEST_DN - 2)}`)), /the DN of an entry is longer than 8192 bytes/, 'host'],
  ['a value that is not UTF-8', id => Buffer.concat([message(id, entry('cn=a', { cn: [hex('ff')] })), message(id, END)]), 1],
  ['a list without values', id => Buffer.concat([message(id, entry('cn=a', { cn: [] })), message(id, END)]), 1],
  ['a base that is not there', id => message(id, result(Response.result, 32)), -1],
  ['one more than was asked for', many(4, entry('cn=a')), /more than the requested 3 entries/, 'host', 3],
  ['more than may be', many(MAX_ENTRIES + 1, entry('cn=a')), /sent too long an answer to a search: it has more than 5000 entries/],
  ['references without end', many(1_001, element(Response.reference, element(0x04, 'ldap://x'))), /it has more than 1000 references/, 'host'],
  ['values without end', id => message(id, entry('cn=a', { cn: new Array<string>(70_000).fill('') })), /it has too many elements/],
  ['a message that is too long', id => message(id, entry('cn=a', { cn: ['x'.repeat(1024 * 1024)] })), /a message is longer than 1048576 bytes/],
  ['messages that are too long together', many(5, entry('cn=a', { cn: ['x'.repeat(1_000_000)] })), /it is longer than 4194304 bytes/],
  ['the answer to a bind', id => message(id, BIND_OK), /answers another kind of request/, 'host'],
  ['an entry for another request', id => message(id - 1, entry('cn=a')), /it is for another request/, 'host'],
  ['an entry without attributes', id => message(id, element(Response.entry, element(0x04, 'cn=a'))), /the attributes of an entry is missing/, 'host'],
  ['an entry without a DN', id => message(id, element(Response.entry)), /the DN of an entry is missing/, 'host'],
  ['a DN that is not UTF-8', id => message(id, entry('cn=a').fill(0xff, 4, 5)), /the DN of an entry is not UTF-8/, 'host'],
  ['an entry with something behind', id => message(id, element(Response.entry, element(0x04), element(0x30), element(0x04))), /an entry has unexpected data at its end/, 'host'],
  ['an attribute without values', id => message(id, attribute(element(0x04, 'cn'))), /the values of an attribute is missing/, 'host'],
  ['values in a sequence', id => message(id, attribute(element(0x04, 'cn'), element(0x30))), /the wrong type/, 'host'],
  ['a value that is no string', id => message(id, attribute(element(0x04, 'cn'), element(0x31, integer(1)))), /the value of an attribute has the wrong type/, 'host'],
  ['an attribute with something behind', id => message(id, attribute(element(0x04, 'cn'), element(0x31), element(0x31))), /an attribute has unexpected data at its end/, 'host'],
  ['an attribute without a name', id => message(id, attribute(element(0x04), element(0x31))), /an invalid name/, 'host'],
  // ldapts keeps attributes in an object, the DN beside them
  ['an attribute that would be the DN', id => message(id, attribute(element(0x04, 'dn'), element(0x31, element(0x04, 'cn=root')))), /an invalid name/, 'host'],
  ['an attribute that would be a prototype', id => message(id, attribute(element(0x04, '__proto__'), element(0x31))), /an invalid name/, 'host'],
  ['a reference that is no string', id => message(id, element(Response.reference, integer(1))), /a reference has the wrong type/, 'host'],
  ['a page whose cookie is cut short', id => message(id, END, control(PAGED, hex('3006 020100 0405 ff'))), /exceeds its parent/, 'host'],
  ['a page of another form', id => message(id, END, control(PAGED, hex('0400'))), /a page has the wrong type/, 'host']
]

test('answers to a search', async t => {
  for (const [name, answer, expected, lost, limit] of SEARCHES) {
    const connection = await connectTo(t, (socket, { id }) => { socket.write(answer(id)) })
    const search = connection.search({ ...QUERY, ...limit !== undefined && { limit } }, signal)
    if (typeof expected === 'number') t.equal((await search)?.length ?? -1, expected, name)
    else await t.rejects(search, { code: 'AUTHN_DIRECTORY', message: expected, lost }, name)
  }
})

test('answers in small pieces', async t => {
  const connection = await connectTo(t, (socket, { id }) => {
    const bytes = Buffer.concat([message(id, entry('cn=a', { cn: ['a'.repeat(300)] })), message(id, END)])
    let at = 0
    const drip = setInterval(() => {
      socket.write(bytes.subarray(at, ++at))
      if (at === bytes.length) clearInterval(drip)
    }, 0)
  })
  t.strictSame((await connection.search(QUERY, signal))!.map(found => found.text('cn')), ['a'.repeat(300)])
})

test('pages without end', async t => {
  const page = (id: number): Buffer => Buffer.concat([message(id, entry('cn=a', { cn: ['a'] })), message(id, END, control(PAGED, element(0x30, integer(0), element(0x04, 'more'))))])
  const connection = await connectTo(t, (socket, { id }) => { socket.write(page(id)) })
  await t.rejects(connection.search(QUERY, signal), { message: /it has too many elements/ })
})

test('a list in parts without end', async t => {
  const connection = await connectTo(t, (socket, { id }) => {
    // parts that follow one another, so that there is always a next one
    const part = id - 2
    socket.write(Buffer.concat([message(id, entry('cn=a', { [`member;range=${part}-${part}`]: ['x'] })), message(id, END)]))
  })
  await t.rejects(connection.search({ ...QUERY, limit: 1 }, signal), { message: /it has too many elements/ })
})

test('what comes without being asked for ends the connection, and is no answer', async t => {
  const before = await connectTo(t, () => {})
  const early = await startEarly(t, message(2, BIND_OK))
  await until('it is cut', () => !early.open)
  await t.rejects(early.bind('cn=a', 'canary'), { message: /closed the connection/ }, 'before the request')
  t.ok(before.open, 'while another one, on which nothing came, stays')

  const connection = await connectTo(t, (socket, { id }) => { socket.write(Buffer.concat([message(id, result(Response.bind, 49)), message(id + 1, BIND_OK)])) })
  t.equal((await connection.bind('cn=a', 'canary')).code, 49, 'behind an answer')
  t.notOk(connection.open)
})

/** A host that says something at once. */
async function startEarly (t: Test, bytes: Buffer): Promise<LdapConnection> {
  const server = createServer(socket => { socket.on('error', () => {}).write(bytes) }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const host = hostOf(`ldap://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return new LdapConnection(host, await reach(host), TIMEOUTS)
}

const START_TLS: LdapProviderConfig['tls'] = { ...PLAIN, mode: 'startTLS', insecure: false }
const STARTED = result(Response.extended)

test('answers to StartTLS', async t => {
  for (const [name, say, expected] of [
    ['no', (socket, { id }) => { socket.write(message(id, result(Response.extended, 53, 'unwilling'))) }, /it rejected StartTLS: result code 53 \(unwilling\)/],
    ['cut short', (socket, { id }) => { socket.write(hex(`300c0201${byte(id)}78070a010004000401`)) }, /the answer to StartTLS is invalid: .* exceeds its parent/],
    ['nothing', (socket, { id }) => { socket.write(message(id, element(Response.extended))) }, /the result code is missing/],
    ['of a bind', (socket, { id }) => { socket.write(message(id, BIND_OK)) }, /answers another kind of request/],
    ['with something behind', (socket, { id }) => { socket.write(Buffer.concat([message(id, STARTED), message(2, BIND_OK)])) }, /more data follows it before the TLS handshake/],
    ['with a piece behind', (socket, { id }) => { socket.write(Buffer.concat([message(id, STARTED), hex('30')])) }, /more data follows it before the TLS handshake/],
    ['too long', (socket, { id }) => { socket.write(message(id, result(Response.extended, 0, 'x'.repeat(20_000)))) }, /longer than 16384 bytes/],
    ['closed', socket => { socket.end() }, /it closed the connection instead of answering StartTLS/],
    ['reset', socket => { socket.resetAndDestroy() }, /it closed the connection instead of answering StartTLS/],
    ['yes, and then no TLS', (socket, { id }) => {
      socket.removeAllListeners('data').once('data', () => { socket.end('this is no TLS') })
      socket.write(message(id, STARTED))
    }, /can't be reached: it does not speak TLS on this port \(ERR_SSL_WRONG_VERSION_NUMBER\)$/],
    ['yes, and then the end', (socket, { id }) => {
      socket.removeAllListeners('data').once('data', () => { socket.end() })
      socket.write(message(id, STARTED))
    }, /can't be reached: it closed the connection during the TLS handshake$/]
  ] as ReadonlyArray<readonly [string, Say, RegExp]>) {
    const { port } = await startHostile(t, say)
    await t.rejects(reach(hostOf(`ldap://localhost:${port}`), START_TLS), { code: 'AUTHN_DIRECTORY', message: expected, lost: 'host' }, name)
  }
})

test('an error in the same breath as the handshake ends nothing else', async t => {
  // in TLS 1.2 the server has the last word of the handshake; nonsense follows it in the same segment
  const server = createTlsServer({ ...serving, maxVersion: 'TLSv1.2' }).on('tlsClientError', () => {}).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const changeCipherSpec = hex('140303000101')
  const proxy = createServer(client => {
    const upstream = connect((server.address() as AddressInfo).port, '127.0.0.1')
    client.on('data', bytes => { upstream.write(bytes) })
    upstream.on('data', bytes => { client.write(bytes.includes(changeCipherSpec) ? Buffer.concat([bytes, hex('1503030002ffff')]) : bytes) })
    for (const [one, other] of [[client, upstream], [upstream, client]] as const) one.on('error', () => {}).on('close', () => { other.destroy() })
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.teardown(() => {
    proxy.close()
    server.close()
  })
  const host = hostOf(`ldaps://localhost:${(proxy.address() as AddressInfo).port}`)
  for (let round = 0; round < 10; round++) {
    const socket = await reach(host, { ...PLAIN, mode: 'ldaps', insecure: false }).catch(() => undefined)
    if (socket?.destroyed === false) await new Promise(resolve => { socket.resume().once('close', resolve) })
  }
  t.pass('the process is there')
})
