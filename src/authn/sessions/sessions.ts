/**
 * Session tokens in reviews. A token is routed by the issuer and the provider
 * that it names to that provider alone; no other one sees it.
 */
import type { Authenticator, OpenProvider } from '../authenticator.js'
import type { ParsedCredential } from '../credential.js'
import { memberOf } from '../jwt/json.js'
import { claimsOf, issuerIn } from '../jwt/presented-jwt.js'
import { createLookup } from '../lookup.js'
import { SessionAuthenticator, type RevocableSession } from './session-authenticator.js'
import { PROVIDER_CLAIM } from './session-claims.js'
import { VerifiedSessions } from './verified-sessions.js'
import type { SessionSettings } from './verify-session.js'

export interface SessionsOptions extends SessionSettings {
  /** Those without `lookup` have no sessions. */
  readonly providers: readonly OpenProvider[]
  readonly revocations?: { readonly isRevoked: (session: RevocableSession) => boolean } | undefined
  /** Milliseconds since 1970; for tests. */
  readonly now?: () => number
}

export interface Sessions {
  /**
   * The authenticator of the provider that a session token names, instead of the
   * chain; none if there is no such provider. `undefined`: it is no token of our
   * issuer. Verifies nothing.
   */
  readonly chainFor: (credential: ParsedCredential) => readonly Authenticator[] | undefined
}

export function createSessions ({ issuer, audiences, keys, providers, revocations, now = Date.now }: SessionsOptions): Sessions {
  const verified = new VerifiedSessions({ issuer, audiences, keys }, now)
  const isRevoked = (session: RevocableSession): boolean => revocations?.isRevoked(session) ?? false
  const chains = new Map<unknown, readonly Authenticator[]>()
  for (const open of providers) {
    const lookup = createLookup(open)
    if (lookup !== undefined) chains.set(open.name, [new SessionAuthenticator({ open, lookup, issuer, verified, isRevoked, now })])
  }
  return {
    chainFor (credential) {
      // what was verified before needs no parsing
      const session = credential.jwt ? verified.get(credential) : undefined
      if (session !== undefined) return chains.get(session.provider)
      const claims = claimsOf(credential.token)
      if (claims === undefined || issuerIn(claims) !== issuer) return undefined
      return chains.get(memberOf(claims, PROVIDER_CLAIM)) ?? []
    }
  }
}
