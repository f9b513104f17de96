/**
 * StartTLS, RFC 4511, 4.14: one request and one response in plaintext, which
 * anybody on the way can write. Nothing of it outlives the exchange, and
 * nothing may follow the response before the handshake.
 */
import type { Socket } from 'node:net'
import { ExtendedRequest } from 'ldapts'
import { Allowance } from '../messages/allowance.js'
import { AnswerError } from '../messages/ber.js'
import { MessageReader } from '../messages/message-reader.js'
import { checkResponse, Operation, printable, formatResult, type Result } from '../messages/response.js'
import { TLS_PORT } from './tls-errors.js'

const START_TLS = '1.3.6.1.4.1.1466.20037'
const REQUEST = { id: 1, operation: Operation.extended }

/** What a directory answers to an operation that it does not know: RFC 4511, 4.12. */
const PROTOCOL_ERROR = 2

/** Bytes; a result code, and some words at most. */
const LONGEST_RESPONSE = 16 * 1024

/**
 * Resolves when the host waits for a TLS handshake on the socket; nobody reads from it then.
 * @param redact takes secrets out of the host's words
 */
export async function startTls (socket: Socket, redact: (words: string) => string): Promise<void> {
  const response = readResponse(socket)
  socket.write(new ExtendedRequest({ messageId: REQUEST.id, oid: START_TLS }).write())
  const { code, diagnostic } = await response.catch((error: Error) => { throw Object.assign(error, { message: printable(redact(error.message)) }) })
  const words = printable(redact(formatResult(code, diagnostic)))
  if (code === PROTOCOL_ERROR) throw new Error(`it does not support StartTLS: configure TLS on the directory, or use ldaps:// (${words})`)
  if (code !== 0) throw new Error(`StartTLS was refused: ${words}`)
}

async function readResponse (socket: Socket): Promise<Result> {
  const reader = new MessageReader()
  const allowance = new Allowance()
  return await new Promise((resolve, reject) => {
    const receive = (bytes: Buffer): void => {
      try {
        reader.add(bytes)
        const message = reader.next(length => { if (length > LONGEST_RESPONSE) throw new AnswerError(`it is longer than ${LONGEST_RESPONSE} bytes`) })
        if (message === undefined) return
        if (reader.size > 0) throw new AnswerError('something follows it before the TLS handshake')
        settle(() => { resolve(checkResponse(message, REQUEST, allowance) as Result) })
      } catch (error) {
        settle(() => { reject(new Error(`the answer to StartTLS is invalid: ${(error as Error).message}`)) })
      }
    }
    const close = (): void => { settle(() => { reject(new Error(`it closed the connection in place of an answer to StartTLS; ${TLS_PORT}`)) }) }
    const fail = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'ECONNRESET') close()
      else settle(() => { reject(error) })
    }
    function settle (conclude: () => void): void {
      conclude()
      // what comes from here on belongs to TLS
      socket.pause()
      socket.off('data', receive).off('error', fail).off('close', close)
    }
    socket.on('data', receive).on('error', fail).on('close', close)
  })
}
