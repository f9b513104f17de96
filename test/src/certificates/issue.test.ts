import { X509Certificate, createPrivateKey, webcrypto } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { test, type Test } from 'tap'
import { createCA, issueClient, issueServing, type CertificatePair } from '../../../src/certificates/issue.js'

const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR
const NAMES = ['localhost', '127.0.0.1', '::1', 'authn-webhook.kube-system.svc']

const authority = await createCA({ commonName: 'test CA', days: 3650 })
const serving = await issueServing(authority, { names: NAMES, days: 365 })

function days (certificate: X509Certificate): number {
  return (Date.parse(certificate.validTo) - Date.now()) / DAY
}

test('an authority', async (t) => {
  const certificate = new X509Certificate(authority.cert)
  t.ok(certificate.ca, 'may sign')
  t.ok(certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey), 'signed itself')
  t.equal(certificate.subject, 'CN=test CA')
  t.ok(Math.abs(days(certificate) - 3650) < 0.01)
  const ageing = Date.now() - Date.parse(certificate.validFrom)
  t.ok(ageing >= HOUR && ageing < HOUR + 60_000, 'is good on machines whose clock is up to an hour behind')
  t.match(authority.key, /^-----BEGIN PRIVATE KEY-----\n/, 'PKCS#8')
  t.equal(createPrivateKey(authority.key).asymmetricKeyDetails?.namedCurve, 'prime256v1')
  t.ok(authority.cert.endsWith('-----END CERTIFICATE-----\n'), 'can be concatenated')
})

test('a serving certificate', async (t) => {
  const issuer = new X509Certificate(authority.cert)
  const certificate = new X509Certificate(serving.cert)
  t.ok(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey), 'is signed by its authority')
  t.ok(certificate.checkPrivateKey(createPrivateKey(serving.key)))
  t.notOk(certificate.ca)
  t.same(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1'], 'extended key usage: serverAuth')
  t.ok(certificate.checkHost('authn-webhook.kube-system.svc'))
  t.notOk(certificate.checkHost('example.com'))
  t.ok(certificate.checkIP('127.0.0.1'))
  t.ok(certificate.checkIP('::1'))
  t.notOk(certificate.checkIP('127.0.0.2'))
  t.notOk(certificate.checkHost('127.0.0.1'), 'an address is an address, not a DNS name')
  t.not(certificate.serialNumber, new X509Certificate((await issueServing(authority, { names: NAMES, days: 1 })).cert).serialNumber)
})

test('extensions as RFC 5280 wants them', async (t) => {
  const { X509Certificate: Parsed, BasicConstraintsExtension, KeyUsagesExtension, KeyUsageFlags, SubjectKeyIdentifierExtension, AuthorityKeyIdentifierExtension } = await import('@peculiar/x509')
  const ca = new Parsed(authority.cert)
  const leaf = new Parsed(serving.cert)
  t.match(ca.getExtension(BasicConstraintsExtension), { critical: true, ca: true, pathLength: 0 })
  t.match(ca.getExtension(KeyUsagesExtension), { critical: true, usages: KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign })
  t.match(leaf.getExtension(BasicConstraintsExtension), { critical: true, ca: false })
  t.match(leaf.getExtension(KeyUsagesExtension), { critical: true, usages: KeyUsageFlags.digitalSignature })
  t.equal(leaf.getExtension(AuthorityKeyIdentifierExtension)?.keyId, ca.getExtension(SubjectKeyIdentifierExtension)?.keyId)
  t.ok(leaf.getExtension(SubjectKeyIdentifierExtension)?.keyId)
})

test('names are written in one form, each once', async (t) => {
  const cases: Array<[given: string, carried: string]> = [
    ['LocalHost', 'DNS:localhost'],
    ['bücher.example', 'DNS:xn--bcher-kva.example'],
    ['*.example.com', 'DNS:*.example.com'],
    ['10.0.0.1', 'IP Address:10.0.0.1'],
    ['FD00:0:0:0::1', 'IP Address:FD00:0:0:0:0:0:0:1'],
    ['::', 'IP Address:0:0:0:0:0:0:0:0'],
    ['::ffff:10.0.0.1', 'IP Address:0:0:0:0:0:FFFF:A00:1']
  ]
  for (const [given, carried] of cases) {
    const { cert } = await issueServing(authority, { names: [given, given], days: 1 })
    t.equal(new X509Certificate(cert).subjectAltName, carried, given)
  }
})

