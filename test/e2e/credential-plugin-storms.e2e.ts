/** kubectl does not open one browser after another: by the kubeconfig that the sign-in pages hand out, with a server that records what kubectl sends. */
import { once } from 'node:events'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { test, type Test } from 'tap'
import { createKubeconfigFile } from '../../src/login/kubeconfig.js'
import { startChromium } from '../fixtures/chromium.js'
import { BIN, makeHome, runLine, startSignInService, type Home, type OnTerminal, type SignInService } from '../fixtures/credential-plugin.js'
import { alice } from '../fixtures/people.js'
import { authority, serving } from '../fixtures/service.js'
import { until } from '../fixtures/waiting.js'

interface World {
  readonly service: SignInService
  readonly home: Home
  /** `Authorization` of each request. */
  readonly received: string[]
  /** kubectl on a terminal, with the arguments as a shell reads them. */
  readonly start: (args: string) => OnTerminal
}

const { KUBECTL = 'kubectl' } = process.env

async function startWorld (t: Test): Promise<World> {
  const [service, home] = [await startSignInService(t), await makeHome(t, { graphical: true })]
  const received: string[] = []
  const server = createServer({ cert: serving.cert, key: serving.key }, ({ headers }, response) => {
    received.push(headers.authorization ?? '')
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"kind":"APIVersions","versions":["v1"]}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close(); server.closeAllConnections() })
  const { text } = createKubeconfigFile('login', {
    id: 'production',
    name: 'Production',
    server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    issuer: service.issuer,
    grants: ['authorizationCode'],
    token: '',
    certificateAuthority: authority.cert,
    issuerCertificateAuthority: authority.cert
  })!
  const [kubeconfig, bin] = [join(home.dir, 'kubeconfig'), join(home.dir, 'bin')]
  await mkdir(bin)
  await Promise.all([writeFile(kubeconfig, text, { mode: 0o600 }), symlink(BIN, join(bin, 'authn-webhook'))])
  const env = { KUBECONFIG: kubeconfig, PATH: `${bin}:${process.env['PATH']}`, NODE_OPTIONS: undefined }
  let outputs = 0
  return {
    service,
    home,
    received,
    start (args) {
      const file = join(home.dir, `kubectl-${++outputs}`)
      return runLine(`${KUBECTL} ${args} > ${file}`, file, { home, env })
    }
  }
}

async function openPage (t: Test): Promise<Page | undefined> {
  const browser = await startChromium(t)
  const context = await browser?.newContext({ ignoreHTTPSErrors: true })
  t.teardown(async () => { await context?.close() })
  return await context?.newPage()
}

async function signInAt (page: Page, url: string, button: 'Continue' | 'Cancel'): Promise<void> {
  await page.goto(url)
  await page.fill('#username', 'alice')
  await page.fill('#password', alice.password)
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: button }).click()
  await page.getByText('You can close this tab').waitFor()
}

void test('kubectls that run side by side open one browser', async t => {
  const page = await openPage(t)
  if (page === undefined) return
  const { service, home, received, start } = await startWorld(t)
  const commands = [1, 2, 3].map(() => start('get --raw /api'))
  const url = await home.nextOpened()
  await until('the others to wait', () => commands.filter(({ screen }) => screen().includes('Waiting for a sign-in')).length === 2)
  await signInAt(page, url, 'Continue')
  t.strictSame((await Promise.all(commands.map(async ({ ended }) => await ended))).map(({ code }) => code), [0, 0, 0])
  t.match(received, [/^Bearer eyJ/, received[0]!, received[0]!])
  t.strictSame([(await home.opened()).length, service.signIns()], [1, 1])
})

void test('a kubectl that makes several requests asks once, even if the person cancels', async t => {
  const page = await openPage(t)
  if (page === undefined) return
  const { home, received, start } = await startWorld(t)
  const command = start('get pods')
  await signInAt(page, await home.nextOpened(), 'Cancel')
  const { code, screen } = await command.ended
  t.match(screen, /error: the sign-in was denied: run the command again to repeat it\n/)
  t.ok(screen.split('the sign-in was denied').length > 2, 'kubectl has run the plugin several times')
  t.not(code, 0)
  t.equal((await home.opened()).length, 1)
  t.strictSame(received, [])
})

void test('a kubectl whose stdin is used opens no browser', async t => {
  const { home, start } = await startWorld(t)
  await writeFile(join(home.dir, 'object.yaml'), 'apiVersion: v1\nkind: Namespace\nmetadata: { name: example }\n')
  const { code, screen } = await start('create -f - < object.yaml').ended
  t.match(screen, /error: not signed in, and there is no terminal to sign in on/)
  t.not(code, 0)
  t.strictSame(await home.opened(), [])
})
