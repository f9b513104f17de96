/** Headers of every answer of the sign-in service. */

const POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'strict-transport-security': 'max-age=31536000'
}

/**
 * Browsers apply `form-action` to the redirects that follow a form too, so a page
 * whose form ends at a client's redirect URI has to allow it.
 * @param uri a registered redirect URI
 */
export function allowFormAction (policy: string, uri: string): string {
  return policy.replace("form-action 'self'", `form-action 'self' ${sourceOf(uri)}`)
}

export function policyFor (redirectURI: string | undefined): string {
  return redirectURI === undefined ? POLICY : allowFormAction(POLICY, redirectURI)
}

/** The grammar of CSP has no IPv6 addresses, and knows other schemes by their name alone. */
function sourceOf (uri: string): string {
  const { protocol, host, hostname } = new URL(uri)
  return /^https?:$/.test(protocol) && !hostname.startsWith('[') ? `${protocol}//${host}` : protocol
}
