/**
 * The stream between a socket and ldapts. It passes on what the directory sends
 * message by message, and only well-formed answers to the request in flight;
 * anything else ends the connection.
 *
 * It is never destroyed with an error, which might have no listener:
 * `closeReason` says why it ended.
 */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { messageOf } from '../../../../src/errors.js'
import { Allowance } from '../messages/allowance.js'
import { AnswerError } from '../messages/ber.js'
import { MessageReader } from '../messages/message-reader.js'
import { checkResponse, Operation, requestOf, type Request, type Result } from '../messages/response.js'

export interface CloseReason {
  /** The directory sent an invalid answer. */
  answerError?: AnswerError
  socketError?: Error
  /** The directory or the network ended the connection. */
  byPeer?: true
}

export class CheckedSocket extends Duplex {
  /** ldapts reads it. */
  readonly connecting = false
  readonly closeReason: CloseReason = {}
  readonly #socket: Socket
  readonly #reader = new MessageReader()
  #request: Request | undefined
  #allowance = new Allowance()
  #lastResult: Result | undefined

  constructor (socket: Socket) {
    // one message per `data` event: ldapts recurses for each further message in the same bytes
    super({ readableObjectMode: true })
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => { this.#receive(bytes) })
    socket.on('error', (error: Error) => { this.closeReason.socketError = error })
    for (const event of ['end', 'error', 'close']) socket.once(event, () => { this.#closeByPeer() })
  }

  get readyState (): Socket['readyState'] {
    return this.destroyed ? 'closed' : this.#socket.readyState
  }

  /** The result that ended the last answer. */
  get lastResult (): Result | undefined {
    return this.#lastResult
  }

  /** Limits what may be received from now on. */
  allow (allowance: Allowance): void {
    this.#allowance = allowance
  }

  /** For ldapts, which uses only what a stream has, `connecting` and `readyState`. */
  asSocket (): Socket {
    return this as unknown as Socket
  }

  override _read (): void {}

  override _write (bytes: Buffer, _encoding: string, done: () => void): void {
    const request = requestOf(bytes)
    if (request.operation !== Operation.unbind) this.#request = request
    // no error handling: a socket that can't be written to closes
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

  #closeByPeer (): void {
    if (!this.destroyed) this.closeReason.byPeer = true
    this.destroy()
  }

  #receive (bytes: Buffer): void {
    if (this.destroyed) return
    try {
      this.#reader.add(bytes)
      while (!this.destroyed && this.#reader.size > 0) {
        if (this.#request === undefined) {
          // unsolicited: ldapts would take it for the answer to the next request
          this.destroy()
          return
        }
        const message = this.#reader.next(length => { this.#allowance.spendBytes(length) })
        if (message === undefined) return
        this.#pass(message, this.#request)
      }
    } catch (error) {
      this.closeReason.answerError = error instanceof AnswerError ? error : new AnswerError(messageOf(error))
      this.destroy()
    }
  }

  #pass (message: Buffer, request: Request): void {
    const response = checkResponse(message, request, this.#allowance)
    if (response.kind === 'result') {
      this.#request = undefined
      this.#lastResult = response
    } else if (response.kind === 'entry') {
      this.#allowance.spendEntry()
    } else {
      this.#allowance.spendReference()
    }
    this.push(message)
  }
}
