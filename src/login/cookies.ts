/**
 * Cookies of the sign-in service. A browser accepts a `__Host-` cookie from this
 * host and for all its paths only, so that no other host of the domain can plant
 * one; a service below a path shares its host, and keeps its cookies to its path.
 */
import { hkdfSync } from 'node:crypto'
import type { CookiesSetOptions } from 'oidc-provider'

export interface CookieSettings {
  readonly names: {
    readonly session: string
    readonly interaction: string
    readonly resume: string
    /** Tells browsers apart before anyone has signed in. */
    readonly browser: string
  }
  /** Of the cookies that are valid for the whole service. */
  readonly options: CookiesSetOptions
  /** Of those that the OpenID provider sets for one path. */
  readonly pathOptions: CookiesSetOptions
}

/** @param base path of the issuer, without "/" at the end */
export function cookieSettings (base: string): CookieSettings {
  const prefix = base === '' ? '__Host-' : '__Secure-'
  const pathOptions = { httpOnly: true, sameSite: 'lax', secure: true, signed: true } as const
  return {
    names: { session: `${prefix}session`, interaction: '__Secure-interaction', resume: '__Secure-resume', browser: `${prefix}browser` },
    options: { ...pathOptions, path: base === '' ? '/' : base },
    pathOptions
  }
}

/** One key for each signing key, so that replicas agree, and cookies outlast a rotation. */
export function deriveKeys (secrets: readonly string[], purpose: string): Buffer[] {
  return secrets.map(secret => Buffer.from(hkdfSync('sha256', Buffer.from(secret, 'base64url'), '', `authn-webhook ${purpose}`, 32)))
}
