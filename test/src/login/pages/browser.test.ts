/** The pages in a real browser: for keyboards, screen readers, phones, and names that attack. */
import axe from 'axe-core'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { test, type Test } from 'tap'
import { escapeLine } from '../../../../src/printable.js'
import { startChromium } from '../../../fixtures/chromium.js'
import { servePages, type PageServer } from '../../../fixtures/page-server.js'
import { everyPage, everyTextIs, ORDINARY } from '../../../fixtures/pages.js'

const DOCUMENTS = everyPage()
const NAMES = [...DOCUMENTS.keys()]
const PHONE = { width: 360, height: 740 }
const DESKTOP = { width: 1280, height: 800 }

const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** A page of a browser at a server of these documents; `undefined` where there is no browser. */
async function open (t: Test, { documents = DOCUMENTS, ...options }: BrowserContextOptions & { documents?: ReadonlyMap<string, string> } = {}): Promise<{ page: Page, server: PageServer } | undefined> {
  const browser = await startChromium(t)
  if (browser === undefined) return undefined
  const server = await servePages(documents)
  const context = await browser.newContext({ viewport: DESKTOP, ...options })
  t.teardown(async () => {
    await context.close()
    server.close()
  })
  return { server, page: await context.newPage() }
}

test('every page meets WCAG 2.2 AA', async t => {
  const opened = await open(t)
  if (opened === undefined) return
  const { page, server } = opened
  for (const name of NAMES) {
    await page.goto(`${server.url}/${name}`)
    await page.evaluate(axe.source)
    for (const viewport of [PHONE, DESKTOP]) {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.setViewportSize(viewport)
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
        const { violations, incomplete, passes } = await page.evaluate<axe.AxeResults>(`axe.run({ runOnly: ${JSON.stringify(WCAG)} })`)
        const found = (results: axe.Result[]): string[] => results.flatMap(({ id, nodes }) => nodes.map(node => `${id}: ${node.html} ${node.failureSummary}`))
        t.strictSame(found(violations), [], `${name} ${viewport.width} ${colorScheme}`)
        t.strictSame(found(incomplete), [], 'nothing is left to be judged by a human')
        t.ok(passes.some(({ id }) => id === 'color-contrast'), 'colours were judged')
      }
    }
  }
})

test('no page scrolls sideways on a phone', async t => {
  const long = everyPage(everyTextIs('w'.repeat(300)))
  const documents = new Map([...DOCUMENTS, ...[...long].map(([name, document]) => [`long-${name}`, document] as const)])
  const opened = await open(t, { documents, viewport: PHONE })
  if (opened === undefined) return
  for (const name of documents.keys()) {
    await opened.page.goto(`${opened.server.url}/${name}`)
    t.equal(await opened.page.evaluate('document.documentElement.scrollWidth'), PHONE.width, name)
  }
})

test('every page keeps to the content security policy', async t => {
  const opened = await open(t, { documents: new Map([...DOCUMENTS, ['control', '<!doctype html><script>1</script>']]) })
  if (opened === undefined) return
  const { page, server } = opened
  await page.addInitScript("addEventListener('securitypolicyviolation', ({ violatedDirective }) => { (globalThis.violations ??= []).push(violatedDirective) })")
  const failed: string[] = []
  // the next page ends the request of an icon
  page.on('requestfailed', request => { if (request.failure()?.errorText !== 'net::ERR_ABORTED') failed.push(request.url()) })
  page.on('console', message => { if (message.type() === 'error') failed.push(message.text()) })
  for (const name of NAMES) {
    await page.goto(`${server.url}/${name}`)
    t.strictSame(await page.evaluate('globalThis.violations ?? []'), [], name)
  }
  t.strictSame(failed, [], 'no file is missing')
  await page.goto(`${server.url}/control`)
  t.strictSame(await page.evaluate('globalThis.violations'), ['script-src-elem'], 'a violation would be seen')
})

