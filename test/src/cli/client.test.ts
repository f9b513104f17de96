/** What the client of `review` and `doctor` makes of servers that answer oddly, too much, or never to the end. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { test, type Test } from 'tap'
import { postReview, requestReview, type Target } from '../../../src/cli/client.js'
import { CommandError, ExitCode } from '../../../src/cli/command-error.js'
import { authority, serving, V1 } from '../../fixtures/service.js'

const TOKEN = 'canary-token'

/** A server that reads a request, and then does what a test says. */
async function answering (t: Test, answer: (socket: TLSSocket) => void): Promise<Target> {
  const server = createServer(serving, socket => {
    socket.on('error', () => {})
    t.teardown(() => { socket.destroy() })
    socket.once('data', () => { answer(socket) })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  return { server: new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/authenticate`), ca: authority.cert }
}

function http (code: number, body: string): string {
  return `HTTP/1.1 ${code} X\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

function review (status: unknown): string {
  return http(200, JSON.stringify({ apiVersion: V1, kind: 'TokenReview', status }))
}

/** The same piece, each time the last one has left. */
function forever (socket: TLSSocket, piece: string): void {
  socket.write(piece, () => { if (!socket.destroyed) setImmediate(forever, socket, piece) })
}

function slowly (socket: TLSSocket, piece: string): void {
  const timer = setInterval(() => { socket.write(piece) }, 20)
  socket.on('close', () => { clearInterval(timer) })
}

const MEBIBYTE = 'x'.repeat(1024 * 1024)

const floods: Array<[what: string, answer: (socket: TLSSocket) => void, message: RegExp, timeout?: number]> = [
  ['a body without end', socket => { socket.write('HTTP/1.1 200 OK\r\n\r\n'); forever(socket, MEBIBYTE) }, /larger than 3 MiB/],
  ['a long one', socket => { socket.end(http(200, MEBIBYTE.repeat(4))) }, /larger than 3 MiB/],
  ['headers without end', socket => { socket.write('HTTP/1.1 200 OK\r\n'); forever(socket, `x: ${MEBIBYTE}\r\n`) }, /Header overflow/i],
  ['a body, bit by bit', socket => { socket.write('HTTP/1.1 200 OK\r\n\r\n'); slowly(socket, 'x') }, /no response within 0\.3 s/, 300],
  ['a header, bit by bit', socket => { socket.write('HTTP/1.1 200 OK\r\nx: '); slowly(socket, 'x') }, /no response within 0\.3 s/, 300],
  ['100 Continue, again and again', socket => { slowly(socket, 'HTTP/1.1 100 Continue\r\n\r\n') }, /no response within 0\.3 s/, 300],
  ['nothing', () => {}, /no response within 0\.3 s/, 300],
  ['another protocol', socket => { socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n') }, /closed without a response/],
  ['half an answer', socket => { socket.end(http(200, 'whole').slice(0, -1)) }, /aborted/]
]

test('an answer has bounds, in bytes and in time', async t => {
  for (const [what, answer, message, timeout] of floods) {
    await t.test(what, async t => {
      const error = await postReview(await answering(t, answer), V1, { token: TOKEN }, timeout).catch((error: Error) => error)
      t.match(error, { message, exitCode: ExitCode.unavailable })
      t.ok(error instanceof CommandError)
    })
  }
})

test('what can not be sent at all is no bug of ours', async t => {
  const target = await answering(t, () => {})
  t.match(await postReview({ ...target, authorization: 'a\nb' }, V1, { token: TOKEN }).catch((error: Error) => error), { name: 'CommandError', exitCode: ExitCode.unavailable })
})

test("a server's words are cut, and the token in them is not shown", async t => {
  const message = `${TOKEN} ${'!'.repeat(100_000)}`
  const target = await answering(t, socket => { socket.end(http(401, JSON.stringify({ kind: 'Status', message }))) })
  const { message: words } = await requestReview(target, V1, { token: TOKEN }).catch((error: Error) => error) as Error
  t.match(words, /: HTTP 401: <token> !{200,300}…$/)
  const unavailable = await answering(t, socket => { socket.end(review({ error: message })) })
  t.match((await requestReview(unavailable, V1, { token: TOKEN })).error, /^<token> !{200,300}…$/)
})

const alice = { username: 'alice' }
const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`

const undecodable: Array<[status: unknown, field: RegExp]> = [
  [undefined, /status must be object/],
  [null, /status must be object/],
  [[], /status must be object/],
  [{ authenticated: 'no', user: alice }, /status\.authenticated must be boolean/],
  [{ authenticated: true, user: 'x' }, /status\.user must be object/],
  [{ authenticated: true, user: { username: { toString: 1 } } }, /status\.user\.username must be string/],
  [{ authenticated: true, user: { ...alice, uid: 1 } }, /status\.user\.uid must be string/],
  [{ authenticated: true, user: { ...alice, groups: 'g' } }, /status\.user\.groups must be array/],
  [{ authenticated: true, user: { ...alice, groups: [{ toString: 1 }] } }, /status\.user\.groups\.0 must be string/],
  [{ authenticated: true, user: { ...alice, groups: Array(500_000).fill(1) } }, /status\.user\.groups\.0 must be string/],
  [{ authenticated: true, user: { ...alice, extra: [] } }, /status\.user\.extra must be object/],
  [{ authenticated: true, user: { ...alice, extra: { a: 'b' } } }, /status\.user\.extra\.a must be array/],
  [{ authenticated: true, user: { ...alice, extra: { 'a\nb': 'b' } } }, /status\.user\.extra\.a\nb must be array/],
  [{ authenticated: true, user: { ...alice, extra: { a: [1] } } }, /status\.user\.extra\.a\.0 must be string/],
  [{ authenticated: true, user: alice, audiences: 'x' }, /status\.audiences must be array/],
  [{ error: { toString: null } }, /status\.error must be string/]
]

const decodable: Array<[status: object, read: object]> = [
  [{}, { authenticated: false }],
  [{ authenticated: null, user: {}, error: '' }, { authenticated: false }],
  [{ authenticated: true }, { authenticated: true, user: { username: '' } }],
  [{ authenticated: true, user: null }, { authenticated: true, user: { username: '' } }],
  [{ authenticated: true, user: { ...alice, groups: null, extra: { a: null, b: ['c'] } }, audiences: null }, { authenticated: true, user: { ...alice, extra: { a: [], b: ['c'] } } }],
  [{ authenticated: true, user: { ...alice, uid: '1', groups: ['g'] }, audiences: ['a'], more: 1 }, { authenticated: true, user: { ...alice, uid: '1', groups: ['g'] }, audiences: ['a'] }]
]

test('a status is read as an API server reads it', async t => {
  for (const [status, field] of undecodable) {
    const target = await answering(t, socket => { socket.end(review(status)) })
    await t.rejects(requestReview(target, V1, { token: TOKEN }), { message: field, exitCode: ExitCode.unavailable }, JSON.stringify(status)?.slice(0, 99))
  }
  for (const [status, read] of decodable) {
    const target = await answering(t, socket => { socket.end(review(status)) })
    t.strictSame(await requestReview(target, V1, { token: TOKEN }), read)
  }
})

test('an answer that is no TokenReview of the version that was asked', async t => {
  for (const [body, message] of [
    ['{"apiVersion":"authentication.k8s.io/v1beta1","kind":"TokenReview","status":{}}', /has apiVersion authentication\.k8s\.io\/v1beta1, which an API server can't decode/],
    ['{"apiVersion":{"toString":1},"kind":"TokenReview","status":{}}', /has no apiVersion/],
    [`{"apiVersion":"${V1}","kind":"TokenReview","status":${deep}}`, /status must be object/],
    ['null', /HTTP 200: not a TokenReview/],
    ['[]', /HTTP 200: not a TokenReview/]
  ] as const) {
    const target = await answering(t, socket => { socket.end(http(200, body)) })
    await t.rejects(requestReview(target, V1, { token: TOKEN }), { message, exitCode: ExitCode.unavailable })
  }
})
