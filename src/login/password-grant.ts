/** The `password` grant of OAuth 2.0 (RFC 6749, 4.3) with an ID token, as kubelogin uses it; opt-in for each client. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { SCOPES } from './claims.js'
import { invalidGrant, temporarilyUnavailable } from './errors.js'
import { issueIdToken, lifetimeOf } from './id-tokens.js'
import type { Library } from './library.js'
import type { SignInProblem } from './pages/models.js'
import { AMR, PROBLEM_STATUS, type PasswordAttempts } from './password-attempts.js'

export interface PasswordGrantOptions {
  readonly library: Library
  readonly attempts: PasswordAttempts
  readonly isThrottled: (request: IncomingMessage) => Promise<boolean>
  /** Seconds. */
  readonly tokenTTL: number
  /** Seconds. */
  readonly accessTokenTTL: number
}

export function registerPasswordGrant (provider: Provider, { library, attempts, isThrottled, tokenTTL, accessTokenTTL }: PasswordGrantOptions): void {
  const handler = async (ctx: KoaContextWithOIDC): Promise<void> => {
    const { client, params } = ctx.oidc
    if (client === undefined) throw new library.errors.InvalidClient()
    const { username, password, scope: requested } = params as { username?: string, password?: string, scope?: string }
    if (username === undefined || password === undefined) throw new library.errors.InvalidRequest('missing required parameter(s): username and password')
    const scope = grantedScope(requested)
    if (scope === undefined) throw new library.errors.InvalidScope('the scope must contain openid', 'openid')

    const { person, problem } = await attempts.check({ username, password, client: client.clientId, grant: 'password', address: ctx.ip, throttled: await isThrottled(ctx.req) })
    if (problem !== undefined) throw errorOf(library, problem)
    const now = Math.floor(Date.now() / 1000)
    ctx.body = {
      // required by OAuth, and of no use anywhere
      access_token: randomBytes(32).toString('base64url'),
      token_type: 'Bearer',
      expires_in: accessTokenTTL,
      id_token: await issueIdToken(provider, { person, client, scope, amr: AMR, authTime: now, expiresAt: now + lifetimeOf(person, tokenTTL), ctx }),
      scope
    }
  }
  provider.registerGrantType('password', handler, ['username', 'password', 'scope'])
}

function grantedScope (requested: string | undefined): string | undefined {
  const scopes = requested?.split(' ').filter(scope => SCOPES.includes(scope)) ?? ['openid']
  return scopes.includes('openid') ? scopes.join(' ') : undefined
}

function errorOf (library: Library, problem: SignInProblem): Error {
  switch (problem) {
    case 'rejected': return invalidGrant(library, 'the username or the password is wrong')
    case 'not-allowed': return invalidGrant(library, 'this account is not allowed to sign in')
    case 'throttled': return temporarilyUnavailable(library, { status: PROBLEM_STATUS.throttled, description: 'too many attempts; try again later' })
    case 'unavailable': return temporarilyUnavailable(library)
  }
}
