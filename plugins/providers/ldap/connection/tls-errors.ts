/**
 * TLS errors with advice. Node's own messages name files and lines of OpenSSL;
 * a directory reached on the wrong port, or one that requires a client
 * certificate, often just closes the connection.
 */
import { codeOf } from '../../../../src/errors.js'

export const TLS_PORT = 'if this is a TLS port, use ldaps:// and tls.mode ldaps'
const PLAIN_PORT = 'if this is a port without TLS, use the TLS port of the directory, usually 636, or ldap:// with tls.mode startTLS'
const CLIENT_CERTIFICATE = 'if it requires a client certificate, check tls.certFile and tls.keyFile'

/** By Node's code, which is derived from OpenSSL's message and differs between versions. */
const BY_CODE: ReadonlyArray<readonly [pattern: RegExp, message: string]> = [
  [/_ALERT_CERTIFICATE_REQUIRED$/, 'it requires a client certificate: set tls.certFile and tls.keyFile'],
  [/_ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_\w+|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)$/, 'it rejected the client certificate of tls.certFile'],
  [/_ALERT_HANDSHAKE_FAILURE$/, 'it rejected the TLS handshake: it may require a client certificate (tls.certFile, tls.keyFile), or a TLS version or cipher that is not offered'],
  [/^ERR_SSL_/, 'TLS failed']
]

/** OpenSSL's errors for a host that does not speak TLS. */
const NO_TLS = /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNEXPECTED_MESSAGE)$/

export class TimedOutError extends Error {}

/** `undefined` if it is not a TLS error. */
export function describeTlsError (error: unknown): string | undefined {
  const code = codeOf(error) ?? ''
  const message = BY_CODE.find(([pattern]) => pattern.test(code))?.[1]
  return message === undefined ? undefined : `${message} (${code})`
}

/** An error during a TLS handshake; `undefined` if it does not suggest a host without TLS. */
export function describeHandshakeError (error: unknown, isLdaps: boolean): string | undefined {
  const code = codeOf(error) ?? ''
  const hint = isLdaps ? `; ${PLAIN_PORT}` : ''
  if (NO_TLS.test(code)) return `it does not speak TLS on this port (${code})${hint}`
  if (code === 'ECONNRESET') return `it closed the connection during the TLS handshake${hint}`
  return error instanceof TimedOutError ? `${error.message}${hint}` : undefined
}

/** A connection that the host closed before its first answer. */
export function describeEarlyClose (isEncrypted: boolean): string {
  return `it closed the connection before its first answer; ${isEncrypted ? CLIENT_CERTIFICATE : TLS_PORT}`
}
