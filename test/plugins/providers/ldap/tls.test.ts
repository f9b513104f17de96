/** TLS to a directory: client certificates, and what is said of a port, a scheme or a mode that does not fit. */
import { copyFile, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { test, type Test } from 'tap'
import ldap from '../../../../plugins/providers/ldap/index.js'
import { createCA, issueClient, type CertificatePair } from '../../../../src/certificates/issue.js'
import { openLdap, openldapConfig, outcome, type LdapFields } from '../../../fixtures/ldap.js'
import { alice } from '../../../fixtures/people.js'
import { authority, serving } from '../../../fixtures/service.js'
import { READER, startSlapd, SUFFIX, type Slapd } from '../../../fixtures/slapd.js'
import { until } from '../../../fixtures/waiting.js'

const timeouts = { connect: '5s', bind: '5s', search: '5s' }
const PLAIN = { mode: 'none', insecure: true }

async function open (t: Test, slapd: Pick<Slapd, 'tlsUrl' | 'dir'>, fields: LdapFields = {}) {
  return await openLdap(t, openldapConfig(slapd as Slapd, { groupSearch: { mode: 'none' }, timeouts, ...fields }))
}

async function writePair (dir: string, name: string, { cert, key }: CertificatePair) {
  const [certFile, keyFile] = [join(dir, `${name}.crt`), join(dir, `${name}.key`)]
  await writeFile(certFile, cert)
  await writeFile(keyFile, key)
  return { certFile, keyFile }
}

test('a directory that requires a client certificate', async t => {
  const slapd = await startSlapd(t, { global: 'TLSVerifyClient demand' })
  if (slapd === undefined) return
  const { dir } = slapd
  const caFile = join(dir, 'ca.crt')
  const client = await writePair(dir, 'client', await issueClient(slapd.authority, { commonName: 'authn-webhook', days: 1 }))
  const other = await createCA({ commonName: 'another CA', days: 1 })
  const stranger = await writePair(dir, 'stranger', await issueClient(other, { commonName: 'authn-webhook', days: 1 }))
  const startTLS = { urls: [slapd.url] }
  const closed = /aborted a bind: it closed the connection before its first answer; if it requires a client certificate, check tls.certFile and tls.keyFile/

  for (const [name, fields, expected] of [
    ['over LDAPS', { tls: { caFile, ...client } }, 'alice'],
    ['over StartTLS', { ...startTLS, tls: { mode: 'startTLS', caFile, ...client } }, 'alice'],
    ['not without one', { tls: { caFile } }, closed],
    ['not over StartTLS either', { ...startTLS, tls: { mode: 'startTLS', caFile } }, closed],
    ['not with one of another CA', { tls: { caFile, ...stranger } }, closed]
  ] as Array<[string, LdapFields, string | RegExp]>) {
    const { ask } = await open(t, slapd, fields)
    if (typeof expected === 'string') t.equal(outcome(await ask('alice', alice.password)), expected, name)
    else await t.rejects(ask('alice', alice.password), { code: 'AUTHN_DIRECTORY', message: expected }, name)
  }

  await t.test('gets a new one when the files change', async t => {
    const own = t.testdir()
    const files = await writePair(own, 'client', await issueClient(other, { commonName: 'authn-webhook', days: 1 }))
    const { ask, reloads, logged } = await open(t, slapd, { tls: { caFile, ...files }, pool: { min: 0 } })
    await t.rejects(ask('alice', alice.password), { message: closed })
    await copyFile(client.certFile, files.certFile)
    await until('the half-written pair is noticed', () => reloads.includes('failed'))
    t.match(logged.join('\n'), /TLS files of the directory not reloaded; keeping the previous version/)
    await copyFile(client.keyFile, files.keyFile)
    await until('the pair is noticed', () => reloads.includes('reloaded'))
    t.equal(outcome(await ask('alice', alice.password)), 'alice')
  })

  await t.test('whose files are wrong: an error at the start and in validate', async t => {
    for (const [name, tls, expected] of [
      ['a key of another certificate', { caFile, certFile: client.certFile, keyFile: stranger.keyFile }, /does not belong to the certificate in/],
      ['no certificate', { caFile, certFile: client.keyFile, keyFile: client.keyFile }, /holds a private key/],
      ['no key', { caFile, certFile: client.certFile, keyFile: join(dir, 'missing.key') }, /missing\.key/]
    ] as const) {
      const config = openldapConfig(slapd, { groupSearch: { mode: 'none' }, tls })
      await t.rejects(openLdap(t, config), { message: expected }, name)
      await t.rejects(Promise.resolve(ldap.validateFiles!(config, { resolvePath: path => path, warn () {}, findReservedNames: () => [] })), { message: expected }, `${name}: validate`)
    }
  })
})

test('a port, a scheme or a mode that does not fit', async t => {
  const slapd = await startSlapd(t)
  if (slapd === undefined) return
  const caFile = join(slapd.dir, 'ca.crt')
  const bare = (await startSlapd(t, { tls: false }))!
  const [plain, secure] = [slapd.url.replace('ldap:', 'ldaps:'), slapd.tlsUrl.replace('ldaps:', 'ldap:')]
  for (const [name, urls, tls, expected] of [
    ['ldaps:// to a plain port', [plain], { caFile }, /can't be reached: it closed the connection during the TLS handshake; if this is a port without TLS, use the TLS port of the directory, usually 636, or ldap:\/\/ with tls.mode startTLS$/],
    ['ldaps:// to a directory without TLS', [bare.url.replace('ldap:', 'ldaps:')], { caFile }, /it closed the connection during the TLS handshake; if this is a port without TLS/],
    ['ldap:// to a TLS port', [secure], PLAIN, /aborted a bind: it closed the connection before its first answer; if this is a TLS port, use ldaps:\/\/ and tls.mode ldaps$/],
    ['StartTLS on a TLS port', [secure], { mode: 'startTLS', caFile }, /can't be reached: it closed the connection instead of answering StartTLS; if this is a TLS port, use ldaps:\/\/ and tls.mode ldaps$/],
    ['StartTLS that is unknown', [bare.url], { mode: 'startTLS', caFile }, /can't be reached: it does not support StartTLS: configure TLS on the directory, or use ldaps:\/\/ \(result code 2 \(unsupported extended operation\)\)$/]
  ] as Array<[string, string[], LdapFields, RegExp]>) {
    const { ask } = await open(t, slapd, { urls, tls })
    await t.rejects(ask('alice', alice.password), { code: 'AUTHN_DIRECTORY', message: expected, lost: 'host' }, name)
  }
})

test('a directory that wants TLS and is asked in plaintext', async t => {
  const slapd = await startSlapd(t, { global: 'security tls=1' })
  if (slapd === undefined) return
  const plain = { urls: [slapd.url], tls: PLAIN }
  const anonymous = { ...plain, bindDN: '', bindPassword: undefined }
  const advice = /ConfidentialityRequiredError 13: TLS confidentiality required; it requires TLS: set tls.mode to ldaps or startTLS/
  for (const [name, fields] of [
    ['with a service account', plain],
    ['anonymously', anonymous],
    ['as the user', { ...anonymous, userDNTemplate: `uid={username},ou=people,${SUFFIX}`, userSearch: {} }]
  ] as Array<[string, LdapFields]>) {
    const { ask } = await open(t, slapd, fields)
    await t.rejects(ask('alice', alice.password), { code: 'AUTHN_DIRECTORY', message: advice }, name)
  }
  t.equal(outcome(await (await open(t, slapd)).ask('alice', alice.password)), 'alice', 'over TLS it answers')
})

test('hosts that OpenLDAP is not', async t => {
  const listen = async (server: ReturnType<typeof createServer>): Promise<number> => {
    server.on('tlsClientError', () => {}).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => { server.close() })
    return (server.address() as AddressInfo).port
  }
  const ca = { ca: authority.cert, requestCert: true, rejectUnauthorized: true }
  const short = { timeouts: { connect: '500ms', bind: '500ms', search: '500ms' } }
  const words = (bytes: Buffer | string) => createServer(socket => { socket.on('error', () => {}).once('data', () => { socket.write(bytes) }) })
  for (const [name, scheme, server, fields, expected] of [
    ['a certificate required, TLS 1.3', 'ldaps', createTlsServer({ ...serving, ...ca }), {}, /aborted a bind: it requires a client certificate: set tls.certFile and tls.keyFile \(ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED\)$/],
    ['a certificate required, TLS 1.2', 'ldaps', createTlsServer({ ...serving, ...ca, maxVersion: 'TLSv1.2' }), {}, /can't be reached: it rejected the TLS handshake: it may require a client certificate \(tls.certFile, tls.keyFile\), or a TLS version or cipher that is not offered \(ERR_SSL_\S+_ALERT_HANDSHAKE_FAILURE\)$/],
    ['words in place of TLS', 'ldaps', words('HTTP/1.1 400 Bad Request\r\n\r\n'), {}, /can't be reached: it does not speak TLS on this port \(ERR_SSL_WRONG_VERSION_NUMBER\); if this is a port without TLS, use the TLS port/],
    ['nothing in place of TLS', 'ldaps', createServer(socket => { socket.on('error', () => {}) }), short, /can't be reached: no TLS handshake within 500 ms; if this is a port without TLS, use the TLS port of the directory, usually 636, or ldap:\/\/ with tls.mode startTLS$/],
    ['an alert of TLS in place of LDAP', 'ldap', words(Buffer.from('15030100020246', 'hex')), { tls: PLAIN }, /sent an invalid answer to a bind: it is a TLS message: this is a TLS port, use ldaps:\/\/ and tls.mode ldaps$/],
    ['an alert of TLS in place of StartTLS', 'ldap', words(Buffer.from('15030100020246', 'hex')), { tls: { mode: 'startTLS' } }, /the answer to StartTLS is invalid: it is a TLS message: this is a TLS port/]
  ] as Array<[string, string, ReturnType<typeof createServer>, LdapFields, RegExp]>) {
    const url = `${scheme}://127.0.0.1:${await listen(server)}`
    const { ask } = await open(t, { tlsUrl: url, dir: '' }, { tls: { insecureSkipVerify: true }, bindDN: READER.dn, ...fields })
    await t.rejects(ask('alice', alice.password), { code: 'AUTHN_DIRECTORY', message: expected }, name)
  }
})
