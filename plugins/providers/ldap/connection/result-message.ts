/** Results of a directory in words: what RFC 4511 calls them, and what the server says of them. */
import type { ResultCodeError } from 'ldapts'
import { printable } from '../messages/response.js'

/** strongerAuthRequired and confidentialityRequired */
const TLS_REQUIRED: readonly number[] = [8, 13]

/** `InsufficientAccessError 50: no read access`; the server's words only if it has some, and without secrets only by `redact`. */
export function resultMessage (error: ResultCodeError, { isEncrypted = true, redact = (words: string): string => words } = {}): string {
  const words = plainWordsOf(error, redact)
  return !isEncrypted && TLS_REQUIRED.includes(error.code) ? `${words}; it requires TLS: set tls.mode to ldaps or startTLS` : words
}

function plainWordsOf ({ name, code, message }: ResultCodeError, redact: (words: string) => string): string {
  // which ldapts puts behind them
  const suffix = ` Code: 0x${code.toString(16)}`
  const words = printable(redact(message.endsWith(suffix) ? message.slice(0, -suffix.length) : message))
  return words === '' ? `${name} ${code}` : `${name} ${code}: ${words}`
}
