/**
 * The HTTP/2 session of a client without an accepted certificate, on a port that
 * requires one. It does not use an HTTP/2 session of Node's, since a client can
 * make one end the process in ways that JavaScript cannot prevent. Frames are
 * skipped (RFC 9113, 4.1); the first request is answered with the rejection,
 * which ends the session.
 */
import type { Socket } from 'node:net'
import type { HttpSession } from './http-session.js'
import type { Limits } from './limits.js'
import type { RejectedAnswer } from './rejected-http1-connection.js'

const PREFACE_BYTES = 24
const HEAD_BYTES = 9
const MAX_FRAME_BYTES = 16_384
const MAX_BYTES = 65_536
const NOTHING = Buffer.alloc(0)

const Type = { data: 0, headers: 1, settings: 4, goaway: 7 } as const
const ACK = 1
const END_STREAM = 1
const END_HEADERS = 4

/** HPACK without indexing (RFC 7541, 6.2.2): `:status` is 8 in the static table, content-type 31, content-length 28. */
const [STATUS, CONTENT_TYPE, CONTENT_LENGTH] = [[8], [0x0f, 31 - 15], [0x0f, 28 - 15]] as const

export class RejectedHttp2Session implements HttpSession {
  readonly #socket: Socket
  readonly #limits: Limits
  readonly #answer: RejectedAnswer
  readonly #since = performance.now()
  #buffered = NOTHING
  #read = 0
  /** Bytes of the preface or of a frame that are still to be skipped. */
  #skip = PREFACE_BYTES
  #acknowledged = false

  constructor (socket: Socket, limits: Limits, answer: RejectedAnswer) {
    this.#socket = socket
    this.#limits = limits
    this.#answer = answer
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => { this.#receive(bytes) })
    socket.write(frame(Type.settings, 0, 0))
  }

  #receive (bytes: Buffer): void {
    this.#read += bytes.length
    if (this.#read > MAX_BYTES) {
      this.#socket.destroy()
      return
    }
    if (!this.#isOpen) return
    this.#buffered = Buffer.concat([this.#buffered, bytes])
    while (this.#isOpen && this.#next());
    // what follows a rejected request is never looked at, and hundreds of clients may send it in one turn
    if (!this.#isOpen) this.#buffered = NOTHING
  }

  get #isOpen (): boolean {
    return !this.#socket.writableEnded && !this.#socket.destroyed
  }

  /** @returns whether another frame may follow */
  #next (): boolean {
    const skipped = Math.min(this.#skip, this.#buffered.length)
    this.#skip -= skipped
    this.#buffered = this.#buffered.subarray(skipped)
    if (this.#skip > 0 || this.#buffered.length < HEAD_BYTES) return false
    const [length, type, flags] = [this.#buffered.readUIntBE(0, 3), this.#buffered.readUInt8(3), this.#buffered.readUInt8(4)]
    if (length > MAX_FRAME_BYTES) this.#socket.destroy()
    else if (type === Type.settings && (flags & ACK) === 0) this.#acknowledge()
    else if (type === Type.headers) this.#reject(this.#buffered.readUInt32BE(5) & 0x7fff_ffff)
    this.#skip = HEAD_BYTES + length
    return true
  }

  /** Clients send settings once; what is written waits until the turn ends, and further ones would fill the heap. */
  #acknowledge (): void {
    if (this.#acknowledged) this.#socket.destroy()
    else this.#socket.write(frame(Type.settings, ACK, 0))
    this.#acknowledged = true
  }

  #reject (stream: number): void {
    const { code, body, onRejected } = this.#answer
    onRejected()
    const headers = Buffer.concat([field(STATUS, String(code)), field(CONTENT_TYPE, 'application/json'), field(CONTENT_LENGTH, String(Buffer.byteLength(body)))])
    const goaway = Buffer.alloc(8)
    goaway.writeUInt32BE(stream)
    this.#socket.end(Buffer.concat([
      frame(Type.headers, END_HEADERS, stream, headers),
      frame(Type.data, END_STREAM, stream, Buffer.from(body)),
      frame(Type.goaway, 0, 0, goaway)
    ]))
  }

  retire (): void {
    this.close()
  }

  close (): void {
    this.#socket.destroySoon()
  }

  sweep (now: number): boolean {
    return now - this.#since > this.#limits.headers
  }
}

function frame (type: number, flags: number, stream: number, payload = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** @param value shorter than 127 bytes */
function field (name: readonly number[], value: string): Buffer {
  return Buffer.concat([Buffer.from([...name, value.length]), Buffer.from(value)])
}
