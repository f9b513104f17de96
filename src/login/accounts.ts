/**
 * The people who have signed in, looked up whenever a token is issued. The ID of
 * an account is the subject of its tokens and a digest of the password version at
 * the sign-in: after a change of the password it finds nobody, which ends the
 * browser sessions of the account.
 */
import { randomUUID } from 'node:crypto'
import type { Account } from 'oidc-provider'
import type { UserInfo } from '../../schemas/token-review.js'
import { isUnavailable, isVettedDenial } from '../authn/answer.js'
import { PASSWORD_CLAIM, PROVIDER_CLAIM, USERNAME_CLAIM, digestPasswordVersion, parseSubject, passwordClaim, subjectOf } from '../authn/sessions/session-claims.js'
import type { SignIn } from '../authn/sign-in.js'
import { temporarilyUnavailable } from './errors.js'
import type { Library, Log } from './library.js'

/** Claims of ID tokens by the scope that asks for them. */
export const CLAIMS = {
  openid: ['sub', 'jti', 'auth_time', 'amr', PROVIDER_CLAIM, PASSWORD_CLAIM, USERNAME_CLAIM],
  profile: [USERNAME_CLAIM],
  groups: ['groups']
}

export const SCOPES = Object.keys(CLAIMS)

/** Someone who may sign in now. */
export interface Person {
  /** As in browser sessions and codes. */
  readonly accountId: string
  /** Claim `sub`. */
  readonly subject: string
  readonly provider: string
  readonly user: UserInfo
  /** When the account expires; tokens don't outlive it. */
  readonly expiresAt: Date | undefined
}

/** Not in base64url, and the last one of an ID ends the subject, which may hold it. */
const SEPARATOR = '~'

/** @returns `undefined` if no claim can carry the uid */
export function accountIdOf (provider: string, uid: string | undefined, passwordVersion: string | undefined): string | undefined {
  const subject = uid === undefined ? undefined : subjectOf(provider, uid)
  return subject === undefined ? undefined : `${subject}${SEPARATOR}${passwordVersion === undefined ? '' : digestPasswordVersion(passwordVersion)}`
}

export function subjectOfAccount (accountId: string): string {
  return accountId.slice(0, accountId.lastIndexOf(SEPARATOR))
}

export class Accounts {
  readonly #signIn: SignIn
  readonly #library: Library
  readonly #log: Log

  constructor (signIn: SignIn, library: Library, log: Log) {
    this.#signIn = signIn
    this.#library = library
    this.#log = log
  }

  /**
   * @param caller the person's address
   * @returns `undefined` if there is no such person any more, the person may not sign in, or has another password
   * @throws temporarily_unavailable if the provider can't tell
   */
  async find (accountId: string, caller: string): Promise<Person | undefined> {
    const subject = subjectOfAccount(accountId)
    const parsed = parseSubject(subject)
    if (parsed === undefined) return undefined
    const { provider, uid } = parsed
    const outcome = await this.#signIn.lookUp(provider, uid, caller)
    if (outcome === null) return undefined
    if (isUnavailable(outcome)) throw temporarilyUnavailable(this.#library, { cause: outcome.cause })
    if (isVettedDenial(outcome)) {
      this.#log.info({ provider, username: outcome.username, reason: outcome.denied }, 'no token for a signed-in user')
      return undefined
    }
    if (accountIdOf(provider, uid, outcome.passwordVersion) !== accountId) return undefined
    return { accountId, subject, provider, user: outcome.user, expiresAt: outcome.expiresAt }
  }
}

/** @param accountId the ID by which the OpenID provider knows the person, or the subject for a token */
export function accountOf (person: Person, accountId: string): Account & { readonly person: Person } {
  return { accountId, person, claims: () => ({ sub: person.subject, ...claimsOf(person) }) }
}

/** With a new `jti` each time. */
export function claimsOf ({ accountId, provider, user }: Person): Record<string, unknown> {
  const jti = randomUUID()
  const versionDigest = accountId.slice(accountId.lastIndexOf(SEPARATOR) + 1)
  return {
    jti,
    [PROVIDER_CLAIM]: provider,
    ...versionDigest !== '' && { [PASSWORD_CLAIM]: passwordClaim(jti, versionDigest) },
    [USERNAME_CLAIM]: user.username,
    groups: user.groups ?? []
  }
}
