/** Which directories a `tls.caFile` trusts, by the best of all paths, and what is left of it as time goes by. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { test, type Test } from 'tap'
import { dial, hostOf } from '../../../../../plugins/providers/ldap/connection/dial.js'
import { openTlsFiles, type TlsFiles } from '../../../../../plugins/providers/ldap/connection/tls-files.js'
import { parseCertificates } from '../../../../../src/certificates/pem.js'
import { createLogger } from '../../../../../src/logger.js'
import { bundleCases } from '../../../../fixtures/ca-bundles.js'
import { certify, createParty, privateKeyOf } from '../../../../fixtures/certificates.js'
import { openldapConfig, openLdap, outcome } from '../../../../fixtures/ldap.js'
import { alice } from '../../../../fixtures/people.js'
import { startSlapd } from '../../../../fixtures/slapd.js'

const DAY = 24 * 3_600_000
const TLS = { mode: 'ldaps', insecure: false, insecureSkipVerify: false, serverName: 'localhost' } as const
const log = await createLogger({ level: 'silent', format: 'json', terminal: false, destination: { write () {} } })

async function open (t: Test, pem: string, now?: () => number): Promise<TlsFiles> {
  const caFile = join(t.testdir(), 'ca.crt')
  await writeFile(caFile, pem)
  const tlsFiles = await openTlsFiles({ caFile }, { log, reportReload () {}, resolvePath: path => path }, now)
  t.teardown(tlsFiles.close)
  return tlsFiles
}

test('which directories a CA file trusts', async t => {
  for (const { what, sends, key, trusts, trusted } of await bundleCases(true)) {
    await t.test(what, async t => {
      const server = createServer({ cert: sends.join(''), key }, socket => { socket.on('error', () => {}) }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      t.teardown(() => { server.close() })
      const tlsFiles = await open(t, trusts.join(''))
      const host = hostOf(`ldaps://127.0.0.1:${(server.address() as AddressInfo).port}`)
      const dialled = dial(host, { tls: TLS, certificates: tlsFiles.current, timeout: 10_000 }, new AbortController().signal)
      if (trusted) (await dialled).destroy()
      else await t.rejects(dialled, { code: 'AUTHN_DIRECTORY', message: /can't be reached: .*\(?[A-Z_]{8,}\)?/ })
    })
  }
})

test('a directory of a cross-signed root, whose own certificate has expired', async t => {
  const [root, old, server] = [await createParty('root'), await createParty('old root'), await createParty('directory')]
  const chain = await certify(server, { by: root, dns: 'localhost' }) + await certify(root, { by: old })
  const slapd = await startSlapd(t, { certificate: { cert: chain, key: await privateKeyOf(server) } })
  if (slapd === undefined) return
  const caFile = join(slapd.dir, 'roots.crt')
  await writeFile(caFile, await certify(root, { to: -1 }) + await certify(old))
  const { ask } = await openLdap(t, openldapConfig(slapd, { tls: { caFile, serverName: 'localhost' }, groupSearch: { mode: 'none' } }))
  t.equal(outcome(await ask('alice', alice.password)), 'alice')
})

test('what has expired while the service runs is left out', async t => {
  const root = await createParty('root')
  const [first, second] = [await certify(root, { to: 10 }), await certify(root, { to: 60 })]
  let now = Date.now()
  const tlsFiles = await open(t, first + second, () => now)
  const count = (): number => parseCertificates(tlsFiles.current().ca!, 'what is trusted').length
  t.equal(count(), 2)
  now += 20 * DAY
  t.equal(tlsFiles.current().ca, second.replaceAll('\r', ''))
  now += 60 * DAY
  t.equal(count(), 2, 'where nothing is good any more, the handshake says so')
})
