/**
 * Verifies signature and claims of a session token: RFC 7515, RFC 7519, and the
 * advice of RFC 8725. The config chooses algorithm and keys; of the token's
 * header only `kid` counts, which selects one of these keys.
 */
import { errors, jwtVerify } from 'jose'
import type { DenialReason } from '../answer.js'
import type { JsonObject } from '../jwt/json.js'
import { readJwt } from '../jwt/presented-jwt.js'
import { parseSubject, PASSWORD_CLAIM, PROVIDER_CLAIM, USERNAME_CLAIM } from './session-claims.js'
import type { SessionKeys } from './session-keys.js'

export interface SessionSettings {
  readonly issuer: string
  /** Client IDs whose tokens are accepted. */
  readonly audiences: readonly string[]
  readonly keys: SessionKeys
}

/** What a verified token says. */
export interface Session {
  readonly provider: string
  readonly uid: string
  /** Claim `sub`: provider and uid. */
  readonly subject: string
  readonly jti: string
  /** As Kubernetes knew the user at the sign-in. */
  readonly username: string
  /** Seconds since 1970. */
  readonly issuedAt: number
  /** Milliseconds since 1970. */
  readonly expiresAt: number
  /** Absent if the provider had no password version. */
  readonly passwordClaim?: string
}

export interface RejectedSession {
  readonly denied: DenialReason
  /** For the log; without values of the token. */
  readonly why: string
  /** If the token is genuine. */
  readonly username?: string
}

const ALGORITHM = 'ES256'
/** Seconds by which the clock of the sign-in service may be ahead. Never extends the life of a token. */
export const CLOCK_TOLERANCE = 5
/** Of a Date, in seconds. */
const LATEST = 8.64e12

/** @param now milliseconds since 1970 */
export async function verifySession (token: string, { issuer, audiences, keys }: SessionSettings, now: number): Promise<Session | RejectedSession> {
  const jwt = readJwt(token)
  if (jwt === undefined) return rejected('the token is malformed, has duplicate names, or is nested too deeply')
  const { kid, typ } = jwt.header
  // keys that sign several kinds of tokens must not make one pass for another
  if (typ !== undefined && typ !== 'JWT') return rejected('"typ" is not JWT')
  // RFC 7515, 4.1.11: a token with an extension that is not supported must be rejected; none is supported here
  if (jwt.header['crit'] !== undefined) return rejected('"crit" requires an extension')
  if (typeof kid !== 'string') return rejected('"kid" is missing or not a string')
  const key = keys.find(kid)
  if (key === undefined) return { denied: 'unknown-key', why: 'no configured key has this "kid": compare sessions.certFiles with login.signingKeys' }
  try {
    await jwtVerify(token, key, { algorithms: [ALGORITHM], issuer, audience: [...audiences], clockTolerance: CLOCK_TOLERANCE, currentDate: new Date(now) })
  } catch (error) {
    return rejectedFor(error, jwt.claims)
  }
  return readSession(jwt.claims, now)
}

/** The claims are genuine, but could be those of another kind of token of this issuer. */
function readSession (claims: JsonObject, now: number): Session | RejectedSession {
  const { sub, aud, iat, exp, jti, [PROVIDER_CLAIM]: provider, [USERNAME_CLAIM]: username, [PASSWORD_CLAIM]: passwordClaim } = claims
  if (typeof aud !== 'string') return { denied: 'audience', why: '"aud" is not one client ID' }
  if (typeof iat !== 'number' || iat > now / 1000 + CLOCK_TOLERANCE) return rejected('"iat" is not a time, or in the future: compare the clocks of the sign-in service and this one')
  if (typeof exp !== 'number' || exp > LATEST) return rejected('"exp" is not a time')
  if (typeof jti !== 'string' || jti === '') return rejected('"jti" is not a string, or empty')
  if (typeof username !== 'string' || username === '') return rejected(`"${USERNAME_CLAIM}" is not a string, or empty`)
  if (passwordClaim !== undefined && typeof passwordClaim !== 'string') return rejected(`"${PASSWORD_CLAIM}" is not a string`)
  // jose is tolerant here too
  if (exp * 1000 <= now) return { denied: 'expired', why: 'the token has expired', username }
  const subject = typeof sub === 'string' ? parseSubject(sub) : undefined
  if (typeof sub !== 'string' || subject === undefined) return rejected('"sub" is not a provider and a uid')
  if (provider !== subject.provider) return rejected(`"${PROVIDER_CLAIM}" is not the provider of "sub"`)
  return { ...subject, subject: sub, jti, username, issuedAt: iat, expiresAt: exp * 1000, ...passwordClaim !== undefined && { passwordClaim } }
}

/** The claims are genuine, unless the signature does not match: jose verifies it first. */
function rejectedFor (error: unknown, claims: JsonObject): RejectedSession {
  const username = claims[USERNAME_CLAIM]
  const named = typeof username === 'string' ? { username } : {}
  if (error instanceof errors.JWTExpired) return { denied: 'expired', why: 'the token has expired', ...named }
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud') return { denied: 'audience', why: '"aud" is none of the configured client IDs', ...named }
  if (error instanceof errors.JWTClaimValidationFailed) return { ...rejected(`"${error.claim}" is missing or not valid`), ...named }
  if (error instanceof errors.JOSEAlgNotAllowed) return rejected(`"alg" is not ${ALGORITHM}`)
  if (error instanceof errors.JWSSignatureVerificationFailed) return rejected('the signature does not match')
  if (error instanceof errors.JOSEError) return rejected('the token is malformed')
  throw error
}

function rejected (why: string): RejectedSession {
  return { denied: 'wrong-credential', why }
}

export function isRejected (session: Session | RejectedSession): session is RejectedSession {
  return 'denied' in session
}
