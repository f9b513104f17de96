/** One HTTP/1.1 connection of the fuzzer: requests behind each other, right ones and those that parsers disagree on. */
import { body, CANARY, legitimate } from './bodies.js'
import type { Client, Ending } from './http2-case.js'
import type { Random } from './random.js'

export interface Http1Plan {
  readonly client: Client
  readonly inputs: number
  readonly writes: readonly Buffer[]
  readonly ending: Exclude<Ending, 'goaway'>
  /** Who may be authenticated by each answer, in the order of requests; beyond the last, nobody. */
  readonly bearers: ReadonlyArray<string | undefined>
  /** How many answers are due: everything up to them is in order. */
  readonly due: number
}

/** A connection with more requests in flight is closed without an answer to them. */
const MAX_PIPELINED = 8

interface Piece {
  readonly bytes: Buffer
  /** Of each request in it, as RFC 9112 reads it. */
  readonly bearers: ReadonlyArray<string | undefined>
  /** Whether it is a right request that has to be answered. */
  readonly right: boolean
}

export function http1Plan (random: Random): Http1Plan {
  const count = random.weighted([[6, random.between(1, 4)], [3, random.between(4, 20)]])
  const calm = random.chance(0.3)
  const pieces = Array.from({ length: count }, () => calm || random.chance(0.4) ? right(random, calm && random.chance(0.4)) : random.weighted(ODDITIES)(random))
  const wrong = pieces.findIndex(piece => !piece.right)
  const whole = Buffer.concat(pieces.map(({ bytes }) => bytes))
  const ending = random.weighted<Http1Plan['ending']>([[9, 'wait'], [2, 'reset'], [1, 'abort'], [1, 'half-close'], [1, 'close']])
  return {
    client: random.weighted<Client>([[6, 'api-server'], [1, 'stranger'], [3, 'nobody']]),
    inputs: count,
    writes: cut(random, whole),
    ending,
    bearers: pieces.flatMap(({ bearers }) => bearers),
    due: ending === 'wait' && wrong === -1 && count <= MAX_PIPELINED ? count : 0
  }
}

