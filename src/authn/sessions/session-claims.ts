/**
 * The claims of a session token, which the sign-in service issues and reviews
 * verify: a JWT (RFC 7519) with the claims of an OpenID Connect ID Token and two
 * of ours.
 */
import { hash } from 'node:crypto'

/** Name of the provider whose user signed in. */
export const PROVIDER_CLAIM = 'idp'
/** What {@link passwordClaim} gives; absent if the provider has no password version. */
export const PASSWORD_CLAIM = 'pwv'
/** The username as Kubernetes knows it, at the time of the sign-in. */
export const USERNAME_CLAIM = 'preferred_username'

/** Of claim `sub`: OpenID Connect Core, 2. */
const MAX_SUBJECT = 255

/**
 * Claim `sub`: the provider and the user's uid, which stays the same when the user
 * is renamed and is never given to another one. `undefined` if no claim can carry the uid.
 */
export function subjectOf (provider: string, uid: string): string | undefined {
  // half of a surrogate pair can't be encoded
  const encoded = attempt(() => encodeURIComponent(uid))
  const subject = `${provider}:${encoded}`
  return uid === '' || encoded === undefined || subject.length > MAX_SUBJECT ? undefined : subject
}

/** The inverse of {@link subjectOf}; `undefined` if it is none. */
export function parseSubject (subject: string): { readonly provider: string, readonly uid: string } | undefined {
  const colon = subject.indexOf(':')
  if (colon < 1) return undefined
  const provider = subject.slice(0, colon)
  const uid = attempt(() => decodeURIComponent(subject.slice(colon + 1)))
  return uid !== undefined && subjectOf(provider, uid) === subject ? { provider, uid } : undefined
}

function attempt (work: () => string): string | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

/** A digest of a password version, of one length. */
export function digestPasswordVersion (version: string): string {
  return hash('sha256', version, 'base64url')
}

/** Claim `pwv`: a digest that differs in each token, so that tokens don't tell which users have the same version. */
export function passwordClaim (jti: string, versionDigest: string): string {
  return hash('sha256', `${jti}\n${versionDigest}`, 'base64url')
}
