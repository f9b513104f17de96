/** Signature algorithms (RFC 7518, RFC 8037) and the keys that fit them. */
export interface KeyType {
  readonly kty: string
  readonly crv?: string
}

const RSA: KeyType = { kty: 'RSA' }

/** HMAC is absent: a public key must never serve as a shared secret. */
const ALGORITHMS = new Map<string, KeyType>([
  ['RS256', RSA],
  ['RS384', RSA],
  ['RS512', RSA],
  ['PS256', RSA],
  ['PS384', RSA],
  ['PS512', RSA],
  ['ES256', { kty: 'EC', crv: 'P-256' }],
  ['ES384', { kty: 'EC', crv: 'P-384' }],
  ['ES512', { kty: 'EC', crv: 'P-521' }],
  ['EdDSA', { kty: 'OKP', crv: 'Ed25519' }]
])

export function isSupported (alg: string): boolean {
  return ALGORITHMS.has(alg)
}

/** Those of a key of this type. */
export function algorithmsOf ({ kty, crv }: KeyType): string[] {
  return [...ALGORITHMS].flatMap(([alg, type]) => type.kty === kty && (type.crv === undefined || type.crv === crv) ? alg : [])
}
