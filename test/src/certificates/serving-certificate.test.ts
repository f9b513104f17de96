import 'reflect-metadata'
import { generateKeyPairSync, webcrypto } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { test } from 'tap'
import { findCertificateProblems, readServingCertificate } from '../../../src/certificates/serving-certificate.js'
import { createCA } from '../../../src/certificates/issue.js'
import { withTime } from '../../fixtures/certificates.js'
import { makeAuthorities, makeFiles } from '../../fixtures/listener.js'

test('the whole set is read at once', async t => {
  const { dir, tls } = await makeFiles(t)
  const alone = await readServingCertificate(tls)
  t.match(alone, { subject: 'CN=authn-webhook', names: 'DNS:localhost', clientCA: undefined })
  t.match(alone.secureOptions, { minVersion: 'TLSv1.3', requestCert: false, rejectUnauthorized: false })
  t.ok(alone.validFrom < new Date() && alone.validTo > new Date())

  const withCA = await readServingCertificate({ ...tls, clientCAFile: join(dir, 'client-ca.crt'), minVersion: 'TLSv1.2' })
  t.match(withCA.secureOptions, { minVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: false, ca: withCA.clientCA })
})

test('what is wrong is said with the path of the file', async t => {
  const other = await createCA({ commonName: 'other', days: 1 })
  const short = generateKeyPairSync('rsa', { modulusLength: 512 }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  for (const [name, file, pem, expected] of [
    ['no certificate', 'tls.crt', null, /tls\.crt: does not exist/],
    ['no key', 'tls.key', null, /tls\.key: does not exist/],
    ['no client CA', 'client-ca.crt', null, /client-ca\.crt: does not exist/],
    ['not a certificate', 'tls.crt', 'hunter2', /tls\.crt: holds no certificate/],
    ['not a key', 'tls.key', 'hunter2', /tls\.key: holds no private key/],
    ['not a client CA', 'client-ca.crt', 'hunter2', /client-ca\.crt: holds no certificate/],
    ['the key of another', 'tls.key', other.key, /tls\.key: does not belong to the certificate in .*tls\.crt/],
    ['a key that is too short', 'tls.key', short, /tls\.key: does not belong/]
  ] as const) {
    const { dir, tls, write } = await makeFiles(t)
    if (pem === null) rmSync(join(dir, file))
    else write(file, pem)
    const error = await t.rejects(readServingCertificate({ ...tls, clientCAFile: join(dir, 'client-ca.crt') }), { code: 'AUTHN_VALIDATION', message: expected }, name)
    t.notMatch(String(error), 'hunter2')
  }
})

test('a key that OpenSSL finds too short is refused before it serves', async t => {
  const { tls, write } = await makeFiles(t)
  const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 512, publicExponent: new Uint8Array([1, 0, 1]) }
  const keys = await webcrypto.subtle.generateKey(rsa, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({ name: 'CN=short', keys, signingAlgorithm: rsa })
  write('tls.crt', certificate.toString('pem'))
  write('tls.key', x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY'))
  await t.rejects(readServingCertificate(tls), { message: /tls\.crt: is rejected by OpenSSL: ERR_SSL_EE_KEY_TOO_SMALL/ })
})

test('a date that nobody can read is refused, wherever it is', async t => {
  const { clientCA, servingCA } = await makeAuthorities()
  for (const field of ['notBefore', 'notAfter'] as const) {
    for (const text of ['999999999999Z', '\u001b[31m99999999']) {
      const { dir, tls, write } = await makeFiles(t)
      const clientCAFile = join(dir, 'client-ca.crt')
      const leaf = readFileSync(tls.certFile, 'utf8')
      const expected = (file: string): { code: string, message: string } => ({ code: 'AUTHN_VALIDATION', message: `${file}: holds a certificate whose ${field} is not a date; replace the certificate` })
      write('tls.crt', withTime(leaf, field, text))
      await t.rejects(readServingCertificate(tls), expected(tls.certFile), 'the certificate')
      write('tls.crt', leaf + withTime(servingCA.cert, field, text))
      await t.rejects(readServingCertificate(tls), expected(tls.certFile), 'a CA above it')
      write('tls.crt', leaf)
      write('client-ca.crt', withTime(clientCA.cert, field, text))
      await t.rejects(readServingCertificate({ ...tls, clientCAFile }), expected(clientCAFile), 'the client CA')
    }
  }
})

test('a chain upside down is named as one', async t => {
  const { tls, write } = await makeFiles(t)
  const others = [(await createCA({ commonName: 'one', days: 1 })).cert, (await createCA({ commonName: 'two', days: 1 })).cert]
  const leaf = readFileSync(tls.certFile, 'utf8')
  for (const [chain, position] of [[[others[0], leaf], '2nd'], [[...others, leaf], '3rd'], [[...others, ...others, leaf], '5th']] as const) {
    write('tls.crt', chain.join(''))
    await t.rejects(readServingCertificate(tls), { message: `${tls.certFile}: the certificate of ${tls.keyFile} must come first; it is the ${position} in this file` })
  }
  write('tls.crt', [leaf, ...others].join(''))
  await readServingCertificate(tls)
})

test('what API servers hold against a certificate', t => {
  const day = 86_400_000
  const now = Date.parse('2027-01-01T00:00:00Z')
  const good = { names: 'DNS:localhost', validFrom: new Date(now - day), validTo: new Date(now + 90 * day) }
  for (const [name, changed, expected] of [
    ['nothing', {}, []],
    ['no name', { names: '' }, [{ rejected: true, message: /^has no subject alternative name: API servers reject it$/ }]],
    ['it has expired', { validTo: new Date(now) }, [{ rejected: true, message: /^has expired on 2027-01-01T00:00:00\.000Z: API servers reject it$/ }]],
    ['it expires soon', { validTo: new Date(now + 29 * day) }, [{ rejected: false, message: /^expires on 2027-01-30T00:00:00\.000Z, in 29 days$/ }]],
    ['it begins later', { validFrom: new Date(now + 1) }, [{ rejected: true, message: /^is not valid before 2027-/ }]],
    ['several', { names: '', validTo: new Date(now - day) }, [{}, {}]]
  ] as const) {
    const problems = findCertificateProblems({ ...good, ...changed }, now)
    t.equal(problems.length, expected.length, name)
    t.match(problems, expected, name)
  }
  t.end()
})
