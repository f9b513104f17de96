/** One sign-in for everything that needs it at the same time, and nothing in the way of the next one, whatever was killed. */
import { execFileSync } from 'node:child_process'
import { chmod, lstat, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { test, type Test } from 'tap'
import { startChromium } from '../../../fixtures/chromium.js'
import { accountOptions, BIN, execInfo, makeHome, runLine, runPlugin, startOnTerminal, startSignInService, type Home, type SignInService } from '../../../fixtures/credential-plugin.js'
import { needs } from '../../../fixtures/packages.js'
import { alice } from '../../../fixtures/people.js'
import { until } from '../../../fixtures/waiting.js'

interface World {
  readonly service: SignInService
  readonly home: Home
  readonly args: readonly string[]
}

async function world (t: Test): Promise<World> {
  const [service, home] = [await startSignInService(t), await makeHome(t, { graphical: true })]
  return { service, home, args: ['login', ...accountOptions(service, home)] }
}

async function openPage (t: Test): Promise<Page | undefined> {
  const browser = await startChromium(t)
  const context = await browser?.newContext({ ignoreHTTPSErrors: true })
  t.teardown(async () => { await context?.close() })
  return await context?.newPage()
}

async function signInAt (page: Page, url: string): Promise<void> {
  await page.goto(url)
  await page.fill('#username', 'alice')
  await page.fill('#password', alice.password)
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByText('You are signed in.').waitFor()
}

/** The plugin below `script`, whose own ID the test does not know. */
function pidsOf (home: Home): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n')
  return lines.filter(line => line.includes(BIN) && line.includes(home.caFile) && !/script|bash|sh -c/.test(line)).map(line => Number(line.trim().split(' ')[0]))
}

void test('commands that run side by side open one browser and get one token', needs('script'), async t => {
  const page = await openPage(t)
  if (page === undefined) return
  const { service, home, args } = await world(t)
  const commands = Array.from({ length: 4 }, () => startOnTerminal(args, { home }))
  const url = await home.nextOpened()
  await until('the others to wait', () => commands.filter(({ screen }) => screen().includes('Waiting for a sign-in')).length === 3)
  await signInAt(page, url)
  const outcomes = await Promise.all(commands.map(async ({ ended }) => await ended))
  t.strictSame(outcomes.map(({ code }) => code), [0, 0, 0, 0])
  t.equal(new Set(outcomes.map(({ stdout }) => stdout)).size, 1)
  t.equal((await home.opened()).length, 1)
  t.equal(service.signIns(), 1)
})

void test('if the one that signs in is killed, another one takes over at once', needs('script'), async t => {
  const page = await openPage(t)
  if (page === undefined) return
  const { home, args } = await world(t)
  const first = startOnTerminal(args, { home })
  await home.nextOpened()
  const [pid] = pidsOf(home)
  const second = startOnTerminal(args, { home })
  await until('the second to wait', () => second.screen().includes('Waiting for a sign-in'))
  process.kill(pid!, 'SIGKILL')
  await signInAt(page, await home.nextOpened(2))
  t.equal((await second.ended).code, 0)
  t.not((await first.ended).code, 0)
  t.match(await home.files(), [/^[0-9a-f]{64}\.json$/])
  t.equal((await home.files()).length, 1)
})

void test('what fails for one fails for those that wait', needs('script'), async t => {
  const { home, args } = await world(t)
  const first = startOnTerminal(args, { home })
  await home.nextOpened()
  const second = startOnTerminal(args, { home })
  await until('the second to wait', () => second.screen().includes('Waiting for a sign-in'))
  first.type('\x03')
  t.equal((await first.ended).code, 130)
  const { code, screen } = await second.ended
  t.match(screen, /\nerror: the sign-in was dismissed\n$/)
  t.equal(code, 1)
  t.equal((await home.opened()).length, 1)
})

void test('a kubectl that has waited in vain opens no browser at its next call', needs('script'), async t => {
  const { home, args } = await world(t)
  const first = startOnTerminal(args, { home })
  await home.nextOpened()
  // typed, and its parent stands for kubectl, which calls the plugin several times
  const line = [process.execPath, BIN, ...args].map(word => `'${word}'`).join(' ')
  const second = runLine(`bash -ic "bash -c \\"${line}; ${line}\\"" > stdout`, join(home.dir, 'stdout'), { home, env: execInfo() })
  await until('the second to wait', () => second.screen().includes('Waiting for a sign-in'))
  first.type('\x03')
  await first.ended
  t.match((await second.ended).screen, /\nerror: the sign-in was dismissed\nerror: the sign-in was dismissed \(the last sign-in; .*\)\n/)
  t.equal((await home.opened()).length, 1)
})

