/**
 * One connection, of either protocol: how it is told to end, and what it is cut
 * for. plugins/connections.ts decides when.
 */
import type { ServerResponse } from 'node:http'
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { Limits } from '../src/server.js'
import { OpenStreams } from './open-streams.js'

export interface Connection {
  /** Tells the other side to send no more here; ends when that is safe. */
  retire: () => void
  /** Ends as soon as nothing is in flight. */
  close: () => void
  /** Cuts what is too slow. */
  sweep: (now: number) => void
}

export class Http2Connection implements Connection {
  readonly #session: ServerHttp2Session
  readonly #limits: Limits
  readonly #streams = new OpenStreams()
  #greeted = false
  /** Whether a request ever came; until then the client has less time. */
  #used = false
  #idleSince = performance.now()

  constructor (session: ServerHttp2Session, limits: Limits) {
    this.#session = session
    this.#limits = limits
    // the client's first SETTINGS are the end of its preface
    session.once('remoteSettings', () => { this.#greeted = true })
    session.on('stream', stream => { this.#track(stream) })
  }

  #track (stream: ServerHttp2Stream): void {
    this.#used = true
    const place = this.#streams.add(stream, performance.now())
    stream.once('close', () => {
      this.#streams.delete(place)
      this.#idleSince = performance.now()
    })
  }

  retire (): void {
    this.close()
  }

  close (): void {
    this.#session.close()
  }

  sweep (now: number): void {
    const { handshake, headers, request, idle, grace, drain } = this.#limits
    for (const [stream, since] of this.#streams) {
      const age = now - since
      // the second: an answer that the client's flow control never lets out
      if ((age > request && !stream.readableEnded) || age > request + drain) stream.close(constants.NGHTTP2_CANCEL)
    }
    if (this.#streams.size > 0) return
    const quiet = now - this.#idleSince
    if (!this.#greeted && quiet > handshake) this.#session.destroy()
    // half of a request's headers keep nghttp2 from ending a closed session
    else if (this.#session.closed && quiet > grace) this.#session.destroy()
    // headers in the making are seen by nobody but nghttp2: to us they are silence
    else if (quiet > (this.#used ? idle : headers)) this.close()
  }
}

export class Http1Connection implements Connection {
  readonly #socket: TLSSocket
  /** Answers leave in the order of their requests (RFC 9112, 9.3.2): when this one is through, all are. */
  #last: ServerResponse | undefined
  #retired = false

  constructor (socket: TLSSocket) {
    this.#socket = socket
  }

  answer (response: ServerResponse): void {
    this.#last = response
    if (this.#retired) response.setHeader('connection', 'close')
  }

  retire (): void {
    this.#retired = true
    // Node itself ends the socket after a reply with this header
    if (this.#last?.headersSent === false) this.#last.setHeader('connection', 'close')
  }

  close (): void {
    this.retire()
    if (this.#last === undefined || this.#last.destroyed) this.#socket.destroySoon()
    else this.#last.once('close', () => { this.close() })
  }

  // Node's own time limits do that for HTTP/1.1
  sweep (): void {}
}
