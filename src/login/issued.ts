/** Tells of session tokens that were issued, so that each can be revoked by its ID. */
import { decodeJwt } from 'jose'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { PROVIDER_CLAIM, USERNAME_CLAIM } from '../authn/sessions/session-claims.js'
import { grantOf } from './clients.js'
import type { LoginObserver, TokenEvent } from './observer.js'

/** @param token one that was issued just now */
export function tokenEvent (token: string, asked: Pick<TokenEvent, 'client' | 'grant' | 'address'>): TokenEvent {
  const { jti, exp, [PROVIDER_CLAIM]: provider, [USERNAME_CLAIM]: username } = decodeJwt<Record<string, string>>(token)
  return { provider: provider!, username: username!, jti: jti!, expiresAt: new Date(exp! * 1000), ...asked }
}

/** For the event `grant.success` of the OpenID provider: a response of its token endpoint. */
export function reportToken ({ issued }: LoginObserver, { ip, body, oidc }: KoaContextWithOIDC): void {
  const { id_token: token } = body as { id_token?: string }
  const grant = grantOf(oidc.params?.['grant_type'])
  if (token !== undefined && grant !== undefined) issued(tokenEvent(token, { client: oidc.client!.clientId, grant, address: ip }))
}
