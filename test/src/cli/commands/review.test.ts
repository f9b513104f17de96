import { createPrivateKey, createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { calculateJwkThumbprint } from 'jose'
import { test, type Test } from 'tap'
import { hashPassword } from '../../../../src/authn/password-hash.js'
import { digestToken } from '../../../../src/authn/token-digest.js'
import { createCA, createSelfSigned, issueClient, issueServing, type CertificatePair } from '../../../../src/certificates/issue.js'
import { reviewCommand } from '../../../../src/cli/commands/review.js'
import { webhookConfigCommand } from '../../../../src/cli/commands/webhook-config.js'
import { issueOdd } from '../../../fixtures/certificates.js'
import { runCommand, runOnTerminal, type CommandOptions, type Outcome } from '../../../fixtures/command.js'
import { runInProcess } from '../../../fixtures/command-in-process.js'
import { kubeconfig } from '../../../fixtures/kubeconfigs.js'
import { needs } from '../../../fixtures/packages.js'
import { alice, basicToken, bob } from '../../../fixtures/people.js'
import { startServe } from '../../../fixtures/running.js'
import { authority, serving, startService, type TestProvider, type TestServiceOptions } from '../../../fixtures/service.js'
import { CLIENT, KEY, LOGIN, sessionToken } from '../../../fixtures/sessions.js'

const CONFIG = `
apiVersion: authn-webhook/v1
server: { host: 127.0.0.1, port: 0 }
tls: { certFile: tls.crt, keyFile: tls.key }
log: { format: json }
audiences: [https://kubernetes.default.svc]
identityProviders:
  - { name: people, kind: static, usernamePrefix: 'corp:', groupPrefix: 'corp:', config: { usersFile: users.yaml } }
`
const BROKEN = `
export default { contract: 1, kind: 'broken', schema: {}, open: () => ({ authenticateToken () { throw new Error('no route to host') }, lookup () { throw new Error('no route to host') } }) }
`
const DAY = 24 * 3_600_000
const otherCA = await createCA({ commonName: 'other CA', days: 1 })
const longLived = await createCA({ commonName: 'older CA', days: 400, now: () => Date.now() - 30 * DAY })
const hash = await hashPassword(bob.password)

function files (t: Test, config = CONFIG): string {
  return t.testdir({
    'tls.crt': serving.cert,
    'tls.key': serving.key,
    'ca.crt': authority.cert,
    'authn-webhook.yaml': config,
    'broken.mjs': BROKEN,
    'users.yaml': JSON.stringify({
      apiVersion: 'authn-webhook/v1',
      users: [{ ...alice.user, tokens: [{ name: 'laptop', hash: digestToken(alice.token) }] }, { ...bob.user, passwordHash: hash }]
    })
  })
}

async function review (args: readonly string[], options: CommandOptions): Promise<Outcome> {
  return await runInProcess(reviewCommand, ['review', ...args], options)
}

test('by the providers of a config', async t => {
  const cwd = files(t)
  const { code, stdout, stderr } = await runCommand(['review', '--token-file', '-'], { cwd, env: { AUTHN_WEBHOOK_CONFIG: undefined }, input: `${alice.token}\n` })
  t.equal(stderr, '')
  t.equal(stdout, `authenticated
username:  corp:alice
uid:       1001
groups:    corp:developers, corp:platform
extra:     example.com/team: platform, on-call
audiences: https://kubernetes.default.svc
`)
  t.equal(code, 0)
})

test('a token that nobody knows: exit 1', async t => {
  const cwd = files(t)
  writeFileSync(join(cwd, 'token'), 'nobody')
  t.strictSame(await runCommand(['review', '--token-file', 'token'], { cwd, env: { AUTHN_WEBHOOK_CONFIG: undefined } }), { code: 1, signal: null, stdout: 'not authenticated\n', stderr: '' })
})

test('unavailable: exit 69', async t => {
  const cwd = files(t, CONFIG.replace('kind: static', 'kind: module, from: ./broken.mjs').replace(/config: .*\} \}/, 'config: {} }'))
  const { code, stdout } = await review(['--token-file', '-', '--explain'], { cwd, input: alice.token })
  t.equal(code, 69)
  t.match(stdout, /people \(token, [\d.]+ ms\): unavailable: failed: no route to host\nunavailable: identity provider "people" is unavailable\n/)
})