const HOSTILE = [
  'javascript:globalThis.attacked = true//<script>globalThis.attacked = true</script>"><img src=x onerror="globalThis.attacked = true">',
  '" autofocus onfocus="globalThis.attacked = true" x="',
  "' autofocus onfocus='globalThis.attacked = true' x='",
  '</textarea></title></style><svg onload="globalThis.attacked = true">',
  '&lt;b&gt; &amp; &#0;',
  '\nfirst line\r\nsecond \0 end',
  '\u202egnp.exe\u2066\u200f',
  'אבג (1) abc',
  ' '
]

test('hostile names are shown as text, and run no script', async t => {
  const documents = new Map(HOSTILE.flatMap((text, index) => [...everyPage(everyTextIs(text))].map(([name, document]) => [`${index}-${name}`, document] as const)))
  // so that a script could run
  const opened = await open(t, { documents, bypassCSP: true })
  if (opened === undefined) return
  const { page, server } = opened
  for (const [index, text] of HOSTILE.entries()) {
    for (const name of NAMES) {
      await page.goto(`${server.url}/${index}-${name}`)
      const { attacked, names, title } = await page.evaluate<{ attacked: unknown, names: string[], title: string }>("({ attacked: globalThis.attacked ?? false, names: [...document.querySelectorAll('bdi')].map(each => each.textContent), title: document.title })")
      t.equal(attacked, false, `${name}: ${JSON.stringify(text)}`)
      t.strictSame(names.filter(shown => shown !== escapeLine(text) && !/staging|headlamp/i.test(shown)), [], 'names are complete')
      t.match(title, /(^| )· Cluster sign-in$/)
    }
    await page.goto(`${server.url}/${index}-sign-in-hint`)
    // as HTML defines the value of a text field
    t.equal(await page.inputValue('#username'), text.replace(/[\r\n]/g, '').replaceAll('\0', '\ufffd'))
    await page.goto(`${server.url}/${index}-client`)
    t.equal(await page.inputValue('#token'), text.replace(/\r\n?/g, '\n').replaceAll('\0', '\ufffd'), 'the token')
  }
})

test('the keyboard is enough to sign in', async t => {
  const opened = await open(t)
  if (opened === undefined) return
  const { page, server } = opened
  const focused = async (): Promise<unknown> => await page.evaluate('document.activeElement.id || document.activeElement.type')
  await page.goto(`${server.url}/sign-in`)
  t.equal(await focused(), 'username')
  await page.keyboard.type('alice')
  await page.keyboard.press('Tab')
  t.equal(await focused(), 'password')
  await page.keyboard.type('correct horse')
  await page.keyboard.press('Tab')
  t.equal(await focused(), 'submit')
  await page.keyboard.press('Enter')
  await page.waitForURL(/interaction/)
  t.strictSame(server.posted.map(form => Object.fromEntries(form)), [{ csrf: ORDINARY.csrf, username: 'alice', password: 'correct horse' }])
})

for (const [name, id] of [['sign-in-hint', 'password'], ['sign-in-rejected', 'password'], ['sign-in-throttled', 'problem'], ['sign-in-unavailable', 'problem'], ['device', 'user_code'], ['device-unknown-code', 'user_code']] as const) {
  test(`${name}: the focus is where to go on`, async t => {
    const opened = await open(t)
    if (opened === undefined) return
    await opened.page.goto(`${opened.server.url}/${name}`)
    t.equal(await opened.page.evaluate('document.activeElement.id'), id)
  })
}

/** What each button sends. */
const BUTTONS: ReadonlyArray<[name: string, button: string, form: Readonly<Record<string, string>>]> = [
  ['consent', 'Continue', { csrf: ORDINARY.csrf, decision: 'approve' }],
  ['consent', 'Cancel', { csrf: ORDINARY.csrf, decision: 'cancel' }],
  ['device', 'Continue', { xsrf: 'secret', user_code: 'wdjb-mjht' }],
  ['device-confirm', 'Sign in this device', { xsrf: 'secret', user_code: 'WDJB-MJHT', confirm: 'yes' }],
  ['device-confirm', 'Cancel', { xsrf: 'secret', user_code: 'WDJB-MJHT', confirm: 'yes', abort: 'yes' }],
  ['sign-out', 'Sign out', { xsrf: 'secret', logout: 'yes' }],
  ['sign-out', 'Stay signed in', { xsrf: 'secret' }]
]

