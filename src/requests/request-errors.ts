/** Why a request to an issuer failed, and what to do; it ends a sentence that begins with the URL. */
import { codeOf, messageOf } from '../errors.js'

/** A reason of our own, beside those of the network and of TLS. */
export class RequestProblem extends Error {}

/** By the code of Node.js, OpenSSL or undici. */
const BY_CODE: ReadonlyArray<readonly [pattern: RegExp, message: (host: string, trust: string) => string]> = [
  [/^(?:ENOTFOUND|EAI_\w+)$/, host => `the name ${host} can't be resolved: check the URL and the DNS of this machine`],
  [/^ECONNREFUSED$/, () => 'connection refused: check host, port and HTTPS_PROXY, and whether the issuer is running'],
  [/^(?:ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|UND_ERR_(?:CONNECT|HEADERS|BODY)_TIMEOUT)$/, () => 'no answer: check firewalls, network policies, and HTTPS_PROXY'],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, host => `its certificate is not valid for ${host}: use a name that is in the certificate, or renew it with this name`],
  [/^CERT_HAS_EXPIRED$/, () => 'its certificate, or one of its CA, has expired: renew it, and check the clock of this machine'],
  [/^CERT_NOT_YET_VALID$/, () => 'its certificate is not valid yet: check the clock of this machine'],
  [/^(?:SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_\w+|CERT_\w+|INVALID_CA|ERR_SSL_CERTIFICATE_VERIFY_FAILED)$/, (_host, trust) => `its certificate is not signed by a trusted CA: ${trust}`],
  [/^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNEXPECTED_MESSAGE|HTTP_REQUEST)$/, () => 'it does not speak TLS on this port, probably plain HTTP: use the https port of the issuer'],
  [/^ERR_SSL_/, () => 'the TLS handshake failed'],
  [/^(?:ECONNRESET|EPIPE|UND_ERR_SOCKET)$/, () => 'it closed the connection: check host, port and HTTPS_PROXY']
]

/** @param trust what to do if the CA is not trusted */
export function describeRequestError (error: unknown, { hostname }: URL, trust: string): string {
  if (error instanceof RequestProblem) return error.message
  const root = rootOf(error)
  const code = codeOf(root)
  const message = BY_CODE.find(([pattern]) => pattern.test(code ?? ''))?.[1](lookedUp(root) ?? hostname, trust) ?? messageOf(root)
  return code === undefined ? message : `${message} (${code})`
}

/** undici's fetch wraps what happened; of several addresses, Node.js names each. */
function rootOf (error: unknown): unknown {
  let root = error
  while (root instanceof Error && root.cause instanceof Error) root = root.cause
  return root
}

/** The name in an error of DNS: it may be that of a proxy. */
function lookedUp (error: unknown): string | undefined {
  return error instanceof Error && 'hostname' in error && typeof error.hostname === 'string' ? error.hostname : undefined
}

const MAX_LOCATION = 200

/** `undefined` for 200. */
export function describeStatus (status: number, location: string | null, url: URL): string | undefined {
  if (status === 200) return undefined
  if (isRedirect(status)) return describeRedirect(status, location, url)
  if (status === 404) return 'HTTP status 404: not found: check the URL of the issuer, or set discoveryURL'
  if (status === 401 || status === 403) return `HTTP status ${status}: it requires authentication: the issuer must publish this document to everyone`
  return `HTTP status ${status}: check the log of the issuer`
}

export function isRedirect (status: number): boolean {
  return status >= 300 && status < 400
}

export function describeRedirect (status: number, location: string | null, url: URL): string {
  return `HTTP status ${status}: redirects ${locationOf(location, url)}, which is not followed: set the final URL`
}

/** The host only: the path may carry a token. */
function locationOf (location: string | null, url: URL): string {
  if (location === null || !URL.canParse(location, url.href)) return 'to an invalid location'
  const { protocol, host } = new URL(location, url)
  return `to ${protocol}//${host.slice(0, MAX_LOCATION)}`
}
