/** An HTTP/2 session, and the streams that are open on it. */
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Connection, StreamObserver } from './connection.js'
import type { Limits } from './limits.js'

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
