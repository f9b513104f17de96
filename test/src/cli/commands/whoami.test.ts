/** `authn-webhook whoami` and `logout`. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { test, type Test } from 'tap'
import { startChromium } from '../../../fixtures/chromium.js'
import { accountOptions, BIN, KUBECTL_BIN, makeHome, runLine, runOnTerminal, runPlugin, startSignInService, type Home, type SignInService } from '../../../fixtures/credential-plugin.js'
import { needs } from '../../../fixtures/packages.js'
import { alice, bob } from '../../../fixtures/people.js'

interface World {
  readonly service: SignInService
  readonly home: Home
}

async function signedIn (t: Test, { graphical = false } = {}): Promise<World> {
  const world = { service: await startSignInService(t), home: await makeHome(t, { graphical }) }
  await signIn(t, world, alice)
  return world
}

async function signIn (t: Test, { service, home }: World, { user: { username }, password }: typeof alice): Promise<void> {
  const { code } = await runPlugin(['login', ...accountOptions(service, home), `--username=${username}`, '--password-stdin'], { home, input: password })
  t.equal(code, 0)
}

void test('whoami says whom the token names, and until when', async t => {
  const { service, home } = await signedIn(t)
  const [file] = await readdir(home.cache)
  const { expiresAt, token } = JSON.parse(await readFile(join(home.cache, file!), 'utf8'))
  const until = new Date(expiresAt * 1000).toISOString().replace('.000', '')
  const expected = { username: 'alice', groups: alice.user.groups, client: 'production', issuer: service.issuer, expiresAt: until }
  for (const bin of [BIN, KUBECTL_BIN]) {
    const { code, stdout, stderr } = await runPlugin(['whoami'], { home, bin })
    t.equal(stdout, `username: alice\ngroups:   developers, platform\nclient:   production\nissuer:   ${service.issuer}\nuntil:    ${until}\n`)
    t.strictSame([code, stderr], [0, ''])
  }
  for (const [format, parse] of [['json', JSON.parse], ['yaml', load]] as const) {
    const { stdout } = await runPlugin(['whoami', ...accountOptions(service, home), '-o', format], { home })
    t.strictSame(parse(stdout), expected)
    t.notMatch(stdout, token)
  }
})

void test('whoami without a token, with an old one, and with several', async t => {
  t.match(await runPlugin(['whoami'], { home: await makeHome(t) }), { code: 1, stdout: '', stderr: 'error: not signed in: run a kubectl command, or authn-webhook login\n' })
  const world = await signedIn(t)
  const { service, home } = world
  const file = join(home.cache, (await readdir(home.cache))[0]!)
  const entry = JSON.parse(await readFile(file, 'utf8'))
  await writeFile(file, JSON.stringify({ ...entry, expiresAt: 1_000_000_000 }))
  t.match(await runPlugin(['whoami'], { home }), { code: 1, stdout: /until: {4}2001-09-09T01:46:40Z\n$/, stderr: /^error: the token has expired/ })
  await writeFile(file, JSON.stringify({ ...entry, token: 'no-JWT' }))
  t.match(await runPlugin(['whoami'], { home }), { code: 1, stderr: /^error: not signed in/ })
  await signIn(t, world, bob)
  const { code, stderr } = await runPlugin(['whoami'], { home })
  t.equal(code, 2)
  t.match(stderr, /^error: several accounts are signed in; choose one with --issuer/)
  for (const name of ['alice', 'bob']) t.match(stderr, `--issuer ${service.issuer} --client production --username ${name}`)
  t.match(await runPlugin(['whoami', '--username=bob'], { home }), { code: 0, stdout: /^username: bob\n/ })
  t.match(await runPlugin(['whoami', '--client=staging'], { home }), { code: 1 })
})

void test('of several accounts, the one whose token is valid, or that is named', async t => {
  const world = await signedIn(t)
  const { service, home } = world
  const [name] = await readdir(home.cache)
  const entry = JSON.parse(await readFile(join(home.cache, name!), 'utf8'))
  const add = async (key: string, fields: object): Promise<void> => { await writeFile(join(home.cache, `${key.repeat(64)}.json`), JSON.stringify({ ...entry, ...fields }), { mode: 0o600 }) }
  await add('a', { client: 'old', expiresAt: 1_000_000_000 })
  t.match(await runPlugin(['whoami'], { home }), { code: 0, stdout: /^client: +production$/m })
  // as kubectl signs in: without a username
  await add('b', { username: undefined })
  t.match(await runPlugin(['whoami'], { home }), { code: 2, stderr: /^error: several accounts are signed in/ })
  const { stdout } = await runPlugin(['whoami', `--issuer=${service.issuer}`, '--client=production', '-o', 'json'], { home })
  t.match(JSON.parse(stdout), { client: 'production' })
  t.match(await runPlugin(['logout', `--issuer=${service.issuer}`, '--client=production'], { home }), { code: 0 })
  t.strictSame((await readdir(home.cache)).sort(), [name!, `${'a'.repeat(64)}.json`].sort())
})

void test('logout removes the token, and prints where the session of the browser ends', async t => {
  const world = await signedIn(t)
  const { service, home } = world
  await signIn(t, world, bob)
  const { code, stdout } = await runPlugin(['logout', '--username=alice'], { home })
  t.equal(code, 0)
  t.equal(stdout, `Removed the token. To end the session of your browser, open ${service.issuer}/session/end?client_id=production\n`)
  t.match(await runPlugin(['whoami'], { home }), { stdout: /^username: bob\n/ })
  await signIn(t, world, alice)
  const all = await runPlugin(['logout', '--all'], { home })
  t.equal(all.stdout, stdout, 'one session for both')
  t.strictSame(await home.files(), [])
  t.match(await runPlugin(['logout'], { home }), { code: 0, stdout: '', stderr: 'no cached token; nothing to remove\n' })
})

void test('logout ends the session of the browser', needs('script'), async t => {
  const browser = await startChromium(t)
  if (browser === undefined) return
  const { service, home } = await signedIn(t, { graphical: true })
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  t.teardown(async () => { await context.close() })
  const page = await context.newPage()
  await page.goto(service.issuer)
  await page.fill('#username', 'alice')
  await page.fill('#password', alice.password)
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: 'Sign out' }).waitFor()
  const { code, screen } = await runOnTerminal(['logout'], { home })
  t.equal(code, 0, screen)
  const url = await home.nextOpened()
  t.notMatch(url, /eyJ/, 'other users see the arguments of a process')
  await page.goto(url)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.goto(service.issuer)
  await page.locator('#password').waitFor()
  t.pass('the next sign-in needs the password')
})

void test('login and logout leave stdout to kubectl, wherever stderr goes', needs('script'), async t => {
  const [service, home] = [await startSignInService(t), await makeHome(t)]
  const line = [process.execPath, BIN, 'login', ...accountOptions(service, home), '--username=alice'].join(' ')
  const { code, screen, stdout } = await runLine(`${line} > stdout-quiet 2> ${join(home.dir, 'stderr')}`, join(home.dir, 'stdout-quiet'), { home, dialogue: [['Password: ', `${alice.password}\r`]] }).ended
  t.equal(code, 0)
  t.equal(screen, 'Password: \n', 'the prompt is on the terminal')
  t.equal(await readFile(join(home.dir, 'stderr'), 'utf8'), '')
  t.equal(JSON.parse(stdout).kind, 'ExecCredential')
})
