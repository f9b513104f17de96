// Authenticates opaque tokens with OAuth 2.0 token introspection, RFC 7662.
/** @type {import('authn-webhook/provider').IdentityProviderDefinition} */
export default {
  contract: 1,
  kind: 'introspection',
  schema: {
    type: 'object',
    properties: { url: { type: 'string' }, clientId: { type: 'string' }, clientSecret: { 'x-secret': true } },
    required: ['url', 'clientId', 'clientSecret'],
    additionalProperties: false
  },
  open ({ url, clientId, clientSecret }) {
    return {
      recognizes: ({ password }) => password === undefined, // never send passwords to this server
      async authenticateToken (token, { signal }) {
        const authorization = `Basic ${btoa([clientId, clientSecret.reveal()].map(encodeURIComponent).join(':'))}`
        const body = new URLSearchParams({ token })
        const response = await fetch(url, { method: 'POST', headers: { authorization }, body, signal, redirect: 'error' })
        if (!response.ok) throw new Error(`the introspection endpoint answered ${response.status}`)
        const { active, username, sub, groups, aud, exp } = await response.json()
        if (active !== true) return null
        const user = { username: username ?? sub, uid: sub, groups }
        return { user, audiences: aud && [aud].flat(), expiresAt: exp && new Date(exp * 1000) }
      }
    }
  }
}
