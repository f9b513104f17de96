/** What holds for every page. */
import fc from 'fast-check'
import { test } from 'tap'
import { assets, createPages } from '../../../../src/login/pages/index.js'
import { time } from '../../../../src/login/pages/elements.js'
import { ERRORS } from '../../../../src/login/pages/texts.js'
import { everyPage, everyTextIs, NOW, ORDINARY } from '../../../fixtures/pages.js'
import { holds } from '../../../fixtures/property.js'

/** The elements of a document with the names of their attributes, which no text may change. */
function skeleton (document: string): string[] {
  return (document.match(/<[^>]*>/g) ?? []).map(tag => tag.replace(/"[^"]*"/g, '""'))
}

function skeletons (text: string): string[][] {
  return [...everyPage(everyTextIs(text)).values()].map(skeleton)
}

const ID = / id="([^"]+)"/g

for (const [name, document] of everyPage()) {
  test(`page ${name}`, async t => {
    const tags = skeleton(document)
    t.match(document, /^<!doctype html>\n<html lang="en">/, 'language')
    t.match(document, /<title>\S[^<]* · Cluster sign-in<\/title>/, 'title')
    t.match(document, /<meta name="viewport" content="width=device-width, initial-scale=1">/, 'zoom is not limited')
    t.equal(document.match(/<h1>/g)?.length, 1, 'one heading of the first level')
    t.equal(document.match(/<main>/g)?.length, 1, 'one main part')
    t.notMatch(document, /<style|\sstyle=|<[^>]*\son\w+=|javascript:/, 'no inline style or script')
    t.strictSame(tags.filter(tag => tag.startsWith('<script')).map(tag => tag.includes('src=')), name.startsWith('client') ? [true] : [], 'the script only where there is something to copy')
    const fields = [...document.matchAll(/<(?:input|textarea)\b(?![^>]*type="hidden")[^>]*>/g)].map(([tag]) => / id="([^"]+)"/.exec(tag)?.[1])
    for (const id of fields) t.ok(document.includes(`<label for="${id}">`), `field ${id} has a label`)
    const ids = [...document.matchAll(ID)].map(match => match[1])
    t.equal(new Set(ids).size, ids.length, 'IDs are unique')
    for (const [, refs] of document.matchAll(/aria-describedby="([^"]+)"/g)) for (const id of refs!.split(' ')) t.ok(ids.includes(id), `${id} describes a field`)
    const size = Buffer.byteLength(document) + [...assets.values()].reduce((sum, { body }) => sum + Buffer.byteLength(body), 0)
    t.ok(size < 20_000, `${size} bytes with everything it loads`)
  })
}

const HOSTILE = ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "' autofocus onfocus='alert(1)", '</textarea></title><svg/onload=alert(1)>', 'javascript:alert(1)', '{client}', '!', '&lt;', '\0', '\u202egnp', '\n', '<!--', ']]>', '$&']

test('no text adds an element or an attribute', async t => {
  const plain = skeletons('plain')
  for (const text of HOSTILE) t.strictSame(skeletons(text), plain, text)
  const text = fc.oneof(fc.string({ unit: 'binary', minLength: 1 }), fc.array(fc.constantFrom('a', '"', "'", '<', '>', '=', '&', ' ', '/', ...HOSTILE), { minLength: 1 }).map(parts => parts.join('')))
  const expected = JSON.stringify(plain)
  holds(t, fc.property(text, text => JSON.stringify(skeletons(text)) === expected), 100)
})

test('characters that hide or reorder text are shown as escapes', async t => {
  const page = everyPage({ ...ORDINARY, clientName: 'Prod\u202e\u200b\nuction' }).get('consent')!
  t.match(page, 'Prod\\u202e\\u200b\\nuction')
  t.notMatch(page, /[\u202e\u200b]/)
})

test('a person in a thousand groups sees how many there are, and can see all', async t => {
  const groups = Array.from({ length: 1000 }, (_, index) => `group-${index}`)
  for (const name of ['home', 'client']) {
    const page = everyPage({ ...ORDINARY, groups }).get(name)!
    t.match(page, '<summary>Show 988 more</summary>')
    for (const group of ['group-0', 'group-11', 'group-12', 'group-999']) t.ok(page.includes(`>${group}<`), group)
  }
})

