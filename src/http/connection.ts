/**
 * One connection, of either protocol: how it is told to end, and what it is cut
 * for. connections.ts decides when.
 */
import type { ServerResponse } from 'node:http'
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Limits } from './limits.js'

export interface Connection {
  /** Tells the other side to send no more here; ends when that is safe. */
  retire: () => void
  /** Ends as soon as nothing is in flight. */
  close: () => void
  /** Cuts what is too slow; tells whether the connection itself has to be cut. */
  sweep: (now: number) => boolean
  /** A well-formed review came: the other side may be idle for longer. */
  reviewed: () => void
  /** The other side may have as much in flight as any may. */
  grow: () => void
}

/** Who wants to know of streams: they are bounded over all connections. */
export interface StreamObserver {
  opened: (stream: ServerHttp2Stream) => void
  closed: () => void
  /** An answer was cut that the client did not take. */
  stalled: () => void
}

interface StreamTimes {
  readonly opened: number
  /** When a sweep first saw that the answer was complete. */
  answered?: number
  /** A sweep has told it to close. */
  closing?: true
}

export class Http2Connection implements Connection {
  readonly #session: ServerHttp2Session
  readonly #limits: Limits
  readonly #observer: StreamObserver
  readonly #streams = new Map<ServerHttp2Stream, StreamTimes>()
  #greeted = false
  #reviewed = false
  #grown = false
  #idleSince = performance.now()

  constructor (session: ServerHttp2Session, limits: Limits, observer: StreamObserver) {
    this.#session = session
    this.#limits = limits
    this.#observer = observer
    // the client's first SETTINGS are the end of its preface
    session.once('remoteSettings', () => { this.#greeted = true })
    // before Node's own listener, which hands the request on
    session.prependListener('stream', stream => { this.#track(stream) })
  }

  #track (stream: ServerHttp2Stream): void {
    this.#streams.set(stream, { opened: performance.now() })
    stream.once('close', () => {
      this.#streams.delete(stream)
      this.#idleSince = performance.now()
      this.#observer.closed()
    })
    this.#observer.opened(stream)
  }

  retire (): void {
    this.close()
  }

  close (): void {
    this.#session.close()
  }

  reviewed (): void {
    this.#reviewed = true
  }

  grow (): void {
    if (this.#grown || this.#session.closed || this.#session.destroyed) return
    this.#grown = true
    const { perConnection, window } = this.#limits.streams
    this.#session.settings({ maxConcurrentStreams: perConnection, initialWindowSize: window })
  }

  sweep (now: number): boolean {
    for (const [stream, times] of this.#streams) {
      // Node 20 keeps a session whose client broke the protocol, with all its streams
      if (times.closing === true) return true
      const isStalled = this.#isStalled(stream, times, now)
      if (isStalled) this.#observer.stalled()
      else if (!this.#isLate(stream, times, now)) continue
      times.closing = true
      stream.close(constants.NGHTTP2_CANCEL)
    }
    return this.#streams.size === 0 && this.#sweepIdle(now - this.#idleSince)
  }

  #sweepIdle (quiet: number): boolean {
    const { handshake, headers, idle, grace } = this.#limits
    if (!this.#greeted && quiet > handshake) return true
    // half of a request's headers keep nghttp2 from ending a closed session
    if (this.#session.closed && quiet > grace) return true
    // headers in the making are seen by nobody but nghttp2: to us they are silence
    if (quiet > (this.#reviewed ? idle : headers)) this.close()
    return false
  }

  /** A body that takes too long, or a request that Node forgot: no review takes as long as a drain. */
  #isLate (stream: ServerHttp2Stream, { opened }: StreamTimes, now: number): boolean {
    const { request, drain } = this.#limits
    return now - opened > (stream.readableEnded ? request + drain : request)
  }

  /** An answer that the client's flow control does not let out. A refusal gets until the next sweep. */
  #isStalled (stream: ServerHttp2Stream, times: StreamTimes, now: number): boolean {
    if (!stream.writableEnded) return false
    if (times.answered === undefined) {
      times.answered = now
      return false
    }
    const refused = Number(stream.sentHeaders?.[':status'] ?? 0) >= 400
    return refused || now - times.answered > this.#limits.answer
  }
}

/** Requests that one HTTP/1.1 connection may have in flight. Hardly a client sends a second one before the first answer. */
const MAX_PIPELINED = 8

export class Http1Connection implements Connection {
  readonly #socket: Socket
  readonly #limits: Limits
  readonly #observer: Pick<StreamObserver, 'stalled'>
  /** Answers leave in the order of their requests (RFC 9112, 9.3.2): when this one is through, all are. */
  #last: ServerResponse | undefined
  /** Requests without an answer yet. */
  #waiting = 0
  #retired = false
  #reviewed = false
  #idleSince = performance.now()
  #stalledSince: number | undefined

  constructor (socket: Socket, limits: Limits, observer: Pick<StreamObserver, 'stalled'>) {
    this.#socket = socket
    this.#limits = limits
    this.#observer = observer
  }

  /** Node parses all that it has read, however many requests that is: a client that sends so many is not answered at all. */
  answer (response: ServerResponse): void {
    if (++this.#waiting > MAX_PIPELINED) {
      this.#socket.destroy()
      return
    }
    this.#last = response
    response.once('close', () => {
      this.#waiting--
      this.#idleSince = performance.now()
    })
    if (this.#retired) response.setHeader('connection', 'close')
  }

  retire (): void {
    this.#retired = true
    // Node itself ends the socket after a reply with this header
    if (this.#last?.headersSent === false) this.#last.setHeader('connection', 'close')
  }

  close (): void {
    this.retire()
    if (this.#isIdle) this.#socket.destroySoon()
    else this.#last!.once('close', () => { this.close() })
  }

  reviewed (): void {
    this.#reviewed = true
  }

  // there is one request at a time
  grow (): void {}

  get #isIdle (): boolean {
    return this.#last === undefined || this.#last.destroyed
  }

  /** What Node's own time limits leave: idle connections that never brought a review, and answers that nobody takes. */
  sweep (now: number): boolean {
    const { headers, answer } = this.#limits
    if (this.#isIdle) {
      this.#stalledSince = undefined
      // the first request has a time limit of Node's, and an answer that says so
      if (this.#last !== undefined && !this.#reviewed && now - this.#idleSince > headers) this.close()
      return false
    }
    if (!this.#last!.writableEnded) return false
    this.#stalledSince ??= now
    if (now - this.#stalledSince <= answer) return false
    this.#observer.stalled()
    return true
  }
}
