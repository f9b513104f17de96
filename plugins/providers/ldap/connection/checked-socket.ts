/**
 * The stream between a socket and ldapts. What the directory sends goes on to
 * ldapts message by message, and only what is a well-formed answer to the
 * request that is waiting for one; anything else ends the connection.
 *
 * It is never destroyed with an error, which could find nobody who listens:
 * what was wrong stands in `error`.
 */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { Allowance } from '../messages/allowance.js'
import { AnswerError } from '../messages/ber.js'
import { MessageReader } from '../messages/message-reader.js'
import { checkResponse, Operation, requestOf, type Request } from '../messages/response.js'

export class CheckedSocket extends Duplex {
  /** ldapts asks every socket. */
  readonly connecting = false
  readonly #socket: Socket
  readonly #reader = new MessageReader()
  #request: Request | undefined
  #allowance = new Allowance()
  #error: AnswerError | undefined
  #failure: Error | undefined
  #isBrokenOff = false
  #resultCode = 0
  #cookie: Buffer = Buffer.alloc(0)

  constructor (socket: Socket) {
    // one message, one `data` event: ldapts calls itself for each further one in the same bytes
    super({ readableObjectMode: true })
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => { this.#receive(bytes) })
    socket.on('error', (error: Error) => { this.#failure = error })
    for (const event of ['end', 'error', 'close']) socket.once(event, () => { this.#breakOff() })
  }

  get readyState (): Socket['readyState'] {
    return this.destroyed ? 'closed' : this.#socket.readyState
  }

  /** What was wrong with an answer, where that has ended the connection. */
  get error (): AnswerError | undefined {
    return this.#error
  }

  /** What the socket said of its end, if it was more than that. */
  get failure (): Error | undefined {
    return this.#failure
  }

  /** The other side has ended the connection, or the network. */
  get isBrokenOff (): boolean {
    return this.#isBrokenOff
  }

  /** Of the last answer that came to its end: RFC 4511, 4.1.9. */
  get resultCode (): number {
    return this.#resultCode
  }

  /** Of the last answer, when it was a page that others follow; otherwise empty. */
  get cookie (): Buffer {
    return this.#cookie
  }

  /** How much may come from here on. */
  allow (allowance: Allowance): void {
    this.#allowance = allowance
  }

  /** As ldapts sees it: it asks for a socket, and uses what a stream has, `connecting` and `readyState`. */
  asSocket (): Socket {
    return this as unknown as Socket
  }

  override _read (): void {}

  override _write (bytes: Buffer, _encoding: string, done: () => void): void {
    const request = requestOf(bytes)
    if (request.operation !== Operation.unbind) this.#request = request
    // a socket that takes nothing more closes, and tells by that
    this.#socket.write(bytes, () => { done() })
  }

  override _final (done: () => void): void {
    this.#socket.end()
    done()
  }

  override _destroy (_error: Error | null, done: () => void): void {
    this.#socket.destroy()
    done()
  }

  #breakOff (): void {
    if (!this.destroyed) this.#isBrokenOff = true
    this.destroy()
  }

  #receive (bytes: Buffer): void {
    if (this.destroyed) return
    try {
      this.#reader.add(bytes)
      while (!this.destroyed && this.#reader.size > 0) {
        // nothing may come before it is asked for: it would be taken for the answer to what is asked next
        if (this.#request === undefined) {
          this.destroy()
          return
        }
        const message = this.#reader.next(length => { this.#allowance.spendBytes(length) })
        if (message === undefined) return
        this.#pass(message, this.#request)
      }
    } catch (error) {
      this.#error = error instanceof AnswerError ? error : new AnswerError((error as Error).message)
      this.destroy()
    }
  }

  #pass (message: Buffer, request: Request): void {
    const response = checkResponse(message, request, this.#allowance)
    if (response.kind === 'result') {
      this.#request = undefined
      this.#resultCode = response.code
      this.#cookie = response.cookie
    } else if (response.kind === 'entry') {
      this.#allowance.spendEntry()
    } else {
      this.#allowance.spendReference()
    }
    this.push(message)
  }
}