void test('a dismissed sign-in is repeated by a person, and not by a loop', needs('script'), async t => {
  const { home, args } = await world(t)
  const dismissed = startOnTerminal(args, { home, env: execInfo() })
  await home.nextOpened()
  dismissed.type('\x03')
  t.equal((await dismissed.ended).code, 130)
  t.equal((await home.files()).filter(name => name.endsWith('.failed')).length, 1)

  // the parent of the plugin stands for kubectl; it is one of many processes of a script's group
  const line = [process.execPath, BIN, ...args].map(word => `'${word}'`).join(' ')
  const loop = await runLine(`bash -c "bash -c \\"${line}; true\\"; true" > stdout-loop`, join(home.dir, 'stdout-loop'), { home, env: execInfo() }).ended
  t.match(loop.screen, /^error: the sign-in was dismissed \(the last sign-in; to repeat it at once, type the command in a terminal, otherwise wait \d+ s\)\n$/)
  t.equal((await home.opened()).length, 1)

  const typed = runLine(`bash -ic "bash -c \\"${line}; true\\"" > stdout-typed`, join(home.dir, 'stdout-typed'), { home, env: execInfo() })
  await home.nextOpened(2)
  typed.type('\x03')
  await typed.ended

  const alone = startOnTerminal(args, { home })
  await home.nextOpened(3)
  alone.type('\x03')
  await alone.ended
  t.equal((await home.opened()).length, 3)
})

/** What a process that was killed may leave, by name. */
const LEFTOVERS: Readonly<Record<string, (home: Home, key: string) => Promise<void>>> = {
  'an empty lock': async ({ cache }, key) => { await writeFile(join(cache, `${key}.lock`), '', { mode: 0o600 }) },
  'half a lock': async ({ cache }, key) => { await writeFile(join(cache, `${key}.lock`), '{"port":1', { mode: 0o600 }) },
  'a lock whose port nobody has': async ({ cache }, key) => { await writeFile(join(cache, `${key}.lock`), '{"address":"127.0.0.1","port":1,"nonce":"aaaaaaaaaaaaaaaaaaaaaa"}', { mode: 0o600 }) },
  'the lock of a lock': async ({ cache }, key) => { await writeFile(join(cache, `.${key}.lock.lock`), '') },
  'half of a temporary file': async ({ cache }, key) => { await writeFile(join(cache, `.${key}.json.0123456789ab`), '{"token', { mode: 0o600 }) },
  'half a token': async ({ cache }, key) => { await writeFile(join(cache, `${key}.json`), '{"token', { mode: 0o600 }) },
  'an empty failure': async ({ cache }, key) => { await writeFile(join(cache, `${key}.failed`), '', { mode: 0o600 }) },
  'no directory': async ({ cache }) => { await rm(cache, { recursive: true }) }
}

void test('what a killed process leaves is no obstacle', async t => {
  const { service, home, args } = await world(t)
  const password = [...args, '--username=alice', '--password-stdin']
  t.match(await runPlugin(password, { home, input: alice.password }), { code: 0 })
  const key = (await home.files())[0]!.replace('.json', '')
  for (const [name, leave] of Object.entries(LEFTOVERS)) {
    await rm(join(home.cache, `${key}.json`), { force: true })
    await leave(home, key)
    const before = service.signIns()
    t.match(await runPlugin(password, { home, input: alice.password }), { code: 0, stderr: '' }, name)
    t.equal(service.signIns(), before + 1, name)
    t.match(JSON.parse(await readFile(join(home.cache, `${key}.json`), 'utf8')), { client: 'production' }, name)
  }
})

