/** The course of a token: its issuer, its signature, its claims, its user. */
import type { Answer, Credential, Denial, IdentityProvider, OpenContext, RequestContext, UserInfo } from '../../../src/authn/provider.js'
import type { Revocations } from '../../../src/revocations-file/reload.js'
import { KeySourceError, UnavailableError } from '../../../src/errors.js'
import { ClaimError } from './claims/claim-error.js'
import { checkClaims, checkUser } from './claims/rules.js'
import { findGroups, groupsClaimOf, type ClaimSource } from './claims/groups.js'
import { userOf, type Explain } from './claims/user.js'
import type { EventName } from './events.js'
import type { Issuer, Issuers } from './issuers/issuers.js'
import { isObject, memberOf, type JsonObject } from '../../../src/authn/jwt/json.js'
import { issuerIn, issuerOf, readJwt, type PresentedJwt } from '../../../src/authn/jwt/presented-jwt.js'
import { isRejected, printedTime, verifyJwt, type Rejected, type Verified } from './token/verify.js'

export interface JwtProviderOptions {
  readonly issuers: Issuers
  readonly revocations: Revocations | undefined
  readonly ctx: Pick<OpenContext, 'log' | 'countEvent'>
}

interface Admitted {
  readonly user: UserInfo
  readonly expiresAt: Date
}

/** Claims that give no user. */
interface Outcome extends Rejected {
  readonly event?: EventName
  /** If the token is genuine, and names a user. */
  readonly username?: string
}

export class JwtProvider implements IdentityProvider {
  readonly #options: JwtProviderOptions

  constructor (options: JwtProviderOptions) {
    this.#options = options
  }

  recognizes ({ token }: Credential): boolean {
    return this.#issuerOf(token) !== undefined
  }

  async authenticateToken (token: string, ctx: RequestContext): Promise<Answer> {
    const jwt = readJwt(token)
    const issuer = this.#issuerOf(token, jwt)
    if (issuer === undefined) return null
    const { url } = issuer.settings
    const answer = await this.#answer(token, jwt, issuer, ctx)
    if (!('denied' in answer)) {
      this.#options.ctx.countEvent('authenticated', url)
      return answer
    }
    const { denied, why, username, event = denied as EventName } = answer
    ctx.explain?.(`denied, ${denied}: ${why}`)
    this.#options.ctx.log.info({ issuer: url, denied, why, username }, 'denied a token')
    this.#options.ctx.countEvent(event, url)
    return { denied, ...username !== undefined && { username } } satisfies Denial
  }

