import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { load } from 'js-yaml'
import { openCA } from '../../../../src/certificates/directory.js'
import { issueServing } from '../../../../src/certificates/issue.js'
import { certsCommand } from '../../../../src/cli/commands/certs.js'
import { validateCommand } from '../../../../src/cli/commands/validate.js'
import { createSigningKey } from '../../../../src/session-keys/key-directory.js'
import { withTime } from '../../../fixtures/certificates.js'
import { runCommand, type CommandOptions, type Outcome } from '../../../fixtures/command.js'
import { runInProcess } from '../../../fixtures/command-in-process.js'
import { REDIS_PASSWORD, startRedis } from '../../../fixtures/redis.js'
import { newKeyPair } from '../../../fixtures/session-keys.js'

const USERS = 'apiVersion: authn-webhook/v1\nusers:\n  - username: alice\n'
const CONFIG = `apiVersion: authn-webhook/v1
server: { host: 127.0.0.1 }
tls: { certFile: tls/tls.crt, keyFile: tls/tls.key }
identityProviders:
  - { name: people, kind: static, usernamePrefix: "p:", groupPrefix: "p:", config: { usersFile: users.yaml } }
  - { name: robots, kind: module, from: ./robots.mjs, usernamePrefix: "r:", groupPrefix: "r:" }
`
/** A third party's provider that reads a file of its own; opening it would be seen. */
const ROBOTS = `import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
export default {
  contract: 1,
  kind: 'robots',
  schema: { type: 'object' },
  open () { writeFileSync(new URL('opened', import.meta.url), ''); return { authenticateToken: () => null } },
  validateFiles (config, { resolvePath }) { if (readFileSync(resolvePath('robots.txt'), 'utf8') === 'bad') throw new Error('robots.txt is bad') }
}
`

async function validate (args: readonly string[], options?: CommandOptions): Promise<Outcome> {
  return await runInProcess(validateCommand, ['validate', ...args], options)
}

/** Files of a config that is right, with some of them replaced. */
async function home (t: Test, files: Record<string, string> = {}): Promise<string> {
  const dir = t.testdir({ 'authn-webhook.yaml': CONFIG, 'users.yaml': USERS, 'robots.mjs': ROBOTS, 'robots.txt': 'good', ...files })
  const { code, stderr } = await runInProcess(certsCommand, ['certs', '--out', join(dir, 'tls')])
  if (code !== 0) throw new Error(stderr)
  return dir
}

test('a config that is right', async (t) => {
  const cwd = await home(t)

  t.test('is said to be, with its chain', async (t) => {
    const { code, stdout, stderr } = await runCommand(['validate'], { cwd })
    t.equal(stdout, `${join(cwd, 'authn-webhook.yaml')} is valid: people (static), then robots (module)\n`)
    t.equal(stderr, '')
    t.equal(code, 0)
  })

  t.test('as JSON and YAML', async (t) => {
    const expected = {
      valid: true,
      file: join(cwd, 'authn-webhook.yaml'),
      identityProviders: [{ name: 'people', kind: 'static' }, { name: 'robots', kind: 'module' }],
      errors: [],
      warnings: []
    }
    for (const [format, parse] of [['json', JSON.parse], ['yaml', load]] as const) {
      const { code, stdout, stderr } = await runCommand(['validate', '-o', format, '--config', join(cwd, 'authn-webhook.yaml')])
      t.strictSame(parse(stdout), expected, format)
      t.equal(stderr, '')
      t.equal(code, 0)
    }
  })

  t.test('nothing was opened', async (t) => {
    await t.rejects(async () => await (await import('node:fs/promises')).stat(join(cwd, 'opened')), { code: 'ENOENT' })
  })
})

test('warnings are no errors', async (t) => {
  const cwd = await home(t, { 'authn-webhook.yaml': CONFIG.replace('127.0.0.1', '0.0.0.0') })
  const { code, stdout, stderr } = await validate([], { cwd })
  t.match(stdout, /is valid/)
  t.match(stderr, /^warning: .*authn-webhook\.yaml:3: tls: without clientCAFile/)
  t.equal(code, 0)
})

