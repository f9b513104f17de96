import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { connect } from 'node:tls'
import { test } from 'tap'
import { DEMO_OPAQUE_TOKEN } from '../../../../src/cli/demo.js'
import { runCommand } from '../../../fixtures/command.js'
import { needs } from '../../../fixtures/packages.js'
import { startServe, type Running } from '../../../fixtures/running.js'
import { authority, serving } from '../../../fixtures/service.js'

const sh = promisify(execFile)
const REVIEW = fileURLToPath(new URL('../../../../examples/token-review.json', import.meta.url))

/** The line that --demo and --mock print to paste, changed as a reader would change it. */
async function paste ({ stdout }: Running, edit: (line: string) => string = line => line): Promise<any> {
  const line = /^ {2}(curl .*)$/m.exec(stdout())![1]!
  const { stdout: answer } = await sh('bash', ['-c', `set -o pipefail; ${edit(line)}`])
  return JSON.parse(answer)
}

test('--demo needs nothing, and what it prints works as pasted', needs('curl', 'jq'), async t => {
  const cwd = t.testdir()
  const running = await startServe(t, ['--demo', '--port', '0'], { cwd })
  await running.until(/Ctrl-C/)
  const user = { username: 'demo-user', uid: '1001', groups: ['developers'], extra: { 'example.com/team': ['platform'] } }
  const expected = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', status: { authenticated: true, user } }

  t.match(running.stdout(), `authn-webhook serves https://127.0.0.1:${running.port}/authenticate`)
  t.match(running.stdout(), join(cwd, '.authn-webhook/ca.crt'))
  t.strictSame(await paste(running), expected)
  t.strictSame(await paste(running, line => line.replace('curl', 'curl --http1.1')), expected, 'over HTTP/1.1')
  t.strictSame(await paste(running, line => line.replace('curl', 'curl --http2')), expected, 'over HTTP/2')
  t.strictSame(await paste(running, line => line.replace('127.0.0.1', 'localhost')), expected, 'by name')
  t.strictSame(await paste(running, line => line.replace('k8s.io/v1', 'k8s.io/v1beta1')), { ...expected, apiVersion: 'authentication.k8s.io/v1beta1' })
  t.match(await paste(running, line => line.replace(/"token":"[^"]+"/, `"token":"${DEMO_OPAQUE_TOKEN}"`)), { status: { authenticated: true, user: { username: 'demo-robot' } } })
  t.strictSame((await paste(running, line => line.replace(/"token":"[^"]+"/, '"token":"x"'))).status, { authenticated: false })
  t.strictSame(await paste(running, line => line.replace(/-d '[^']+'/, `-d @${REVIEW}`)), expected, 'with the request of the examples')
  t.match(await paste(running, line => line.replace(/-H '[^']+'/, '')), { code: 415, message: /-H 'Content-Type: application\/json'/ }, 'as tutorials type it')

  t.strictSame(await running.stop('SIGINT'), { code: 0, signal: null })
  t.equal(statSync(join(cwd, '.authn-webhook')).mode & 0o777, 0o700)

  const ca = readFileSync(join(cwd, '.authn-webhook/ca.crt'), 'utf8')
  const again = await startServe(t, ['--demo', '--port', '0'], { cwd })
  t.equal(readFileSync(join(cwd, '.authn-webhook/ca.crt'), 'utf8'), ca, 'the CA is used again')
  await again.stop()
})

test('the demo user signs in on the page, and its token works in the printed command', needs('curl', 'jq'), async t => {
  const cwd = t.testdir()
  const running = await startServe(t, ['--demo', '--port', '0'], { cwd })
  await running.until(/Ctrl-C/)
  const [issuer] = /^https:.*$/m.exec(running.stdout().replaceAll(/^ +(https:)/gm, '$1'))!
  const jar = join(cwd, 'cookies')
  const get = async (path: string, ...args: string[]): Promise<string> => (await sh('curl', ['-sSk', '--location', '--cookie', jar, '--cookie-jar', jar, ...args, `${issuer}${path}`])).stdout
  const [, csrf] = /name="csrf" value="([^"]+)"/.exec(await get('/'))!
  t.match(await get('/sign-in', '--data-urlencode', `csrf=${csrf}`, '--data', 'username=demo-user&password=demo-password'), /Your clusters[\s\S]*demo-user/)
  const [token] = /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(await get('/clients/demo'))!
  t.match(await paste(running, line => line.replace(/"token":"[^"]+"/, `"token":"${token}"`)), { status: { authenticated: true, user: { username: 'demo-user', groups: ['developers'] } } })
  t.match(await sh('curl', ['-sSk', `${issuer}/token`, '--data', 'grant_type=password&client_id=demo&username=demo-user&password=demo-password']), { stdout: /"id_token"/ })
  t.match(await sh('curl', ['-sSk', `${issuer}/device/auth`, '--data', 'client_id=demo&scope=openid']), { stdout: /"user_code"/ })
})

test('--mock answers any token, on any address and under further names', needs('curl', 'jq'), async t => {
  const running = await startServe(t, ['--mock', '--port', '0', '--host', '0.0.0.0', '--san', 'authn.example.test', '--san', '192.0.2.10'], { cwd: t.testdir() })
  await running.until(/Ctrl-C/)
  t.strictSame((await paste(running)).status, { authenticated: true, user: { username: 'mock', groups: ['group-mock'] } })
  const socket = connect({ port: running.port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const names = socket.getPeerCertificate().subjectaltname
  socket.destroy()
  for (const name of ['localhost', '127.0.0.1', '0:0:0:0:0:0:0:1', 'authn-webhook.kube-system.svc', 'authn.example.test', '192.0.2.10']) t.match(names, name)
  await running.stop()
})

test('a port is a number from 0 to 65535', async t => {
  for (const port of ['-1', '65536', '1e3', '0x1f', '8443.5', ' 1', '']) {
    const { code, stderr } = await runCommand(['serve', '--demo', `--port=${port}`], { cwd: t.testdir() })
    t.equal(code, 2, JSON.stringify(port))
    t.match(stderr, /--port must be a number from 0 to 65535/, JSON.stringify(port))
  }
})

const CONFIG = `
apiVersion: authn-webhook/v1
server: { host: 127.0.0.1, port: 0, shutdownDelay: 400ms }
tls: { certFile: tls.crt, keyFile: tls.key }
identityProviders:
  - { name: people, kind: static, config: { usersFile: users.yaml } }
log: { format: json }
`
const USERS = 'apiVersion: authn-webhook/v1\nusers: []\n'

test('a port in use is one line that says what to do', async t => {
  const blocker = createServer().listen(0, '127.0.0.1')
  await once(blocker, 'listening')
  t.teardown(() => { blocker.close() })
  const { port } = blocker.address() as AddressInfo
  for (const [script, advice] of [
    [undefined, 'change server.port or --port'],
    ['start', `choose another: npm start -- --port ${port % 65535 + 1}`]
  ] as const) {
    const { code, stderr } = await runCommand(['serve', '--demo', '--port', String(port)], { cwd: t.testdir(), env: { npm_lifecycle_event: script } })
    t.equal(code, 69)
    t.equal(stderr, `error: server.port: port ${port} on 127.0.0.1 is already in use: stop the process that listens there, or ${advice}\n`)
  }
})

test('so is that of the sign-in service of the demo', async t => {
  const blocker = createServer().listen(0, '127.0.0.1')
  await once(blocker, 'listening')
  t.teardown(() => { blocker.close() })
  const { port } = blocker.address() as AddressInfo
  const { code, stderr } = await runCommand(['serve', '--demo', '--port', String(port - 1)], { cwd: t.testdir() })
  t.equal(code, 69)
  t.equal(stderr, `error: login.port: port ${port} on 127.0.0.1 is already in use: stop the process that listens there, or change login.port or --port\n`)
})

test('a config file, and a shutdown that first says so', needs('curl'), async t => {
  const cwd = t.testdir({ 'tls.crt': serving.cert, 'tls.key': serving.key, 'ca.crt': authority.cert, 'authn-webhook.yaml': CONFIG, 'users.yaml': USERS })
  const running = await startServe(t, [], { cwd, env: { AUTHN_WEBHOOK_CONFIG: undefined } })
  const probe = async (): Promise<string> => (await sh('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', '--cacert', join(cwd, 'ca.crt'), `https://127.0.0.1:${running.port}/readyz`])).stdout
  t.equal(await probe(), '200')
  const ended = running.stop('SIGTERM')
  await running.until(/"msg":"stopping"/)
  t.equal(await probe(), '503', 'unready, and still serving')
  t.strictSame(await ended, { code: 0, signal: null })
})

test('a second signal does not wait', async t => {
  const cwd = t.testdir({ 'tls.crt': serving.cert, 'tls.key': serving.key, 'authn-webhook.yaml': CONFIG.replace('400ms', '1h'), 'users.yaml': USERS })
  const running = await startServe(t, [], { cwd, env: { AUTHN_WEBHOOK_CONFIG: undefined } })
  running.child.kill('SIGTERM')
  await running.until(/"msg":"stopping"/)
  t.strictSame(await running.stop('SIGINT'), { code: 1, signal: null })
  t.match(running.stdout().trimEnd().split('\n').at(-1), /"signal":"SIGINT","msg":"exiting immediately: received another signal while stopping"/)
})

const mistakes: Array<[what: string, args: string[], code: number, message: RegExp]> = [
  ['two sources of a config', ['--demo', '--mock'], 2, /cannot be used with option/],
  ['a name for a certificate that is not ours to make', ['--config', 'x.yaml', '--san', 'a'], 2, /--san needs --demo or --mock/],
  ['a port that is none', ['--demo', '--port', '80a'], 2, /0 to 65535/],
  ['a port out of range', ['--demo', '--port', '65536'], 2, /0 to 65535/],
  ['an address in the brackets of a URL', ['--mock', '--host', '[::]'], 2, /^error: --host must be an IPv6 address without brackets: ::\n$/],
  ['an address that is a star', ['--mock', '--host', '*'], 2, /^error: --host must be an address or a host name, not "\*": use "::" for all addresses, or 0\.0\.0\.0 for all IPv4 addresses\n$/],
  ['a host that no certificate can name', ['--mock', '--host', 'a b'], 2, /^error: --host: "a b" can't be a name in a certificate/],
  ['no such file', ['--config', 'missing.yaml'], 2, /missing\.yaml/],
  ['no config anywhere', [], 2, /--demo/],
  ['an address of another machine', ['--demo', '--host', '192.0.2.1', '--port', '0'], 69, /server\.host: this machine has no address 192\.0\.2\.1/]
]

for (const [what, args, code, message] of mistakes) {
  test(`${what}: exit ${code}`, async t => {
    const result = await runCommand(['serve', ...args], { cwd: t.testdir(), env: { AUTHN_WEBHOOK_CONFIG: undefined } })
    t.equal(result.code, code)
    t.match(result.stderr, message)
    t.notMatch(result.stderr, /^\s+at /m)
  })
}

test('--demo and --mock say where they can not keep their files', async t => {
  const place = /; --mock creates its files in \.authn-webhook in the working directory: run it in another directory\n$/
  const file = await runCommand(['serve', '--mock'], { cwd: t.testdir({ '.authn-webhook': '' }) })
  t.match(file, { code: 2, stderr: /^error: .*\/\.authn-webhook: is not a directory; / })
  t.match(file.stderr, place)
  if (!existsSync('/proc')) return
  // where not even root may create a directory
  const unwritable = await runCommand(['serve', '--mock'], { cwd: '/proc' })
  t.match(unwritable, { code: 2, stderr: /^error: \/proc\/\.authn-webhook: can't be / })
  t.match(unwritable.stderr, place)
})

test('an error of the admin listener names its fields', async t => {
  const blocker = createServer().listen(0, '127.0.0.1')
  await once(blocker, 'listening')
  t.teardown(() => { blocker.close() })
  const { port } = blocker.address() as AddressInfo
  for (const [admin, message] of [
    [`{ host: 127.0.0.1, port: ${port} }`, `admin.port: port ${port} on 127.0.0.1 is already in use: stop the process that listens there, or change admin.port`],
    ['{ host: 192.0.2.1 }', 'admin.host: this machine has no address 192.0.2.1: change admin.host; 0.0.0.0 is every IPv4 address'],
    ['{ host: authn.invalid }', 'admin.host: unknown host name authn.invalid: change admin.host']
  ]) {
    const cwd = t.testdir({ 'tls.crt': serving.cert, 'tls.key': serving.key, 'authn-webhook.yaml': `${CONFIG}admin: ${admin}\n`, 'users.yaml': USERS })
    const { code, stderr } = await runCommand(['serve'], { cwd, env: { AUTHN_WEBHOOK_CONFIG: undefined } })
    t.equal(code, 69)
    t.equal(stderr, `error: ${message}\n`)
  }
})

test('errors of config and users file stop the start, with path and line', async t => {
  const cwd = t.testdir({ 'tls.crt': serving.cert, 'tls.key': serving.key, 'authn-webhook.yaml': CONFIG.replace('400ms', 'soon'), 'users.yaml': USERS })
  const env = { AUTHN_WEBHOOK_CONFIG: undefined }
  const config = await runCommand(['serve'], { cwd, env })
  t.match(config, { code: 2, stderr: /authn-webhook\.yaml:3: server\.shutdownDelay: .*duration/ })
  writeFileSync(join(cwd, 'authn-webhook.yaml'), CONFIG)
  writeFileSync(join(cwd, 'users.yaml'), USERS.replace('[]', '[{ username: alice, uid: 1001 }]'))
  const users = await runCommand(['serve'], { cwd, env })
  t.match(users, { code: 2, stderr: /users\.yaml:2: users\[0\]\.uid: .*quote it/ })
})

test('--mock is not allowed by the config of --demo', async t => {
  const cwd = t.testdir()
  mkdirSync(join(cwd, 'x'))
  const file = join(cwd, 'mock.yaml')
  writeFileSync(join(cwd, 'tls.crt'), serving.cert)
  writeFileSync(join(cwd, 'tls.key'), serving.key)
  writeFileSync(file, CONFIG.replace(/ {2}- .*/, '  - { name: anybody, kind: mock }'))
  const { code, stderr } = await runCommand(['serve', '--config', file], { cwd })
  t.equal(code, 2)
  t.match(stderr, /allowMock/)
})
