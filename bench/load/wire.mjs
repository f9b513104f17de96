// An HTTP/2 client that spends next to nothing on a request: frames written by
// hand into one TLS socket, answers looked at and forgotten. h2load sends one body
// for ever and starts the clock when it sends; the loads in this folder send a
// hundred thousand tokens, and know when a request was due. Node's own client would
// be slower than the servers.
//
// It knows of RFC 9113 what these loads need: no priorities, no padding, no trailers.
import { once } from 'node:events'
import { connect } from 'node:tls'
import { REVIEW_HEADERS, REVIEW_PATH } from '../people.mjs'

const DATA = 0
const HEADERS = 1
const RST_STREAM = 3
const SETTINGS = 4
const PING = 6
const GOAWAY = 7
const WINDOW_UPDATE = 8
const END_STREAM = 0x1
const ACK = 0x1
const END_HEADERS = 0x4
const MAX_CONCURRENT_STREAMS = 3
const INITIAL_WINDOW_SIZE = 4
const LARGEST_WINDOW = 2 ** 31 - 1
/** Of a connection, until a WINDOW_UPDATE says more (RFC 9113, 6.9.2). */
const FIRST_WINDOW = 65_535
/** `:status 200` in HPACK's static table. */
const STATUS_200 = 0x88
const NOTHING = Buffer.alloc(0)

export class Wire {
  #socket
  #onAnswer
  #headers
  #rest = NOTHING
  #output = []
  #waiting = []
  #streams = new Map()
  #nextStream = 1
  #window = FIRST_WINDOW
  #maxStreams = Infinity

  /** @param onAnswer is told `(number, body)` of each answer; `number` is what `send` was given */
  static async connect ({ port, ca }, bodyLength, onAnswer) {
    const socket = connect({ host: '127.0.0.1', port, ca, ALPNProtocols: ['h2'], ciphers: 'TLS_AES_128_GCM_SHA256' })
    // or requests would wait for the acknowledgement of what went before
    socket.setNoDelay(true)
    await once(socket, 'secureConnect')
    const wire = new Wire(socket, `127.0.0.1:${port}`, bodyLength, onAnswer)
    await once(socket, 'data')
    return wire
  }

  constructor (socket, authority, bodyLength, onAnswer) {
    this.#socket = socket
    this.#onAnswer = onAnswer
    this.#headers = new HeaderBlocks(authority, bodyLength)
    socket.on('data', chunk => { this.#read(chunk) })
    socket.write(Buffer.concat([
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW_SIZE, LARGEST_WINDOW)),
      // enough for five million answers: none has to be acknowledged
      frame(WINDOW_UPDATE, 0, 0, uint32(LARGEST_WINDOW - FIRST_WINDOW))
    ]))
  }

  /** Goes out with the next `flush`, or when the server has room for it. */
  send (number, body) {
    if (this.#waiting.length > 0 || !this.#admits(body)) this.#waiting.push([number, body])
    else this.#begin(number, body)
  }

  flush () {
    if (this.#output.length === 0) return
    this.#socket.write(Buffer.concat(this.#output))
    this.#output = []
  }

  close () {
    this.#socket.destroy()
  }

  #admits (body) {
    return this.#streams.size < this.#maxStreams && this.#window >= body.length
  }

  #begin (number, body) {
    const stream = this.#nextStream
    this.#nextStream += 2
    this.#streams.set(stream, { number, body: NOTHING })
    this.#window -= body.length
    this.#output.push(frame(HEADERS, END_HEADERS, stream, this.#headers.next()), head(DATA, END_STREAM, stream, body.length), body)
  }

  #read (chunk) {
    const input = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (input.length - at >= 9) {
      const end = at + 9 + input.readUIntBE(at, 3)
      if (end > input.length) break
      this.#take(input[at + 3], input[at + 4], input.readUInt32BE(at + 5), input.subarray(at + 9, end))
      at = end
    }
    this.#rest = input.subarray(at)
    while (this.#waiting.length > 0 && this.#admits(this.#waiting[0][1])) this.#begin(...this.#waiting.shift())
    this.flush()
  }

  #take (type, flags, stream, payload) {
    switch (type) {
      case HEADERS:
        if (!says200(payload)) throw new Error('an answer is not 200')
        break
      case DATA:
        // an answer is smaller than a frame; what may follow is the empty end
        if (payload.length > 0) this.#streams.get(stream).body = payload
        break
      case SETTINGS:
        if ((flags & ACK) === 0) this.#settle(payload)
        return
      case PING:
        if ((flags & ACK) === 0) this.#output.push(frame(PING, ACK, 0, payload))
        return
      case WINDOW_UPDATE:
        if (stream === 0) this.#window += payload.readUInt32BE(0)
        return
      case RST_STREAM:
      case GOAWAY:
        throw new Error(`the server ended ${type === GOAWAY ? 'the connection' : 'a stream'} with error ${payload.readUInt32BE(type === GOAWAY ? 4 : 0)}`)
    }
    if ((flags & END_STREAM) !== 0) this.#end(stream)
  }

  #end (stream) {
    const { number, body } = this.#streams.get(stream)
    this.#streams.delete(stream)
    this.#onAnswer(number, body)
  }

  #settle (payload) {
    for (let at = 0; at < payload.length; at += 6) {
      if (payload.readUInt16BE(at) === MAX_CONCURRENT_STREAMS) this.#maxStreams = payload.readUInt32BE(at + 2)
    }
    this.#output.push(frame(SETTINGS, ACK, 0, NOTHING))
  }
}

/** HPACK: the first request names every header, and the server's table keeps them; each further one is ten bytes. */
class HeaderBlocks {
  #first
  #further
  #begun = false

  constructor (authority, bodyLength) {
    const headers = Object.entries({ ...REVIEW_HEADERS, 'content-length': String(bodyLength) })
    // indexes of the static table: :method POST, :scheme https, then the names of :path and :authority
    const fixed = Buffer.from([0x83, 0x87])
    this.#first = Buffer.concat([
      fixed,
      Buffer.from([0x44]), text(REVIEW_PATH),
      Buffer.from([0x41]), text(authority),
      ...headers.flatMap(([name, value]) => [Buffer.from([0x40]), text(name), text(value)])
    ])
    // the dynamic table begins at 62, with what came last; pseudo-headers have to come first
    this.#further = Buffer.concat([fixed, Buffer.from(Array.from({ length: headers.length + 2 }, (_, i) => 0x80 | (62 + i)).reverse())])
  }

  next () {
    if (this.#begun) return this.#further
    this.#begun = true
    return this.#first
  }
}

/** A new connection's answer may begin with changes of the table's size. */
function says200 (block) {
  let at = 0
  while ((block[at] & 0xe0) === 0x20) {
    if ((block[at++] & 0x1f) === 0x1f) while ((block[at++] & 0x80) !== 0);
  }
  return block[at] === STATUS_200
}

function head (type, flags, stream, length) {
  const bytes = Buffer.allocUnsafe(9)
  bytes.writeUIntBE(length, 0, 3)
  bytes[3] = type
  bytes[4] = flags
  bytes.writeUInt32BE(stream, 5)
  return bytes
}

function frame (type, flags, stream, payload) {
  return Buffer.concat([head(type, flags, stream, payload.length), payload])
}

function setting (name, value) {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt16BE(name, 0)
  bytes.writeUInt32BE(value, 2)
  return bytes
}

function uint32 (value) {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value, 0)
  return bytes
}

/** A string of HPACK, plain, shorter than 127 bytes. */
function text (value) {
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')])
}
