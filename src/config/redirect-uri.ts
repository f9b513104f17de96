/** Which URIs the sign-in service sends browsers to: RFC 8252 and RFC 9700. */

/** Why a URI must not be one, as the end of a sentence; it repeats no part of the URI, which may have a secret. */
export function redirectUriError (uri: string): string | undefined {
  if (/[\s\p{C}]/u.test(uri)) return 'must not have blanks or control characters'
  if (uri.includes('*')) return 'must not have a wildcard: URIs are compared exactly; write each of them out'
  if (uri.includes('#')) return 'must not have a fragment ("#")'
  const url = URL.canParse(uri) ? new URL(uri) : undefined
  if (url === undefined || !/^[a-z][a-z0-9+.-]*:/i.test(uri)) return 'is not an absolute URI, such as https://headlamp.example.com/oidc-callback'
  if (url.username !== '' || url.password !== '') return 'must not have a user or password'
  switch (url.protocol) {
    case 'https:': return undefined
    case 'http:': return isLoopback(url.hostname) ? undefined : 'must be https, unless its host is 127.0.0.1, [::1] or localhost'
    // RFC 8252, 7.1: a reversed domain name, which only its owner claims
    default: return url.protocol.includes('.') ? undefined : 'must be https, or have a private-use scheme with a dot, such as com.example.app:/callback'
  }
}

/** The host as it is after parsing: other spellings of 127.0.0.1 become this one. */
function isLoopback (host: string): boolean {
  return ['127.0.0.1', '[::1]', 'localhost'].includes(host)
}
