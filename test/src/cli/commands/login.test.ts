/** `authn-webhook login` with a real sign-in service: what people see, and what kubectl gets. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import type { Page } from 'playwright-core'
import { test, type Test } from 'tap'
import { startChromium } from '../../../fixtures/chromium.js'
import { accountOptions, execInfo, makeHome, modeOf, runLine, runOnTerminal, runPlugin, startOnTerminal, startSignInService, BIN, KUBECTL_BIN } from '../../../fixtures/credential-plugin.js'
import { needs } from '../../../fixtures/packages.js'
import { alice, type Person } from '../../../fixtures/people.js'
import { until } from '../../../fixtures/waiting.js'

/** A page of a browser that accepts the test's CA; `undefined` if there is no browser. */
async function openPage (t: Test): Promise<Page | undefined> {
  const browser = await startChromium(t)
  if (browser === undefined) return undefined
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  t.teardown(async () => { await context.close() })
  return await context.newPage()
}

async function signInOnPage (page: Page, { user: { username }, password }: Person = alice): Promise<void> {
  await page.fill('#username', username)
  await page.fill('#password', password)
  await page.keyboard.press('Enter')
}

void test('browser: signs in once, then answers from the cache', needs('script'), async t => {
  const page = await openPage(t)
  if (page === undefined) return
  const [service, home] = [await startSignInService(t), await makeHome(t, { graphical: true })]
  const args = ['login', ...accountOptions(service, home)]
  const running = startOnTerminal(args, { home })
  await page.goto(await home.nextOpened())
  await signInOnPage(page)
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByText('You are signed in. You can close this tab.').waitFor()
  const { code, stdout, screen } = await running.ended
  t.equal(code, 0, screen)
  t.match(screen, /^To sign in, continue in the browser\. .*\nhttps:\/\/127\.0\.0\.1:\d+\/auth\?.*\n$/)
  const { apiVersion, kind, status, ...rest } = JSON.parse(stdout)
  t.strictSame([apiVersion, kind, rest], ['client.authentication.k8s.io/v1', 'ExecCredential', {}])
  const { preferred_username: name, groups, aud, exp } = decodeJwt(status.token)
  t.strictSame([name, groups, aud], ['alice', alice.user.groups, 'production'])
  t.equal(Date.parse(status.expirationTimestamp), (exp! - 60) * 1000)

  const again = await runPlugin(args, { home })
  t.strictSame(again, { code: 0, signal: null, stdout, stderr: '' })
  t.equal(service.signIns(), 1)
  t.equal(await modeOf(home.cache), '700')
  const files = await home.files()
  t.match(files, [/^[0-9a-f]{64}\.json$/])
  t.equal(files.length, 1)
  t.equal(await modeOf(`${home.cache}/${files[0]}`), '600')
})

void test('device code: prints URL and code, and waits', needs('script'), async t => {
  const page = await openPage(t)
  if (page === undefined) return
  const [service, home] = [await startSignInService(t), await makeHome(t)]
  const running = startOnTerminal(['login', ...accountOptions(service, home)], {
    home,
    dialogue: [['The code is valid', async () => {
      const [, url] = /or open (\S+)/.exec(running.screen())!
      await page.goto(url!)
      await page.getByRole('button', { name: 'Sign in this device' }).click()
      await signInOnPage(page)
      return ''
    }]]
  })
  const { code, stdout, screen } = await running.ended
  t.equal(code, 0, screen)
  t.match(screen, /^To sign in, open https:\/\/127\.0\.0\.1:\d+\/device in a browser on any computer, and enter the code [A-Z]{4}-[A-Z]{4}\n/)
  t.match(decodeJwt(JSON.parse(stdout).status.token), { preferred_username: 'alice', aud: 'production' })
  t.strictSame(await home.opened(), [])
})

void test('password: asks without echo, or reads stdin', needs('script'), async t => {
  const [service, home] = [await startSignInService(t), await makeHome(t)]
  const args = ['login', ...accountOptions(service, home), '--username=alice']
  const { code, stdout, screen } = await runOnTerminal(args, { home, dialogue: [['Password: ', `${alice.password}\r`]] })
  t.equal(code, 0, screen)
  t.equal(screen, 'Password: \n')
  t.match(decodeJwt(JSON.parse(stdout).status.token), { preferred_username: 'alice' })
  const script = await makeHome(t)
  const piped = await runPlugin([...args, '--password-stdin'], { home: script, input: `${alice.password}\n` })
  t.match(piped, { code: 0, stderr: '' })
  t.match(decodeJwt(JSON.parse(piped.stdout).status.token), { preferred_username: 'alice' })
})

void test('without a browser, a client that may not use device codes asks for the password', needs('script'), async t => {
  const clients = [
    { id: 'production', name: 'Production', grants: ['authorizationCode', 'password'] },
    { id: 'lab', name: 'Lab', grants: ['authorizationCode', 'deviceCode'] }
  ]
  const [service, home] = [await startSignInService(t, { login: { clients } }), await makeHome(t)]
  const { code, stdout, screen } = await runOnTerminal(['login', ...accountOptions(service, home)], { home, dialogue: [['Username: ', 'alice\r'], ['Password: ', `${alice.password}\r`]] })
  t.equal(code, 0, screen)
  t.match(screen, /Username: .*alice\s+Password: \s+$/)
  t.notMatch(screen, 'To sign in')
  t.match(decodeJwt(JSON.parse(stdout).status.token), { preferred_username: 'alice', aud: 'production' })
})

void test('a signal ends the sign-in, and gives back the echo and the lock', needs('script'), async t => {
  const [service, home] = [await startSignInService(t), await makeHome(t)]
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    const file = join(home.dir, name)
    const login = [process.execPath, BIN, 'login', ...accountOptions(service, home), '--username=alice'].map(word => `'${word}'`).join(' ')
    const { screen, ended } = runLine(`${login} & echo $! > ${file}.pid; wait $!; echo "code $?"; stty --all`, file, { home })
    await until('the question', () => screen().includes('Password: '))
    process.kill(Number(await readFile(`${file}.pid`, 'utf8')), name)
    t.match((await ended).screen, /code 130[^]* echo /, name)
    t.strictSame((await home.files()).filter(each => each.endsWith('.lock')), [], name)
  }
})

void test('kubectl authn is the same', async t => {
  const [service, home] = [await startSignInService(t), await makeHome(t)]
  const { code, stdout } = await runPlugin(['login', ...accountOptions(service, home), '--username=alice', '--password-stdin'], { home, bin: KUBECTL_BIN, input: alice.password, env: execInfo({ version: 'v1beta1', interactive: false }) })
  t.equal(code, 0)
  t.equal(JSON.parse(stdout).apiVersion, 'client.authentication.k8s.io/v1beta1')
  t.match(await runPlugin(['--help'], { home, bin: KUBECTL_BIN }), { code: 0, stdout: /^Usage: kubectl authn \[options\] \[command\]\n/ })
})