test('the problem is in the title and at the field', async t => {
  const pages = everyPage()
  t.match(pages.get('sign-in-rejected'), /<title>Problem: Wrong username or password · /)
  t.match(pages.get('sign-in-rejected'), /<input id="password"[^>]* aria-invalid="true" aria-describedby="problem"/)
  t.notMatch(pages.get('sign-in-throttled'), 'aria-invalid')
  t.match(pages.get('device-unknown-code'), /<title>Problem: Unknown code · /)
})

test('password managers find the fields', async t => {
  const page = everyPage().get('sign-in')!
  t.match(page, /<input id="username" name="username" type="text"[^>]* autocomplete="username"/)
  t.match(page, /<input id="password" name="password" type="password"[^>]* autocomplete="current-password"/)
})

test('a device is confirmed by someone who knows what asks', async t => {
  const page = everyPage().get('device-confirm')!
  for (const text of ['WDJB-MJHT', 'Production', '192.0.2.17', '26 November 2026 at 09:29 UTC', '1 minute ago', 'Only continue if you started this yourself']) t.match(page, text)
})

test('a loopback address is called this computer, and no other', async t => {
  const consent = (host: string): string => everyPage({ ...ORDINARY, host }).get('consent')!
  for (const host of ['127.0.0.1:8000', 'localhost:18000', '[::1]:8000', '127.0.0.1']) t.match(consent(host), 'a program on this computer', host)
  for (const host of ['127.0.0.1.evil.example', 'localhost.evil.example:80', 'evil.example', 'x127.0.0.1']) t.notMatch(consent(host), 'a program on this computer', host)
})

test('a client with a secret offers only the kubeconfig with the token', async t => {
  const variants = (name: string): string[] => [...everyPage().get(name)!.matchAll(/href="\/clients\/production\/kubeconfig\/(\w+)"/g)].map(match => match[1]!)
  t.strictSame(variants('client'), ['login', 'kubelogin', 'token'])
  t.strictSame(variants('client-confidential'), ['token'])
})

test('every link stays below the path of the issuer', async t => {
  const pages = everyPage(ORDINARY, createPages({ base: '/sign/in', clock: () => NOW }))
  for (const [name, document] of pages) {
    const targets = [...document.matchAll(/(?:href|src)="([^"]+)"/g)].map(match => match[1]!)
    t.strictSame(targets.filter(target => !target.startsWith('/sign/in/')), [], name)
    for (const target of targets.filter(target => target.includes('/assets/'))) t.ok(assets.has(target.slice('/sign/in'.length)), target)
  }
})

test('an ID in a link is encoded', async t => {
  t.match(everyPage({ ...ORDINARY, clientId: '../a?b#c' }).get('home'), 'href="/clients/..%2Fa%3Fb%23c"')
})

test('assets are text of a type that browsers accept with nosniff', async t => {
  t.strictSame([...assets].map(([path, { type }]) => [path.replace(/[0-9a-f]{16}/, 'DIGEST'), type]), [
    ['/assets/DIGEST.css', 'text/css; charset=utf-8'],
    ['/assets/DIGEST.js', 'text/javascript; charset=utf-8'],
    ['/assets/DIGEST.svg', 'image/svg+xml']
  ])
})

test('every error says what to do', async t => {
  for (const [name, error] of Object.entries(ERRORS)) {
    const page = createPages({ base: '' }).error(error)
    for (const text of [error.title, error.message, error.advice]) t.ok(page.includes(text), name)
  }
})

test('how far away a time is', t => {
  const seconds = (count: number): string => /\((.*)\)/.exec(time(new Date(NOW + count * 1000), NOW))![1]!
  for (const [distance, words] of [
    [36_000, 'in 10 hours'], [35_999, 'in 10 hours'], [7_200, 'in 2 hours'], [7_100, 'in 118 minutes'], [61, 'in 1 minute'], [29, 'in less than a minute'],
    [0, 'just now'], [-29, 'just now'], [-31, '1 minute ago'], [-90, '1 minute ago'], [-7_200, '2 hours ago']
  ] as const) t.equal(seconds(distance), words, String(distance))
  t.match(time(new Date(Date.UTC(2026, 10, 26, 19, 30)), NOW), '<time datetime="2026-11-26T19:30:00.000Z">26 November 2026 at 19:30 UTC</time>')
  t.end()
})
