/** What `authn-webhook login` says when it fails, and what to do then; each against a real sign-in service, unless only a broken one does it. */
import type { ServerResponse } from 'node:http'
import type { Page } from 'playwright-core'
import { test, type Test } from 'tap'
import { startChromium } from '../../../fixtures/chromium.js'
import { freePort } from '../../../fixtures/child.js'
import { accountOptions, execInfo, makeHome, runPlugin, startOnTerminal, startSignInService, type Home, type SignInService } from '../../../fixtures/credential-plugin.js'
import { needs } from '../../../fixtures/packages.js'
import { alice, bob } from '../../../fixtures/people.js'
import { authority } from '../../../fixtures/service.js'
import { issueServing } from '../../../../src/certificates/issue.js'
import { json, scriptIssuer, status, type Answer } from '../../../fixtures/scripted-issuer.js'

/** Runs JavaScript in the process before the command does. */
function preload (code: string): Record<string, string> {
  return { NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=data:text/javascript,${encodeURIComponent(code)}` }
}

const PASSWORD = ['--username=alice', '--password-stdin']

interface World {
  readonly service: SignInService
  readonly home: Home
}

interface Case {
  readonly name: string
  readonly code: number
  /** All of stderr after `error: `. */
  readonly error: RegExp
  /** By default those of the service, and alice's password. */
  readonly args?: (world: World, t: Test) => Promise<string[]> | string[]
  readonly input?: string
  readonly env?: Record<string, string>
  readonly before?: (world: World) => void
}

const clock = (hours: number): Record<string, string> => preload(`const { now } = Date; Date.now = () => now() + ${hours} * 3600_000; globalThis.Date = class extends Date { constructor (...args) { args.length === 0 ? super(Date.now()) : super(...args) } }`)

const CASES: readonly Case[] = [
  {
    name: 'issuer down',
    code: 69,
    error: /^can't reach the sign-in service: https:\/\/127\.0\.0\.1:\d+\/\.well-known\/openid-configuration: connection refused: check host, port and HTTPS_PROXY, and whether the issuer is running \(ECONNREFUSED\)$/,
    args: async ({ home }) => [...accountOptions({ issuer: `https://127.0.0.1:${await freePort()}` }, home), ...PASSWORD]
  },
  {
    name: 'issuer whose name does not exist',
    code: 69,
    error: /: the name login\.invalid can't be resolved: check the URL and the DNS of this machine/,
    args: ({ home }) => [...accountOptions({ issuer: 'https://login.invalid' }, home), ...PASSWORD]
  },
  {
    name: 'no CA for a private one',
    code: 69,
    error: /: its certificate is not signed by a trusted CA: pass --certificate-authority FILE with the CA that signed it, or ask your administrator for a kubeconfig that has it \(\w+\)$/,
    args: ({ service }) => [`--issuer=${service.issuer}`, '--client=production', ...PASSWORD]
  },
  {
    name: 'wrong CA',
    code: 69,
    error: /: its certificate is not signed by a trusted CA/,
    args: async ({ service }, t) => [`--issuer=${service.issuer}`, '--client=production', `--certificate-authority-data=${Buffer.from((await scriptIssuer(t)).ca).toString('base64')}`, ...PASSWORD]
  },
  {
    name: 'a CA that is none',
    code: 2,
    error: /^the CA of the sign-in service: holds no certificate in PEM form/,
    args: ({ service }) => [`--issuer=${service.issuer}`, '--client=production', `--certificate-authority-data=${Buffer.from('none').toString('base64')}`, ...PASSWORD]
  },
  {
    name: 'name not in the certificate',
    code: 69,
    error: /: its certificate is not valid for 127\.0\.0\.1: use a name that is in the certificate, or renew it with this name/,
    args: async ({ home }, t) => {
      const { port } = await scriptIssuer(t, { certificate: await issueServing(authority, { names: ['login.example.com'], days: 1 }) })
      return [...accountOptions({ issuer: `https://127.0.0.1:${port}` }, home), ...PASSWORD]
    }
  },
  {
    name: 'not an OpenID issuer',
    code: 69,
    error: /^https:\/\/127\.0\.0\.1:\d+ is not an OpenID Connect issuer \(HTTP status 404\): check --issuer; a proxy or a login page may answer in its place$/,
    args: ({ service, home }) => [...accountOptions({ issuer: `https://127.0.0.1:${service.service.port}` }, home), ...PASSWORD]
  },
  { name: 'clock ahead', code: 69, error: /^the token of the sign-in service has (already )?expired.*: check the clock of this computer \(it is \d{4}-\d\d-\d\dT[\d:]+Z\), and that of the sign-in service$/, env: clock(11) },
  { name: 'clock behind', code: 69, error: /^the token of the sign-in service is from the future: check the clock of this computer/, env: clock(-1) },
  { name: 'wrong password', code: 1, error: /^the username or the password is wrong$/, input: bob.password },
  { name: 'account disabled', code: 1, error: /^this account is not allowed to sign in$/, before: ({ service }) => { service.people.get('alice')!.denied = 'disabled' } },
  { name: 'directory down', code: 69, error: /^the sign-in service can't reach a system it depends on: try again later$/, before: ({ service }) => { service.directory.down = true } },
  { name: 'unknown client', code: 1, error: /^the sign-in service does not know the client staging, or it needs a secret: check --client$/, args: ({ service, home }) => [...accountOptions(service, home, 'staging'), ...PASSWORD] },
  { name: 'no password for the option', code: 2, error: /^--password-stdin requires --username$/, args: ({ service, home }) => [...accountOptions(service, home), '--password-stdin'] },
  { name: 'no issuer', code: 2, error: /^--issuer is required/, args: () => ['--client=production', ...PASSWORD] },
  { name: 'HTTP', code: 2, error: /It must be an https URL/, args: () => ['--issuer=http://login.example.com', '--client=production', ...PASSWORD] }
]

void test('errors of a sign-in with a password', async t => {
  for (const { name, code, error, args, input = alice.password, env = {}, before } of CASES) {
    await t.test(name, async t => {
      const world = { service: await startSignInService(t), home: await makeHome(t) }
      before?.(world)
      const result = await runPlugin(['login', ...await args?.(world, t) ?? [...accountOptions(world.service, world.home), ...PASSWORD]], { home: world.home, input, env })
      t.match(result.stderr.replace(/^error: /, '').trimEnd(), error)
      t.equal(result.stderr.trimEnd().split('\n').length, 1, 'one line')
      t.equal(result.stdout, '')
      t.equal(result.code, code)
      t.notMatch(result.stderr, /canary/)
    })
  }
})

void test('too many attempts', async t => {
  const [service, home] = [await startSignInService(t, { login: { maxAttemptsPerMinute: 1 } }), await makeHome(t)]
  const args = ['login', ...accountOptions(service, home), ...PASSWORD]
  t.match(await runPlugin(args, { home, input: 'wrong' }), { code: 1 })
  t.match(await runPlugin(args, { home, input: alice.password }), { code: 69, stderr: 'error: too many attempts; try again later\n' })
})

void test('a client that does not allow the flow', needs('script'), async t => {
  const [service, home] = [await startSignInService(t, { client: { grants: ['authorizationCode'] } }), await makeHome(t)]
  for (const [args, error] of [
    [['--username=alice'], 'the client production does not allow this flow (password): use --browser or --device-code'],
    [['--device-code'], 'the sign-in service has no device code flow: use --browser or --username NAME']
  ] as const) {
    const { code, screen } = await startOnTerminal(['login', ...accountOptions(service, home), ...args], { home, dialogue: [['Password: ', `${alice.password}\r`]] }).ended
    t.match(screen, `error: ${error}\n`)
    t.equal(code, 1)
  }
})

void test('the store of the sign-in service is away', needs('script'), async t => {
  // nothing listens there
  const [service, home] = [await startSignInService(t, { config: { store: { kind: 'redis', url: 'redis://127.0.0.1:2' } } }), await makeHome(t)]
  const { code, screen } = await startOnTerminal(['login', ...accountOptions(service, home), '--device-code'], { home }).ended
  t.equal(screen, "error: the sign-in service can't reach a system it depends on: try again later\n")
  t.equal(code, 69)
})

void test('no port on loopback', needs('script'), async t => {
  const [service, home] = [await startSignInService(t), await makeHome(t)]
  const blocked = preload("import { Server } from 'node:net'; Server.prototype.listen = function () { process.nextTick(() => this.emit('error', Object.assign(new Error('listen EACCES'), { code: 'EACCES' }))); return this }")
  const { code, screen } = await startOnTerminal(['login', ...accountOptions(service, home), '--browser'], { home, env: blocked }).ended
  t.equal(screen, "error: can't listen on 127.0.0.1 or ::1, which a sign-in needs (EACCES): allow programs to listen on loopback\n")
  t.equal(code, 69)
})

async function openPage (t: Test): Promise<Page | undefined> {
  const browser = await startChromium(t)
  const context = await browser?.newContext({ ignoreHTTPSErrors: true })
  t.teardown(async () => { await context?.close() })
  return await context?.newPage()
}

void test('a person who denies it', needs('script'), async t => {
  const page = await openPage(t)
  if (page === undefined) return
  const [service, home] = [await startSignInService(t), await makeHome(t, { graphical: true })]
  const running = startOnTerminal(['login', ...accountOptions(service, home)], { home })
  await page.goto(await home.nextOpened())
  await page.fill('#username', 'alice')
  await page.fill('#password', alice.password)
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByText('the sign-in was denied').waitFor()
  const { code, screen } = await running.ended
  t.match(screen, /\nerror: the sign-in was denied: run the command again to repeat it\n$/)
  t.equal(code, 1)
})

for (const [name, environment] of [['kubectl says that there is no terminal', execInfo({ interactive: false })], ['there is none', execInfo()], ['without kubectl', {}]] as const) {
  void test(`nobody to ask: ${name}`, async t => {
    const [service, home] = [await startSignInService(t), await makeHome(t, { graphical: true })]
    const args = accountOptions(service, home)
    t.strictSame(await runPlugin(['login', ...args], { home, env: environment }), {
      code: 1,
      signal: null,
      stdout: '',
      stderr: `error: not signed in, and there is no terminal to sign in on: run "authn-webhook login ${args.join(' ')}" in a terminal\n`
    })
    t.strictSame(await home.opened(), [], 'no browser')
  })
}

void test('nobody to ask, and the CA is that of the cluster, which only kubectl passes', async t => {
  const home = await makeHome(t)
  const env = execInfo({ cluster: { server: 'https://api.example.com', 'certificate-authority-data': Buffer.from('a CA').toString('base64') } })
  t.match(await runPlugin(['login', '--issuer=https://login.example.com', '--client=production'], { home, env }), { code: 1, stderr: /there is no terminal to sign in on: run a kubectl command with this kubeconfig in a terminal/ })
})

void test('interactive: false on a terminal', needs('script'), async t => {
  const [service, home] = [await startSignInService(t), await makeHome(t, { graphical: true })]
  const { code, screen } = await startOnTerminal(['login', ...accountOptions(service, home)], { home, env: execInfo({ interactive: false }) }).ended
  t.match(screen, /^error: not signed in, and there is no terminal to sign in on: .*\n$/)
  t.equal(code, 1)
  t.strictSame(await home.opened(), [])
})

for (const [text, message] of [
  ['{', 'is not JSON'],
  ['{}', 'is not an ExecCredential'],
  [JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1alpha1', kind: 'ExecCredential' }), 'asks for an apiVersion that is not supported: set exec.apiVersion of the kubeconfig to client.authentication.k8s.io/v1']
] as const) {
  void test(`KUBERNETES_EXEC_INFO: ${message}`, async t => {
    const home = await makeHome(t)
    const { code, stderr } = await runPlugin(['login', '--issuer=https://login.example.com', '--client=production'], { home, env: { KUBERNETES_EXEC_INFO: text } })
    t.ok(stderr.startsWith(`error: KUBERNETES_EXEC_INFO ${message}`), stderr)
    t.equal(code, 2)
  })
}

interface Fault {
  readonly name: string
  readonly discovery: (url: string) => Answer
  readonly error: RegExp
}

const endless = (_request: unknown, response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/json' })
  const write = (): void => { while (!response.destroyed && response.write('x'.repeat(65_536))); }
  response.on('drain', write)
  write()
}

const FAULTS: readonly Fault[] = [
  { name: 'another issuer', discovery: url => json({ issuer: `${url}/other`, token_endpoint: `${url}/token` }), error: /its discovery document names another issuer: check --issuer, to the last slash$/ },
  { name: 'a redirect', discovery: () => status(302, { location: 'http://evil.example.com/?secret=canary' }), error: /HTTP status 302: redirects to http:\/\/evil\.example\.com, which is not followed: set the final URL$/ },
  { name: 'a page', discovery: () => (_request, response) => { response.writeHead(200, { 'content-type': 'text/html' }).end('<html>') }, error: /is not an OpenID Connect issuer: check --issuer/ },
  { name: 'a huge answer', discovery: () => json({ x: 'x'.repeat(2 ** 21) }), error: /is too large: more than 1024 KiB$/ },
  { name: 'an endless answer', discovery: () => endless, error: /is too large: more than 1024 KiB$/ },
  { name: 'no token endpoint', discovery: url => json({ issuer: url }), error: /its discovery document has no token_endpoint/ },
  { name: 'a token endpoint without TLS', discovery: url => json({ issuer: url, token_endpoint: 'http://127.0.0.1:1/token' }), error: /only requests to HTTPS are allowed/ },
  { name: '503', discovery: () => status(503), error: /the sign-in service is not available \(HTTP status 503\): try again later$/ }
]

void test('issuers that answer something else', async t => {
  for (const { name, discovery, error } of FAULTS) {
    const [issuer, home] = [await scriptIssuer(t), await makeHome(t)]
    issuer.discovery = discovery(issuer.url)
    const { code, stderr } = await runPlugin(['login', `--issuer=${issuer.url}`, '--client=production', `--certificate-authority-data=${Buffer.from(issuer.ca).toString('base64')}`, ...PASSWORD], { home, input: alice.password })
    t.match(stderr.trimEnd(), error, name)
    t.notMatch(stderr, /canary/)
    t.equal(code, 69, name)
  }
})
