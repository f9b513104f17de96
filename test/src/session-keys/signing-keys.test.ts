/** The private keys of session tokens: which are refused, and how they are reloaded. */
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { calculateJwkThumbprint, jwtVerify, SignJWT } from 'jose'
import { openSigningKeys, readSigningKey, readSigningKeys } from '../../../src/session-keys/signing-keys.js'
import { openVerificationKeys } from '../../../src/session-keys/verification-keys.js'
import { fileContext } from '../../fixtures/file-context.js'
import { newKeyPair, otherKey, replaceFile } from '../../fixtures/session-keys.js'
import { until } from '../../fixtures/waiting.js'

const [old, present, next] = await Promise.all([newKeyPair(90), newKeyPair(), newKeyPair()])

/** Private keys are for their owner only. */
function home (t: Test, files: Record<string, string | Record<string, never>>): string {
  const dir = t.testdir(files)
  for (const [name, content] of Object.entries(files)) if (typeof content === 'string') chmodSync(join(dir, name), name.endsWith('.key') ? 0o600 : 0o644)
  return dir
}

const pairIn = (dir: string, name: string) => ({ certFile: join(dir, `${name}.crt`), keyFile: join(dir, `${name}.key`) })

test('the first key signs, and its certificate verifies', async t => {
  const dir = home(t, { 'a.crt': present.cert, 'a.key': present.key, 'b.crt': old.cert, 'b.key': old.key })
  const ctx = fileContext()
  const keys = await openSigningKeys({ keys: [pairIn(dir, 'a'), pairIn(dir, 'b')], ...ctx })
  t.teardown(async () => { await keys.close() })
  const [first, second] = keys.current
  t.equal(keys.current.length, 2)
  t.match(first.jwk, { kty: 'EC', crv: 'P-256', kid: first.kid, alg: 'ES256', use: 'sig', d: String })
  t.equal(first.kid, await calculateJwkThumbprint(first.jwk))
  t.equal(first.privateKey.type, 'private')
  t.ok(Math.abs(second!.createdAt.getTime() - (Date.now() - 90 * 24 * 3_600_000)) < 3_600_000, 'its age')
  t.notMatch(JSON.stringify(ctx.fields), first.jwk.d!, 'the log has no key')

  const token = await new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: first.kid }).sign(first.privateKey)
  const verification = await openVerificationKeys({ files: [join(dir, 'a.crt')], ...fileContext() })
  t.teardown(async () => { await verification.close() })
  t.ok(await jwtVerify(token, ({ kid }) => verification.find(kid!)!))
})

test('what is refused, and why', async t => {
  const two = present.cert + old.cert
  const dir = home(t, {
    'good.crt': present.cert,
    'good.key': present.key,
    'old.crt': old.cert,
    'old.key': old.key,
    'two.crt': two,
    'empty.key': '\n',
    'rsa.key': otherKey('RSA'),
    'p384.key': otherKey('P-384'),
    'encrypted.key': otherKey('encrypted'),
    'both.key': present.key + present.cert,
    'text.key': 'canary-text',
    folder: {}
  })
  for (const [name, certFile, keyFile, message] of [
    ['no key', 'good.crt', 'none.key', 'none.key: does not exist'],
    ['no certificate', 'none.crt', 'good.key', 'none.crt: does not exist'],
    ['a directory', 'good.crt', 'folder', 'folder: is a directory, not a file'],
    ['an empty file', 'good.crt', 'empty.key', 'empty.key: is empty'],
    ['an encrypted key', 'good.crt', 'encrypted.key', 'encrypted.key: holds an encrypted key; use one without a passphrase'],
    ['an RSA key', 'good.crt', 'rsa.key', 'rsa.key: has a key of type RSA; session tokens need ECDSA P-256: create a key with "authn-webhook keys add"'],
    ['another curve', 'good.crt', 'p384.key', 'p384.key: has a key of type ECDSA secp384r1; session tokens need ECDSA P-256: create a key with "authn-webhook keys add"'],
    ['a certificate', 'good.crt', 'old.crt', 'old.crt: has a certificate, not a private key'],
    ['key and certificate in one file', 'good.crt', 'both.key', 'both.key: has a certificate beside the private key: move it to a file of its own'],
    ['no key in it', 'good.crt', 'text.key', 'text.key: holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)'],
    ['swapped', 'good.key', 'good.crt', `good.key: is the private key of the certificate in ${join(dir, 'good.crt')}: swap certFile and keyFile`],
    ['a key in place of the certificate', 'old.key', 'good.key', 'old.key: holds a private key; use a file with certificates only'],
    ['of different pairs', 'old.crt', 'good.key', `good.key: does not belong to the certificate in ${join(dir, 'old.crt')}`],
    ['several certificates', 'two.crt', 'good.key', 'two.crt: has 2 certificates; a signing key has one']
  ] as const) {
    await t.rejects(readSigningKey({ certFile: join(dir, certFile), keyFile: join(dir, keyFile) }), { code: 'AUTHN_VALIDATION', message: join(dir, message) }, name)
  }
  await t.rejects(readSigningKeys([pairIn(dir, 'good'), pairIn(dir, 'old'), pairIn(dir, 'good')]), { message: `${join(dir, 'good.key')}: has the same key as ${join(dir, 'good.key')}: remove one of them` })
})

test('who else may have access to a private key', async t => {
  const dir = home(t, { 'a.crt': present.cert, 'a.key': present.key })
  const keyFile = join(dir, 'a.key')
  for (const [mode, problem] of [
    [0o600, undefined], [0o400, undefined], [0o640, undefined], [0o440, undefined],
    [0o644, 'world-readable'], [0o604, 'world-readable'], [0o602, 'world-writable'], [0o666, 'world-writable'], [0o660, 'group-writable'], [0o620, 'group-writable']
  ] as const) {
    chmodSync(keyFile, mode)
    const read = readSigningKey(pairIn(dir, 'a'))
    if (problem === undefined) t.ok(await read, mode.toString(8))
    else await t.rejects(read, { message: `${keyFile}: is ${problem}, and anyone who has this key can sign in as any user: run "chmod 600 ${keyFile}", or set the volume's defaultMode to 0440` }, mode.toString(8))
  }
})

test('reloads', async t => {
  const dir = home(t, { 'a.crt': present.cert, 'a.key': present.key })
  const ctx = fileContext()
  const keys = await openSigningKeys({ keys: [pairIn(dir, 'a')], ...ctx })
  t.teardown(async () => { await keys.close() })
  const kid = keys.current[0].kid
  const changes: string[] = []
  keys.onChange(([{ kid }]) => { changes.push(kid) })

  replaceFile(dir, 'a.key', next.key)
  await until('a report of half a pair', () => ctx.events.includes('failed'))
  t.equal(keys.current[0].kid, kid, 'the last good pair stays')
  t.strictSame(changes, [])

  replaceFile(dir, 'a.crt', next.cert, 0o644)
  await until('the new pair', () => changes.length > 0)
  t.not(keys.current[0].kid, kid)
  t.strictSame(changes, [keys.current[0].kid])

  const failures = ctx.events.filter(event => event === 'failed').length
  chmodSync(join(dir, 'a.key'), 0o644)
  await until('a report of a key that others can read', () => ctx.events.filter(event => event === 'failed').length > failures)
  writeFileSync(join(dir, 'a.key'), 'no key')
  t.strictSame(changes.length, 1)
  t.equal(keys.current.length, 1)
})