test('--explain tells what each provider said', async t => {
  const cwd = files(t)
  const wrong = await review(['--token-file', '-', '--explain'], { cwd, input: basicToken('bob', 'wrong') })
  t.match(wrong.stdout, /^people \(token, [\d.]+ ms\): not recognized\npeople \(password, [\d.]+ ms\): denied: wrong-credential\nnot authenticated: wrong-credential\n$/)
  const right = await review(['--token-file', '-', '--explain', '-o', 'json'], { cwd, input: basicToken('bob', bob.password) })
  t.match(JSON.parse(right.stdout), { status: { authenticated: true, user: { username: 'corp:bob' } }, steps: [{ provider: 'people', credential: 'token', outcome: 'not recognized' }, { provider: 'people', credential: 'password', outcome: 'authenticated: corp:bob' }] })
})

test('--explain tells why nobody was asked, or in spite of whose answer the token is refused', async t => {
  const cwd = files(t)
  const long = await review(['--token-file', '-', '--explain'], { cwd, input: 'x'.repeat(20_000) })
  t.match(long, { code: 1, stdout: 'not authenticated: token-too-long\n' })
  const bound = await review(['--token-file', '-', '--explain', '--audience', 'vault', '-o', 'json'], { cwd, input: alice.token })
  t.match(JSON.parse(bound.stdout), { status: { authenticated: false }, reason: 'audience', steps: [{ outcome: 'authenticated: corp:alice' }] })
})

test('--explain names what Kubernetes does not get, with a token as with a name', async t => {
  const cwd = files(t, CONFIG.replaceAll("'corp:'", "''"))
  const user = { username: 'admin', uid: '1', groups: ['developers', 'system:masters'], tokens: [{ name: 'old', hash: digestToken(alice.token) }] }
  writeFileSync(join(cwd, 'users.yaml'), JSON.stringify({ apiVersion: 'authn-webhook/v1', users: [user] }))
  const sentence = 'dropped the group system:masters: reserved for Kubernetes, and not in reserved.allowGroups'
  const byToken = await review(['--token-file', '-', '--explain'], { cwd, input: alice.token })
  t.match(byToken.stdout, new RegExp(`^people \\(token, [\\d.]+ ms\\): authenticated: admin\npeople: ${sentence}\nauthenticated\nusername: `))
  const asJson = await review(['--token-file', '-', '--explain', '-o', 'json'], { cwd, input: alice.token })
  t.match(JSON.parse(asJson.stdout).steps, [{ outcome: 'authenticated: admin', explanations: [{ provider: 'people', sentence }] }])
  const byName = await review(['--username', 'admin', '--explain'], { cwd })
  t.match(byName.stdout, `people: ${sentence}\nusername:  admin\n`)
})

test('--explain says why a name is denied, and whose a token is that no provider recognizes', async t => {
  const cwd = files(t, CONFIG.replaceAll("'corp:'", "''"))
  writeFileSync(join(cwd, 'users.yaml'), JSON.stringify({ apiVersion: 'authn-webhook/v1', users: [{ username: 'system:admin', tokens: [{ name: 'old', hash: digestToken(alice.token) }] }] }))
  const reserved = await review(['--token-file', '-', '--explain'], { cwd, input: alice.token })
  t.match(reserved.stdout, /denied: reserved-name\npeople: denied: system:admin is reserved for Kubernetes\nnot authenticated: reserved-name\n$/)
  const jwt = ['{"alg":"ES256"}', '{"iss":"https://sso.example.test/"}', 'signature'].map(part => Buffer.from(part).toString('base64url')).join('.')
  const foreign = await review(['--token-file', '-', '--explain'], { cwd, input: jwt })
  t.match(foreign.stdout, /no provider has the issuer "https:\/\/sso\.example\.test\/" of this token: compare it with issuer\.url/)
})

