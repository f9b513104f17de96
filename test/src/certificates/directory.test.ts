import { X509Certificate } from 'node:crypto'
import { chmod, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { DEFAULT_NAMES, ensureServingCertificate, findCertificate, issueClientCertificate, issueServingCertificate, openCA, assertClientName } from '../../../src/certificates/directory.js'
import { parseCertificates, parsePrivateKey, readCertificates, readPrivateKey, assertKeyMatches } from '../../../src/certificates/pem.js'
import { createCA, issueServing } from '../../../src/certificates/issue.js'

const DAY = 24 * 60 * 60 * 1000

async function mode (file: string): Promise<string> {
  return ((await stat(file)).mode & 0o777).toString(8)
}

test('an authority is made once', async (t) => {
  const directory = join(t.testdir({}), 'new', 'tls')
  const first = await openCA(directory)
  t.match(first, { created: true, certFile: join(directory, 'ca.crt'), keyFile: join(directory, 'ca', 'ca.key') })
  t.ok(Math.abs(first.expiresAt.getTime() - Date.now() - 3650 * DAY) < DAY)
  t.equal(await mode(join(directory, 'ca')), '700')
  t.equal(await mode(first.keyFile), '600')
  const second = await openCA(directory)
  t.notOk(second.created)
  t.equal(second.certificate.fingerprint256, first.certificate.fingerprint256)
})

test('an authority that can not be used', async (t) => {
  const cases: Array<[what: string, spoil: (directory: string) => Promise<void>, message: RegExp]> = [
    ['its key was moved away', async (directory) => await rm(join(directory, 'ca', 'ca.key')), /ca\.crt exists, but .*ca\.key is missing; restore it, or choose another directory/],
    ['its certificate was moved away', async (directory) => await rm(join(directory, 'ca.crt')), /ca\.key exists, but .*ca\.crt is missing/],
    ['its key is another', async (directory) => await writeFile(join(directory, 'ca', 'ca.key'), (await createCA({ commonName: 'other', days: 1 })).key), /ca\.key is not the key of a CA in .*ca\.crt; after a rotation, copy the new CA's ca\/ca\.key there too/]
  ]
  for (const [what, spoil, message] of cases) {
    const directory = t.testdir({})
    await openCA(directory)
    await spoil(directory)
    await t.rejects(openCA(directory), { message }, what)
  }
  const directory = t.testdir({})
  await openCA(directory)
  await t.rejects(openCA(directory, { now: () => Date.now() + 4000 * DAY }), { message: /ca\.crt expired on 20.*; create a new CA in another directory/ })
})

test('a certificate is renewed in the middle of a rotation, and after it', async (t) => {
  const directory = t.testdir({})
  const old = await openCA(directory)
  const fresh = await createCA({ commonName: 'authn-webhook CA', days: 10 })
  const both = await readFile(old.certFile, 'utf8') + fresh.cert
  for (const [step, certificates, key, signer] of [
    ['both are trusted, the old key signs', both, await readFile(old.keyFile, 'utf8'), await readFile(old.certFile, 'utf8')],
    ['both are trusted, the new key signs', both, fresh.key, fresh.cert],
    ['the old one is gone', fresh.cert, fresh.key, fresh.cert]
  ] as const) {
    await writeFile(old.certFile, certificates)
    await writeFile(old.keyFile, key)
    const { certFile } = await issueServingCertificate(directory, await openCA(directory), ['localhost'])
    const leaf = new X509Certificate(await readFile(certFile))
    t.ok(leaf.verify(new X509Certificate(signer).publicKey), step)
    t.equal((await findCertificate(directory, 'tls', await openCA(directory)))?.error, undefined, step)
  }
})

test('a serving certificate is kept while it is good', async (t) => {
  const directory = t.testdir({})
  const first = await ensureServingCertificate(directory, DEFAULT_NAMES)
  t.match(first, { created: true, certFile: join(directory, 'tls.crt'), keyFile: join(directory, 'tls.key'), caFile: join(directory, 'ca.crt'), names: DEFAULT_NAMES })
  t.equal(await mode(first.keyFile), '600')
  const { certificates } = await readCertificates(first.certFile)
  t.equal(certificates.length, 1, 'the leaf alone: clients have the root')
  const pem = await readFile(first.certFile, 'utf8')

  t.match(await ensureServingCertificate(directory, ['LOCALHOST', '0:0::1']), { created: false, names: DEFAULT_NAMES })
  t.equal(await readFile(first.certFile, 'utf8'), pem)
})

test('a serving certificate is replaced', async (t) => {
  const cases: Array<{ when: string, spoil?: (directory: string) => Promise<void>, names?: string[], later?: number }> = [
    { when: 'it lacks a name', names: ['authn.example.com'] },
    { when: 'less than 30 days are left', later: 336 * DAY },
    { when: 'it has expired', later: 400 * DAY },
    { when: 'its key is gone', spoil: async (directory) => await rm(join(directory, 'tls.key')) },
    {
      when: 'its key is another',
      spoil: async (directory) => await writeFile(join(directory, 'tls.key'), (await createCA({ commonName: 'x', days: 1 })).key)
    },
    {
      when: 'another authority of the same name signed it',
      async spoil (directory) {
        const pair = await issueServing(await createCA({ commonName: 'authn-webhook CA', days: 999 }), { names: [...DEFAULT_NAMES, '10.96.0.50'], days: 365 })
        await writeFile(join(directory, 'tls.crt'), pair.cert)
        await writeFile(join(directory, 'tls.key'), pair.key)
      }
    }
  ]
  for (const { when, spoil, names = [], later = 0 } of cases) {
    const directory = t.testdir({})
    await ensureServingCertificate(directory, [...DEFAULT_NAMES, '10.96.0.50'])
    await spoil?.(directory)
    const now = () => Date.now() + later
    t.match(await ensureServingCertificate(directory, names, { now }), { created: true, names: [...DEFAULT_NAMES, '10.96.0.50', ...names] }, `${when}; it keeps its names`)
    const authority = await openCA(directory)
    t.match(await findCertificate(directory, 'tls', authority, { now }), { error: undefined }, 'and the new one is good')
  }
})

test('a new pair keeps the modes of the old one', async (t) => {
  const directory = t.testdir({})
  const { keyFile } = await ensureServingCertificate(directory, DEFAULT_NAMES)
  await chmod(keyFile, 0o640)
  await issueServingCertificate(directory, await openCA(directory), DEFAULT_NAMES)
  t.equal(await mode(keyFile), '640', 'the group of the service may still read it')
})

test('a client certificate', async (t) => {
  const directory = t.testdir({})
  const authority = await openCA(directory)
  t.equal(await findCertificate(directory, 'kube-apiserver', authority), undefined)
  const { certFile, keyFile, names } = await issueClientCertificate(directory, authority, 'kube-apiserver')
  t.strictSame(names, [])
  t.equal(new X509Certificate(await readFile(certFile)).subject, 'CN=kube-apiserver')
  t.equal(await mode(keyFile), '600')
  t.match(await findCertificate(directory, 'kube-apiserver', authority), { certFile, error: undefined })
})

test('names of clients are plain names of files', async (t) => {
  for (const name of ['', '.', '..', '../alice', 'a/b', 'a\\b', '.hidden', '-rf', 'a b', 'system:node', 'a\0', 'ä', 'a'.repeat(65)]) {
    t.throws(() => assertClientName(name), { code: 'AUTHN_CERTIFICATE', message: /can't name a client certificate's file/ }, JSON.stringify(name))
  }
  for (const name of ['ca', 'tls', 'TLS']) t.throws(() => assertClientName(name), { message: /reserved for the directory's own certificate/ }, name)
  for (const name of ['kube-apiserver', 'alice.example_1', '0']) t.doesNotThrow(() => assertClientName(name), name)
})

test('PEM files', async (t) => {
  const one = await createCA({ commonName: 'one', days: 1 })
  const two = await createCA({ commonName: 'two', days: 1 })
  t.strictSame(parseCertificates(`# notes\n${one.cert}${two.cert}`, 'ca.crt').map(({ subject }) => subject), ['CN=one', 'CN=two'], 'in their order')

  const certificates: Array<[pem: string, message: string]> = [
    ['', 'ca.crt: holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)'],
    [one.cert.slice(0, -30), 'ca.crt: holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)'],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', 'ca.crt: holds a damaged certificate'],
    [one.cert + one.key, 'ca.crt: holds a private key; use a file with certificates only']
  ]
  for (const [pem, message] of certificates) t.throws(() => parseCertificates(pem, 'ca.crt'), { name: 'ValidationError', message }, message)

  const keys: Array<[pem: string, message: string]> = [
    [one.cert, 'tls.key: holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)'],
    ['-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----', 'tls.key: holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)'],
    [encrypted(one.key), 'tls.key: holds an encrypted key; use one without a passphrase']
  ]
  for (const [pem, message] of keys) t.throws(() => parsePrivateKey(pem, 'tls.key'), { name: 'ValidationError', message }, message)

  const directory = t.testdir({ 'one.crt': one.cert, 'two.key': two.key })
  const certificate = await readCertificates(join(directory, 'one.crt'))
  const { key, file } = await readPrivateKey(join(directory, 'two.key'))
  t.throws(() => assertKeyMatches(certificate, key, file), { message: /two\.key: does not belong to the certificate in .*one\.crt/ })
  await t.rejects(readCertificates(join(directory, 'none.crt')), { message: /none\.crt: does not exist/ })
})

function encrypted (pem: string): string {
  return parsePrivateKey(pem, 'key').export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'wonderland' }).toString()
}
