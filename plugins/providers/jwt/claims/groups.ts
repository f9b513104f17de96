/**
 * Groups that are not in the token. OpenID Connect Core, 5.6.2: the token says
 * where they are. Entra ID does so for more than 200 groups, but its endpoint
 * asks for a token of Microsoft Graph: group overage.
 */
import { isObject, memberOf, type JsonObject } from '../../../../src/authn/jwt/json.js'
import type { IssuerSettings } from '../issuers/issuer-settings.js'
import { ClaimError } from './claim-error.js'

/** The claim that has the groups, in a JWT of its own: from the token, or from this endpoint. */
export interface ClaimSource {
  readonly jwt?: string
  readonly endpoint?: URL
  /** A secret. */
  readonly accessToken?: string
}

/** Where the groups are. `undefined`: in the token, or there are none. */
export type GroupsElsewhere = 'overage' | ClaimSource | undefined

/** Microsoft Graph, its predecessor and the national clouds. */
const GRAPH = /^https:\/\/graph\.(windows\.net|microsoft\.com|microsoft\.us|cloudapi\.de|chinacloudapi\.cn)\/|^https:\/\/(dod-graph\.microsoft\.us|microsoftgraph\.chinacloudapi\.cn)\//

/** The claim that has the groups; `undefined` if no claim of the token can be missing. */
export function groupsClaimOf ({ groups }: IssuerSettings): string | undefined {
  if (groups === undefined || 'claim' in groups) return groups?.claim
  return groups.expression.reads.has('groups') ? 'groups' : undefined
}

/** @throws ClaimError if the token names a source that it does not describe */
export function findGroups (claims: JsonObject, claim: string): GroupsElsewhere {
  if (memberOf(claims, claim) !== undefined) return undefined
  // in tokens of the implicit flow, instead of a source
  if ([true, 'true'].includes(memberOf(claims, 'hasgroups') as string)) return 'overage'
  const names = memberOf(claims, '_claim_names')
  const name = isObject(names) ? memberOf(names, claim) : undefined
  if (name === undefined) return undefined
  const sources = memberOf(claims, '_claim_sources')
  const source = isObject(sources) && typeof name === 'string' ? memberOf(sources, name) : undefined
  if (!isObject(source)) throw new ClaimError(`the source of the claim ${claim} is missing in _claim_sources`)
  const { JWT: jwt, endpoint, access_token: accessToken } = source
  if (typeof jwt === 'string') return { jwt }
  if (typeof endpoint === 'string' && GRAPH.test(endpoint)) return 'overage'
  return { endpoint: parseEndpoint(endpoint, claim), ...accessToken !== undefined && { accessToken: checkAccessToken(accessToken, claim) } }
}

function parseEndpoint (endpoint: unknown, claim: string): URL {
  const url = typeof endpoint === 'string' && URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '') throw new ClaimError(`the source of the claim ${claim} has neither a JWT nor an endpoint that is an https URL without credentials`)
  return url
}

/** What a header can carry: RFC 6750, 2.1. */
const BEARER = /^[\x21-\x7e]+$/

function checkAccessToken (accessToken: unknown, claim: string): string {
  if (typeof accessToken !== 'string' || !BEARER.test(accessToken)) throw new ClaimError(`the access token of the source of the claim ${claim} is not a bearer token`)
  return accessToken
}
