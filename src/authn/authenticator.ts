/**
 * One identity provider and one type of credential, as the chain sees them.
 * What surrounds the provider, from the outside in:
 *
 *   recognizes → cache → breaker, semaphore, timeout → the provider → mapping and guard
 *
 * The cache is outermost: users that it holds are served while their directory
 * is down, and callers that join a question in flight take one permit of the
 * semaphore. A credential that the provider answers from memory skips both.
 *
 * Groups of another provider are added outside of all that, since they have a
 * cache of their own.
 */
import type { NameRules, Outcome } from './answer.js'
import type { AnswerCache } from './cache.js'
import type { ParsedCredential } from './credential.js'
import type { Deadline } from './deadline.js'
import { GroupsAuthenticator, type GroupsFrom } from './groups-from.js'
import type { Observer } from './observer.js'
import type { CredentialType, IdentityProvider, ProviderLog } from './provider.js'
import { ProviderMethod, type MethodOptions } from './provider-method.js'
import type { Explain } from './request-context.js'
import type { Resilience } from './resilience.js'
import type { Throttle } from './throttle.js'

/** An open provider with everything that surrounds it. */
export interface OpenProvider {
  readonly name: string
  readonly kind: string
  readonly provider: IdentityProvider
  readonly names: NameRules
  readonly cache: AnswerCache
  readonly throttle: Throttle
  readonly resilience: Resilience
  readonly log: ProviderLog
  readonly observer: Observer
  /** Absent: its users have its own groups. */
  readonly groupsFrom?: GroupsFrom
}

/** What one review asks every authenticator. */
export interface Question {
  readonly credential: ParsedCredential
  /** `spec.audiences`; empty if the request names none. */
  readonly audiences: readonly string[]
  readonly deadline: Deadline
  /** The API server: its address and certificate name. Callers share the queue of password checks evenly. */
  readonly caller?: string | undefined
  /** Set if a person asks. */
  readonly explain?: Explain | undefined
}

/** What an authenticator checks: a type of credential of its provider, or session tokens of its users. */
export type AuthenticatorType = CredentialType | 'session'

export interface Authenticator {
  readonly provider: string
  readonly credentialType: AuthenticatorType
  /** Answers from memory; `undefined` if only {@link authenticate} can tell. Never throws. */
  lookUp: (question: Question) => Outcome | undefined
  /** Never rejects. */
  authenticate: (question: Question) => Promise<Outcome>
}

/** A provider's authenticators, the token's first: a token that reads as a password may still be an opaque one. */
export function createAuthenticators (open: OpenProvider): Authenticator[] {
  const { provider, groupsFrom } = open
  const { authenticateToken, authenticatePassword } = provider
  const authenticators: Authenticator[] = []
  if (authenticateToken !== undefined) {
    authenticators.push(new ProviderAuthenticator(open, 'token', ({ credential: { token } }, ctx) => authenticateToken.call(provider, token, ctx)))
  }
  if (authenticatePassword !== undefined) {
    authenticators.push(new ProviderAuthenticator(open, 'password', ({ credential: { passwordCredential } }, ctx) => passwordCredential === undefined ? null : authenticatePassword.call(provider, passwordCredential, ctx)))
  }
  return groupsFrom === undefined ? authenticators : authenticators.map(each => new GroupsAuthenticator(each, open))
}

class ProviderAuthenticator implements Authenticator {
  readonly provider: string
  readonly credentialType: CredentialType
  readonly #recognizer: IdentityProvider
  readonly #method: ProviderMethod<Question>
  readonly #synchronous: boolean

  constructor (open: OpenProvider, credentialType: CredentialType, call: MethodOptions<Question>['call']) {
    this.provider = open.name
    this.credentialType = credentialType
    this.#recognizer = open.provider
    this.#method = new ProviderMethod({ open, call, keyOf: ({ credential, audiences }) => open.cache.key(credentialType, credential.digest, audiences) })
    this.#synchronous = open.provider.synchronous?.includes(credentialType) === true
  }

  lookUp (question: Question): Outcome | undefined {
    try {
      if (!this.#recognizes(question.credential)) return null
      return this.#synchronous ? this.#method.askSynchronously(question) : this.#method.lookUp(question)
    } catch (error) {
      return this.#method.unavailable(error)
    }
  }

  // a second async function would cost a promise
  authenticate (question: Question): Promise<Outcome> {
    return this.#method.ask(question)
  }

  #recognizes (credential: ParsedCredential): boolean {
    if (this.credentialType === 'password' && credential.passwordCredential === undefined) return false
    return this.#recognizer.recognizes === undefined || this.#recognizer.recognizes(credential)
  }
}
