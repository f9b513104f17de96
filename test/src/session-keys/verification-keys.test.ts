/** The public keys of session tokens: what is one, and how they are reloaded. */
import { execFileSync } from 'node:child_process'
import { createPrivateKey, sign, verify } from 'node:crypto'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { calculateJwkThumbprint } from 'jose'
import { openVerificationKeys, readVerificationKeys } from '../../../src/session-keys/verification-keys.js'
import { certify, createParty } from '../../fixtures/certificates.js'
import { fileContext } from '../../fixtures/file-context.js'
import { newKeyPair, otherKey, replaceFile } from '../../fixtures/session-keys.js'
import { until } from '../../fixtures/waiting.js'

const [old, present, next] = await Promise.all([newKeyPair(90), newKeyPair(), newKeyPair()])
const expired = await newKeyPair(30, 10)

async function kidOf ({ key }: { readonly key: string }): Promise<string> {
  return await calculateJwkThumbprint(createPrivateKey(key))
}

test('keys of several files, also of several certificates in one', async t => {
  const dir = t.testdir({ 'two.crt': old.cert + present.cert, 'next.crt': next.cert })
  const ctx = fileContext()
  const keys = await openVerificationKeys({ files: [join(dir, 'two.crt'), join(dir, 'next.crt')], ...ctx })
  t.teardown(async () => { await keys.close() })
  for (const pair of [old, present, next]) {
    const key = keys.find(await kidOf(pair))
    t.equal(key?.type, 'public')
    const signature = sign('sha256', Buffer.from('text'), pair.key)
    t.ok(verify('sha256', Buffer.from('text'), key!, signature))
  }
  t.equal(keys.find('another'), undefined)
  t.strictSame(ctx.events, ['info: loaded keys of session tokens'])
})

test('an expired certificate is still a key, with a warning', async t => {
  const dir = t.testdir({ 'old.crt': expired.cert })
  const ctx = fileContext()
  const keys = await openVerificationKeys({ files: [join(dir, 'old.crt')], ...ctx })
  t.teardown(async () => { await keys.close() })
  t.ok(keys.find(await kidOf(expired)))
  t.strictSame(ctx.events.length, 2)
  t.match(ctx.events[1], /^warn: the certificate of a key of session tokens has expired; .*rotate the key/)
  t.match(ctx.fields[1], { file: join(dir, 'old.crt'), kid: await kidOf(expired) })
})

test('what is refused', async t => {
  const party = await createParty('someone')
  const dir = t.testdir({
    'empty.crt': '',
    'key.crt': present.key,
    'both.crt': present.cert + present.key,
    'damaged.crt': present.cert.replace(/[A-Za-z]{20}/, 'A'.repeat(20)),
    'ca.crt': await certify(party),
    folder: {}
  })
  for (const [file, message] of [
    ['absent.crt', /absent\.crt: does not exist$/],
    ['folder', /folder: is a directory, not a file$/],
    ['empty.crt', /empty\.crt: holds no certificate in PEM form/],
    ['key.crt', /key\.crt: holds a private key; use a file with certificates only$/],
    ['both.crt', /both\.crt: holds a private key/],
    ['damaged.crt', /damaged\.crt: holds a damaged certificate$/]
  ] as const) {
    await t.rejects(openVerificationKeys({ files: [join(dir, file)], ...fileContext() }), { code: 'AUTHN_VALIDATION', message }, file)
  }
  t.equal((await readVerificationKeys(join(dir, 'ca.crt'))).length, 1, 'who issued the certificate does not matter')
})

test('a certificate of another type of key is refused', async t => {
  const dir = t.testdir({ 'rsa.key': otherKey('RSA'), 'p384.key': otherKey('P-384') })
  for (const [name, type] of [['rsa', 'RSA'], ['p384', 'ECDSA secp384r1']] as const) {
    const file = join(dir, `${name}.crt`)
    execFileSync('openssl', ['req', '-x509', '-new', '-key', join(dir, `${name}.key`), '-subj', '/CN=x', '-out', file])
    await t.rejects(readVerificationKeys(file), { message: `${file}: has a key of type ${type}; session tokens need ECDSA P-256: create a key with "authn-webhook keys add"` })
  }
})

test('a private key beside the certificate is never opened', async t => {
  const dir = t.testdir({ 'a.crt': present.cert, 'a.key': 'not a key' })
  chmodSync(join(dir, 'a.key'), 0)
  const keys = await openVerificationKeys({ files: [join(dir, 'a.crt')], ...fileContext() })
  await keys.close()
  t.ok(keys.find(await kidOf(present)))
})

test('reloads', async t => {
  const dir = t.testdir({ 'a.crt': present.cert })
  const ctx = fileContext()
  const keys = await openVerificationKeys({ files: [join(dir, 'a.crt')], ...ctx })
  t.teardown(async () => { await keys.close() })
  const first = keys.version

  replaceFile(dir, 'a.crt', present.cert + next.cert)
  await until('the new key', () => keys.version !== first)
  t.ok(keys.find(await kidOf(next)))
  const second = keys.version

  writeFileSync(join(dir, 'a.crt'), next.key)
  await until('a report of the bad file', () => ctx.events.includes('failed'))
  t.ok(keys.find(await kidOf(present)), 'the previous keys stay')
  t.equal(keys.version, second)

  replaceFile(dir, 'a.crt', present.cert + next.cert)
  await until('a report of the good file', () => ctx.events.at(-1) === 'reloaded')
  t.equal(keys.version, second, 'the same keys are no new version')

  replaceFile(dir, 'a.crt', next.cert)
  await until('the end of the old key', () => keys.version !== second)
  t.equal(keys.find(await kidOf(present)), undefined)
})
