/** Results of a directory in words: what RFC 4511 calls them, and what the server says of them. */
import type { ResultCodeError } from 'ldapts'
import { printable } from './response.js'

/** `InsufficientAccessError 50: no read access`; the server's words only if it has some. */
export function wordsOf ({ name, code, message }: ResultCodeError): string {
  // which ldapts puts behind them
  const suffix = ` Code: 0x${code.toString(16)}`
  const words = printable(message.endsWith(suffix) ? message.slice(0, -suffix.length) : message)
  return words === '' ? `${name} ${code}` : `${name} ${code}: ${words}`
}
