/** The only type of key that signs session tokens: ECDSA with P-256, for ES256 (RFC 7518, 3.4). */
import type { KeyObject } from 'node:crypto'
import { ValidationError } from '../errors.js'

/** @throws ValidationError that says which type the key has */
export function assertP256 (key: KeyObject, file: string): void {
  const { asymmetricKeyType = 'unknown', asymmetricKeyDetails: { namedCurve } = {} } = key
  if (asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return
  const type = namedCurve === undefined ? asymmetricKeyType.toUpperCase() : `ECDSA ${namedCurve}`
  throw invalidFile(file, `has a key of type ${type}; session tokens need ECDSA P-256: create a key with "authn-webhook keys add"`)
}

export function invalidFile (file: string, message: string): ValidationError {
  return new ValidationError(file, [{ path: '', message }])
}
