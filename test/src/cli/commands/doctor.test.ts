/** `doctor` as a command: flags, the screen, exit codes. What it finds: test/src/cli/doctor/. */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { dump, load } from 'js-yaml'
import { test, type Test } from 'tap'
import { doctorCommand } from '../../../../src/cli/commands/doctor.js'
import { runCommand } from '../../../fixtures/command.js'
import { runInProcess } from '../../../fixtures/command-in-process.js'
import { alice } from '../../../fixtures/people.js'
import { authority, serving, startService, type TestProvider } from '../../../fixtures/service.js'

const people: TestProvider = { authenticateToken: token => token === alice.token ? { user: alice.user } : null }

function kubeconfig (server: string, user: object = {}): string {
  return dump({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority': 'ca.crt' } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x'
  })
}

/** A service, the files that name it, and an API server that takes everyone for alice. */
async function start (t: Test, provider = people): Promise<{ cwd: string, server: string }> {
  const { port } = await startService(t, { providers: { people: provider } })
  const api = createServer(serving, (_, response) => {
    response.writeHead(201).end(JSON.stringify({ kind: 'TokenReview', status: { authenticated: true, user: alice.user } }))
  }).listen(0, '127.0.0.1')
  await once(api, 'listening')
  t.teardown(() => {
    api.closeAllConnections()
    api.close()
  })
  const server = `https://127.0.0.1:${port}`
  const admin = `https://127.0.0.1:${(api.address() as AddressInfo).port}`
  const cwd = t.testdir({
    'ca.crt': authority.cert,
    'webhook.yaml': kubeconfig(`${server}/authenticate`),
    'admin.conf': kubeconfig(admin, { token: 'admin' }),
    'nobody.conf': kubeconfig(admin),
    'plugin.conf': kubeconfig(admin, { exec: { command: 'aws' } }),
    'half.conf': kubeconfig(admin, { username: 'admin' }),
    token: `${alice.token}\n`,
    empty: '\n'
  })
  return { cwd, server }
}

test('one line a check, with what to do', async t => {
  const { cwd, server } = await start(t)
  const byFlags = await runCommand(['doctor', '--server', server, '--certificate-authority', 'ca.crt'], { cwd })
  t.equal(byFlags.stderr, '')
  t.match(byFlags.stdout.trimEnd().split('\n'), [
    'ok          dns: 127.0.0.1 is an IP address',
    /^ok {9} tcp: connected to 127\.0\.0\.1:\d+ in \d+ ms$/,
    /^ok {9} tls: TLSv1\.3, /,
    'ok          protocol: HTTP/2: an API server sends all reviews over one connection',
    'ok          san: the certificate is for 127.0.0.1',
    'ok          chain: signed by "CN=test CA", which is in the CA file',
    /^warning {4} expiry: the certificate is valid until \S+: 0 days left\. To do: renew it, for example with `authn-webhook certs --out DIR --renew`; /,
    /^warning {4} client-certificate: none is required/,
    /^ok {9} clock: /,
    'ok          v1: answered in authentication.k8s.io/v1',
    'ok          v1beta1: answered in authentication.k8s.io/v1beta1',
    'ok          bogus-token: a random token is denied',
    'ok          bogus-password: a random password is denied',
    'ok          echo: no response repeats the token',
    /^ok {9} latency: 5 reviews: median \d+ ms, max \d+ ms$/
  ])
  t.equal(byFlags.code, 0, 'warnings are allowed')
})

test('by the file that the API server reads, for programs', async t => {
  const { cwd, server } = await start(t)
  const json = await runCommand(['doctor', '--kubeconfig', 'webhook.yaml', '-o', 'json'], { cwd })
  t.match(JSON.parse(json.stdout), { server: `${server}/authenticate`, outcome: 'ok', checks: [{ name: 'dns', outcome: 'ok', message: '127.0.0.1 is an IP address' }] })
  t.equal(json.code, 0)
  const down = await runCommand(['doctor', '--server', 'https://127.0.0.1:1', '-o', 'yaml'], { cwd })
  t.match(load(down.stdout), { outcome: 'unavailable', checks: [{}, { name: 'tcp', outcome: 'unavailable', advice: /nothing listens there/ }, { name: 'tls', outcome: 'skipped' }] })
  t.equal(down.code, 69)
})

