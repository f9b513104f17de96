/** A JWT in the compact serialization of RFC 7515, as it was presented. Nothing here is verified. */
import { isUtf8 } from 'node:buffer'
import { isObject, memberOf, parseObject, tryParse, type JsonObject } from './json.js'

export interface PresentedJwt {
  readonly header: JsonObject
  readonly claims: JsonObject
}

/** The claim `iss`, for routing: cheap, and `undefined` if the token is no JWT. */
export function issuerOf (token: string): string | undefined {
  const claims = claimsOf(token)
  return claims && issuerIn(claims)
}

/** The claims, for routing: cheap and lenient, and `undefined` if the token is no JWT. Another parser may read them differently: see {@link readJwt}. */
export function claimsOf (token: string): JsonObject | undefined {
  const begin = token.indexOf('.')
  const end = token.indexOf('.', begin + 1)
  if (begin < 1 || end < 0 || token.includes('.', end + 1)) return undefined
  const claims = tryParse(Buffer.from(token.slice(begin + 1, end), 'base64url').toString())
  return isObject(claims) ? claims : undefined
}

export function issuerIn (claims: JsonObject): string | undefined {
  const issuer = memberOf(claims, 'iss')
  return typeof issuer === 'string' ? issuer : undefined
}

/** `undefined` if it is malformed, or could be read in two ways. */
export function readJwt (token: string): PresentedJwt | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  const [header, claims, signature] = parts.map(bytesOf)
  if (header === undefined || claims === undefined || signature === undefined) return undefined
  const [parsedHeader, parsedClaims] = [objectOf(header), objectOf(claims)]
  return parsedHeader === undefined || parsedClaims === undefined ? undefined : { header: parsedHeader, claims: parsedClaims }
}

/** `undefined` unless the part is canonical: several encodings of one token would be several tokens. */
function bytesOf (part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url')
  return part !== '' && bytes.toString('base64url') === part ? bytes : undefined
}

function objectOf (bytes: Buffer): JsonObject | undefined {
  return isUtf8(bytes) ? parseObject(bytes.toString()) : undefined
}
