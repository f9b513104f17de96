/**
 * The HTTP/1.1 connection of a client without an accepted certificate, on a port
 * that requires one. Node's parser makes objects of all requests in what it has
 * read, however many, and nothing stops it half-way; hundreds of connections can
 * be read in one turn of the event loop. So the first bytes, whatever they are,
 * are answered with the rejection, and what follows is not looked at.
 */
import type { Socket } from 'node:net'
import { http1Answer } from './http1-answer.js'
import type { HttpSession } from './http-session.js'
import type { Limits } from './limits.js'

/** The end of the largest request that is read while the answer is on its way: beyond it, the client gets none. */
const MAX_BYTES = 65_536

export interface RejectedAnswer {
  readonly code: number
  /** JSON. */
  readonly body: string
  readonly onRejected: () => void
}

export class RejectedHttp1Connection implements HttpSession {
  readonly #socket: Socket
  readonly #limits: Limits
  readonly #answer: RejectedAnswer
  readonly #since = performance.now()
  #read = 0

  constructor (socket: Socket, limits: Limits, answer: RejectedAnswer) {
    this.#socket = socket
    this.#limits = limits
    this.#answer = answer
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => { this.#receive(bytes.length) })
  }

  #receive (bytes: number): void {
    this.#read += bytes
    if (this.#read > MAX_BYTES) this.#socket.destroy()
    else if (!this.#socket.writableEnded) this.#reject()
  }

  #reject (): void {
    const { code, body, onRejected } = this.#answer
    onRejected()
    this.#socket.end(http1Answer(code, body))
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
