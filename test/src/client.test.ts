/** What the client of `review` and `doctor` makes of servers that answer oddly, too much, or never to the end. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { test, type Test } from 'tap'
import { postReview, requestReview, type Target } from '../../src/client.js'
import { CommandError, ExitCode } from '../../src/errors.js'
import { authority, serving, V1 } from '../fixtures/service.js'

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
  ['a body, bit by bit', socket => { socket.write('HTTP/1.1 200 OK\r\n\r\n'); slowly(socket, 'x') }, /no answer in 0\.3 s/, 300],
  ['a header, bit by bit', socket => { socket.write('HTTP/1.1 200 OK\r\nx: '); slowly(socket, 'x') }, /no answer in 0\.3 s/, 300],
  ['100 Continue, again and again', socket => { slowly(socket, 'HTTP/1.1 100 Continue\r\n\r\n') }, /no answer in 0\.3 s/, 300],
  ['nothing', () => {}, /no answer in 0\.3 s/, 300],
  ['another protocol', socket => { socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n') }, /closed without an answer/],
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
  t.match(words, /: the answer is 401: <token> !{200,300}…$/)
})