for (const javaScriptEnabled of [true, false]) {
  test(`forms ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async t => {
    const opened = await open(t, { javaScriptEnabled })
    if (opened === undefined) return
    const { page, server } = opened
    for (const [name, button, form] of BUTTONS) {
      await page.goto(`${server.url}/${name}`)
      if (name === 'device') await page.fill('#user_code', 'wdjb-mjht')
      await page.getByRole('button', { name: button, exact: true }).click()
      await page.getByText('posted').waitFor()
      t.strictSame([...server.posted.at(-1)!], Object.entries(form), `${name}: ${button}`)
    }
  })
}

test('copies the token', async t => {
  const opened = await open(t, { permissions: ['clipboard-read', 'clipboard-write'] })
  if (opened === undefined) return
  const { page, server } = opened
  const copy = page.getByRole('button', { name: 'Copy: Token' })
  for (const broken of [false, true]) {
    if (broken) await page.addInitScript("Clipboard.prototype.writeText = () => Promise.reject(new Error('not allowed'))")
    await page.goto(`${server.url}/client`)
    await page.evaluate("navigator.clipboard.write([new ClipboardItem({ 'text/plain': 'other' })])")
    await copy.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('status').filter({ hasText: 'Copied' }).waitFor()
    t.equal(await page.evaluate('navigator.clipboard.readText()'), ORDINARY.token, broken ? 'by the old way' : 'by the clipboard API')
    t.equal(await page.evaluate('document.activeElement.textContent'), 'Copy', 'the focus stays')
  }
})

test('says how to copy by hand if the browser does not allow it', async t => {
  const opened = await open(t)
  if (opened === undefined) return
  const { page, server } = opened
  await page.addInitScript("Clipboard.prototype.writeText = () => Promise.reject(new Error('not allowed')); Document.prototype.execCommand = () => false")
  await page.goto(`${server.url}/client`)
  await page.getByRole('button', { name: 'Copy: Token' }).click()
  await page.getByRole('status').filter({ hasText: 'Press Ctrl+C to copy' }).waitFor()
  t.equal(await page.evaluate('getSelection().toString()'), ORDINARY.token, 'the token is selected')
})

test('without JavaScript the token can be selected by hand, and no button is without effect', async t => {
  const opened = await open(t, { javaScriptEnabled: false })
  if (opened === undefined) return
  const { page, server } = opened
  await page.goto(`${server.url}/client`)
  t.equal(await page.getByLabel('Token', { exact: true }).inputValue(), ORDINARY.token)
  t.equal(await page.getByRole('button', { name: /^Copy/ }).count(), 0)
})

test('the token is not printed', async t => {
  const opened = await open(t)
  if (opened === undefined) return
  const { page, server } = opened
  await page.goto(`${server.url}/client`)
  t.ok(await page.locator('#token').isVisible())
  await page.emulateMedia({ media: 'print' })
  for (const id of ['token', 'set-credentials']) t.notOk(await page.locator(`#${id}`).isVisible(), id)
  t.ok(await page.getByText('developers').isVisible(), 'the rest is')
})

test('the focus is visible on everything that can have it', async t => {
  const opened = await open(t)
  if (opened === undefined) return
  const { page, server } = opened
  for (const name of ['sign-in', 'home', 'client', 'device-confirm']) {
    await page.goto(`${server.url}/${name}`)
    const count = await page.locator('a, button:visible, input:visible, textarea').count()
    for (let index = 0; index < count; index++) {
      await page.keyboard.press('Tab')
      const { outline, what } = await page.evaluate<{ outline: string, what: string }>('({ outline: getComputedStyle(document.activeElement).outlineStyle, what: document.activeElement.outerHTML })')
      if (!what.startsWith('<body')) t.equal(outline, 'solid', `${name}: ${what.slice(0, 80)}`)
    }
  }
})