test('a check that failed: exit 1', async t => {
  const { cwd } = await start(t, { authenticateToken: () => ({ user: { username: 'mock' } }) })
  const { code, stdout } = await runCommand(['doctor', '--kubeconfig', 'webhook.yaml'], { cwd })
  t.match(stdout, /^failed {5} bogus-token: a random token is authenticated as "mock"\. To do: remove this service/m)
  t.equal(code, 1)
})

test('reviews a token of ours through the API server', async t => {
  const { cwd } = await start(t)
  const doctor = ['doctor', '--kubeconfig', 'webhook.yaml', '--admin-kubeconfig', 'admin.conf']
  const good = await runCommand([...doctor, '--token-file', '-'], { cwd, input: `${alice.token}\n` })
  t.match(good.stdout, /^ok +api-server-connect: [^]*^ok +api-server-permission: [^]*^ok +api-server-webhook: the API server and the service agree\nok +api-server-review: the API server authenticates this token as "alice"\n$/m)
  t.notMatch(good.stdout, alice.token)
  t.equal(good.code, 0)
  const bogus = await runCommand(doctor, { cwd })
  t.match(bogus.stdout, /^failed +api-server-review: the API server authenticates a random token as "alice"/m)
  t.equal(bogus.code, 1)
})

const mistakes: Array<[args: string[], message: RegExp]> = [
  [[], /name the service: --kubeconfig FILE, or --server URL/],
  [['--kubeconfig', 'webhook.yaml', '--server', 'https://x'], /cannot be used with option/],
  [['--server', 'http://x'], /--server is not an https:\/\/ URL/],
  [['--server', 'x'], /--server is not an https/],
  [['--kubeconfig', 'webhook.yaml', '--certificate-authority', 'ca.crt'], /--certificate-authority needs --server/],
  [['--tls-server-name', 'x'], /--tls-server-name needs --server/],
  [['--server', 'https://x', '--certificate-authority', 'none.crt'], /none\.crt: does not exist/],
  [['--server', 'https://x', '--client-key', 'x.key'], /must be used together/],
  [['--server', 'https://x', '--client-certificate', 'ca.crt', '--client-key', 'other.key'], /other\.key: does not belong to the certificate in ca\.crt/],
  [['--kubeconfig', 'none.yaml'], /none\.yaml: does not exist/],
  [['--kubeconfig', 'webhook.yaml', '--token-file', 'token'], /--token-file needs --admin-kubeconfig/],
  [['--kubeconfig', 'webhook.yaml', '--admin-kubeconfig', 'nobody.conf'], /nobody\.conf: the user has neither a client certificate nor a token/],
  [['--kubeconfig', 'webhook.yaml', '--admin-kubeconfig', 'plugin.conf'], /plugin\.conf:\d+: users\[0\]\.user\.exec: is not supported: use a client certificate/],
  [['--kubeconfig', 'webhook.yaml', '--admin-kubeconfig', 'half.conf'], /half\.conf:\d+: users\[0\]\.user\.password: is required with username/],
  [['--kubeconfig', 'webhook.yaml', '--admin-kubeconfig', 'admin.conf', '--token-file', 'empty'], /the token is empty/]
]

test('a wrong command line: exit 2, and nothing is asked', async t => {
  const { cwd } = await start(t)
  writeFileSync(`${cwd}/other.key`, serving.key)
  for (const [args, message] of mistakes) {
    t.match(await runInProcess(doctorCommand, ['doctor', ...args], { cwd }), { code: 2, stdout: '', stderr: message }, args.join(' '))
  }
})

test('a client certificate by flags', async t => {
  const { cwd, server } = await start(t)
  writeFileSync(`${cwd}/client.crt`, serving.cert)
  writeFileSync(`${cwd}/client.key`, serving.key)
  const { stdout } = await runCommand(['doctor', '--server', server, '--certificate-authority', 'ca.crt', '--client-certificate', 'client.crt', '--client-key', 'client.key'], { cwd })
  t.match(stdout, /client-certificate: sent, but not required/)
})
