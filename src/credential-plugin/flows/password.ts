/** The password grant (RFC 6749, 4.3): for scripts, and terminals without a browser. */
import { genericGrantRequest } from 'openid-client'
import { SCOPE } from '../issuer/open-issuer.js'
import type { FlowContext, TokenResponse } from './flow.js'

export interface PasswordCredential {
  readonly username: string
  readonly password: string
}

export async function signInWithPassword ({ config }: FlowContext, { username, password }: PasswordCredential): Promise<TokenResponse> {
  return await genericGrantRequest(config, 'password', { username, password, scope: SCOPE })
}
