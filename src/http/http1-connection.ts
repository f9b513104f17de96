/** An HTTP/1.1 connection, and the requests that are in flight on it. */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Connection, StreamObserver } from './connection.js'
import type { Limits } from './limits.js'

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
  /** An answer that was complete when a sweep saw it first. */
  #complete: { readonly response: ServerResponse, readonly since: number } | undefined

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
      this.#complete = undefined
      // the first request has a time limit of Node's, and an answer that says so
      if (this.#last !== undefined && !this.#reviewed && now - this.#idleSince > headers) this.close()
      return false
    }
    const response = this.#last!
    if (!response.writableEnded) return false
    // a busy connection may be seen with an answer each time, and with another one
    if (this.#complete?.response !== response) this.#complete = { response, since: now }
    if (now - this.#complete.since <= answer) return false
    this.#observer.stalled()
    return true
  }
}
