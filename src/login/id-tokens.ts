/** ID tokens outside of the grants that the OpenID provider knows. */
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Person } from './accounts.js'
import { accountOf } from './claims.js'

type Client = NonNullable<Awaited<ReturnType<Provider['Client']['find']>>>

export interface IdTokenRequest {
  readonly person: Person
  readonly client: Client
  readonly scope: string
  readonly amr: readonly string[] | undefined
  /** Seconds. */
  readonly authTime: number | undefined
  /** Seconds. */
  readonly expiresAt: number
  /** Of the request to the token endpoint, if it is one. */
  readonly ctx?: KoaContextWithOIDC
}

export async function issueIdToken (provider: Provider, { person, client, scope, amr, authTime, expiresAt, ctx }: IdTokenRequest): Promise<string> {
  const claims = await accountOf(person, person.subject).claims('id_token', scope, {}, [])
  const token = Object.assign(new provider.IdToken({ ...claims, amr, auth_time: authTime }, { client, ctx }), { scope })
  return await token.issue({ use: 'idtoken', expiresAt })
}

/** Seconds that a token for the person lives: it does not outlive the account. @param ttl seconds */
export function lifetimeOf ({ expiresAt }: Person, ttl: number, now = Date.now()): number {
  const left = expiresAt === undefined ? ttl : Math.floor((expiresAt.getTime() - now) / 1000)
  // the account was there a moment ago
  return Math.max(Math.min(left, ttl), 1)
}