test('names in a users file that Kubernetes reserves are warnings, unless the config lets them out', async (t) => {
  const users = 'apiVersion: authn-webhook/v1\nusers:\n  - username: alice\n  - username: admin\n    groups:\n      - developers\n      - system:masters\n'
  const cwd = await home(t, {
    'users.yaml': users,
    'bare.yaml': CONFIG.replace(/ +- \{ name: robots.*\n/, '').replaceAll('"p:"', '""'),
    'allowed.yaml': CONFIG.replace(/ +- \{ name: robots.*\n/, '').replaceAll('"p:"', '""').replace('kind: static', 'kind: static, reserved: { allowGroups: ["system:masters"] }')
  })
  const warning = `warning: ${join(cwd, 'users.yaml')}:7: users[1].groups[1]: the group "system:masters" is reserved for Kubernetes: it is dropped unless reserved.allowGroups lists it\n`
  for (const [args, expected] of [[[], ''], [['--config', 'bare.yaml'], warning], [['--config', 'allowed.yaml'], '']] as const) {
    const { code, stderr } = await validate([...args], { cwd })
    t.equal(stderr, expected)
    t.equal(code, 0)
  }
  const { stdout } = await validate(['--config', 'bare.yaml', '-o', 'json'], { cwd })
  t.match(JSON.parse(stdout), { valid: true, warnings: [{ file: join(cwd, 'users.yaml'), line: 7, path: 'users[1].groups[1]' }] })
})

test('warns of bcrypt hashes that are quick to guess', async (t) => {
  const hash = '$05$abcdefghijklmnopqrstuuFAGEq0vIZCNVvqmDKFhbdDXkRzr3ZNu'
  const cwd = await home(t, { 'users.yaml': `apiVersion: authn-webhook/v1\nusers:\n  - username: alice\n    passwordHash: $2y${hash.replace('05', '10')}\n  - username: bob\n    passwordHash: $2y${hash}\n` })
  const { code, stderr } = await validate([], { cwd })
  t.equal(stderr, `warning: ${join(cwd, 'users.yaml')}:6: users[1].passwordHash: bcrypt with cost 5 is quick to guess: set the password again with "authn-webhook users set-password", or with "htpasswd -B -C 12"\n`)
  t.equal(code, 0)
})

test('errors of the config and of the files that it names come together', async (t) => {
  const cwd = await home(t, {
    'authn-webhook.yaml': CONFIG.replace('host', 'hots'),
    'users.yaml': `${USERS}    uid: 1001\n    grops: [a]\n`,
    'robots.txt': 'bad'
  })
  const file = (name: string): string => join(cwd, name)
  const { code, stdout, stderr } = await validate([], { cwd })
  t.equal(stdout, '')
  t.equal(stderr, `${file('authn-webhook.yaml')}:2: server.hots: unknown key; did you mean "host"?
${file('users.yaml')}:4: users[0].uid: must be a string; got a number: quote it
${file('users.yaml')}:5: users[0].grops: unknown key; did you mean "groups"?
${file('authn-webhook.yaml')}:6: identityProviders[1]: robots.txt is bad
4 errors
`)
  t.equal(code, 2)

  const { code: sameCode, stdout: json } = await validate(['-o', 'json'], { cwd })
  t.match(JSON.parse(json), { valid: false, errors: [{ file: file('authn-webhook.yaml'), path: 'server.hots', line: 2, message: /unknown key/ }, { file: file('users.yaml'), line: 4 }, {}, {}] })
  t.equal(sameCode, 2)
})

test('files are checked whatever is wrong with the config, and are named by its fields', async (t) => {
  const cwd = await home(t, {
    'authn-webhook.yaml': `apiVersion: authn-webhook/v1
server: { hots: 127.0.0.1 }
tls: { certFile: absent.crt, keyFile: tls/tls.key, clientCAFile: absent-ca.crt, clientNames: 1 }
log: { fingerprintKey: { env: ABSENT } }
identityProviders:
  - { name: people, kind: static, usernamePrefix: "p:", groupPrefix: "p:", timeout: soon, config: { usersFile: absent.yaml } }
  - name: corp
    kind: ldap
    usernamePrefix: "c:"
    groupPrefix: "c:"
    config:
      preset: openldap
      urls: [ldaps://ldap.example.com]
      bindDN: cn=reader,dc=example,dc=com
      bindPassword: { env: ABSENT }
      userSearch: { baseDN: "dc=example,dc=com" }
      groupSearch: { baseDN: "dc=example,dc=com" }
      tls:
        caFile: absent-root.crt
        certFile: tls/tls.crt
        keyFile: absent.key
`
  })
  const at = (line: number, rest: string): string => `${join(cwd, 'authn-webhook.yaml')}:${line}: ${rest}`
  const { code, stderr } = await validate([], { cwd })
  t.strictSame(stderr.trim().split('\n'), [
    at(2, 'server.hots: unknown key; did you mean "host"?'),
    at(3, 'tls.clientNames: must be a list; got a number'),
    at(4, 'log.fingerprintKey: the environment variable ABSENT is not set'),
    at(6, 'identityProviders[0].timeout: is not a duration such as 500ms, 10s or 2m'),
    at(15, 'identityProviders[1].config.bindPassword: the environment variable ABSENT is not set'),
    at(3, `tls.certFile: ${join(cwd, 'absent.crt')}: does not exist`),
    at(3, `tls.clientCAFile: ${join(cwd, 'absent-ca.crt')}: does not exist`),
    at(6, `identityProviders[0].config.usersFile: ${join(cwd, 'absent.yaml')}: does not exist`),
    at(19, `identityProviders[1].config.tls.caFile: ${join(cwd, 'absent-root.crt')}: does not exist`),
    at(21, `identityProviders[1].config.tls.keyFile: ${join(cwd, 'absent.key')}: does not exist`),
    '10 errors'
  ])
  t.equal(code, 2)
})

test('certificates belong to it', async (t) => {
  const cwd = await home(t, {
    'other.yaml': CONFIG.replace('tls/tls.crt', 'absent.crt').replace('tls/tls.key', 'users.yaml, clientCAFile: absent-ca.crt'),
    'mixed.yaml': CONFIG.replace('tls/tls.key }', 'tls/ca/ca.key, clientCAFile: absent-ca.crt }'),
    'ca.yaml': CONFIG.replace('tls/tls.key }', 'tls/tls.key, clientCAFile: absent-ca.crt }'),
    'undated.yaml': CONFIG.replace('tls/tls.crt', 'undated.crt')
  })
  writeFileSync(join(cwd, 'undated.crt'), withTime(readFileSync(join(cwd, 'tls/tls.crt'), 'utf8'), 'notAfter'))
  const at = (config: string, field: string, error: string): string => `${join(cwd, config)}:3: tls.${field}: ${join(cwd, error)}`
  for (const [config, expected] of [
    ['other.yaml', [at('other.yaml', 'certFile', 'absent.crt: does not exist'), at('other.yaml', 'keyFile', 'users.yaml: '), at('other.yaml', 'clientCAFile', 'absent-ca.crt: does not exist'), 'warning: ', '3 errors']],
    ['ca.yaml', [at('ca.yaml', 'clientCAFile', 'absent-ca.crt: does not exist'), '1 error']],
    ['undated.yaml', [at('undated.yaml', 'certFile', 'undated.crt: holds a certificate whose notAfter is not a date'), '1 error']],
    ['mixed.yaml', [at('mixed.yaml', 'keyFile', 'tls/ca/ca.key: does not belong'), at('mixed.yaml', 'clientCAFile', 'absent-ca.crt: does not exist'), '2 errors']]
  ] as const) {
    const { code, stderr } = await validate(['--config', config], { cwd })
    const lines = stderr.trim().split('\n')
    t.equal(lines.length, expected.length, config)
    expected.forEach((start, index) => { t.ok(lines[index]?.startsWith(start), `${config}: ${lines[index]}`) })
    t.equal(code, 2)
  }
})

test('warns of a certificate that API servers refuse, now or soon', async (t) => {
  const cwd = await home(t)
  const keys = await openCA(join(cwd, 'tls'))
  for (const [days, expected] of [[300, ''], [20, /^warning: .*tls\.crt: expires on \S+, in 19 days\n$/], [-1, /^warning: .*tls\.crt: has expired on \S+: API servers reject it\n$/]] as const) {
    const pair = await issueServing(keys.pair, { names: ['localhost'], days: 365, now: () => Date.now() + (days - 365) * 86_400_000 })
    writeFileSync(join(cwd, 'tls', 'tls.crt'), pair.cert)
    writeFileSync(join(cwd, 'tls', 'tls.key'), pair.key)
    const { code, stderr } = await validate([], { cwd })
    t.match(stderr, expected)
    t.equal(code, 0)
  }
})

test('what is no config', async (t) => {
  const cwd = t.testdir({ 'empty.yaml': '', 'broken.yaml': 'a: [\n', 'users.yaml': USERS })
  for (const [args, message, code] of [
    [[], /no config file found: .*serve --demo/s, 2],
    [['--config', 'absent.yaml'], /absent\.yaml: does not exist\n1 error/, 2],
    [['--config', 'empty.yaml'], /empty\.yaml: is empty\n1 error/, 2],
    [['--config', 'broken.yaml'], /broken\.yaml:2: is not valid YAML/, 2],
    [['--config', 'users.yaml'], /users\.yaml:2: users: unknown key/, 2],
    [['--output', 'xml'], /Allowed choices are json, yaml/, 2]
  ] as const) {
    const outcome = await validate([...args], { cwd })
    t.match(outcome.stderr, message)
    t.equal(outcome.code, code)
  }
})

test('--help has examples', async (t) => {
  const { stdout, code } = await validate(['--help'])
  t.match(stdout, /Examples:\n.*authn-webhook validate/)
  t.equal(code, 0)
})

test('--online asks the store', async t => {
  const redis = await startRedis(t, { password: REDIS_PASSWORD })
  if (redis === undefined) return
  const cwd = await home(t, {})
  const validateWith = async (password: string): Promise<Outcome> => {
    writeFileSync(join(cwd, 'authn-webhook.yaml'), `${CONFIG}store: { kind: redis, url: "redis://127.0.0.1:${redis.port}", password: { file: redis-password } }\n`)
    writeFileSync(join(cwd, 'redis-password'), password, { mode: 0o600 })
    return await validate(['--online'], { cwd })
  }
  t.match(await validateWith(REDIS_PASSWORD), { code: 0, stdout: /; every source is reachable\n$/, stderr: '' })
  const problem = (text: string): object => ({ code: 69, stderr: new RegExp(`^.*authn-webhook\\.yaml:\\d+: store\\.url: redis 127\\.0\\.0\\.1:${redis.port} ${text}\n$`) })
  t.match(await validateWith('wrong'), problem('rejects the user or password: check store\\.username and store\\.password'))
  await redis.stop()
  t.match(await validateWith(REDIS_PASSWORD), problem('can\'t be reached \\(ECONNREFUSED\\)'))
})

test('--online asks the source of each provider', async (t) => {
  const config = (kind: string): string => `apiVersion: authn-webhook/v1
server: { host: 127.0.0.1 }
tls: { certFile: tls/tls.crt, keyFile: tls/tls.key }
identityProviders:
  - { name: people, kind: static, usernamePrefix: "p:", groupPrefix: "p:", config: { usersFile: users.yaml } }
${kind}
`
  const issuers = ['one', 'other'].map(path => `        - issuer: { url: "https://127.0.0.1:2/${path}", audiences: [kubernetes] }\n          claimMappings: { username: { claim: sub, prefix: "" } }`).join('\n')
  const cwd = await home(t, { 'authn-webhook.yaml': config(`  - name: sso\n    kind: jwt\n    usernamePrefix: "s:"\n    groupPrefix: "s:"\n    config:\n      issuers:\n${issuers}`) })
  const file = join(cwd, 'authn-webhook.yaml')
  t.match(await validate([], { cwd }), { code: 0, stderr: '' }, 'and only then')

  const { code, stdout, stderr } = await validate(['--online'], { cwd })
  t.equal(code, 69)
  t.equal(stdout, `${file} is valid: people (static), then sso (jwt)\n`)
  const lines = stderr.split('\n').filter(line => line.startsWith(file))
  t.equal(lines.length, 2, stderr)
  t.equal(stderr.trim().split('\n').length, 2, 'and once')
  for (const [index, path] of ['one', 'other'].entries()) {
    t.match(lines[index], new RegExp(`^${file}:6: identityProviders\\[1\\]: no keys from issuer https://127\\.0\\.0\\.1:2/${path}: .*connection refused`))
  }
  const json = JSON.parse((await validate(['--online', '-o', 'json'], { cwd })).stdout)
  t.match(json, { valid: true, errors: [], unreachable: [{ file, path: 'identityProviders[1]', line: 6 }, { file }] })

  writeFileSync(file, CONFIG)
  t.match(await validate(['--online'], { cwd }), { code: 0, stdout: /; every source is reachable\n$/, stderr: '' }, 'a provider without a source is reachable')
  writeFileSync(file, CONFIG.replace('users.yaml', 'missing.yaml'))
  t.match(await validate(['--online'], { cwd }), { code: 2, stderr: /missing\.yaml/ }, 'an error comes first')
})

/** Both services in one process, with files that are all right. */
async function signInHome (t: Test): Promise<{ cwd: string, pair: { certFile: string, keyFile: string } }> {
  const cwd = await home(t, {
    'revocations.yaml': 'apiVersion: authn-webhook/v1\nrevocations: []\n',
    'authn-webhook.yaml': `${CONFIG}login:
  issuer: https://login.example.com
  tls: { certFile: tls/tls.crt, keyFile: tls/tls.key }
  signingKeys: [{ certFile: keys/a.crt, keyFile: keys/a.key }]
  clients: [{ id: production, cluster: { server: "https://api.example.com", certificateAuthorityFile: tls/ca.crt } }]
sessions:
  certFiles: [keys/a.crt]
  revocationsFile: revocations.yaml
store: { kind: redis, url: "rediss://redis.example.com", caFile: tls/ca.crt }
`
  })
  const { certFile, keyFile } = await createSigningKey(join(cwd, 'keys'))
  renameSync(certFile, join(cwd, 'keys/a.crt'))
  renameSync(keyFile, join(cwd, 'keys/a.key'))
  return { cwd, pair: await createSigningKey(join(cwd, 'keys')) }
}

test('the files of the sign-in service', async t => {
  const { cwd, pair } = await signInHome(t)
  const result = async () => JSON.parse((await validate(['-o', 'json'], { cwd })).stdout)
  t.match(await result(), { valid: true, errors: [], warnings: [] })
  const [good, other] = [join(cwd, 'keys/a.crt'), pair.certFile].map(file => readFileSync(file, 'utf8')) as [string, string]

  writeFileSync(join(cwd, 'keys/a.crt'), other)
  t.match((await result()).errors, [{ path: 'login.signingKeys[0].keyFile', line: 10, message: /keys\/a\.key: does not belong to the certificate in .*a\.crt$/ }], 'a pair that does not match')

  writeFileSync(join(cwd, 'keys/a.crt'), good)
  chmodSync(join(cwd, 'keys/a.key'), 0o644)
  writeFileSync(join(cwd, 'revocations.yaml'), 'apiVersion: authn-webhook/v1\nrevocations: [{}]\n')
  const config = readFileSync(join(cwd, 'authn-webhook.yaml'), 'utf8')
  writeFileSync(join(cwd, 'authn-webhook.yaml'), config.replaceAll('tls/ca.crt', 'absent.crt').replace('certFiles: [keys/a.crt]', 'certFiles: [absent.crt]'))
  t.strictSame((await result()).errors.map(({ file, path, message }: Record<string, string>) => `${file === join(cwd, 'authn-webhook.yaml') ? '' : 'revocations '}${path}: ${message!.replaceAll(cwd, '').slice(0, 40)}`), [
    'login.signingKeys[0].keyFile: /keys/a.key: is world-readable, and anyo',
    'login.clients[0].cluster.certificateAuthorityFile: /absent.crt: does not exist',
    'sessions.certFiles[0]: /absent.crt: does not exist',
    'revocations revocations[0]: must be a mapping with one of jti, subje',
    'store.caFile: /absent.crt: does not exist'
  ], 'every invalid file at once')

  writeFileSync(join(cwd, 'authn-webhook.yaml'), config.replace('server:', 'sever: {}\nserver:'))
  t.match((await result()).errors.map(({ path }: { path: string }) => path), ['sever', 'login.signingKeys[0].keyFile', 'revocations[0]'], 'also if the config has other errors')
})

test('keys of session tokens that are probably wrong', async t => {
  const { cwd, pair } = await signInHome(t)
  const config = readFileSync(join(cwd, 'authn-webhook.yaml'), 'utf8')
  writeFileSync(join(cwd, 'authn-webhook.yaml'), config.replace('certFiles: [keys/a.crt]', `certFiles: [${pair.certFile}, old.crt]`))
  writeFileSync(join(cwd, 'old.crt'), (await newKeyPair(30, 10)).cert)
  const { stderr, code } = await validate([], { cwd })
  t.equal(code, 0)
  t.match(stderr, /^warning: .*:13: sessions\.certFiles\[1\]: .*old\.crt: expired on .*; tokens of its key are accepted all the same: rotate the key$/m)
  t.match(stderr, /^warning: .*:13: sessions\.certFiles: lacks the key of .*keys\/a\.crt, which is in login\.signingKeys: its tokens are denied$/m)
})