test('--explain tells about session tokens', async t => {
  const { cert, key } = await createSelfSigned({ commonName: 'authn-webhook session tokens', days: 1 })
  const signing = { ...KEY, privateKey: createPrivateKey(key), kid: await calculateJwkThumbprint(createPublicKey(cert)) }
  const cwd = files(t, `${CONFIG}sessions: { issuer: '${LOGIN}', certFiles: [session.crt], audiences: [${CLIENT}], revocationsFile: revocations.yaml }\n`)
  writeFileSync(join(cwd, 'session.crt'), cert)
  writeFileSync(join(cwd, 'revocations.yaml'), 'apiVersion: authn-webhook/v1\nrevocations: [{ jti: revoked }]\n')
  const claims = { idp: 'people', sub: 'people:1001', preferred_username: 'corp:alice', pwv: undefined }
  const explain = async (more: object = {}): Promise<string> => (await review(['--token-file', '-', '--explain'], { cwd, input: await sessionToken({ ...claims, ...more }, {}, signing) })).stdout
  t.match(await explain(), /^people \(session, [\d.]+ ms\): authenticated: corp:alice\npeople: session token of corp:alice, issued at \S+, expires at \S+\nauthenticated\nusername: {2}corp:alice\n/)
  t.match(await explain({ sub: 'people:9999' }), /\): denied: account-gone\npeople: session token .*\npeople: the users file has no user of this uid\npeople: denied, account-gone: the provider has no user of this uid any more\nnot authenticated: account-gone\n$/)
  t.match(await explain({ jti: 'revoked' }), /denied, revoked: the token is in the revocations file\nnot authenticated: revoked\n$/)
  t.match(await explain({ aud: 'staging' }), /denied, audience: "aud" is none of the configured client IDs\nnot authenticated: audience\n$/)
  t.match(await explain({ idp: 'gone', sub: 'gone:1001' }), /^this session token is of the provider "gone", which is not in this config, or can't look up users without a credential\nnot authenticated: unknown\n$/)
})

test('audiences are asked for', async t => {
  const { code } = await review(['--token-file', '-', '--audience', 'vault'], { cwd: files(t), input: alice.token })
  t.equal(code, 1)
})

test('--username looks a user up as Kubernetes would see them', async t => {
  const cwd = files(t)
  const found = await review(['--username', 'alice', '-o', 'json'], { cwd })
  t.strictSame(JSON.parse(found.stdout), { ...alice.user, username: 'corp:alice', groups: ['corp:developers', 'corp:platform'] })
  t.equal(found.code, 0)
  const missing = await review(['--username', 'mallory'], { cwd })
  t.match(missing, { code: 1, stdout: 'no identity provider has a user of this name; --explain shows why\n' })
  t.match(await review(['--uid', '1001'], { cwd }), { code: 0, stdout: /^username: {2}corp:alice\n/ })
  t.match(await review(['--uid', 'alice'], { cwd }), { code: 1, stdout: 'no identity provider has a user of this uid; --explain shows why\n' })
})

test('--username and --explain tell a user that may not log in from a name that nobody has', async t => {
  const cwd = files(t)
  const users = [{ username: 'carol', disabled: true }, { username: 'dave', expiresAt: '2020-01-01T00:00:00Z' }]
  writeFileSync(join(cwd, 'users.yaml'), JSON.stringify({ apiVersion: 'authn-webhook/v1', users }))
  for (const [username, stdout] of [
    ['carol', 'people: denied, disabled: the users file disables this user\ndenied by people: disabled\n'],
    ['dave', 'people: denied, expired: this user expired at 2020-01-01T00:00:00.000Z\ndenied by people: expired\n'],
    ['mallory', 'people: the users file has no user of this name\npeople: no user of this name\nno identity provider has a user of this name\n']
  ] as const) t.strictSame(await review(['--explain', '--username', username], { cwd }), { code: 1, signal: null, stdout, stderr: '' })
  t.match(await review(['--username', 'carol'], { cwd }), { code: 1, stdout: 'denied by people: disabled; --explain shows why\n' })
  const asJson = await review(['--username', 'carol', '--explain', '-o', 'json'], { cwd })
  t.match(JSON.parse(asJson.stdout), { user: null, denial: { provider: 'people', reason: 'disabled' }, explanations: [{ provider: 'people' }] })
})