test('names that no certificate can carry', async (t) => {
  const cases: Array<[name: string, message: RegExp]> = [
    ['https://authn.example.com', /"https:\/\/authn.example.com" can't be a name in a certificate: use only the host/],
    ['10.0.0.0/8', /use only the host/],
    ['localhost:8443', /remove the port/],
    ['', /neither a DNS name nor an IP address/],
    ['a b', /neither/],
    ['-a.example', /neither/],
    ['a..b', /neither/],
    ['a_b.example', /neither/],
    ['*', /neither/],
    ['a.*.example', /neither/],
    ['10.0.0.300', /neither/],
    ['fe80::1%eth0', /neither/],
    [`${'a'.repeat(64)}.example`, /neither/],
    [Array(64).fill('abcd').join('.'), /neither/]
  ]
  for (const [name, message] of cases) {
    await t.rejects(issueServing(authority, { names: [name], days: 1 }), { code: 'AUTHN_CERTIFICATE', message }, name)
  }
  await t.rejects(issueServing(authority, { names: [], days: 1 }), { message: /at least one/ })
  for (const commonName of ['', ' ', 'a\nb', 'a'.repeat(65)]) {
    await t.rejects(issueClient(authority, { commonName, days: 1 }), { message: /is not 1 to 64 printable characters/ }, JSON.stringify(commonName))
  }
})

test('a client certificate', async (t) => {
  const { cert } = await issueClient(authority, { commonName: 'kube-apiserver, "the first" = 1', organization: 'system:masters', days: 365 })
  const certificate = new X509Certificate(cert)
  t.same(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2'], 'extended key usage: clientAuth')
  t.equal(certificate.toLegacyObject().subject.CN, 'kube-apiserver, "the first" = 1', 'is kept as it is')
  t.equal(certificate.toLegacyObject().subject.O, 'system:masters')
  t.ok(certificate.checkIssued(new X509Certificate(authority.cert)))
})

test('a leaf stays within the life of its authority', async (t) => {
  const { cert } = await issueServing(await createCA({ commonName: 'short', days: 3 }), { names: NAMES, days: 365 })
  t.ok(days(new X509Certificate(cert)) <= 3)

  const young = await createCA({ commonName: 'young', days: 3, now: () => Date.now() + HOUR })
  const leaf = new X509Certificate((await issueServing(young, { names: NAMES, days: 1 })).cert)
  t.equal(leaf.validFrom, new X509Certificate(young.cert).validFrom)
})

test('an authority that can not sign', async (t) => {
  const other = await createCA({ commonName: 'other', days: 1 })
  const past = await createCA({ commonName: 'past', days: 1, now: () => Date.now() - 2 * DAY })
  const options = { names: NAMES, days: 1 }
  await t.rejects(issueServing(serving, options), { message: /is not a CA/ })
  await t.rejects(issueServing({ cert: authority.cert, key: other.key }, options), { message: /key does not belong to its certificate/ })
  await t.rejects(issueServing(past, options), { message: /the CA expired on / })
  await t.rejects(issueServing(await createForeignAuthority(), options), { message: /not an ECDSA P-256 key/ })
})

test('a TLS handshake that verifies both sides', async (t) => {
  const client = await issueClient(authority, { commonName: 'kube-apiserver', days: 1 })
  const peer = await handshake(t, serving, client)
  t.ok(peer.authorized, 'the server knows the client')
  t.equal(peer.getPeerCertificate().subject.CN, 'kube-apiserver')

  const stranger = await issueClient(await createCA({ commonName: 'test CA', days: 1 }), { commonName: 'kube-apiserver', days: 1 })
  t.notOk((await handshake(t, serving, stranger)).authorized, 'the same names under another key are nobody')
  await t.rejects(handshake(t, client, client), 'a client certificate is no server')
})

/** As somebody may bring along who made it elsewhere: P-384. */
async function createForeignAuthority (): Promise<CertificatePair> {
  const { X509CertificateGenerator, BasicConstraintsExtension, PemConverter } = await import('@peculiar/x509')
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=foreign', keys, signingAlgorithm: { name: 'ECDSA', hash: 'SHA-384' }, extensions: [new BasicConstraintsExtension(true)]
  })
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { cert: certificate.toString('pem'), key: PemConverter.encode(key, PemConverter.PrivateKeyTag) }
}

/** Connects by name and by both kinds of address; gives the server's side of the last. */
async function handshake (t: Test, server: CertificatePair, client: CertificatePair): Promise<TLSSocket> {
  const listener = createServer({ ...server, ca: authority.cert, requestCert: true, rejectUnauthorized: false })
  listener.on('tlsClientError', () => {})
  listener.listen(0, '127.0.0.1')
  t.teardown(() => listener.close())
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  let peer: TLSSocket | undefined
  for (const servername of ['authn-webhook.kube-system.svc', 'localhost', '127.0.0.1']) {
    const accepted = once(listener, 'secureConnection')
    const name = servername === '127.0.0.1' ? {} : { servername }
    const socket = connect({ host: '127.0.0.1', port, ca: authority.cert, ...client, ...name })
    t.teardown(() => socket.destroy())
    await once(socket, 'secureConnect')
    peer = (await accepted)[0]
  }
  return peer!
}