  async #answer (token: string, jwt: PresentedJwt | undefined, issuer: Issuer, ctx: RequestContext): Promise<Outcome | Admitted> {
    try {
      const verified = await this.#verify(token, jwt, issuer, ctx)
      return isRejected(verified) ? verified : await this.#admit(verified, issuer, ctx)
    } catch (error) {
      // an outage of one issuer says nothing about the others: the breaker must not open
      throw error instanceof KeySourceError ? new UnavailableError('source-down', { cause: error }) : error
    }
  }

  async ping ({ signal }: Pick<RequestContext, 'signal'>): Promise<void> {
    const pings = await Promise.allSettled(this.#options.issuers.all().map(async ({ keys }) => { await keys.ping(signal) }))
    const errors = pings.flatMap(ping => ping.status === 'rejected' ? [ping.reason] : [])
    if (errors.length === 1) throw errors[0]
    if (errors.length > 1) throw new AggregateError(errors)
  }

  close (): void {
    this.#options.issuers.close()
    this.#options.revocations?.close()
  }

  /** Also of a malformed token: it is denied, and not left to the next provider. */
  #issuerOf (token: string, jwt?: PresentedJwt): Issuer | undefined {
    const url = jwt === undefined ? issuerOf(token) : issuerIn(jwt.claims)
    return url === undefined ? undefined : this.#options.issuers.get(url)
  }

  async #verify (token: string, jwt: PresentedJwt | undefined, { settings, keys }: Issuer, { signal, explain }: RequestContext): Promise<Verified | Rejected> {
    if (jwt === undefined) return { denied: 'wrong-credential', why: 'the token is malformed, has duplicate names, or is nested too deeply' }
    explain?.(`issuer ${settings.url}, key ${printed(jwt.header['kid'])}, algorithm ${printed(jwt.header['alg'])}`)
    return await verifyJwt(token, jwt, settings, keys, signal)
  }

  /** The user of a verified token. */
  async #admit ({ claims: verified, expiresAt }: Verified, issuer: Issuer, ctx: RequestContext): Promise<Outcome | Admitted> {
    const { settings } = issuer
    let user: UserInfo | undefined
    try {
      const claims = await this.#withGroups(verified, issuer, ctx)
      if (claims === 'overage') return { denied: 'not-member', event: 'group-overage', why: 'group overage: the token of Entra ID has too many groups to list them; reduce them to the groups assigned to the application, use groupsFrom, or set onGroupOverage: omit' }
      explainClaims(claims, issuer, ctx.explain)
      user = userOf(claims, settings, ctx.explain)
      checkClaims(claims, settings.claimRules, ctx.explain)
    } catch (error) {
      return rejectedBy(error, 'wrong-credential', user)
    }
    try {
      checkUser(user, settings.userRules, ctx.explain)
    } catch (error) {
      return rejectedBy(error, 'not-member', user)
    }
    if (this.#isRevoked(verified, issuer)) return { denied: 'revoked', why: 'the token is in the revocations file', username: user.username }
    return { user, expiresAt }
  }

  async #withGroups (claims: JsonObject, issuer: Issuer, ctx: RequestContext): Promise<JsonObject | 'overage'> {
    const { settings } = issuer
    const claim = groupsClaimOf(settings)
    const elsewhere = claim === undefined ? undefined : findGroups(claims, claim)
    if (claim === undefined || elsewhere === undefined) return claims
    if (elsewhere !== 'overage') {
      ctx.explain?.(`the claim ${claim} is in another token${elsewhere.endpoint === undefined ? '' : `, of ${elsewhere.endpoint.origin}`}`)
      return { ...claims, [claim]: await this.#resolve(elsewhere, claim, issuer, ctx) }
    }
    if (settings.onGroupOverage === 'deny') return 'overage'
    this.#options.ctx.log.warn({ issuer: settings.url }, 'group overage: the token has too many groups to list them, and the user has none')
    this.#options.ctx.countEvent('group-overage', settings.url)
    ctx.explain?.('group overage: the token has too many groups to list them; the user has none')
    return claims
  }

  /** As the API server does, but the token of the source must be of an issuer of this config: nobody else's keys are trusted. */
  async #resolve ({ jwt, endpoint, accessToken }: ClaimSource, claim: string, issuer: Issuer, ctx: RequestContext): Promise<unknown> {
    const token = endpoint === undefined ? jwt ?? '' : await issuer.keys.fetchClaims(endpoint, accessToken, ctx.signal)
    const source = this.#issuerOf(token)
    if (source === undefined) throw new ClaimError(`the source of the claim ${claim} is not a token of a configured issuer`)
    const verified = await this.#verify(token, readJwt(token), source, ctx)
    if (isRejected(verified)) throw new ClaimError(`the token of the source of the claim ${claim} is not valid: ${verified.why}`)
    const value = memberOf(verified.claims, claim)
    if (value === undefined) throw new ClaimError(`the token of its source has no claim ${claim}`)
    return value
  }

  #isRevoked (claims: JsonObject, { settings }: Issuer): boolean {
    const { sub, jti, iat } = claims
    // verified: see verifyJwt
    return this.#options.revocations?.isRevoked({ issuer: settings.url, subject: sub as string, jti: jti as string | undefined, issuedAt: iat as number | undefined }) ?? false
  }
}

/** @throws what is no denial */
function rejectedBy (error: unknown, denied: Rejected['denied'], user: UserInfo | undefined): Outcome {
  if (!(error instanceof ClaimError)) throw error
  return { denied, why: error.message, ...user !== undefined && { username: user.username } }
}

/** Values of the claims that something reads; of the others only their names, since a token may hold what is nobody's business. */
function explainClaims (claims: JsonObject, { claimsRead }: Issuer, explain: Explain): void {
  if (explain === undefined) return
  for (const path of claimsRead) {
    const value = valueAt(claims, path.split('.'))
    explain(`claim ${path}: ${value === undefined ? 'absent' : JSON.stringify(value)}${TIMES.has(path) && typeof value === 'number' ? ` (${printedTime(value)})` : ''}`)
  }
  const others = Object.keys(claims).filter(name => ![...claimsRead].some(path => path === name || path.startsWith(`${name}.`)))
  if (others.length > 0) explain(`claims that nothing reads: ${others.join(', ')}`)
}

const TIMES = new Set(['exp', 'nbf', 'iat'])

/** Names may have dots themselves: `kubernetes.io.namespace`. */
function valueAt (value: unknown, names: readonly string[]): unknown {
  if (names.length === 0) return value
  if (!isObject(value)) return undefined
  for (let count = 1; count <= names.length; count++) {
    const found = valueAt(memberOf(value, names.slice(0, count).join('.')), names.slice(count))
    if (found !== undefined) return found
  }
  return undefined
}

function printed (value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 256)) : 'none'
}
