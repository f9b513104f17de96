/**
 * Checks the password of a person who signs in, and later whether that person may
 * still have tokens: by the providers' own authenticators, so that cache, breaker,
 * throttle, lockout budgets, mapping and guard apply as in a review.
 */
import type { Outcome } from './answer.js'
import { createAuthenticators, type Authenticator, type OpenProvider } from './authenticator.js'
import { authenticate, type ChainResult } from './chain.js'
import { parseCredential, passwordToken, type PasswordCredential } from './credential.js'
import { Deadline } from './deadline.js'
import { addGroups } from './groups-from.js'
import { createLookup, type Lookup } from './lookup.js'

export interface SignInOptions {
  /** Those whose users can sign in: each has `authenticatePassword` and `lookup`. */
  readonly providers: readonly OpenProvider[]
  /** Milliseconds, of one check. */
  readonly timeout: number
}

export class SignIn {
  readonly #chain: readonly Authenticator[]
  readonly #accounts: ReadonlyMap<string, { readonly open: OpenProvider, readonly lookup: Lookup }>
  readonly #timeout: number

  constructor ({ providers, timeout }: SignInOptions) {
    this.#chain = providers.flatMap(createAuthenticators).filter(({ credentialType }) => credentialType === 'password')
    this.#accounts = new Map(providers.flatMap(open => {
      const lookup = createLookup(open)
      return lookup === undefined ? [] : [[open.name, { open, lookup }] as const]
    }))
    this.#timeout = timeout
  }

  /**
   * @param caller the person's address: callers share the queue of password checks evenly
   * @throws Error that says why no password credential can be made of this
   */
  async checkPassword (password: PasswordCredential, caller: string): Promise<ChainResult> {
    const credential = parseCredential(passwordToken(password))
    return await authenticate(this.#chain, { credential, audiences: [], deadline: new Deadline(this.#timeout), caller })
  }

  /** The user as it is now, with the reason if it may not log in any more; `null`: there is no such user or provider. */
  async lookUp (provider: string, uid: string, caller: string): Promise<Outcome> {
    const account = this.#accounts.get(provider)
    if (account === undefined) return null
    const { open, lookup } = account
    const question = { query: { uid }, deadline: new Deadline(this.#timeout), caller }
    const cached = lookup.lookUp(question)
    return await addGroups(open, cached === undefined ? await lookup.ask(question) : cached, question)
  }
}
