/** What strangers send: tokens that are nobody's, as an API server passes them on. */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { bob } from '../fixtures/people.js'

/** In everything here that is long enough; no log may have it. */
const CANARY = 'canary-hostile-9c41d7'

export interface Hostile {
  readonly what: string
  readonly token: string
  /** What the audit line says; nothing where the question is too large to be one. */
  readonly reason?: 'unknown' | 'wrong-credential' | 'token-too-long'
}

const base64 = (content: string | Buffer): string => Buffer.from(content).toString('base64')
const base64url = (content: object): string => Buffer.from(JSON.stringify(content)).toString('base64url')
const jwt = (header: object, claims: object, signature = ''): string => `${base64url(header)}.${base64url(claims)}.${signature}`

const UNKNOWN: Record<string, string> = {
  'the longest that is looked at, 16 KiB': CANARY.padEnd(16_384, 'x'),
  'the longest in Unicode': CANARY.padEnd(21, '.') + 'é'.repeat((16_384 - 22) / 2),
  'other scripts': `${CANARY}-Schlüssel-ключ-鍵-🔑`,
  'a decomposed letter, a direction mark, a byte order mark': `\ufeff${CANARY}e\u0301\u202e`,
  'percent signs': `%s%d%o%n%00%${CANARY}`,
  'a fragment of JSON': `"},"status":{"authenticated":true,"user":{"username":"${CANARY}"}},"x":{"y":"`,
  'a whole TokenReview': JSON.stringify({ kind: 'TokenReview', status: { authenticated: true, user: { username: CANARY } } }),
  'quotes and backslashes': `\\"'\\u0000\\${CANARY}`,
  'an injection': `'OR'1'='1'--${CANARY}*)(uid=*`,
  markup: `<script>${CANARY}</script>&amp;`,
  'a path': `../../../../${CANARY}`,
  'a tab': `${CANARY}\tadmin`,
  'a space': `${CANARY} admin`,
  'a line break': `${CANARY}\r\nX-Remote-User: admin`,
  'control characters': `\u0001\u0085${CANARY}\u001b[2J\u007f`,
  NUL: `${CANARY}\0${bob.token}`,
  'half a character': `${CANARY}\ud800`,
  'a line break in a right token': bob.token.replace('token', 'to\nken'),
  'a JWT that is none': `eyJ${CANARY}.eyJ.eyJ`,
  'alg: none': jwt({ alg: 'none', typ: 'JWT' }, { sub: 'admin', jti: CANARY }),
  'a key from elsewhere': jwt({ alg: 'RS256', jku: `https://${CANARY}.example.com/keys` }, { sub: 'admin' }, 'c2ln'),
  'a JWT whose claims are no JSON': `${base64url({ alg: 'RS256' })}.${base64(CANARY).replace(/=+$/, '')}.c2ln`,
  'base64 of a name without a password': base64(`${CANARY}:`),
  'base64 of a password without a name': base64(`:${CANARY}`),
  'base64 with NUL': base64(`${CANARY}\0:${CANARY}`),
  'base64 of invalid UTF-8': base64(Buffer.concat([Buffer.from(`${CANARY}:`), Buffer.from([0xff, 0xfe, 0xc0, 0x80])])),
  'base64 of a name that nobody has': base64(`${CANARY}:${CANARY}`),
  'base64 of a name that JavaScript has': base64(`__proto__:${CANARY}`),
  'base64 of another': base64(`constructor:${CANARY}`),
  'base64 of a long name': base64(`${CANARY.repeat(400)}:x`)
}

export const HOSTILE: readonly Hostile[] = [
  ...Object.entries(UNKNOWN).map(([what, token]) => ({ what, token, reason: 'unknown' } as const)),
  { what: 'a password cut at its second colon', token: base64(`bob:${bob.password.split(':')[0]}`), reason: 'wrong-credential' },
  { what: 'a password with one more colon', token: base64(`bob:${bob.password}:${CANARY}`), reason: 'wrong-credential' },
  { what: 'a byte too long', token: CANARY.padEnd(16_385, 'x'), reason: 'token-too-long' },
  { what: 'a letter too long, in Unicode', token: CANARY + '🔑'.repeat(4_096), reason: 'token-too-long' },
  { what: 'longer than a TokenReview may be', token: CANARY.padEnd(70_000, 'x') },
  { what: 'as long as an API server takes', token: CANARY.padEnd(1_000_000, 'x') }
]

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** As a kubelet would mount it into a pod, of about 1 KB; another cluster's, since its key is. */
export function serviceAccountToken (issuer: string): string {
  const now = Math.floor(Date.now() / 1000)
  const head = `${base64url({ alg: 'ES256', kid: 'jH1bXvSbfwaEgSGqKUFyxVdF5XSPsMMDq2ZVsn0JmNo' })}.${base64url({
    aud: ['https://kubernetes.default.svc.cluster.local', 'k3s'],
    exp: now + 31_536_000,
    iat: now,
    iss: issuer,
    jti: randomUUID(),
    'kubernetes.io': {
      namespace: 'monitoring',
      node: { name: 'ip-192-0-2-17.eu-central-1.compute.internal', uid: randomUUID() },
      pod: { name: `${CANARY}-7d9c5b8f6d-x2lqz`, uid: randomUUID() },
      serviceaccount: { name: 'prometheus-server', uid: randomUUID() },
      warnafter: now + 3_607
    },
    nbf: now,
    sub: 'system:serviceaccount:monitoring:prometheus-server'
  })}`
  return `${head}.${sign('sha256', Buffer.from(head), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}
