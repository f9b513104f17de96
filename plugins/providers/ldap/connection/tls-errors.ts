/**
 * Failures of TLS in words that say what to do. Node's own name files and lines
 * of OpenSSL; and a directory that is asked on the wrong port, or wants a
 * certificate, often says nothing at all.
 */
export const TLS_PORT = 'if this is a TLS port, write ldaps:// and tls.mode ldaps'
const PLAIN_PORT = 'if this is a port without TLS, use the TLS port of the directory, usually 636, or ldap:// with tls.mode startTLS'
const CLIENT_CERTIFICATE = 'if it requires a client certificate, check tls.certFile and tls.keyFile'

/** By Node's code, which is made of OpenSSL's words and differs a little between versions. */
const BY_CODE: ReadonlyArray<readonly [pattern: RegExp, words: string]> = [
  [/_ALERT_CERTIFICATE_REQUIRED$/, 'it requires a client certificate: set tls.certFile and tls.keyFile'],
  [/_ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_\w+|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)$/, 'it refused the client certificate of tls.certFile'],
  [/_ALERT_HANDSHAKE_FAILURE$/, 'it refused the TLS handshake: it may require a client certificate (tls.certFile, tls.keyFile), or a TLS version or cipher that is not offered'],
  [/^ERR_SSL_/, 'TLS failed']
]

/** `undefined` if it is no failure of TLS. */
export function describeTlsError (error: Error | undefined): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? ''
  const words = BY_CODE.find(([pattern]) => pattern.test(code))?.[1]
  return words === undefined ? undefined : `${words} (${code})`
}

/** What a host without TLS is to OpenSSL. */
const NO_TLS = /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNEXPECTED_MESSAGE)$/

/** A handshake with a host that may not speak TLS; `undefined` if it was something else that failed. */
export function describeHandshakeError (error: Error, isLdaps: boolean): string | undefined {
  const { code = '' } = error as NodeJS.ErrnoException
  const hint = isLdaps ? `; ${PLAIN_PORT}` : ''
  if (NO_TLS.test(code)) return `it does not speak TLS here (${code})${hint}`
  if (code === 'ECONNRESET') return `it closed the connection during the TLS handshake${hint}`
  return error instanceof TimedOutError ? `${error.message}${hint}` : undefined
}

/** A connection that was closed before the host had said anything. */
export function describeEarlyClose (isEncrypted: boolean): string {
  return `it closed the connection before its first answer; ${isEncrypted ? CLIENT_CERTIFICATE : TLS_PORT}`
}

/** The time of a connection is over. */
export class TimedOutError extends Error {}
