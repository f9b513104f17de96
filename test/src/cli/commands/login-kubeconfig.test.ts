import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { test } from 'tap'
import { loginCommand } from '../../../../src/cli/commands/login.js'
import { createKubeconfigFile } from '../../../../src/login/kubeconfig.js'
import { runInProcess } from '../../../fixtures/command-in-process.js'
import { runCommand, type Outcome } from '../../../fixtures/command.js'
import { authority, serving } from '../../../fixtures/service.js'

const ISSUER = ['--issuer', 'https://login.example.com']
const CLIENT = [...ISSUER, '--client', 'production']
const SERVER = ['--server', 'https://api.example.com:6443']
const ALLOWLIST = `\
If kubectl (1.35 or newer) has a policy for credential plugins, allow this one in ~/.kube/kuberc:
  credentialPluginPolicy: Allowlist
  credentialPluginAllowlist:
    - command: authn-webhook # kubectl 1.35: "name" instead of "command"
`

const kubeconfig = async (...args: string[]): Promise<Outcome> => await runInProcess(loginCommand, ['login', 'kubeconfig', ...args])

test('prints what the page of the cluster downloads', async t => {
  const dir = t.testdir({ 'cluster-ca.crt': authority.cert, 'login-ca.crt': serving.cert })
  const download = (cas: object): unknown => load(createKubeconfigFile('login', { id: 'production', name: 'Production', server: 'https://api.example.com:6443', issuer: 'https://login.example.com', grants: ['authorizationCode'], token: 'canary-token', ...cas })!.text)

  const { code, stdout, stderr } = await runCommand(['login', 'kubeconfig', ...CLIENT, ...SERVER])
  t.equal(code, 0, stderr)
  t.strictSame(load(stdout), download({}))
  t.equal(stderr, ALLOWLIST, 'on stderr, so that stdout can be saved')

  const withCAs = await kubeconfig(...CLIENT, ...SERVER, '--certificate-authority', join(dir, 'cluster-ca.crt'), '--issuer-certificate-authority', join(dir, 'login-ca.crt'))
  t.strictSame(load(withCAs.stdout), download({ certificateAuthority: authority.cert, issuerCertificateAuthority: serving.cert }), 'both CAs are embedded')
})

test('prints only the user without a server', async t => {
  const { stdout } = await kubeconfig(...CLIENT, '--name', 'me')
  t.match(load(stdout), { apiVersion: 'v1', kind: 'Config', users: [{ name: 'me', user: { exec: { args: ['login', '--issuer=https://login.example.com', '--client=production'] } } }] })
  t.strictSame(Object.keys(load(stdout) as object), ['apiVersion', 'kind', 'users'])
})

test('adds the entries to a file, and says how to use them', async t => {
  const dir = t.testdir()
  const file = join(dir, 'config')
  const first = await runCommand(['login', 'kubeconfig', ...CLIENT, ...SERVER, '--into', file])
  t.strictSame([first.code, first.stdout, first.stderr], [0, `cluster "production": added in ${file}\nuser "production": added in ${file}\ncontext "production": added in ${file}\n`, ALLOWLIST])
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.equal((load(readFileSync(file, 'utf8')) as any)['current-context'], 'production')

  const second = await kubeconfig(...ISSUER, '--client', 'staging', '--server', 'https://staging.example.com', '--into', file)
  t.equal(second.stderr, `The current context is still "production". To switch: kubectl config --kubeconfig=${file} use-context staging\n${ALLOWLIST}`)
  t.equal((load(readFileSync(file, 'utf8')) as any)['current-context'], 'production')

  const user = await kubeconfig(...CLIENT, '--name', "my lab's", '--into', file)
  t.equal(user.stdout, `user "my lab's": added in ${file}\n`)
  t.equal(user.stderr, `To use it: kubectl config --kubeconfig=${file} set-context 'my lab'\\''s' --cluster=CLUSTER --user='my lab'\\''s'\n${ALLOWLIST}`)

  const same = await kubeconfig(...CLIENT, ...SERVER, '--into', file)
  t.equal(same.stdout, `cluster "production": unchanged in ${file}\nuser "production": unchanged in ${file}\ncontext "production": unchanged in ${file}\n`)
})

