/**
 * StartTLS, RFC 4511, 4.14: one request and one response in plaintext, which an
 * attacker on the network can forge. Nothing of it is kept after the exchange,
 * and nothing may follow the response before the handshake.
 */
import type { Socket } from 'node:net'
import { ExtendedRequest } from 'ldapts'
import { messageOf } from '../../../../src/errors.js'
import { Allowance } from '../messages/allowance.js'
import { AnswerError } from '../messages/ber.js'
import { MessageReader } from '../messages/message-reader.js'
import { checkResponse, formatResult, Operation, printable, type Result } from '../messages/response.js'
import { TLS_PORT } from './tls-errors.js'

const START_TLS = '1.3.6.1.4.1.1466.20037'
const REQUEST = { id: 1, operation: Operation.extended }

/** The answer to an unknown operation: RFC 4511, 4.12. */
const PROTOCOL_ERROR = 2

/** Bytes; a result code and a message. */
const LONGEST_RESPONSE = 16 * 1024

/**
 * Resolves when the host expects a TLS handshake; then the socket has no reader.
 * @param redact removes secrets from what the host says
 */
export async function startTls (socket: Socket, redact: (text: string) => string): Promise<void> {
  const response = readResponse(socket)
  socket.write(new ExtendedRequest({ messageId: REQUEST.id, oid: START_TLS }).write())
  const { code, diagnostic } = await response.catch((error: Error) => { throw Object.assign(error, { message: printable(redact(error.message)) }) })
  const message = printable(redact(formatResult(code, diagnostic)))
  if (code === PROTOCOL_ERROR) throw new Error(`it does not support StartTLS: configure TLS on the directory, or use ldaps:// (${message})`)
  if (code !== 0) throw new Error(`it rejected StartTLS: ${message}`)
}

async function readResponse (socket: Socket): Promise<Result> {
  const reader = new MessageReader()
  return await new Promise((resolve, reject) => {
    const receive = (bytes: Buffer): void => {
      try {
        reader.add(bytes)
        const message = reader.next(length => { if (length > LONGEST_RESPONSE) throw new AnswerError(`it is longer than ${LONGEST_RESPONSE} bytes`) })
        if (message === undefined) return
        if (reader.size > 0) throw new AnswerError('more data follows it before the TLS handshake')
        settle(() => { resolve(checkResponse(message, REQUEST, new Allowance()) as Result) })
      } catch (error) {
        settle(() => { reject(new Error(`the answer to StartTLS is invalid: ${messageOf(error)}`)) })
      }
    }
    const close = (): void => { settle(() => { reject(new Error(`it closed the connection instead of answering StartTLS; ${TLS_PORT}`)) }) }
    const fail = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'ECONNRESET') close()
      else settle(() => { reject(error) })
    }
    function settle (conclude: () => void): void {
      conclude()
      // the next data belongs to TLS
      socket.pause()
      socket.off('data', receive).off('error', fail).off('close', close)
    }
    socket.on('data', receive).on('error', fail).on('close', close)
  })
}
