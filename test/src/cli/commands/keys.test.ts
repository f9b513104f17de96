import { X509Certificate } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { dump, load } from 'js-yaml'
import { keysCommand } from '../../../../src/cli/commands/keys.js'
import { createSigningKey } from '../../../../src/session-keys/key-directory.js'
import { readSigningKey } from '../../../../src/session-keys/signing-keys.js'
import { runInProcess } from '../../../fixtures/command-in-process.js'
import { runCommand, runOnTerminal, type Outcome } from '../../../fixtures/command.js'

const DAY = 24 * 3_600_000

const keys = async (...args: string[]): Promise<Outcome> => await runInProcess(keysCommand, ['keys', ...args])

function nameOf (time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

test('add creates a key that the sign-in service accepts', async t => {
  const dir = join(t.testdir({}), 'new/keys')
  const { code, stdout, stderr } = await runCommand(['keys', 'add', '--dir', dir])
  t.equal(code, 0)
  t.match(readdirSync(dir), [/^\d{4}-\d\d-\d\d\.crt$/, /^\d{4}-\d\d-\d\d\.key$/])
  const [kidLine, ...lines] = stdout.split('\n')
  const { login: { signingKeys: [pair] } } = load(lines.join('\n')) as { login: { signingKeys: Array<{ certFile: string, keyFile: string }> } }
  t.equal(`kid: ${(await readSigningKey(pair!)).kid}`, kidLine, 'lines for the config, and the kid')
  t.equal(statSync(pair!.keyFile).mode & 0o777, 0o600)
  const certificate = new X509Certificate(readFileSync(pair!.certFile))
  t.equal(certificate.subject, 'CN=authn-webhook session tokens')
  t.ok(certificate.verify(certificate.publicKey), 'self-signed')
  t.notOk(certificate.ca)
  t.match(stderr, /^Add these lines to the config of the sign-in service, and the certificate to\nsessions\.certFiles /)
})

test('a second key is published before it signs', async t => {
  const dir = t.testdir({})
  await createSigningKey(dir)
  const { stdout, stderr } = await keys('add', '--dir', dir, '-o', 'json')
  const { name, kid, certFile, keyFile, createdAt } = JSON.parse(stdout)
  t.match(name, /^\d{4}-\d\d-\d\d-2$/, 'a name that is not taken')
  t.match({ certFile, keyFile, createdAt }, { certFile: join(dir, `${name}.crt`), keyFile: join(dir, `${name}.key`), createdAt: /Z$/ })
  t.equal((await readSigningKey({ certFile, keyFile })).kid, kid)
  t.match(stderr, /^1\. Put this key last in login\.signingKeys, .*\n2\. Then move it first .*\n3\. When the last token of the old key has expired/s)
  writeFileSync(join(dir, `${nameOf(Date.now())}-3.crt`), '')
  t.match(JSON.parse((await keys('add', '--dir', dir, '-o', 'json')).stdout).name, /-4$/, 'nothing is overwritten')
})

test('list', async t => {
  const dir = t.testdir({})
  const now = Date.now()
  const young = await createSigningKey(dir, now)
  const old = await createSigningKey(dir, now - 90 * DAY)
  const { code, stdout, stderr } = await runCommand(['keys', 'list', '--dir', dir])
  t.strictSame([code, stderr], [0, ''])
  const [head, first, second] = stdout.split('\n').map(line => line.split(/ {2,}/))
  t.strictSame(head, ['NAME', 'KID', 'FILE', 'STATE', 'CREATED', 'AGE'])
  t.strictSame(first, [old.name, old.kid, old.certFile, 'complete', nameOf(now - 90 * DAY), '90d'])
  t.match(second, [young.name, young.kid, young.certFile, 'complete', nameOf(now), /^\d+m$/])
  t.match(JSON.parse((await keys('list', '--dir', dir, '-o', 'json')).stdout), [{ name: old.name, kid: old.kid, keyFile: old.keyFile, state: 'complete' }, { name: young.name }])
  t.match(await runCommand(['keys', 'list', '--dir', join(dir, 'absent')]), { code: 2, stderr: /ENOENT/ })
})

test('list of files that are no keys', async t => {
  const dir = t.testdir({ 'z.crt': 'text' })
  const { name, keyFile } = await createSigningKey(dir)
  chmodSync(keyFile, 0o644)
  const { code, stdout, stderr } = await runCommand(['keys', 'list', '--dir', dir])
  t.equal(code, 2)
  t.match(stdout, new RegExp(`^${name} .* invalid `, 'm'))
  t.match(stdout, /^z +- .* invalid +- +-$/m)
  t.match(stderr, /is world-readable, and anyone who has this key can sign in as any user: run "chmod 600 .*\n.*z\.crt: holds no certificate/)
})

test('list of an empty directory', async t => {
  t.match(await keys('list', '--dir', t.testdir({}), '-o', 'json'), { code: 0, stdout: '[]\n', stderr: /^no keys in / })
})

test('retire', async t => {
  const dir = t.testdir({ 'users.yaml': 'apiVersion: authn-webhook/v1\nusers: []\n' })
  const old = await createSigningKey(dir)
  const { name, certFile, keyFile } = await createSigningKey(dir)
  const config = (keyFile: string): string => dump({
    apiVersion: 'authn-webhook/v1',
    server: { host: '127.0.0.1' },
    tls: { certFile: 'tls.crt', keyFile: 'tls.key' },
    identityProviders: [{ name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } }],
    login: { issuer: 'https://login.example.com', trustedProxies: ['10.0.0.1'], signingKeys: [{ certFile: old.certFile, keyFile }], tokenTTL: '2h', clients: [{ id: 'production' }] }
  })
  const file = join(dir, 'authn-webhook.yaml')

  for (const [what, args, message] of [
    ['a key that is not there', ['2000-01-01', '--yes'], /no key "2000-01-01" in .*; "authn-webhook keys list" lists them/],
    ['without a terminal', [name], /no terminal to prompt on; use --yes/]
  ] as const) t.match(await keys('retire', ...args, '--dir', dir), { code: 2, stderr: message }, what)

  writeFileSync(file, config(keyFile))
  t.match(await keys('retire', name, '--dir', dir, '--yes', '--config', file), { code: 2, stderr: /names .* in login\.signingKeys: remove it there, restart/ }, 'a key that the config names')
  t.match(await runOnTerminal(['keys', 'retire', name, '--dir', dir], [['[y/N]', 'n\r']]), { code: 2, stdout: /Delete .*\.key for good\? [^]*nothing was deleted/ })
  t.ok(existsSync(keyFile), 'nothing was deleted')

  writeFileSync(file, config(old.keyFile))
  const retired = await keys('retire', name, '--dir', dir, '--yes', '--config', file, '-o', 'json')
  const { deleted, tokensExpireAt } = JSON.parse(retired.stdout)
  t.equal(deleted, keyFile)
  const left = Date.parse(tokensExpireAt) - Date.now()
  t.ok(left > 1.9 * 3_600_000 && left <= 2 * 3_600_000, 'its tokens live for tokenTTL')
  t.match(retired.stderr, /accepted until they expire, at the latest at .*Z\. Until then, keep\n.*\.crt in sessions\.certFiles; then remove it there/)
  t.notOk(existsSync(keyFile))
  t.ok(existsSync(certFile), 'the certificate stays')
  t.match((await keys('list', '--dir', dir)).stdout, new RegExp(`^${name} .* retired `, 'm'))
  t.match(await keys('retire', name, '--dir', dir, '--yes'), { code: 2, stderr: /is already retired/ })

  const asked = await runOnTerminal(['keys', 'retire', old.name, '--dir', dir], [['[y/N]', 'y\r']])
  t.match(asked, { code: 0, stdout: /deleted .*\.key/ })
  t.notOk(existsSync(old.keyFile))
})
