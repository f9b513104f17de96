/** The listener to which the browser returns: what it answers, and to whom. */
import { once } from 'node:events'
import http, { request as startRequest, type IncomingHttpHeaders, type RequestListener, type Server, type ServerOptions } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test, type Test } from 'tap'
import { listenForCallback, type CallbackListener } from '../../../../src/credential-plugin/loopback/listener.js'
import { within } from '../../../fixtures/waiting.js'

const STATE = 'the-state-of-this-sign-in'
const forever = new AbortController().signal

interface Reply {
  readonly code: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

interface RequestParts {
  readonly method?: string
  /** What the request line says. */
  readonly path?: string
  readonly headers?: Record<string, string>
}

async function listen (t: Test, listenTo = listenForCallback): Promise<CallbackListener> {
  const listener = await listenTo(STATE)
  t.teardown(listener.close)
  return listener
}

async function send ({ redirectURI }: CallbackListener, { method = 'GET', path = `/callback?state=${STATE}&code=1`, headers = {} }: RequestParts = {}): Promise<Reply> {
  const request = startRequest(redirectURI, { method, path, headers, agent: false })
  request.end()
  const [response] = await once(request, 'response')
  return { code: response.statusCode, headers: response.headers, body: await text(response) }
}

/** All but the answer to a right callback. */
const REFUSED: ReadonlyArray<readonly [name: string, parts: RequestParts, code: number]> = [
  ['another state', { path: '/callback?state=another&code=1' }, 400],
  ['a state of the same length', { path: `/callback?state=${'x'.repeat(STATE.length)}&code=1` }, 400],
  ['the beginning of the state', { path: `/callback?state=${STATE.slice(0, -1)}&code=1` }, 400],
  ['the state and more', { path: `/callback?state=${STATE}x&code=1` }, 400],
  ['an empty state', { path: '/callback?state=&code=1' }, 400],
  ['no state', { path: '/callback?code=1' }, 400],
  ['no parameters', { path: '/callback' }, 400],
  ['POST', { method: 'POST' }, 405],
  ['HEAD', { method: 'HEAD' }, 405],
  ['PUT', { method: 'PUT' }, 405],
  ['OPTIONS, as a page elsewhere asks for permission', { method: 'OPTIONS', headers: { origin: 'https://evil.example.com', 'access-control-request-method': 'GET' } }, 405],
  ['the root', { path: `/?state=${STATE}` }, 404],
  ['a path below', { path: `/callback/?state=${STATE}` }, 404],
  ['a path in capitals', { path: `/CALLBACK?state=${STATE}` }, 404],
  ['the icon of the page', { path: '/favicon.ico' }, 404],
  ['a name that points here', { headers: { host: 'evil.example.com' } }, 400],
  ['localhost, which can be another address', { headers: { host: 'localhost' } }, 400],
  ['the address without the port', { headers: { host: '127.0.0.1' } }, 400],
  ['an absolute URL', { path: `http://evil.example.com/callback?state=${STATE}` }, 400],
  ['an absolute URL without a scheme', { path: `//evil.example.com/callback?state=${STATE}` }, 400],
  ['a URL that is none', { path: `//[/callback?state=${STATE}` }, 400],
  ['an asterisk', { method: 'OPTIONS', path: '*' }, 400]
]

function assertHeaders (t: Test, { headers }: Reply, name: string): void {
  const policy = String(headers['content-security-policy'])
  t.match(policy, /^default-src 'none'; style-src 'sha256-[\w+/]+=*'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'$/, name)
  t.match(headers, { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'content-type': 'text/html; charset=utf-8', connection: 'close' }, name)
  t.notOk('access-control-allow-origin' in headers, name)
}

void test('only the callback of this sign-in ends the wait', async t => {
  const listener = await listen(t)
  const waited = listener.wait(forever)
  for (const [name, parts, code] of REFUSED) {
    const reply = await send(listener, parts)
    t.equal(reply.code, code, name)
    t.equal(reply.headers.allow, code === 405 ? 'GET' : undefined, name)
    assertHeaders(t, reply, name)
    t.notMatch(reply.body, STATE, name)
    t.equal(reply.body === '', parts.method === 'HEAD', name)
  }
  const reply = send(listener, { path: `/callback?state=${STATE}&code=the-code&iss=https%3A%2F%2Flogin.example.com` })
  const { url, answer } = await waited
  t.equal(url.href, `${listener.redirectURI}?state=${STATE}&code=the-code&iss=https%3A%2F%2Flogin.example.com`)
  await answer()
  const signedIn = await reply
  t.equal(signedIn.code, 200)
  t.match(signedIn.body, '<p>You are signed in. You can close this tab.</p>')
  assertHeaders(t, signedIn, 'signed in')
})

void test('the page of an error shows its text, and runs nothing of it', async t => {
  const listener = await listen(t)
  const reply = send(listener)
  const { answer } = await listener.wait(forever)
  await answer('refused: <script>alert("1")</script> & <img src=x onerror=\'alert(2)\'>')
  const { code, body, ...rest } = await reply
  t.equal(code, 400)
  t.match(body, '<p>refused: &#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62; &#38; &#60;img ')
  t.notMatch(body, /<script|<img/)
  assertHeaders(t, { code, body, ...rest }, 'error')
})

void test('the first callback counts; a second one gets the same page', async t => {
  const listener = await listenForCallback(STATE)
  const first = send(listener, { path: `/callback?state=${STATE}&code=first` })
  const { url, answer } = await listener.wait(forever)
  const second = send(listener, { path: `/callback?state=${STATE}&code=second` })
  // what has been sent before this has arrived before it
  await send(listener, { path: '/favicon.ico' })
  await answer('refused')
  t.strictSame(await second, { ...await first, headers: (await second).headers })
  t.equal((await first).code, 400)
  t.equal(url.searchParams.get('code'), 'first')
  t.equal((await listener.wait(forever)).url.searchParams.get('code'), 'first')
  await listener.close()
  await t.rejects(send(listener), { code: 'ECONNREFUSED' }, 'closed afterwards')
})

void test('a browser that is gone when its page is ready keeps nobody waiting', async t => {
  const listener = await listen(t)
  const { port, host } = new URL(listener.redirectURI)
  const socket = connect(Number(port), '127.0.0.1').on('error', () => {})
  socket.write(`GET /callback?state=${STATE} HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
  const { answer } = await listener.wait(forever)
  socket.destroy()
  // answered on a connection of its own, once the end of the first has been seen
  await send(listener, { path: '/favicon.ico' })
  await within(() => 'the answer to be dropped', answer())
})

void test('headers that are too large', async t => {
  const listener = await listen(t)
  const { code, body } = await send(listener, { headers: { cookie: 'x'.repeat(17 * 1024) } })
  t.strictSame([code, body], [431, ''])
})

void test('a request without a host', async t => {
  const { port } = new URL((await listen(t)).redirectURI)
  const socket = connect(Number(port), '127.0.0.1')
  socket.end(`GET /callback?state=${STATE} HTTP/1.0\r\n\r\n`)
  t.match(await text(socket), /^HTTP\/1\.1 400 /)
})

void test('the wait ends with the reason of its signal', async t => {
  const listener = await listen(t)
  const [before, during] = [AbortSignal.abort(new Error('stopped before')), new AbortController()]
  await t.rejects(listener.wait(before), { message: 'stopped before' })
  const waited = listener.wait(during.signal)
  during.abort(new Error('stopped'))
  await t.rejects(waited, { message: 'stopped' })
})

void test('listens on IPv4 loopback only', async t => {
  t.match((await listen(t)).redirectURI, /^http:\/\/127\.0\.0\.1:\d+\/callback$/)
})

/** node:http on a computer without IPv4. */
function withoutIPv4 (options: ServerOptions, listener: RequestListener): Server {
  const server = http.createServer(options, listener)
  const { listen } = server
  server.listen = function (this: Server, port: number, host: string) {
    if (host !== '127.0.0.1') return Reflect.apply(listen, this, [port, host])
    process.nextTick(() => { this.emit('error', Object.assign(new Error('listen EADDRNOTAVAIL'), { code: 'EADDRNOTAVAIL' })) })
    return this
  } as typeof listen
  return server
}

void test('listens on IPv6 loopback if there is no IPv4', async t => {
  const mocked = await t.mockImport<{ listenForCallback: typeof listenForCallback }>('../../../../src/credential-plugin/loopback/listener.js', { 'node:http': { ...http, createServer: withoutIPv4 } })
  const listener = await listen(t, mocked.listenForCallback)
  t.match(listener.redirectURI, /^http:\/\/\[::1\]:\d+\/callback$/)
  t.equal((await send(listener, { path: '/callback?state=another' })).code, 400)
  t.equal((await send(listener, { headers: { host: '[::1]' } })).code, 400)
  const reply = send(listener)
  const { answer } = await listener.wait(forever)
  await answer()
  t.equal((await reply).code, 200)
})
