import type { ResultCodeError } from 'ldapts'
import { printable } from '../messages/response.js'

/** strongerAuthRequired and confidentialityRequired */
const TLS_REQUIRED: readonly number[] = [8, 13]

/** `InsufficientAccessError 50: no read access`: RFC 4511's name and, if there is one, the server's message, redacted. */
export function resultMessage ({ name, code, message }: ResultCodeError, isEncrypted: boolean, redact: (text: string) => string): string {
  // ldapts appends this
  const suffix = ` Code: 0x${code.toString(16)}`
  const details = printable(redact(message.endsWith(suffix) ? message.slice(0, -suffix.length) : message))
  const advice = !isEncrypted && TLS_REQUIRED.includes(code) ? '; it requires TLS: set tls.mode to ldaps or startTLS' : ''
  return `${name} ${code}${details === '' ? '' : `: ${details}`}${advice}`
}