/** Of a first sign-in: the nth call of a function of Node.js for a file of the cache. */
const MOMENTS: ReadonlyArray<readonly [module: string, name: string, nth: number, when: 'before' | 'after', what: string]> = [
  ['node:fs', 'openSync', 3, 'after', 'the short lock is made'],
  ['node:fs', 'writeFileSync', 1, 'before', 'the lock is written'],
  ['node:fs', 'writeFileSync', 1, 'after', 'the lock is written'],
  ['node:fs', 'rmSync', 1, 'after', 'the lock is taken'],
  ['node:fs/promises', 'open', 1, 'after', 'the temporary file is made'],
  ['node:fs/promises', 'rename', 1, 'before', 'the token is in place'],
  ['node:fs', 'rmSync', 2, 'before', 'the last failure is forgotten'],
  ['node:fs', 'rmSync', 3, 'before', 'the lock is removed'],
  ['node:fs', 'rmSync', 3, 'after', 'the lock is removed']
]

void test('killed at any moment, it is repeated', async t => {
  const { home, args } = await world(t)
  const password = [...args, '--username=alice', '--password-stdin']
  for (const [module, name, nth, when, what] of MOMENTS) {
    const code = `import module from '${module}'; import { syncBuiltinESMExports } from 'node:module'; let left = ${nth}; const real = module['${name}']; const kill = () => process.kill(process.pid, 'SIGKILL')
      module['${name}'] = (...args) => { if (!String(args[0]).includes('authn-webhook/login') || --left !== 0) return real(...args); if ('${when}' === 'before') kill(); const result = real(...args); if (typeof result?.then !== 'function') kill(); return result.then(kill) }; syncBuiltinESMExports()`
    const killed = await runPlugin(password, { home, input: alice.password, env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` } })
    t.equal(killed.signal, 'SIGKILL', `${when} ${what}`)
    t.match(await runPlugin(password, { home, input: alice.password }), { code: 0, stderr: '' }, `${when} ${what}`)
    await rm(home.cache, { recursive: true, force: true })
  }
})

/** What others could have written or read. */
const REFUSED: ReadonlyArray<readonly [name: string, spoil: (home: Home, file: string) => Promise<void>, error: RegExp]> = [
  ['a file that others can read', async (_home, file) => { await chmod(file, 0o644) }, /\.json is accessible to other users \(mode 644\): they may have copied the tokens: run "authn-webhook logout --all" after "chmod 600 \S+"$/],
  ['a file of another user', async (_home, file) => { execFileSync('chown', ['1234', file]) }, /\.json belongs to another user: remove it; with sudo, use "sudo -H" or set XDG_CACHE_HOME$/],
  ['a symbolic link', async (home, file) => { await rename(file, join(home.dir, 'elsewhere')); await symlink(join(home.dir, 'elsewhere'), file) }, /\.json is a symbolic link: remove it: rm \S+$/],
  ['a directory in place of a file', async (_home, file) => { await rm(file); await mkdir(file, { mode: 0o700 }) }, /\.json is not a regular file: remove it/],
  ['a directory that others can read', async home => { await chmod(home.cache, 0o750) }, /login is accessible to other users \(mode 750\)/],
  ['a directory of another user', async home => { execFileSync('chown', ['1234', home.cache]) }, /login belongs to another user/],
  ['a symbolic link to a directory', async home => { await rename(home.cache, join(home.dir, 'elsewhere')); await symlink(join(home.dir, 'elsewhere'), home.cache) }, /login is not a directory: remove it: rm \S+$/]
]

void test('a cache that others could have changed or read is refused', { skip: process.getuid?.() !== 0 && 'needs root' }, async t => {
  for (const [name, spoil, error] of REFUSED) {
    const { service, home, args } = await world(t)
    const password = [...args, '--username=alice', '--password-stdin']
    t.match(await runPlugin(password, { home, input: alice.password }), { code: 0 })
    const file = join(home.cache, (await home.files())[0]!)
    await spoil(home, file)
    const { code, stdout, stderr } = await runPlugin(password, { home, input: alice.password })
    t.match(stderr.trimEnd(), error, name)
    t.strictSame([code, stdout, service.signIns()], [2, '', 1], name)
    t.ok(await lstat(file).catch(() => lstat(home.cache)), 'nothing is removed')
  }
})

void test('logout --all removes also what is refused', async t => {
  const { home, args } = await world(t)
  const password = [...args, '--username=alice', '--password-stdin']
  t.match(await runPlugin(password, { home, input: alice.password }), { code: 0 })
  await writeFile(join(home.cache, `${'0'.repeat(64)}.json`), '{}', { mode: 0o644 })
  await symlink('/etc/passwd', join(home.cache, `${'1'.repeat(64)}.json`))
  t.match(await runPlugin(['logout', '--all'], { home }), { code: 0, stdout: /^Removed the token\./ })
  t.strictSame(await home.files(), [])
  t.ok((await lstat('/etc/passwd')).isFile())
})

void test('logout --all removes what is refused, if nothing else is there', async t => {
  const { home, args } = await world(t)
  t.match(await runPlugin([...args, '--username=alice', '--password-stdin'], { home, input: alice.password }), { code: 0 })
  await chmod(join(home.cache, (await home.files())[0]!), 0o644)
  t.match(await runPlugin(['logout', '--all'], { home }), { code: 0, stderr: '' })
  t.strictSame(await home.files(), [])
  t.match(await runPlugin(['logout', '--all'], { home }), { code: 0, stderr: 'no cached token; nothing to remove\n' })
})

void test('a cache that can not be written is refused before anybody is asked', { skip: process.getuid?.() !== 0 && 'needs root' }, async t => {
  const { service, home, args } = await world(t)
  const password = [...args, '--username=alice', '--password-stdin']
  // nobody creates directories there
  t.match(await runPlugin(password, { home, env: { XDG_CACHE_HOME: '/sys' }, input: alice.password }), { code: 2, stdout: '', stderr: /^error: \/sys\/authn-webhook\/login can't be written: .*: set XDG_CACHE_HOME to a directory in which tokens can be cached$/m })

  await mkdir(home.cache, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,mode=700', 'none', home.cache])
  t.teardown(() => { execFileSync('umount', [home.cache]) })
  t.match(await runPlugin(password, { home, input: alice.password }), { code: 2, stdout: '', stderr: /^error: \S+\/login can't be written: the file system is read-only: set XDG_CACHE_HOME to a directory in which tokens can be cached$/m })
  t.equal(service.signIns(), 0)
})

void test('a cache below the working directory is refused', async t => {
  const { home, args } = await world(t)
  for (const env of [{ XDG_CACHE_HOME: 'here' }, { HOME: '' }]) {
    t.match(await runPlugin([...args, '--username=alice', '--password-stdin'], { home, env, input: alice.password }), { code: 2, stdout: '', stderr: /^error: \S+ is not an absolute path: set HOME or XDG_CACHE_HOME to one$/m })
  }
})

void test('each issuer, client, CA and user has a token', async t => {
  const { service, home } = await world(t)
  const ca = `--certificate-authority-data=${Buffer.from(await readFile(home.caFile)).toString('base64')}`
  const base = ['login', `--issuer=${service.issuer}`, '--client=production']
  const run = async (...args: string[]): Promise<void> => { t.match(await runPlugin([...args, '--username=alice', '--password-stdin'], { home, input: alice.password }), { code: 0, stderr: '' }) }
  await run(...base, ca)
  await run(...base, `--certificate-authority=${home.caFile}`)
  t.equal(service.signIns(), 1, 'the same CA in a file')
  await run('login', `--issuer=${service.issuer}/`, '--client=production', ca)
  t.equal(service.signIns(), 2, 'another issuer')
  t.match(await runPlugin([...base, ca, '--username=bob', '--password-stdin'], { home, input: 'canary-bob-battery:staple' }), { code: 0 })
  t.equal(service.signIns(), 3, 'another user')
  const twice = join(home.dir, 'twice.crt')
  await writeFile(twice, `${await readFile(home.caFile, 'utf8')}\n${await readFile(home.caFile, 'utf8')}`)
  await run(...base, `--certificate-authority=${twice}`)
  t.equal(service.signIns(), 4, 'other CAs')
  for (const file of await home.files()) t.notMatch(await readFile(join(home.cache, file), 'utf8'), /canary/, 'no password')
})

void test('a token that ends within a minute is not used', async t => {
  const { service, home, args } = await world(t)
  const password = [...args, '--username=alice', '--password-stdin']
  await runPlugin(password, { home, input: alice.password })
  const file = join(home.cache, (await home.files())[0]!)
  const entry = JSON.parse(await readFile(file, 'utf8'))
  for (const [left, used] of [[75, true], [60, false], [-10, false]] as const) {
    await writeFile(file, JSON.stringify({ ...entry, expiresAt: Math.floor(Date.now() / 1000) + left }))
    const before = service.signIns()
    t.match(await runPlugin(password, { home, input: alice.password }), { code: 0 })
    t.equal(service.signIns() === before, used, `${left} s left`)
  }
})
