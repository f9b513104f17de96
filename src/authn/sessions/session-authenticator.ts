/**
 * The authenticator of the session tokens of one provider's users:
 *
 *   verify → expired? revoked? → lookup by uid → groups → revoked by another name? password changed?
 *
 * The lookup goes through the provider's own cache, breaker, mapping and guard.
 * Nothing else calls the provider or counts for its breaker, so tokens that are
 * not valid can't make it unavailable.
 */
import { isUnavailable, isVettedDenial, unavailable, unavailableFrom, type DenialReason, type Outcome, type VettedAuthentication, type VettedDenial } from '../answer.js'
import type { Authenticator, OpenProvider, Question } from '../authenticator.js'
import { addGroups } from '../groups-from.js'
import type { Lookup, LookupQuestion } from '../lookup.js'
import { digestPasswordVersion, passwordClaim } from './session-claims.js'
import type { VerifiedSessions } from './verified-sessions.js'
import { CLOCK_TOLERANCE, isRejected, type RejectedSession, type Session } from './verify-session.js'

/** The claims of a session token that a revocation can match. */
export interface RevocableSession {
  readonly issuer: string
  readonly subject: string
  readonly jti: string
  /** Seconds since 1970. */
  readonly issuedAt: number
  /** Of the user as Kubernetes knows it, at the sign-in and now. */
  readonly usernames: readonly string[]
}

export interface SessionAuthenticatorOptions {
  readonly open: OpenProvider
  readonly lookup: Lookup
  readonly issuer: string
  readonly verified: VerifiedSessions
  readonly isRevoked: (session: RevocableSession) => boolean
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** For the explanation. */
const WHY: Partial<Record<DenialReason, string>> = {
  expired: 'the token has expired',
  revoked: 'the token is in the revocations file',
  'account-gone': 'the provider has no user of this uid any more',
  'password-changed': 'the password has changed since the sign-in'
}

export class SessionAuthenticator implements Authenticator {
  readonly provider: string
  readonly credentialType = 'session'
  readonly #options: SessionAuthenticatorOptions

  constructor (options: SessionAuthenticatorOptions) {
    this.provider = options.open.name
    this.#options = options
  }

  /** Groups of another provider are left to {@link authenticate}: otherwise answers from memory would be asked for, and counted, twice. */
  lookUp (question: Question): Outcome | undefined {
    const { open, lookup, verified } = this.#options
    if (open.groupsFrom !== undefined || question.explain !== undefined) return undefined
    const session = verified.get(question.credential)
    if (session === undefined) return undefined
    const denial = this.#denialOf(session)
    if (denial !== undefined) return denial
    const asked = accountOf(session, question)
    const cached = lookup.lookUp(asked)
    if (cached === undefined) return undefined
    const outcome = this.#judge(session, cached)
    return this.#isStale(session, outcome, asked) ? undefined : outcome
  }

  async authenticate (question: Question): Promise<Outcome> {
    const { verified } = this.#options
    try {
      const session = verified.get(question.credential) ?? await question.deadline.raceOr(verified.verify(question.credential), () => undefined)
      if (session === undefined) return unavailable('deadline')
      if (isRejected(session)) return this.#reject(session, question)
      explainSession(session, this.provider, question)
      const outcome = this.#denialOf(session) ?? await this.#admit(session, question)
      explainDenial(outcome, this.provider, question)
      return outcome
    } catch (error) {
      return unavailableFrom(error)
    }
  }

  async #admit (session: Session, question: Question): Promise<Outcome> {
    const { open, lookup } = this.#options
    const asked = accountOf(session, question)
    const cached = lookup.lookUp(asked)
    if (cached !== undefined) {
      const outcome = this.#judge(session, await addGroups(open, cached, asked))
      if (!this.#isStale(session, outcome, asked)) return outcome
    }
    return this.#judge(session, await addGroups(open, await lookup.ask(asked), asked))
  }

  /** Without asking the provider. */
  #denialOf (session: Session): VettedDenial | undefined {
    const { username } = session
    if (session.expiresAt <= this.#options.now()) return { denied: 'expired', username }
    return this.#isRevoked(session, username) ? { denied: 'revoked', username } : undefined
  }

  /** @param account what the provider answered to the lookup */
  #judge (session: Session, account: Outcome): Outcome {
    if (account === null) return { denied: 'account-gone', username: session.username }
    if (isUnavailable(account)) return account
    if (isVettedDenial(account)) return { ...account, username: account.username ?? session.username }
    const { user: { username, uid }, expiresAt } = account
    if (uid !== session.uid) return { denied: 'account-gone', username: session.username }
    if (username !== session.username && this.#isRevoked(session, username)) return { denied: 'revoked', username }
    if (hasChangedPassword(session, account)) return { denied: 'password-changed', username }
    return { ...account, expiresAt: new Date(Math.min(session.expiresAt, expiresAt?.getTime() ?? Infinity)) }
  }

  #isRevoked ({ subject, jti, issuedAt }: Session, username: string): boolean {
    const { issuer, isRevoked } = this.#options
    return isRevoked({ issuer, subject, jti, issuedAt, usernames: [username] })
  }

  /** Whether a denial rests on a cached answer from before the sign-in: of the previous password, or of an account that was disabled then. */
  #isStale ({ issuedAt }: Session, outcome: Outcome, asked: LookupQuestion): boolean {
    if (outcome === null || !isVettedDenial(outcome)) return false
    const storedAt = this.#options.lookup.storedAt(asked) ?? 0
    return storedAt < (issuedAt + CLOCK_TOLERANCE) * 1000
  }

  #reject ({ denied, why, username }: RejectedSession, question: Question): VettedDenial {
    this.#options.open.log.info({ denied, why, username }, 'denied a session token')
    question.explain?.(this.provider, `denied, ${denied}: ${why}`)
    return { denied, ...username !== undefined && { username } }
  }
}

function accountOf ({ uid }: Session, { deadline, caller, explain }: Question): LookupQuestion {
  return { query: { uid }, deadline, caller, explain }
}

/** If either version is unknown, it counts as unchanged. */
function hasChangedPassword ({ jti, passwordClaim: then }: Session, { passwordVersion: now }: VettedAuthentication): boolean {
  return then !== undefined && now !== undefined && passwordClaim(jti, digestPasswordVersion(now)) !== then
}

function explainSession ({ username, issuedAt, expiresAt }: Session, provider: string, { explain }: Question): void {
  explain?.(provider, `session token of ${username}, issued at ${new Date(issuedAt * 1000).toISOString()}, expires at ${new Date(expiresAt).toISOString()}`)
}

function explainDenial (outcome: Outcome, provider: string, { explain }: Question): void {
  if (outcome === null || !isVettedDenial(outcome)) return
  const why = WHY[outcome.denied]
  if (why !== undefined) explain?.(provider, `denied, ${outcome.denied}: ${why}`)
}
