/** An HTTP/2 session and its open streams. */
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { HttpSession, SessionObserver } from './http-session.js'
import type { Limits } from './limits.js'

interface StreamTimes {
  readonly opened: number
  /** When a sweep first found the answer complete. */
  answered?: number
  /** A sweep has closed it. */
  closing?: true
}

export class Http2Session implements HttpSession {
  readonly #session: ServerHttp2Session
  readonly #limits: Limits
  readonly #observer: SessionObserver
  readonly #streams = new Map<ServerHttp2Stream, StreamTimes>()
  #prefaced = false
  #reviewed = false
  #trusted = false
  #idleSince = performance.now()

  constructor (session: ServerHttp2Session, limits: Limits, observer: SessionObserver) {
    this.#session = session
    this.#limits = limits
    this.#observer = observer
    // the client's first SETTINGS are the end of its preface
    session.once('remoteSettings', () => { this.#prefaced = true })
    // before Node's own listener, which emits the request
    session.prependListener('stream', stream => { this.#track(stream) })
  }

  #track (stream: ServerHttp2Stream): void {
    this.#streams.set(stream, { opened: performance.now() })
    stream.once('close', () => {
      this.#streams.delete(stream)
      this.#idleSince = performance.now()
      this.#observer.streamClosed()
    })
    this.#observer.streamOpened(stream)
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

  trust (): void {
    if (this.#trusted || this.#session.closed || this.#session.destroyed) return
    this.#trusted = true
    const { perTrusted, window } = this.#limits.streams
    this.#session.settings({ maxConcurrentStreams: perTrusted, initialWindowSize: window })
  }

  sweep (now: number): boolean {
    for (const [stream, times] of this.#streams) {
      // Node 20 keeps a session with all its streams after a protocol error of the client
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
    if (!this.#prefaced && quiet > handshake) return true
    // incomplete headers keep nghttp2 from ending a closed session
    if (this.#session.closed && quiet > grace) return true
    // only nghttp2 sees incomplete headers: here they count as idle time
    if (quiet > (this.#reviewed ? idle : headers)) this.close()
    return false
  }

  /** Whether the body takes too long, or Node lost the request: no review takes as long as a drain. */
  #isLate (stream: ServerHttp2Stream, { opened }: StreamTimes, now: number): boolean {
    const { request, drain } = this.#limits
    return now - opened > (stream.readableEnded ? request + drain : request)
  }

  /** Whether the client's flow control holds up the answer. An error response has until the next sweep. */
  #isStalled (stream: ServerHttp2Stream, times: StreamTimes, now: number): boolean {
    if (!stream.writableEnded) return false
    if (times.answered === undefined) {
      times.answered = now
      return false
    }
    const isError = Number(stream.sentHeaders?.[':status'] ?? 0) >= 400
    return isError || now - times.answered > this.#limits.answer
  }
}
