/** Requests over HTTP/2: the frames of one stream, each to be written as a whole. */
import { body, CANARY, legitimate, type Body } from './bodies.js'
import { fieldBlock, Flag, frame, integer, LITERAL, Type, word, type Field } from './frames.js'
import type { Random } from './random.js'

/** Frames of a stream whose number is told when the first of them is written. */
export interface StreamPlan {
  readonly frames: ReadonlyArray<(stream: number) => Buffer>
  /** Who may be authenticated by it. */
  readonly bearer?: string | undefined
  /** Whether it ends well and has to be answered. */
  readonly due: boolean
}

const REQUEST: readonly Field[] = [[':method', 'POST'], [':scheme', 'https'], [':path', '/authenticate?timeout=30s'], [':authority', 'localhost']]
const JSON_TYPE: Field = ['content-type', 'application/json']

/** As the API server sends it. */
export function reviewStream (random: Random, sent: Body = legitimate(random)): StreamPlan {
  const bytes = Buffer.from(sent.text, sent.due === true ? 'utf8' : 'latin1')
  const fields: Field[] = [...REQUEST, JSON_TYPE, ['content-length', String(bytes.length)], ['accept', 'application/json, */*'], ['user-agent', 'kube-apiserver/v1.36'], ['accept-encoding', 'gzip']]
  return {
    frames: [headers(random, fields, 0), ...dataFrames(random, bytes, true)],
    bearer: sent.bearer,
    due: sent.due === true
  }
}

/** Anything that begins with HEADERS which a parser takes; where it is `wild`, also what ends the whole connection. */
export function oddStream (random: Random, wild: boolean): StreamPlan {
  const sent = body(random)
  const bytes = Buffer.from(sent.text, 'latin1')
  const withoutBody = random.chance(0.3)
  const fields = oddFields(random, bytes.length)
  const frames = [headers(random, fields, withoutBody ? Flag.endStream : 0)]
  const ends = random.chance(0.7)
  if (!withoutBody) frames.push(...dataFrames(random, bytes, ends))
  if ((wild || !(withoutBody || ends)) && random.chance(0.3)) frames.push(trailers(random))
  if (random.chance(0.3)) frames.splice(random.between(1, frames.length), 0, stream => frame(Type.reset, 0, stream, word(errorCode(random))))
  return { frames, bearer: sent.bearer, due: false }
}

function oddFields (random: Random, length: number): Field[] {
  const fields: Field[] = [
    [':method', random.weighted([[60, 'POST'], [8, 'GET'], [6, 'HEAD'], [6, 'OPTIONS'], [6, 'CONNECT'], [4, 'PUT'], [2, 'post'], [2, 'TRACE'], [2, 'PRI'], [2, 'A'.repeat(300)], [2, random.pick(['', 'X-Y', 'PROPFIND', 'QUERY', 'SEARCH', 'M-SEARCH'])]])],
    [':scheme', random.weighted([[80, 'https'], [8, 'http'], [4, ''], [4, 'ftp']])],
    [':path', random.weighted([[60, '/authenticate'], [10, '/authenticate?timeout=1ms'], [20, oddPath(random)], [5, '*'], [5, '/livez']])],
    [':authority', random.weighted([[80, 'localhost'], [10, ''], [10, 'user@[::1]:99999']])]
  ]
  if (random.chance(0.8)) fields.push(random.chance(0.8) ? JSON_TYPE : ['content-type', random.pick(['text/plain', 'application/json; charset=utf-7', '', 'application/json;', 'multipart/form-data; boundary=', ';', 'application/x-www-form-urlencoded', 'a/b'.repeat(500)])])
  if (random.chance(0.35)) fields.push(['expect', random.weighted([[10, '100-continue'], [2, '200-ok'], [1, '100-Continue'], [1, '']])])
  if (random.chance(0.3)) fields.push(['content-length', random.weighted([[10, String(length)], [1, '0'], [1, '99999999999999999999'], [1, '-1'], [1, String(length + 1)]])])
  for (let more = random.below(4); more > 0; more--) fields.push(oddField(random))
  if (random.chance(0.06)) fields.splice(random.below(4), 1)
  if (random.chance(0.04)) fields.push(random.pick(fields))
  return fields
}

function oddPath (random: Random): string {
  return random.pick([
    '', '/', '//', '/authenticate/', '/authenticate//', '/AUTHENTICATE', '/%61uthenticate', '/authenticate%', '/authenticate?%', '/authenticate?timeout=', '/authenticate?timeout=0s&timeout=-1s',
    '/authenticate?timeout[]=1s', '/authenticate?__proto__=1', '/authenticate;a=b', '/authenticate#x', '/../authenticate', '/%2e%2e/authenticate', '/authenticate\u0000', '/authenticate\\', 'authenticate',
    'https://localhost/authenticate', 'https://[::', '/%ff', '/%c0%af', '/metrics', '/readyz?verbose', `/${'a'.repeat(9_000)}`, `/${CANARY}path?token=${CANARY}query`, '/authenticate?timeout=99999999999999999999h', '/\u00e9', '/authenticate?'.repeat(50)
  ])
}

