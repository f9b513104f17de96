// Stands in for an OpenID Connect issuer: a key, and any number of tokens, all
// different and equally long.
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { TOKEN_USER } from './people.mjs'

export const ALGORITHM = 'ES256'
export const AUDIENCE = 'kubernetes'
/** The claims of an ID token of Dex, for TOKEN_USER. */
const CLAIMS = {
  sub: TOKEN_USER.username,
  aud: AUDIENCE,
  at_hash: 'Vb3kGmC0oXpYw8sJd1NfzQ',
  email: 'robin@example.com',
  email_verified: true,
  groups: TOKEN_USER.groups,
  name: 'Robin Example',
  preferred_username: TOKEN_USER.username
}

/** @param url as in `iss` */
export async function createIssuer (url) {
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM)
  const kid = 'c41d8f6037ab95e277e1b0d3a95c2f48'
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: url, ...CLAIMS, iat: now, exp: now + 36_000 }
  const sign = async number => await new SignJWT({ ...claims, jti: String(number).padStart(12, '0') }).setProtectedHeader({ alg: ALGORITHM, kid, typ: 'JWT' }).sign(privateKey)
  return {
    url,
    publicKey,
    jwks: { keys: [{ ...await exportJWK(publicKey), kid, alg: ALGORITHM, use: 'sig' }] },
    sign: async count => await Promise.all(Array.from({ length: count }, async (_, number) => await sign(number)))
  }
}
