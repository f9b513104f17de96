/** Attempts to sign in with a password, from a page or by the `password` grant: what they end in, and who is told. */
import type { DenialReason } from '../authn/answer.js'
import type { ChainResult } from '../authn/chain.js'
import { passwordToken } from '../authn/credential.js'
import type { SignIn } from '../authn/sign-in.js'
import type { UnavailableReason } from '../errors.js'
import { accountIdOf } from './account-id.js'
import type { Accounts, Person } from './accounts.js'
import type { Log } from './library.js'
import type { GrantLabel, LoginObserver, SignInEvent } from './observer.js'
import type { SignInProblem } from './pages/models.js'

/** How everybody signs in; RFC 8176. */
export const AMR = ['pwd']

export interface PasswordAttempt {
  readonly username: string
  readonly password: string
  /** ID of the client; absent on the service's own pages. */
  readonly client?: string | undefined
  readonly grant: GrantLabel
  readonly address: string
  /** Whether too many attempts came from the address. */
  readonly throttled: boolean
}

export type AttemptResult =
  | { readonly person: Person, readonly problem?: never }
  | { readonly problem: SignInProblem, readonly person?: never }

/** Of the answer to an attempt. Unknown users and wrong passwords have one status. */
export const PROBLEM_STATUS: Record<SignInProblem, number> = { rejected: 403, 'not-allowed': 403, throttled: 429, unavailable: 503 }

type Verdict = AttemptResult & Pick<SignInEvent, 'outcome' | 'reason' | 'provider'> & { readonly username?: string | undefined }

export class PasswordAttempts {
  readonly #signIn: SignIn
  readonly #accounts: Accounts
  readonly #observer: LoginObserver
  readonly #log: Log

  constructor ({ signIn, accounts, observer, log }: { signIn: SignIn, accounts: Accounts, observer: LoginObserver, log: Log }) {
    this.#signIn = signIn
    this.#accounts = accounts
    this.#observer = observer
    this.#log = log
  }

  async check (attempt: PasswordAttempt): Promise<AttemptResult> {
    const { username: typed, client, grant, address } = attempt
    const { outcome, reason, provider, username, ...result } = await this.#verdict(attempt)
    this.#observer.signIn({ outcome, reason, provider, username, typedName: username === undefined ? typed : undefined, client, grant, address, amr: AMR })
    return result
  }

  async #verdict ({ username, password, address, throttled }: PasswordAttempt): Promise<Verdict> {
    if (throttled) return unavailable('throttled', undefined)
    if (!isPassword(username, password)) return denied('unknown', undefined, undefined)
    const result = await this.#signIn.checkPassword({ username, password }, address)
    switch (result.outcome) {
      case 'unavailable': return unavailable(result.reason, result.provider)
      case 'denied': return denied(result.reason, result.provider, result.username)
      case 'authenticated': return await this.#admit(result, address)
    }
  }

  async #admit ({ provider, user, passwordVersion }: ChainResult & { outcome: 'authenticated' }, caller: string): Promise<Verdict> {
    const { username } = user
    const refused = { outcome: 'denied', problem: 'not-allowed', provider, username } as const
    const accountId = accountIdOf(provider, user.uid, passwordVersion)
    if (accountId === undefined) {
      this.#log.warn({ provider, username }, 'sign-in denied: the user has no uid, or one that no token can carry')
      return { ...refused, reason: 'no-uid' }
    }
    // otherwise the first token would be refused, and the person be asked for the password in a circle
    const person = await this.#accounts.find(accountId, caller)
    if (person !== undefined) return { outcome: 'authenticated', reason: undefined, provider, username, person }
    this.#log.warn({ provider, username }, 'sign-in denied: the provider authenticates the user, and does not find the same user by uid')
    return { ...refused, reason: 'lookup' }
  }
}

function denied (reason: DenialReason, provider: string | undefined, username: string | undefined): Verdict {
  // a directory can tell of a lock before it has seen the right password
  const rejected = reason === 'wrong-credential' || reason === 'unknown' || reason === 'locked'
  return { outcome: 'denied', reason, provider, username, problem: rejected ? 'rejected' : 'not-allowed' }
}

function unavailable (reason: UnavailableReason, provider: string | undefined): Verdict {
  return { outcome: 'unavailable', reason, provider, problem: reason === 'throttled' ? 'throttled' : 'unavailable' }
}

/** Whether a password credential can be made of it. */
function isPassword (username: string, password: string): boolean {
  try {
    passwordToken({ username, password })
    return true
  } catch {
    return false
  }
}
