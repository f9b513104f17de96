/** Frames that come back on a connection, read as far as the rules need it. */
import { Flag, Type } from './frames.js'

export interface Reply {
  /** Not known where the service's table of fields hides it. */
  code: number | undefined
  body: Buffer[]
  ended: boolean
  /** Whether it ended by RST_STREAM. */
  reset: boolean
}

export class Replies {
  readonly streams = new Map<number, Reply>()
  readonly #waiting: Set<number>
  #rest: Buffer = Buffer.alloc(0)

  constructor (due: Iterable<number>) {
    this.#waiting = new Set(due)
  }

  /** Streams that are due and have not ended. */
  get missing (): number {
    return this.#waiting.size
  }

  read (chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (bytes.length >= 9) {
      const length = bytes.readUIntBE(0, 3)
      if (bytes.length < 9 + length) break
      this.#frame(bytes.readUInt8(3), bytes.readUInt8(4), bytes.readUInt32BE(5), bytes.subarray(9, 9 + length))
      bytes = bytes.subarray(9 + length)
    }
    this.#rest = bytes
  }

  #frame (type: number, flags: number, stream: number, payload: Buffer): void {
    if (stream === 0 || (type !== Type.headers && type !== Type.data && type !== Type.reset)) return
    let reply = this.streams.get(stream)
    if (reply === undefined) this.streams.set(stream, reply = { code: undefined, body: [], ended: false, reset: false })
    if (type === Type.headers) reply.code = statusOf(payload)
    if (type === Type.data) reply.body.push(payload)
    // after a whole answer it only says that the rest of the request isn't wanted (RFC 9113, 8.1)
    if (type === Type.reset && !reply.ended) reply.reset = true
    if (type === Type.reset || (flags & Flag.endStream) !== 0) this.#end(stream, reply)
  }

  #end (stream: number, reply: Reply): void {
    reply.ended = true
    this.#waiting.delete(stream)
  }
}

const STATUSES: Record<number, number> = { 0x88: 200, 0x89: 204, 0x8a: 206, 0x8b: 304, 0x8c: 400, 0x8d: 404, 0x8e: 500 }
// digits of the Huffman code (RFC 7541, appendix B)
const DIGITS = new Map(['00000', '00001', '00010', '011001', '011010', '011011', '011100', '011101', '011110', '011111'].map((code, digit) => [code, digit]))

/** `:status`, which is the first field of every answer. */
function statusOf (block: Buffer): number | undefined {
  let at = 0
  while (at < block.length && (block[at]! & 0xe0) === 0x20) {
    if ((block[at++]! & 0x1f) === 0x1f) while ((block[at++]! & 0x80) !== 0) { /* a size of several bytes */ }
  }
  const first = block[at]
  if (first === undefined) return undefined
  if ((first & 0x80) !== 0) return STATUSES[first]
  const index = first & ((first & 0x40) !== 0 ? 0x3f : 0x0f)
  if (index < 8 || index > 14) return undefined
  const length = block[at + 1]! & 0x7f
  const value = block.subarray(at + 2, at + 2 + length)
  return (block[at + 1]! & 0x80) === 0 ? Number(value.toString()) : digitsOf(value)
}

function digitsOf (bytes: Buffer): number | undefined {
  const bits = [...bytes].map(byte => byte.toString(2).padStart(8, '0')).join('')
  let number = 0
  let code = ''
  let count = 0
  for (const bit of bits) {
    code += bit
    const digit = DIGITS.get(code)
    if (digit === undefined) continue
    number = number * 10 + digit
    code = ''
    if (++count === 3) return number
  }
  return undefined
}
