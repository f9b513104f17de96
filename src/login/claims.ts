/** What ID tokens say of a person. */
import { randomUUID } from 'node:crypto'
import type { Account } from 'oidc-provider'
import { PASSWORD_CLAIM, PROVIDER_CLAIM, USERNAME_CLAIM, passwordClaim } from '../authn/sessions/session-claims.js'
import { passwordDigestOf } from './account-id.js'
import type { Person } from './accounts.js'

/** By the scope that asks for them. */
export const CLAIMS = {
  openid: ['sub', 'jti', 'auth_time', 'amr', PROVIDER_CLAIM, PASSWORD_CLAIM, USERNAME_CLAIM],
  profile: [USERNAME_CLAIM],
  groups: ['groups']
}

export const SCOPES = Object.keys(CLAIMS)

/** @param accountId the ID by which the OpenID provider knows the person, or the subject for a token */
export function accountOf (person: Person, accountId: string): Account & { readonly person: Person } {
  return { accountId, person, claims: () => ({ sub: person.subject, ...claimsOf(person) }) }
}

/** With a new `jti` each time. */
export function claimsOf ({ accountId, provider, user }: Person): Record<string, unknown> {
  const jti = randomUUID()
  const digest = passwordDigestOf(accountId)
  return {
    jti,
    [PROVIDER_CLAIM]: provider,
    ...digest !== undefined && { [PASSWORD_CLAIM]: passwordClaim(jti, digest) },
    [USERNAME_CLAIM]: user.username,
    groups: user.groups ?? []
  }
}
