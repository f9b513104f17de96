/** The people who have signed in, looked up whenever a token is issued. */
import type { UserInfo } from '../../schemas/token-review.js'
import { isUnavailable, isVettedDenial } from '../authn/answer.js'
import { parseSubject } from '../authn/sessions/session-claims.js'
import type { SignIn } from '../authn/sign-in.js'
import { accountIdOf, subjectOfAccount } from './account-id.js'
import { temporarilyUnavailable } from './errors.js'
import type { Library, Log } from './library.js'

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
