/** A person with the kubeconfig of the page types kubectl commands: one sign-in, and then none until the token expires. */
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Page } from 'playwright-core'
import { test, type Test } from 'tap'
import { hashPassword } from '../../src/authn/password-hash.js'
import { startChromium, textOfDownload } from '../fixtures/chromium.js'
import { runLine, makeHome, BIN, type Home, type OnTerminal } from '../fixtures/credential-plugin.js'
import type { Keystrokes } from '../fixtures/command.js'
import { alice } from '../fixtures/people.js'
import { tool } from './cluster.js'
import { startSignInCluster, type SignInCluster } from './sign-in-cluster.js'

const USERS = JSON.stringify({ apiVersion: 'authn-webhook/v1', users: [{ username: 'alice', uid: alice.user.uid, groups: ['auditors'], passwordHash: await hashPassword(alice.password) }] })
const PROVIDER = { kind: 'static', config: { usersFile: 'users.yaml' } }

/** A computer with kubectl and authn-webhook, and the kubeconfig that the page offers. */
interface Computer {
  readonly home: Home
  /** Types a kubectl command. */
  kubectl: (args: string, options?: TerminalOptions) => OnTerminal
  /** Types any other command. */
  type: (line: string) => OnTerminal
}

interface TerminalOptions {
  readonly dialogue?: readonly Keystrokes[]
  /** A program runs it: nobody sees its terminal. */
  readonly background?: boolean
}

let commands = 0

async function makeComputer (t: Test, kubeconfig: string, { graphical = false } = {}): Promise<Computer> {
  const home = await makeHome(t, { graphical })
  const bin = join(home.dir, 'bin')
  await mkdir(bin)
  await Promise.all([symlink(BIN, join(bin, 'authn-webhook')), symlink(tool('KUBECTL'), join(bin, 'kubectl')), writeFile(join(home.dir, 'kubeconfig'), kubeconfig, { mode: 0o600 })])
  const env = { KUBECONFIG: join(home.dir, 'kubeconfig'), PATH: [bin, process.env['PATH']].join(delimiter), NODE_OPTIONS: undefined }
  const type = (line: string, dialogue: readonly Keystrokes[] = []): OnTerminal => {
    const file = join(home.dir, `typed-${++commands}`)
    return runLine(`${line} > ${file}`, file, { home, env, dialogue })
  }
  return { home, type, kubectl: (args, { dialogue = [], background = false } = {}) => type(background ? `setsid --wait kubectl ${args} < /dev/null` : `kubectl ${args}`, dialogue) }
}

/** Signs in on the pages, and saves the kubeconfig of `authn-webhook login`. */
async function downloadKubeconfig (page: Page, issuer: string): Promise<string> {
  await page.goto(`${issuer}/`)
  await fillIn(page)
  await page.getByRole('link', { name: 'Production' }).click()
  return await textOfDownload(page, 'a[href$="/kubeconfig/login"]')
}

async function fillIn (page: Page): Promise<void> {
  await page.getByLabel('Username').fill('alice')
  await page.getByLabel('Password').fill(alice.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

async function open (t: Test): Promise<SignInCluster & { readonly page: Page, readonly kubeconfig: string } | undefined> {
  const chromium = await startChromium(t)
  if (chromium === undefined) return undefined
  const started = await startSignInCluster(t, PROVIDER, { 'users.yaml': USERS })
  const browser = await chromium.newContext({ ignoreHTTPSErrors: true, acceptDownloads: true })
  t.teardown(async () => { await browser.close() })
  const page = await browser.newPage()
  const kubeconfig = await downloadKubeconfig(page, started.issuer)
  await browser.clearCookies()
  return { ...started, page, kubeconfig }
}

test('kubectl signs a person in, once', async t => {
  const opened = await open(t)
  if (opened === undefined) return
  const { page, kubeconfig } = opened

  await t.test('in the browser of the computer', async t => {
    const { home, kubectl, type } = await makeComputer(t, kubeconfig, { graphical: true })
    t.match(await kubectl('get namespaces', { background: true }).ended, { code: 1, screen: /not signed in, and there is no terminal to sign in on: run a kubectl command with this kubeconfig in a terminal/ }, 'a program opens no browser')
    t.strictSame(await home.opened(), [])

    const commands = [kubectl('get namespaces -o name'), kubectl('get namespaces -o name'), kubectl('get namespaces -o name')]
    await page.goto(await home.nextOpened())
    await fillIn(page)
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('You can close this tab').waitFor()
    for (const { ended } of commands) t.match(await ended, { code: 0, stdout: /^namespace\/default$/m })
    t.match(await kubectl('get namespaces -o name', { background: true }).ended, { code: 0, stdout: /^namespace\/default$/m, screen: '' }, 'from the cache')
    t.equal((await home.opened()).length, 1, 'for all of these commands')

    t.match(await type('authn-webhook whoami').ended, { code: 0, stdout: /corp:alice/ })
    t.match(await type('authn-webhook logout').ended, { code: 0 })
    t.match(await kubectl('get namespaces', { background: true }).ended, { code: 1, screen: /not signed in/ })
  })

  await t.test('on a jump host, by a code that is typed elsewhere', async t => {
    const { home, kubectl } = await makeComputer(t, kubeconfig)
    await page.context().clearCookies()
    const command = kubectl('get namespaces -o name')
    const shown = /open (https:\S+) in a browser on any computer, and enter the code ([A-Z-]+)/
    while (!shown.test(command.screen())) await page.waitForTimeout(50)
    const [, url, code] = shown.exec(command.screen())!
    await page.goto(url!)
    await page.getByLabel('Code').fill(code!)
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('button', { name: 'Sign in this device' }).click()
    await fillIn(page)
    t.match(await command.ended, { code: 0, stdout: /^namespace\/default$/m })
    t.match(await kubectl('get namespaces -o name', { background: true }).ended, { code: 0, screen: '' }, 'from the cache')
    t.strictSame(await home.opened(), [])
  })

  await t.test('by a password, which stays in no file', async t => {
    const { home, kubectl, type } = await makeComputer(t, kubeconfig.replace(/^( *)- --client=.*$/m, '$&\n$1- --username=alice'))
    const { code, stdout, screen } = await kubectl('get namespaces -o name', { dialogue: [['Password: ', `${alice.password}\n`]] }).ended
    t.strictSame([code, screen.includes(alice.password)], [0, false])
    t.match(stdout, /^namespace\/default$/m)
    t.match(await kubectl('get namespaces -o name', { background: true }).ended, { code: 0, screen: '' }, 'from the cache')
    t.match(await type(`grep --recursive --files-with-matches '${alice.password}' ${home.dir}`).ended, { code: 1, stdout: '' })
  })
})
