/** An HTTP/1.1 connection and its requests in flight. */
import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import type { HttpSession, SessionObserver } from './http-session.js'
import type { Limits } from './limits.js'

/** Requests in flight on one connection. Hardly any client sends a second one before the first answer. */
const MAX_PIPELINED = 8

interface Response extends Writable {
  readonly headersSent: boolean
  setHeader: (name: string, value: string) => unknown
}

export class Http1Connection implements HttpSession {
  readonly #socket: Socket
  readonly #limits: Limits
  readonly #observer: Pick<SessionObserver, 'stalled'>
  /** Responses are sent in the order of their requests (RFC 9112, 9.3.2): when the last is sent, all are. */
  #last: Response | undefined
  #inFlight = 0
  #retired = false
  #reviewed = false
  #idleSince = performance.now()
  /** The response that a sweep found complete but not sent, and when it first did. */
  #complete: { readonly response: Response, readonly since: number } | undefined

  constructor (socket: Socket, limits: Limits, observer: Pick<SessionObserver, 'stalled'>) {
    this.#socket = socket
    this.#limits = limits
    this.#observer = observer
  }

  /** Node parses all requests that it has read, however many: a client that sends too many gets no answer. */
  answer (response: Response): void {
    if (++this.#inFlight > MAX_PIPELINED) {
      this.#socket.destroy()
      return
    }
    this.#last = response
    response.once('close', () => {
      this.#inFlight--
      this.#idleSince = performance.now()
    })
    if (this.#retired) response.setHeader('connection', 'close')
  }

  retire (): void {
    this.#retired = true
    // Node ends the socket after a response with this header
    if (this.#last?.headersSent === false) this.#last.setHeader('connection', 'close')
  }

  closeAfterAnswer (): void {
    this.retire()
  }

  close (): void {
    this.retire()
    if (this.#isIdle) this.#socket.destroySoon()
    else this.#last?.once('close', () => { this.close() })
  }

  reviewed (): void {
    this.#reviewed = true
  }

  get #isIdle (): boolean {
    return this.#last === undefined || this.#last.destroyed
  }

  /** Covers what Node's own time limits do not: idle connections without a review, and answers that the client does not read. */
  sweep (now: number): boolean {
    const { headers, answer } = this.#limits
    if (this.#isIdle) {
      this.#complete = undefined
      // before the first request, Node's own limit applies, and answers with 408
      if (this.#last !== undefined && !this.#reviewed && now - this.#idleSince > headers) this.close()
      return false
    }
    const response = this.#last!
    if (!response.writableEnded) return false
    // on a busy connection each sweep may find another response
    if (this.#complete?.response !== response) this.#complete = { response, since: now }
    if (now - this.#complete.since <= answer) return false
    this.#observer.stalled()
    return true
  }
}
