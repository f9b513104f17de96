/** An outage of the store or of a directory is told as one, at every step; never as a denial. */
import * as client from 'openid-client'
import { test } from 'tap'
import { approve, authorizationRequest, authorize, exchange, failureOf, signIn, startLogin, type TestLogin } from '../fixtures/login.js'
import { alice } from '../fixtures/people.js'
import { readForm } from '../fixtures/plain-pages.js'

const UNAVAILABLE = { status: 503, page: 'error', model: { title: 'Sign-in is unavailable' } }

/** @returns what ends the outage */
function storeDown (login: TestLogin): () => void {
  login.store.fails = () => true
  return () => { login.store.fails = () => false }
}

function directoryDown ({ directory }: TestLogin): () => void {
  directory.down = true
  return () => { directory.down = false }
}

void test('the store is down', async t => {
  const login = await startLogin(t)
  const flow = await authorizationRequest(await login.client())
  const { config, url } = flow
  const browser = login.browser()
  let up = storeDown(login)
  t.match(await browser.get(url), UNAVAILABLE, 'at the start')
  t.match(await failureOf(client.initiateDeviceAuthorization(config, { scope: 'openid' })), { status: 503, error: 'temporarily_unavailable' })
  up()
  const page = await browser.get(url)
  up = storeDown(login)
  t.match(await browser.get(page.url), UNAVAILABLE, 'on the page')
  t.match(await signIn(browser, page), UNAVAILABLE, 'when the password is submitted')
  up()
  login.store.fails = (operation, key) => operation === 'set' && key.includes(':Interaction:')
  t.match(await signIn(browser, page), UNAVAILABLE, 'after the password was checked')
  login.store.fails = (operation, key) => operation === 'set' && key.includes(':Session:')
  t.match(await signIn(browser, page), UNAVAILABLE, 'when the session begins')
  up()
  const consent = await signIn(browser, await browser.get(url))
  up = storeDown(login)
  t.match(await approve(browser, consent), UNAVAILABLE, 'on consent')
  up()
  const { left } = await approve(browser, consent)
  for (const failing of ['AuthorizationCode:id', 'AuthorizationCode:consumed', 'Grant:id', 'Session:uid']) {
    login.store.fails = (_operation, key) => key.includes(failing)
    t.match(await failureOf(exchange(flow, left!)), { status: 503, error: 'temporarily_unavailable' }, failing)
  }
  up()
  t.ok((await exchange(flow, left!)).id_token, 'and the code is still good')
  up = storeDown(login)
  t.match(await browser.get('/'), UNAVAILABLE)
  t.match(await browser.get('/clients/production'), UNAVAILABLE)
  t.match(await browser.get('/session/end'), UNAVAILABLE)
  t.match(await browser.get('/device'), UNAVAILABLE)
  up()
  const device = readForm((await browser.get('/device')).model['form'])
  up = storeDown(login)
  t.match(await browser.post(device.action, { ...device.fields, user_code: 'BBBB-BBBB' }), UNAVAILABLE)
  t.equal((await browser.get('/.well-known/openid-configuration')).status, 200)
  t.notMatch(login.lines.join(''), /bug of authn-webhook/)
})

void test('the directory is down', async t => {
  const login = await startLogin(t)
  const flow = await authorizationRequest(await login.client())
  const browser = login.browser()
  const page = await browser.get(flow.url)
  let up = directoryDown(login)
  t.match(await signIn(browser, page), { status: 503, page: 'signIn', model: { problem: 'unavailable' } })
  t.match(await failureOf(client.genericGrantRequest(flow.config, 'password', { username: 'alice', password: alice.password })), { status: 503, error: 'temporarily_unavailable' })
  t.match(login.events.map(({ outcome, reason }) => [outcome, reason]), [['unavailable', 'failed'], ['unavailable', 'failed']])
  up()
  const redirect = await authorize(browser, flow.url)
  up = directoryDown(login)
  t.match(await failureOf(exchange(flow, redirect)), { status: 503, error: 'temporarily_unavailable' }, 'when the token is issued')
  t.match(await browser.get(flow.url), UNAVAILABLE, 'in a session')
  t.match(await browser.get('/'), UNAVAILABLE)
  up()
  t.ok((await exchange(flow, await authorize(browser, flow.url))).id_token, 'the session goes on')
  t.notMatch(login.lines.join(''), /bug of authn-webhook/)
})