function oddField (random: Random): Field {
  return random.pick<() => Field>([
    () => ['te', random.pick(['trailers', 'gzip', ''])],
    () => ['cookie', `a=${CANARY}cookie; b=`],
    () => ['authorization', `Bearer ${CANARY}authorization`],
    () => ['accept', '*/*,'.repeat(random.between(1, 100))],
    () => ['content-encoding', random.pick(['gzip', 'br', 'identity'])],
    () => ['host', random.pick(['', 'other', 'a, b'])],
    () => ['x-forwarded-for', `127.0.0.1${',1'.repeat(random.below(50))}`],
    () => ['priority', 'u=9,i=?2'],
    () => [random.pick(['__proto__', 'constructor', 'hasownproperty', 'x-remote-user', 'x-remote-group']), random.pick(['', 'system:masters', 'x'])],
    () => ['accept-version', random.pick(['1.0.0', '*', '', '1.x'])],
    () => ['x', 'y'.repeat(random.pick([1, 1_000, 8_000]))],
    () => ['transfer-encoding', 'chunked'],
    () => ['connection', random.pick(['close', 'upgrade', 'keep-alive'])],
    () => [random.pick(['X-Upper', 'sp ace', '', ':odd', 'nul\u0000', 'é']), 'x'],
    () => ['x', random.pick(['\u0000', 'a\r\nb: c', ' x ', '\u00ff'])],
    () => [':protocol', 'websocket'],
    () => [':status', '200']
  ])()
}

type Frames = (stream: number) => Buffer

/** Of a frame, with its padding and priority. */
const MOST = 16_370

/** One HEADERS frame, or with CONTINUATION, padding, priority. */
function headers (random: Random, fields: readonly Field[], flags: number): Frames {
  const block = blockOf(random, fields)
  const style = random.below(20)
  return stream => {
    if (block.length > MOST || (style === 0 && block.length > 4)) {
      const cut = block.length > MOST ? MOST : 1 + block.length % 3
      return Buffer.concat([frame(Type.headers, flags, stream, block.subarray(0, cut)), frame(Type.continuation, Flag.endHeaders, stream, block.subarray(cut))])
    }
    if (style === 1) return frame(Type.headers, flags | Flag.endHeaders | Flag.padded, stream, Buffer.concat([Buffer.from([3]), block, Buffer.alloc(3)]))
    if (style === 2) return frame(Type.headers, flags | Flag.endHeaders | Flag.priority, stream, Buffer.concat([word(0), Buffer.from([15]), block]))
    return frame(Type.headers, flags | Flag.endHeaders, stream, block)
  }
}

function blockOf (random: Random, fields: readonly Field[]): Buffer {
  const block = fieldBlock(fields, random.weighted([[8, LITERAL.plain], [3, LITERAL.indexed], [1, LITERAL.never]]))
  return random.chance(0.03) ? Buffer.concat([integer(random.pick([0, 100, 4_096]), 5, 0x20), block]) : block
}

function dataFrames (random: Random, bytes: Buffer, ends: boolean): Frames[] {
  const frames: Frames[] = []
  const most = bytes.length > 1_000 ? random.pick([16_384, 16_384, 4_000]) : random.pick([16_384, 16_384, 100])
  for (let at = 0; at < bytes.length; at += most) {
    const piece = bytes.subarray(at, at + most)
    frames.push(piece.length <= MOST && random.chance(0.05)
      ? stream => frame(Type.data, Flag.padded, stream, Buffer.concat([Buffer.from([9]), piece, Buffer.alloc(9)]))
      : stream => frame(Type.data, 0, stream, piece))
  }
  if (ends) frames.push(stream => frame(Type.data, Flag.endStream, stream))
  return frames
}

function trailers (random: Random): Frames {
  const block = fieldBlock(random.chance(0.7) ? [['x-trailer', 'x']] : [random.pick<Field>([[':path', '/'], ['content-length', '3'], ['transfer-encoding', 'chunked'], ['expect', '100-continue']])])
  const flags = Flag.endHeaders | (random.chance(0.8) ? Flag.endStream : 0)
  return stream => frame(Type.headers, flags, stream, block)
}

export function errorCode (random: Random): number {
  return random.weighted([[6, 8], [2, 0], [2, random.below(14)], [1, 0xffff_ffff]])
}
