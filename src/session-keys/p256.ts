/** The only type of key that signs session tokens: ECDSA with P-256, for ES256 (RFC 7518, 3.4). */
import { createHash, type KeyObject } from 'node:crypto'
import { ValidationError } from '../errors.js'

/** How to create one, for errors. */
export const CREATE_KEY = 'create one with "authn-webhook keys add"'

/** @throws ValidationError that says which type the key has */
export function assertP256 (key: KeyObject, file: string): void {
  const { asymmetricKeyType = 'unknown', asymmetricKeyDetails: { namedCurve } = {} } = key
  if (asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return
  const type = namedCurve === undefined ? asymmetricKeyType.toUpperCase() : `ECDSA ${namedCurve}`
  throw invalidFile(file, `has a key of type ${type}; session tokens need ECDSA P-256: ${CREATE_KEY}`)
}

/** The thumbprint of RFC 7638 of a key: the `kid` of its tokens. */
export function thumbprint (key: KeyObject): string {
  const { crv, kty, x, y } = key.export({ format: 'jwk' })
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
}

export function invalidFile (file: string, message: string): ValidationError {
  return new ValidationError(file, [{ path: '', message }])
}