const ERRORS: Array<[name: string, args: string[], error: RegExp]> = [
  ['no issuer', ['--client', 'production'], /required option '--issuer <url>' not specified/],
  ['no client', ISSUER, /required option '--client <id>' not specified/],
  ['an issuer without TLS', ['--issuer', 'http://login.example.com', '--client', 'a'], /Expected an https URL/],
  ['an issuer with a slash at the end', ['--issuer', 'https://login.example.com/', '--client', 'a'], /without "\/" at the end/],
  ['an issuer with a password', ['--issuer', 'https://alice:canary@login.example.com', '--client', 'a'], /Expected an https URL/],
  ['a client ID that no config can have', [...ISSUER, '--client', 'a b'], /Expected an ID of letters/],
  ['a server without TLS', [...CLIENT, '--server', 'http://api.example.com'], /Expected an https URL such as/],
  ['a server with a user', [...CLIENT, '--server', 'https://a:b@api.example.com'], /Expected an https URL such as/],
  ['a name with a line break', [...CLIENT, '--name', 'a\nb'], /Expected a name without control characters/],
  ['an empty name', [...CLIENT, '--name', ''], /Expected a name/],
  ['a file for the standard output', [...CLIENT, '--into', '-'], /Expected a file; without --into the kubeconfig is printed/],
  ['a CA without a server', [...CLIENT, '--certificate-authority', 'ca.crt'], /--certificate-authority needs --server: it is the API server's; for that of the sign-in service use --issuer-certificate-authority/],
  ['a CA that is missing', [...CLIENT, '--issuer-certificate-authority', 'absent.crt'], /absent\.crt: /],
  ['an argument', [...CLIENT, 'more'], /too many arguments/]
]

for (const [name, args, error] of ERRORS) {
  test(`error: ${name}`, async t => {
    const { code, stdout, stderr } = await kubeconfig(...args)
    t.equal(code, 2)
    t.match(stderr, error)
    t.equal(stdout, '')
  })
}

test('a private key in place of a CA is not passed on', async t => {
  const file = join(t.testdir({ 'ca.pem': serving.cert + serving.key }), 'ca.pem')
  for (const args of [['--issuer-certificate-authority', file], [...SERVER, '--certificate-authority', file]]) {
    const { code, stdout, stderr } = await kubeconfig(...CLIENT, ...args)
    t.strictSame([code, stdout], [2, ''])
    t.match(stderr, /private key/)
  }
})

test('an entry that signs in to the same client, in the other spelling of its options, is updated', async t => {
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'authn-webhook', args: ['login', ...CLIENT] }
  const file = join(t.testdir({ config: JSON.stringify({ users: [{ name: 'production', user: { exec } }] }) }), 'config')
  const { code, stderr } = await kubeconfig(...CLIENT, '--into', file)
  t.equal(code, 0, stderr)
  t.match(JSON.parse(readFileSync(file, 'utf8')).users, [{ name: 'production', user: { exec: { interactiveMode: 'IfAvailable' } } }])
})

test('a JSON file whose entry has no cluster is left as it is', async t => {
  const exec = { command: 'authn-webhook', args: ['login', ...CLIENT] }
  const before = JSON.stringify({ clusters: [{ name: 'production' }], users: [{ name: 'production', user: { exec } }] })
  const file = join(t.testdir({ config: before }), 'config')
  t.match(await kubeconfig(...CLIENT, ...SERVER, '--into', file), { code: 2, stdout: '', stderr: /is laid out in a way that this command can't change/ })
  t.equal(readFileSync(file, 'utf8'), before)
})

test('another entry of the same name', async t => {
  const file = join(t.testdir({ config: 'users:\n- name: production\n  user: { token: canary-token }\n' }), 'config')
  const before = readFileSync(file, 'utf8')
  const { code, stderr } = await kubeconfig(...CLIENT, ...SERVER, '--into', file)
  t.equal(code, 2)
  t.match(stderr, /another user "production": choose a name for the new entries with --name/)
  t.notMatch(stderr, 'canary-token')
  t.equal(readFileSync(file, 'utf8'), before)
})
