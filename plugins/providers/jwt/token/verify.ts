/**
 * Verifies signature and registered claims of a JWT: RFC 7515, RFC 7519, and the
 * advice of RFC 8725. The issuer's settings choose the keys and the algorithms,
 * never the token: `jku`, `jwk`, `x5u` and `x5c` of its header are ignored.
 */
import { errors, jwtVerify } from 'jose'
import type { ProviderDenialReason } from '../../../../src/authn/provider.js'
import type { IssuerSettings } from '../issuers/issuer-settings.js'
import { isSupported } from '../keys/algorithms.js'
import type { KeySource, VerificationKey } from '../keys/key-source.js'
import type { JsonObject } from '../../../../src/authn/jwt/json.js'
import type { PresentedJwt } from '../../../../src/authn/jwt/presented-jwt.js'

/** Keys that are tried for a token without `kid`. */
const MAX_KEYS = 16
/** Of a Date, in seconds. */
const LATEST = 8.64e12

export interface Verified {
  readonly claims: JsonObject
  readonly expiresAt: Date
}

export interface Rejected {
  readonly denied: ProviderDenialReason
  /** For the log of a person who asks; without values of the token. */
  readonly why: string
}

/** @throws KeySourceError if the issuer's keys are not available */
export async function verifyJwt (token: string, { header, claims }: PresentedJwt, settings: IssuerSettings, keys: KeySource, signal: AbortSignal): Promise<Verified | Rejected> {
  const { alg, kid } = header
  if (typeof alg !== 'string' || !isSupported(alg)) return rejected('the algorithm is not allowed')
  if (kid !== undefined && typeof kid !== 'string') return rejected('"kid" is not a string')
  // RFC 7515, 4.1.11: a token with an extension that is not supported must be rejected; none is supported here
  if (header['crit'] !== undefined) return rejected('"crit" requires an extension')
  const candidates = await keys.find({ alg, ...kid !== undefined && { kid } }, signal)
  if (candidates.length === 0) return rejected(`the issuer has no key ${kid === undefined ? '' : `${JSON.stringify(kid.slice(0, 256))} `}for ${alg}`)
  let result = await verifyWithAny(candidates, alg, token, claims, settings)
  if (result === undefined && kid === undefined) result = await verifyWithAny(await keys.findNew({ alg }, signal), alg, token, claims, settings)
  return result ?? rejected('the signature does not match')
}

/** `undefined` if the signature is of none of the keys. */
async function verifyWithAny (candidates: readonly VerificationKey[], alg: string, token: string, claims: JsonObject, settings: IssuerSettings): Promise<Verified | Rejected | undefined> {
  for (const { key } of candidates.slice(0, MAX_KEYS)) {
    try {
      await jwtVerify(token, key, {
        algorithms: [alg],
        issuer: settings.url,
        audience: [...settings.audiences],
        clockTolerance: settings.clockSkew,
        requiredClaims: ['exp', 'sub']
      })
      return checkedFurther(claims, settings)
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) return rejectedFor(error, claims, settings)
    }
  }
  return undefined
}

/** What jose leaves to its caller. */
function checkedFurther (claims: JsonObject, { clockSkew }: IssuerSettings): Verified | Rejected {
  const { exp, iat, aud, sub, jti } = claims
  if (typeof sub !== 'string' || sub === '') return rejected('"sub" is not a string, or empty')
  if (![aud].flat().every(audience => typeof audience === 'string')) return { denied: 'audience', why: '"aud" is not a string or a list of strings' }
  if (typeof exp !== 'number' || Math.abs(exp) > LATEST) return rejected('"exp" is not a time')
  if (jti !== undefined && typeof jti !== 'string') return rejected('"jti" is not a string')
  if (typeof iat === 'number' && iat > Date.now() / 1000 + clockSkew) return rejected(`"iat" is in the future, ${printedTime(iat)} (tolerance ${clockSkew} s): compare the clocks of issuer and service`)
  return { claims, expiresAt: new Date(exp * 1000) }
}

/** The claims are genuine: jose verifies the signature first. */
function rejectedFor (error: unknown, claims: JsonObject, { audiences, clockSkew }: IssuerSettings): Rejected {
  const tolerance = `tolerance ${clockSkew} s`
  if (error instanceof errors.JWTExpired) return { denied: 'expired', why: `the token expired at ${printedTime(claims['exp'])} (${tolerance})` }
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error
    if (reason === 'missing') return { denied: claim === 'aud' ? 'audience' : 'wrong-credential', why: `"${claim}" is missing` }
    if (claim === 'aud') return { denied: 'audience', why: `"aud" is ${JSON.stringify(claims['aud'])}, and none of the issuer's audiences ${JSON.stringify(audiences)}` }
    if (claim === 'nbf' && typeof claims['nbf'] === 'number') return rejected(`the token is not valid before ${printedTime(claims['nbf'])} (${tolerance}): compare the clocks of issuer and service`)
    return rejected(`"${claim}" is not valid`)
  }
  if (error instanceof errors.JOSEError) return rejected(error.message)
  throw error
}

/** A NumericDate of RFC 7519 for people. */
export function printedTime (seconds: unknown): string {
  return typeof seconds === 'number' && Math.abs(seconds) <= LATEST ? new Date(seconds * 1000).toISOString() : 'no time'
}

function rejected (why: string): Rejected {
  return { denied: 'wrong-credential', why }
}

export function isRejected (result: Verified | Rejected): result is Rejected {
  return 'denied' in result
}
