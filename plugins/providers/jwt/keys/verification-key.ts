/**
 * One key of a JWKS (RFC 7517), reduced to its public part. Issuers publish keys
 * for other purposes beside those that sign, so what does not fit is skipped and
 * is no error.
 */
import { importJWK, type CryptoKey, type JWK } from 'jose'
import { algorithmsOf } from './algorithms.js'
import { isObject } from '../../../../src/authn/jwt/json.js'
import type { VerificationKey } from './key-source.js'

export interface PublishedKey {
  /** Differs between keys, and if a key is used differently. */
  readonly id: string
  readonly kid: string | undefined
  /** Algorithms that the key may verify: only its own, if it has one. */
  readonly algorithms: readonly string[]
  /** @param alg one of `algorithms` */
  for: (alg: string) => Promise<VerificationKey>
}

/** Bits; RFC 7518 requires 2048, and OpenSSL verifies with no more than 16384. */
const MIN_RSA_BITS = 2048
const MAX_RSA_BITS = 16_384
/** Characters: base64url has 6 bits in each. */
const MAX_MODULUS = Math.ceil(MAX_RSA_BITS / 6)
/** Characters, 48 bits: usually 65537. A long exponent makes every verification slow. */
const MAX_EXPONENT = 8

/** Members that make a public key, by type. */
const PUBLIC_MEMBERS: Record<string, readonly string[]> = {
  RSA: ['n', 'e'],
  EC: ['x', 'y'],
  OKP: ['x']
}

/** `undefined` if the key can't verify signatures. */
export async function readKey (jwk: unknown): Promise<PublishedKey | undefined> {
  if (!isObject(jwk) || !isForSignatures(jwk)) return undefined
  const { kid, alg: stated, kty, crv } = jwk
  if (!isOptionalString(kid) || !isOptionalString(stated) || !isOptionalString(crv) || typeof kty !== 'string') return undefined
  const algorithms = algorithmsOf({ kty, ...crv !== undefined && { crv } }).filter(alg => stated === undefined || alg === stated)
  const material = publicPart(jwk, kty, crv)
  const [first] = algorithms
  if (first === undefined || material === undefined) return undefined
  const imported = new Map<string, Promise<VerificationKey>>()
  const published: PublishedKey = {
    id: JSON.stringify([kid, algorithms, material]),
    kid,
    algorithms,
    async for (alg) {
      const key = imported.get(alg) ?? importKey(material, alg).then(key => ({ kid, alg: stated, key }))
      imported.set(alg, key)
      return await key
    }
  }
  return await isSound(published, first) ? published : undefined
}

/** RSA primes and the like are derived from `d`; a symmetric key has `k`. */
export function isPrivate (jwk: unknown): boolean {
  return isObject(jwk) && ('d' in jwk || 'k' in jwk)
}

function isForSignatures ({ use, key_ops: operations }: Readonly<Record<string, unknown>>): boolean {
  return (use === undefined || use === 'sig') && (operations === undefined || (Array.isArray(operations) && operations.includes('verify')))
}

function isOptionalString (value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}

function publicPart (jwk: Readonly<Record<string, unknown>>, kty: string, crv: string | undefined): JWK | undefined {
  const members = (PUBLIC_MEMBERS[kty] ?? []).map(name => [name, jwk[name]] as const)
  if (members.some(([, value]) => typeof value !== 'string' || value === '' || value.length > MAX_MODULUS)) return undefined
  const material: JWK = { kty, ...crv !== undefined && { crv }, ...Object.fromEntries(members) }
  return kty === 'RSA' && material.e!.length > MAX_EXPONENT ? undefined : material
}

/** The public part is never an octet sequence. */
async function importKey (material: JWK, alg: string): Promise<CryptoKey> {
  return await importJWK(material, alg) as CryptoKey
}

/** A point that is not on its curve, say, can't be imported. */
async function isSound (published: PublishedKey, alg: string): Promise<boolean> {
  try {
    const { key } = await published.for(alg)
    return !isRSA(key.algorithm) || isStrong(key.algorithm)
  } catch {
    return false
  }
}

interface RSAParameters {
  readonly modulusLength: number
  readonly publicExponent: Uint8Array
}

function isRSA (algorithm: object): algorithm is RSAParameters {
  return 'modulusLength' in algorithm
}

/** With an exponent of 1, a signature is the padded digest itself. */
function isStrong ({ modulusLength, publicExponent }: RSAParameters): boolean {
  const exponent = BigInt(`0x0${Buffer.from(publicExponent).toString('hex')}`)
  return modulusLength >= MIN_RSA_BITS && modulusLength <= MAX_RSA_BITS && exponent >= 3n && exponent % 2n === 1n
}
