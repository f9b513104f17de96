// Who is asked about, and the reviews that ask, byte by byte as an API server
// writes them.

/** Bears an opaque token. */
export const TOKEN_USER = { username: 'robin', uid: '1001', groups: ['developers', 'platform'], extra: { 'example.com/team': ['platform'] } }
/** Has a password. */
export const PASSWORD_USER = { username: 'sasha', uid: '1002', groups: ['developers', 'platform'], extra: { 'example.com/team': ['platform'] } }
export const PASSWORD = 'correct-horse-battery-staple'

/** As `authn-webhook hash token --generate` makes them. */
export const SHORT_TOKEN = `awt_${'5f0c9e7d2b4a8163'.repeat(4)}`
/** Three parts that read as a JWT, 1.2 kB, as most clusters see them; to the static provider as opaque as any. */
export const LONG_TOKEN = numberedToken(0)
export const PASSWORD_TOKEN = Buffer.from(`${PASSWORD_USER.username}:${PASSWORD}`).toString('base64')

/** Equally long for every number below a million. */
export function numberedToken (number) {
  const header = base64url({ alg: 'RS256', kid: 'c41d8f6037ab95e277e1b0d3a95c2f48', typ: 'JWT' })
  const claims = base64url({
    aud: ['https://kubernetes.default.svc'],
    email: 'robin@example.com',
    exp: 1900000000,
    groups: ['developers', 'platform', ...Array.from({ length: 12 }, (_, i) => `cn=team-${i},ou=groups,dc=example,dc=com`)],
    iss: 'https://issuer.example.com',
    sub: 'robin'
  })
  return `${header}.${claims}.${'x'.repeat(250)}${String(number).padStart(6, '0')}`
}

/** In the answer about a right one; no server here writes spaces. */
export const AUTHENTICATED = '"authenticated":true'
export const DENIED = '"authenticated":false}'

/** A TokenReview's bytes. */
export function reviewOf (token) {
  return `{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1beta1","metadata":{"creationTimestamp":null},"spec":{"token":"${token}","audiences":["https://kubernetes.default.svc"]},"status":{"user":{}}}\n`
}

export const REVIEW_PATH = '/authenticate?timeout=30s'
/** But for `content-length`, which every client counts itself. */
export const REVIEW_HEADERS = {
  accept: 'application/json, */*',
  'content-type': 'application/json',
  'accept-encoding': 'gzip',
  'user-agent': 'Go-http-client/2.0'
}

function base64url (value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