/** A review that is understood, legitimate unless its body is `odd`. */
function right (random: Random, odd: boolean): Piece {
  const sent = odd ? body(random) : legitimate(random)
  const bytes = Buffer.from(sent.text, sent.due === true ? 'utf8' : 'latin1')
  const head = ['POST /authenticate?timeout=30s HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', 'Accept: application/json, */*']
  const chunked = random.chance(0.3)
  if (random.chance(0.1)) head.push('Expect: 100-continue')
  head.push(chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${bytes.length}`)
  return {
    bytes: Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), chunked ? chunks(random, bytes) : bytes]),
    bearers: [sent.bearer],
    // a body that is refused ends the connection
    right: sent.due === true
  }
}

function chunks (random: Random, bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const length = Math.min(bytes.length - at, random.pick([1, 7, 100, 5_000]))
    parts.push(Buffer.from(`${length.toString(16)}${random.chance(0.1) ? `;x=${CANARY}` : ''}\r\n`), bytes.subarray(at, at + length), Buffer.from('\r\n'))
    at += length
    if (parts.length > 60 && at < bytes.length) {
      parts.push(Buffer.from(`${(bytes.length - at).toString(16)}\r\n`), bytes.subarray(at), Buffer.from('\r\n'))
      break
    }
  }
  return Buffer.concat([...parts, Buffer.from(random.chance(0.1) ? '0\r\nX-Trailer: x\r\n\r\n' : '0\r\n\r\n')])
}

const ODDITIES: ReadonlyArray<readonly [number, (random: Random) => Piece]> = [
  [4, oddHead],
  [3, smuggled],
  [2, oddChunks],
  [2, half],
  [1, random => ({ bytes: random.bytes(random.between(1, 300)), bearers: [], right: false })]
]

/** Whose body is a right review, which may be read or not. */
function oddHead (random: Random): Piece {
  const sent = legitimate(random)
  const method = random.weighted([[6, 'POST'], [1, random.pick(['GET', 'HEAD', 'OPTIONS', 'CONNECT', 'TRACE', 'PRI', 'post', 'M-SEARCH', 'QUERY', '', 'A'.repeat(200), 'PO ST'])]])
  const path = random.weighted([[4, '/authenticate'], [3, random.pick(['*', '', '/', '//authenticate', 'http://other/authenticate', 'https://localhost/authenticate', '/authenticate#x', '/%', '/%ff', '/authenticate\u0000', '/auth enticate', `/${CANARY}path`, `/${'a'.repeat(9_000)}`, `/${'a'.repeat(20_000)}`, 'localhost:443', '/authenticate?timeout=-1s&timeout=1s'])]])
  const version = random.weighted([[8, 'HTTP/1.1'], [1, random.pick(['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.2', 'HTTP/11', 'http/1.1', '', 'HTTP/1.1 x', 'ICE/1.0', 'RTSP/1.0'])]])
  const fields = ['Host: localhost', 'Content-Type: application/json', `Content-Length: ${Buffer.byteLength(sent.text)}`]
  for (let more = random.between(0, 3); more > 0; more--) fields.splice(random.below(fields.length + 1), 0, oddField(random))
  if (random.chance(0.1)) fields.splice(random.below(fields.length), 1)
  const end = random.weighted([[9, '\r\n'], [1, '\n'], [1, '\r']])
  return { bytes: Buffer.from(`${random.chance(0.05) ? '\r\n\r\n' : ''}${method} ${path} ${version}${end}${fields.join(end)}${end}${end}${sent.text}`, 'latin1'), bearers: [sent.bearer], right: false }
}

function oddField (random: Random): string {
  return random.pick([
    'Expect: 100-continue', 'Expect: 200-ok', 'Expect:', 'Connection: close', 'Connection: upgrade', 'Connection: keep-alive, Upgrade', 'Upgrade: h2c', 'Upgrade: websocket', 'HTTP2-Settings: AAMAAABkAAQAAP__',
    'Host: a', 'Host:', 'TE: trailers', 'Trailer: Content-Length', 'Content-Type: text/plain', 'Content-Type:', 'Content-Encoding: gzip', 'Content-Length: 5', 'Content-Length: -1', 'Content-Length: 0x10', 'Content-Length: 1e3', 'Content-Length: ', 'Content-Length: 99999999999999999999', 'Content-Length: 5, 5',
    'X: y\r\n folded', ' X: leading', 'X : spaced', 'X', ': x', 'X\u0000: y', 'X: \u0000', 'X: \u00ff', 'Keep-Alive: timeout=99999', `Cookie: ${CANARY}cookie`, `Authorization: Bearer ${CANARY}bearer`, `X: ${'y'.repeat(random.pick([1_000, 17_000]))}`,
    Array.from({ length: random.pick([50, 1_000]) }, (_, index) => `H${index}: x`).join('\r\n'), '__proto__: x', 'constructor: x', 'Accept-Version: 1.x', 'Max-Forwards: 0', 'X-Remote-User: system:admin'
  ])
}

const SECRET_REVIEW = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'canary-alice-token-5f0c9e7d2b4a8163' } })
const INNER = `POST /authenticate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${SECRET_REVIEW.length}\r\n\r\n${SECRET_REVIEW}`

/** A request in the body of another, for a parser that takes the wrong length. Nobody is authenticated by the inner one. */
function smuggled (random: Random): Piece {
  const both = random.pick([
    ['Content-Length: @', 'Transfer-Encoding: chunked'],
    ['Transfer-Encoding: chunked', 'Content-Length: @'],
    ['Content-Length: @', 'Transfer-Encoding : chunked'],
    ['Content-Length: @', 'Transfer-Encoding: xchunked'],
    ['Content-Length: @', 'Transfer-Encoding:\tchunked'],
    ['Content-Length: @', 'Transfer-Encoding: chunked, identity'],
    ['Content-Length: @', 'Transfer-Encoding: identity, chunked'],
    ['Content-Length: @', '\ttransfer-encoding: chunked'],
    ['Content-Length: @', 'X: y\rTransfer-Encoding: chunked'],
    ['Content-Length: @', 'X: y\nTransfer-Encoding: chunked'],
    ['Content-Length: 0', 'Content-Length: @'],
    ['Content-Length: @', 'Content-Length: 0'],
    ['Content-Length: +@'],
    ['Content-Length: @ 0'],
    ['Content-Length: 0\u000b, @']
  ])
  const text = random.chance(0.5) ? `0\r\n\r\n${INNER}` : INNER
  const head = ['POST /authenticate HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', ...both.map(field => field.replace('@', String(text.length)))]
  return { bytes: Buffer.from(`${head.join('\r\n')}\r\n\r\n${text}`, 'latin1'), bearers: [undefined], right: false }
}

function oddChunks (random: Random): Piece {
  const { text, bearer } = legitimate(random)
  const length = Buffer.byteLength(text).toString(16)
  const framed = random.pick([
    `${length}\n${text}\n0\n\n`, `${length}\r\n${text}0\r\n\r\n`, `0x${length}\r\n${text}\r\n0\r\n\r\n`, `-${length}\r\n${text}\r\n0\r\n\r\n`, `${length} \r\n${text}\r\n0\r\n\r\n`, `000000000000000000000${length}\r\n${text}\r\n0\r\n\r\n`,
    `ffffffffffffffff\r\n${text}`, `${length};${'x'.repeat(17_000)}\r\n${text}\r\n0\r\n\r\n`, `${length}\r\n${text}\r\n0\r\nContent-Length: 5\r\n\r\n`, `${length}\r\n${text}\r\n0\r\nX: ${'y'.repeat(17_000)}\r\n\r\n`, `\r\n${length}\r\n${text}`, `${length};a="\r\n"\r\n${text}\r\n0\r\n\r\n`, `${length}\r\n${text}\r\n0\r\n`
  ])
  return { bytes: Buffer.from(`POST /authenticate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${framed}`), bearers: [bearer], right: false }
}

/** What stops in the middle, of the head or of the body. */
function half (random: Random): Piece {
  const { bytes, bearers } = right(random, false)
  return { bytes: bytes.subarray(0, random.below(bytes.length)), bearers, right: false }
}

function cut (random: Random, whole: Buffer): Buffer[] {
  if (random.chance(0.6)) return [whole]
  const cuts = Array.from({ length: random.between(1, 6) }, () => random.below(whole.length + 1)).sort((a, b) => a - b)
  return [0, ...cuts].map((start, index) => whole.subarray(start, cuts[index] ?? whole.length)).filter(({ length }) => length > 0)
}