test('groups from another provider, and where they come from', async t => {
  const robot = { username: 'alice', tokens: [{ name: 'ci', hash: digestToken('canary-robot') }] }
  const entry = (optional: boolean): string => `  - { name: robots, kind: static, usernamePrefix: 'robot:', groupsFrom: { provider: people, optional: ${optional} }, config: { usersFile: robots.yaml } }\n`
  const cwd = files(t, CONFIG + entry(false))
  writeFileSync(join(cwd, 'robots.yaml'), JSON.stringify({ apiVersion: 'authn-webhook/v1', users: [robot, { ...robot, username: 'mallory', uid: 'm', tokens: [] }] }))
  const byToken = await review(['--token-file', '-', '--explain'], { cwd, input: 'canary-robot' })
  t.equal(byToken.code, 0)
  t.match(byToken.stdout, /^people \(token, .*: not recognized\npeople \(password, .*: not recognized\nrobots \(token, .*: authenticated: robot:alice\nrobots: groups of corp:alice from people: corp:developers, corp:platform\nauthenticated\nusername: {2}robot:alice\ngroups: {4}corp:developers, corp:platform\n/)
  const byUid = async (): Promise<Outcome> => await review(['--uid', 'm', '--explain'], { cwd })
  t.match(await byUid(), { code: 1, stdout: /robots: people has no user mallory: denied.*\ndenied by robots: not-member\n$/ })
  writeFileSync(join(cwd, 'authn-webhook.yaml'), CONFIG + entry(true))
  t.match(await byUid(), { code: 0, stdout: /robots: people has no user mallory: no groups\nrobots: mallory is robot:mallory in Kubernetes\nusername: {2}robot:mallory\nuid: {7}m\n$/ })
})

test('--username says which provider looks nobody up: exit 69, unless another one has the user', async t => {
  const module = "  - { name: silent, kind: module, from: ./silent.mjs, usernamePrefix: 'silent:', groupPrefix: 'silent:', config: {} }\n"
  const cwd = files(t, CONFIG.replace('identityProviders:\n', `identityProviders:\n${module}`))
  writeFileSync(join(cwd, 'silent.mjs'), BROKEN.replace(/, lookup .*/, ' }) }'))
  const lookUp = async (...args: string[]): Promise<Outcome> => await review(['--username', ...args], { cwd })
  const stderr = 'error: identity provider "silent" can\'t look up users without a credential; review their token or password instead\n'
  t.match(await lookUp('mallory'), { code: 69, stdout: '', stderr })
  t.match(await lookUp('mallory', '--explain'), { code: 69, stdout: /^silent: can't look up .*\npeople: .*\npeople: .*\n$/, stderr })
  t.match(await lookUp('alice'), { code: 0, stdout: /^username: {2}corp:alice\n/ })
})

test('a name that could not be looked up: exit 69', async t => {
  const cwd = files(t, CONFIG.replace('kind: static', 'kind: module, from: ./broken.mjs').replace(/config: .*\} \}/, 'config: {} }'))
  t.match(await review(['--username', 'alice'], { cwd }), { code: 69, stdout: '', stderr: /identity provider "people" is unavailable: no route to host/ })
})

test('the token is asked for on a terminal, and not shown', needs('script'), async t => {
  const { code, stdout } = await runOnTerminal(['review', '--config', 'authn-webhook.yaml'], [['Token: ', `${alice.token}\r`]], { cwd: files(t) })
  t.equal(code, 0)
  t.match(stdout, 'corp:alice')
  t.notMatch(stdout, alice.token)
})

test('by a running service', async t => {
  const cwd = files(t)
  const { port } = await startServe(t, [], { cwd })
  const server = `https://127.0.0.1:${port}/authenticate`
  const good = await review(['--server', server, '--certificate-authority', 'ca.crt', '--token-file', '-', '-o', 'yaml'], { cwd, input: alice.token })
  t.match(good, { code: 0, stdout: /authenticated: true\nuser:\n {2}username: corp:alice\n/ })
  const bad = await review(['--server', server, '--certificate-authority', 'ca.crt', '--token-file', '-'], { cwd, input: 'nobody' })
  t.match(bad, { code: 1, stdout: 'not authenticated\n' })

  const stranger = await review(['--server', server, '--token-file', '-'], { cwd, input: 'x' })
  t.match(stranger, { code: 69, stderr: /API servers can't use https:\/\/127\.0\.0\.1:\d+\/authenticate: chain: signed by "CN=test CA", which this machine does not trust\. To do: / })
  const misnamed = await review(['--server', server, '--certificate-authority', 'ca.crt', '--tls-server-name', 'other.example.test', '--token-file', '-'], { cwd, input: 'x' })
  t.match(misnamed, { code: 69, stderr: /san: the certificate is for DNS:localhost, .*, not for other\.example\.test/ })
  const elsewhere = await review(['--server', `${server}/x`, '--certificate-authority', 'ca.crt', '--token-file', '-'], { cwd, input: 'x' })
  t.match(elsewhere, { code: 69, stderr: /authenticate\/x: HTTP 404: not found: POST TokenReviews to/ })

  const config = await runInProcess(webhookConfigCommand, ['webhook-config', '--server', server, '--certificate-authority', 'ca.crt'], { cwd })
  writeFileSync(join(cwd, 'webhook.yaml'), config.stdout)
  const same = await review(['--kubeconfig', 'webhook.yaml', '--token-file', '-'], { cwd, input: alice.token })
  t.match(same, { code: 0, stdout: /corp:alice/ })
})

const people: TestProvider = { authenticateToken: token => token === alice.token ? { user: alice.user } : null }

interface Obstacle {
  readonly what: string
  readonly certificate: () => Promise<CertificatePair>
  readonly options?: TestServiceOptions
  /** Of the kubeconfig's cluster. */
  readonly cluster?: object
  readonly stderr: RegExp
}

const obstacles: Obstacle[] = [
  { what: 'a common name alone', certificate: async () => await issueOdd(authority, { commonName: 'localhost', days: 1 }), cluster: { 'tls-server-name': 'localhost' }, stderr: /: san: the certificate has no subject alternative name; API servers ignore .*To do: add the name with `authn-webhook certs/ },
  { what: 'an expired certificate', certificate: async () => await issueServing(longLived, { names: ['127.0.0.1'], days: 1, now: () => Date.now() - 3 * DAY }), stderr: /: expiry: the certificate expired on \d{4}-.*To do: / },
  { what: 'a certificate of another CA', certificate: async () => await issueServing(otherCA, { names: ['127.0.0.1'], days: 1 }), stderr: /: chain: signed by "CN=other CA", which is not in the CA file\. To do: / },
  { what: 'a certificate for clients', certificate: async () => await issueClient(authority, { commonName: '127.0.0.1', days: 1 }), stderr: /: san: the certificate has no subject alternative name/ },
  { what: 'nothing that listens', certificate: async () => serving, cluster: { server: 'https://127.0.0.1:1/authenticate' }, stderr: /: tcp: cannot connect to 127\.0\.0\.1:1: ECONNREFUSED\. To do: .*nothing listens there/ },
  { what: 'a name that nobody has', certificate: async () => serving, cluster: { server: 'https://authn.invalid/authenticate' }, stderr: /: dns: authn\.invalid does not resolve: / },
  { what: 'a client certificate that is missing', certificate: async () => serving, options: { files: { 'client-ca.crt': otherCA.cert }, config: { tls: { clientCAFile: 'client-ca.crt' } } }, stderr: /HTTP 401: a client certificate is required/ }
]

test('what an API server would not ask is not asked', async t => {
  for (const { what, certificate, options = {}, cluster = {}, stderr } of obstacles) {
    await t.test(what, async t => {
      const { cert, key } = await certificate()
      const { port, lines } = await startService(t, { providers: { people }, ...options, files: { ...options.files, 'tls.crt': cert, 'tls.key': key } })
      const cwd = t.testdir({ 'ca.crt': authority.cert + longLived.cert, 'webhook.yaml': kubeconfig({ cluster: { server: `https://127.0.0.1:${port}/authenticate`, 'certificate-authority': 'ca.crt', ...cluster } }) })
      const { code, stdout, stderr: words } = await review(['--kubeconfig', 'webhook.yaml', '--token-file', '-'], { cwd, input: alice.token })
      t.strictSame({ code, stdout }, { code: 69, stdout: '' }, 'it does not say "authenticated"')
      t.match(words, stderr)
      t.notOk(lines.some(({ username }) => username === 'alice'), 'the token stays here')
    })
  }
})

interface Oddity {
  readonly what: string
  readonly answer: (response: ServerResponse, socket: Socket) => void
  readonly options?: ServerOptions
  readonly stderr: RegExp
}

const NO_MORE = '\\. To do: look at the logs of the service'
const oddities: Oddity[] = [
  { what: 'hangs up', answer: response => { response.destroy() }, stderr: new RegExp(`: v1: socket hang up${NO_MORE}`) },
  { what: 'demands a client certificate', answer: response => { response.destroy() }, options: { requestCert: true, rejectUnauthorized: true, ca: otherCA.cert }, stderr: /: client-certificate: the service rejects this client: .*alert.*To do: set client-certificate .*`authn-webhook certs --out DIR --client/ },
  { what: 'switches the protocol', answer: (_, socket) => { socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n') }, stderr: new RegExp(`: v1: the connection was closed without a response${NO_MORE}`) },
  { what: 'answers too much', answer: response => { response.end('x'.repeat(4 * 1024 * 1024)) }, stderr: new RegExp(`: v1: the response is larger than 3 MiB${NO_MORE}`) },
  { what: 'gives a status of other types', answer: response => { response.end('{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","status":{"authenticated":"no","user":{"username":"x"}}}') }, stderr: /the response has no status that an API server can decode: status\.authenticated must be boolean\n$/ }
]

test('what gives no answer to a review: exit 69', async t => {
  for (const { what, answer, options = {}, stderr } of oddities) {
    const server = createServer({ ...serving, ...options }, ({ socket }, response) => { answer(response, socket) }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => { server.close() })
    const cwd = t.testdir({ 'ca.crt': authority.cert })
    const args = ['--server', `https://127.0.0.1:${(server.address() as AddressInfo).port}`, '--certificate-authority', 'ca.crt', '--token-file', '-']
    t.match(await review(args, { cwd, input: alice.token }), { code: 69, stdout: '', stderr }, what)
  }
})

const mistakes: Array<[args: string[], message: RegExp]> = [
  [['--config', 'a', '--server', 'https://x/'], /cannot be used with option/],
  [['--server', 'https://x/', '--username', 'alice'], /'--username <name>' cannot be used with option '--server <url>'/],
  [['--kubeconfig', 'x', '--explain'], /'--explain' cannot be used with option '--kubeconfig <file>'/],
  [['--username', 'alice', '--token-file', '-'], /cannot be used with option/],
  [['--uid', '1001', '--username', 'alice'], /'--uid <uid>' cannot be used with option '--username <name>'/],
  [['--server', 'http://x/', '--token-file', '-'], /https:/],
  [['--token-file', 'missing'], /missing/],
  [['--token-file', '-'], /token is empty/],
  [[], /no terminal.*--token-file/]
]

for (const [args, message] of mistakes) {
  test(`review ${args.join(' ')}: exit 2`, async t => {
    t.match(await review(args, { cwd: files(t) }), { code: 2, stderr: message, stdout: '' })
  })
}
