import { chmodSync, closeSync, existsSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { dump, load } from 'js-yaml'
import type { Revocation } from '../../../../schemas/revocations.js'
import { sessionsCommand } from '../../../../src/cli/commands/sessions.js'
import { runInProcess } from '../../../fixtures/command-in-process.js'
import { runCommand, type Outcome } from '../../../fixtures/command.js'

const HOUR = 3_600_000
const FILE = `\
# Who is out. Ask alice.
apiVersion: authn-webhook/v1

revocations:
  # lost her laptop
  - jti:  a1     # the old one
    expires: 2001-01-01T00:00:00Z

  # for good
  - { username: carol,   issuer: "https://login.example.com" }
  - subject: people:1002
    before: 2027-01-01T00:00:00Z
    expires: 2999-01-01T00:00:00Z
# that's all
`

const sessionsWith = async (input: string, ...args: string[]): Promise<Outcome> => await runInProcess(sessionsCommand, ['sessions', ...args], { input })
const sessions = async (...args: string[]): Promise<Outcome> => await sessionsWith('', ...args)

function revocationsIn (file: string): Revocation[] {
  return (load(readFileSync(file, 'utf8')) as { revocations: Revocation[] }).revocations
}

function configWith (sessions: object, prefixes: object = {}): string {
  return dump({
    apiVersion: 'authn-webhook/v1',
    server: { host: '127.0.0.1' },
    tls: { certFile: 'tls.crt', keyFile: 'tls.key' },
    identityProviders: [{ name: 'people', kind: 'static', ...prefixes, config: { usersFile: 'users.yaml' } }],
    login: { issuer: 'https://login.example.com', trustedProxies: ['10.0.0.1'], signingKeys: [{ certFile: 'a.crt', keyFile: 'a.key' }], tokenTTL: '2h', clients: [{ id: 'production' }] },
    sessions
  })
}

/** A directory with a config that has session tokens. */
function home (t: Test): string {
  return t.testdir({
    'users.yaml': 'apiVersion: authn-webhook/v1\nusers: []\n',
    'authn-webhook.yaml': configWith({ revocationsFile: 'revocations.yaml' }),
    'unset.yaml': configWith({})
  })
}

test('revoke --user revokes the tokens of a user until now', async t => {
  const cwd = home(t)
  const file = join(cwd, 'revocations.yaml')
  const start = Date.now()
  const { code, stdout, stderr } = await runCommand(['sessions', 'revoke', '--user', 'alice'], { cwd })
  t.equal(code, 0)
  const [entry] = revocationsIn(file)
  t.strictSame(Object.keys(entry!), ['username', 'before', 'expires'])
  t.equal(entry!.username, 'alice')
  t.ok(Date.parse(entry!.before!) >= start)
  t.ok(Date.parse(entry!.before!) <= Date.now() + 1000)
  t.equal(Date.parse(entry!.expires!) - Date.parse(entry!.before!), 2 * HOUR, 'login.tokenTTL')
  t.equal(stdout, `tokens of "alice" that were issued before ${entry!.before}: revoked in ${file}\n`)
  t.match(stderr, /^"alice" can sign in again: to prevent this, disable the account .*\nA running service reloads the file within seconds; API servers may use a cached answer/)
  t.equal(statSync(file).mode & 0o777, 0o644)
})

test('what is revoked, and for how long', async t => {
  const before = new Date(Math.ceil(Date.now() / 1000) * 1000 - HOUR)
  const seconds = (time: number): string => `${new Date(time).toISOString().slice(0, 19)}Z`
  const file = join(t.testdir({}), 'r.yaml')
  const revoke = async (...args: string[]): Promise<any> => JSON.parse((await sessions('revoke', ...args, '--file', file, '-o', 'json')).stdout)

  const past = await revoke('--user', 'corp:bob', '--before', seconds(before.getTime()))
  t.match(past, { file, username: 'corp:bob', before: seconds(before.getTime()), expires: seconds(before.getTime() + 24 * HOUR), added: true }, 'without a config, tokens live for a day')
  t.equal((await revoke('--user', 'alice', '--before', new Date(before.getTime() + 1).toISOString())).before, seconds(before.getTime() + 1000), 'rounded up: tokens have whole seconds, and one of the same second is revoked too')
  const token = await revoke('--id', 'b2')
  t.match(token, { jti: 'b2', added: true })
  t.notOk('before' in token)
  t.equal((await revoke('--id', 'b2')).added, false, 'once is enough')
  t.equal((await revoke('--user', 'corp:bob', '--before', seconds(before.getTime() - HOUR))).added, false, 'an earlier time is covered')
  t.equal((await revoke('--user', 'corp:bob')).added, true, 'a later time is not')
  t.equal(revocationsIn(file).length, 4)
})

test('revoke says what it does not do', async t => {
  const cwd = home(t)
  writeFileSync(join(cwd, 'authn-webhook.yaml'), configWith({ revocationsFile: 'revocations.yaml' }, { usernamePrefix: 'corp:', groupPrefix: 'corp:' }))
  const notesOf = async (...args: string[]): Promise<string> => (await sessions('revoke', ...args, '--config', join(cwd, 'authn-webhook.yaml'))).stderr
  t.match(await notesOf('--user', 'alice'), /^no user has this name: usernames begin with corp:, as in corp:alice$/m)
  const known = await notesOf('--user', 'corp:alice')
  t.match(known, /^"corp:alice" can sign in again: to prevent this, disable the account/m)
  t.notMatch(known, /no user has this name/)
  const future = await notesOf('--user', 'corp:bob', '--before', '2999-01-01T00:00:00Z')
  t.match(future, /^tokens that "corp:bob" gets before 2999-01-01T00:00:00Z are denied too$/m)
  t.notMatch(future, /can sign in again/)
})

test('comments, order, mode and other entries stay; expired entries go', async t => {
  const file = join(t.testdir({ 'r.yaml': FILE }), 'r.yaml')
  chmodSync(file, 0o640)
  const { stderr } = await sessions('revoke', '--id', 'b2', '--file', file)
  t.match(stderr, /^removed an expired entry\n/)
  const expires = revocationsIn(file).at(-1)!.expires
  t.equal(readFileSync(file, 'utf8'), `\
# Who is out. Ask alice.
apiVersion: authn-webhook/v1

revocations:
  # for good
  - { username: carol,   issuer: "https://login.example.com" }
  - subject: people:1002
    before: 2027-01-01T00:00:00Z
    expires: 2999-01-01T00:00:00Z
  - jti: b2
    expires: ${expires}
# that's all
`)
  t.equal(statSync(file).mode & 0o777, 0o640)
})

test('--file - changes what stdin has, for a ConfigMap', async t => {
  const { code, stdout, stderr } = await sessionsWith(FILE, 'revoke', '--id', 'b2', '--file', '-')
  t.equal(code, 0)
  const entries = (load(stdout) as { revocations: Revocation[] }).revocations
  t.match(entries, [{ username: 'carol' }, { subject: 'people:1002' }, { jti: 'b2' }])
  t.match(stdout, /^# Who is out\. Ask alice\.$/m)
  t.match(stderr, /^token "b2": revoked in the revocations file\nremoved an expired entry\nA running service reloads/)

  const again = await sessionsWith(stdout, 'revoke', '--id', 'b2', '--file', '-', '-o', 'json')
  t.equal(again.stdout, stdout, 'unchanged, and there')
  t.match(JSON.parse(/^\{.*?^\}/ms.exec(again.stderr)![0]), { jti: 'b2', added: false })

  t.match(await sessionsWith(stdout, 'list', '--file', '-'), { code: 0, stdout: /b2/ })
  t.match(await sessionsWith('apiVersion: authn-webhook/v1\nrevocations: []\n', 'list', '--file', '-'), { stdout: '', stderr: 'nothing is revoked in the revocations file\n' })
  t.match(await sessionsWith('', 'revoke', '--user', 'alice', '--file', '-'), { code: 2, stdout: '', stderr: /stdin/ }, 'of a command that failed')
  t.match(await sessionsWith(FILE.replace('carol', '""'), 'revoke', '--user', 'alice', '--file', '-'), { code: 2, stdout: '', stderr: /stdin:10: revocations\[1\]\.username: must not be empty/ })
})

test('--file - of a file that can not be printed', { skip: !existsSync('/dev/full') && 'there is no /dev/full' }, async t => {
  const full = openSync('/dev/full', 'w')
  t.teardown(() => { closeSync(full) })
  t.match(await runCommand(['sessions', 'revoke', '--user', 'alice', '--file', '-'], { input: FILE, stdio: ['pipe', full, 'pipe'] }), { code: 69, stderr: /the changed revocations file is lost; run the command again/ })
})

test('what is refused, and changes nothing', async t => {
  const dir = home(t)
  const file = join(dir, 'r.yaml')
  writeFileSync(file, FILE)
  const broken = join(dir, 'broken.yaml')
  writeFileSync(broken, FILE.replace('carol', '""'))
  const unset = join(dir, 'unset.yaml')
  for (const [args, message] of [
    [['--file', file], /pass --user, or --id for one token/],
    [['--user', 'alice', '--id', 'a1', '--file', file], /'--id <jti>' cannot be used with option '--user <name>'/],
    [['--id', 'a1', '--before', '2027-01-01T00:00:00Z', '--file', file], /--before needs --user/],
    [['--user', 'alice', '--before', 'yesterday', '--file', file], /Expected a time such as 2027-01-01T00:00:00Z/],
    [['--user', 'alice', '--before', '2001-01-01T00:00:00Z', '--file', file], /have all expired: there is nothing to revoke/],
    [['--user', '', '--file', file], /nothing was written, since the result would have errors:.*username: must not be empty/s],
    [['--user', 'alice', '--file', broken], /broken\.yaml:10: revocations\[1\]\.username: must not be empty/],
    [['--user', 'alice', '--file', join(dir, 'absent/r.yaml')], /the directory .*absent does not exist/],
    [['--user', 'alice', '--config', unset], /names no sessions\.revocationsFile: set it, and restart the service; or pass --file/],
    [['--user', 'alice', '--config', unset, '--file', file], /cannot be used with/]
  ] as Array<[string[], RegExp]>) t.match(await sessions('revoke', ...args), { code: 2, stdout: '', stderr: message }, args.join(' '))
  t.equal(readFileSync(file, 'utf8'), FILE)
  t.equal(readFileSync(broken, 'utf8'), FILE.replace('carol', '""'))
  t.notOk(existsSync(join(dir, 'revocations.yaml')))
})

test('an alias is not changed by accident', async t => {
  const file = join(t.testdir({ 'r.yaml': 'apiVersion: authn-webhook/v1\nrevocations:\n- &a { jti: a1, expires: 2001-01-01T00:00:00Z }\n- *a\n' }), 'r.yaml')
  t.match(await sessions('revoke', '--id', 'b2', '--file', file), { code: 2, stderr: /laid out in a way that this command can't change without touching other entries/ })
})

test('changes at the same time are all kept', async t => {
  const file = join(t.testdir({}), 'r.yaml')
  const ids = Array.from({ length: 8 }, (_, index) => `id-${index}`)
  const outcomes = await Promise.all(ids.map(async id => await sessions('revoke', '--id', id, '--file', file)))
  t.ok(outcomes.every(({ code }) => code === 0))
  t.strictSame(revocationsIn(file).map(({ jti }) => jti).sort(), ids)
})

test('list', async t => {
  const cwd = home(t)
  writeFileSync(join(cwd, 'revocations.yaml'), FILE)
  const { code, stdout } = await runCommand(['sessions', 'list'], { cwd })
  t.equal(code, 0)
  t.strictSame(stdout.split('\n').map(line => line.split(/ {2,}/)), [
    ['REVOKED', 'NAME', 'ISSUER', 'BEFORE', 'EXPIRES'],
    ['subject', 'people:1002', '-', '2027-01-01T00:00:00Z', '2999-01-01T00:00:00Z'],
    ['user', 'carol', 'https://login.example.com', '-', '-'],
    ['']
  ], 'the soonest to expire first, and nothing that has expired')
  const file = join(cwd, 'revocations.yaml')
  t.strictSame(JSON.parse((await sessions('list', '--file', file, '-o', 'json')).stdout), [
    { subject: 'people:1002', before: '2027-01-01T00:00:00Z', expires: '2999-01-01T00:00:00Z' },
    { username: 'carol', issuer: 'https://login.example.com' }
  ])
  writeFileSync(file, 'apiVersion: authn-webhook/v1\nrevocations: []\n')
  t.match(await sessions('list', '--file', file), { code: 0, stdout: '', stderr: /^nothing is revoked in / })
  t.match(await sessions('list', '--file', join(cwd, 'absent')), { code: 2, stderr: /absent: does not exist/ })
})
