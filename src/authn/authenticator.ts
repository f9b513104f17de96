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
 * Everything that a provider throws ends here, as the value {@link Unavailable}.
 */
import { isUnavailable, isVettedDenial, unavailableFrom, vetAnswer, type NameRules, type Outcome, type VettedAnswer } from './answer.js'
import type { AnswerCache } from './cache.js'
import type { Credential } from './credential.js'
import type { Deadline } from './deadline.js'
import { MAX_NAME_BYTES, type DroppedNames } from './mapping.js'
import type { Observer, ProviderResult } from './observer.js'
import type { Answer, CredentialType, IdentityProvider, ProviderLog, RequestContext } from './provider.js'
import { requestContext } from './request-context.js'
import type { Resilience } from './resilience.js'
import type { WithoutPermit } from './semaphore.js'
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
}

/** What one review asks every authenticator. */
export interface Question {
  readonly credential: Credential
  /** `spec.audiences`; empty if the request names none. */
  readonly audiences: readonly string[]
  readonly deadline: Deadline
  /** The API server: its address and certificate name. Callers share the queue of password checks evenly. */
  readonly caller?: string | undefined
}

export interface Authenticator {
  readonly provider: string
  readonly credentialType: CredentialType
  /** Answers from memory; `undefined` if only {@link authenticate} can tell. Never throws. */
  lookUp: (question: Question) => Outcome | undefined
  /** Never rejects. */
  authenticate: (question: Question) => Promise<Outcome>
}

/** A provider's authenticators, the token's first: a token that reads as a password may still be an opaque one. */
export function createAuthenticators (open: OpenProvider): Authenticator[] {
  const { provider } = open
  const { authenticateToken, authenticatePassword } = provider
  const authenticators: Authenticator[] = []
  if (authenticateToken !== undefined) {
    authenticators.push(new ProviderAuthenticator(open, 'token', ({ token }, ctx) => authenticateToken.call(provider, token, ctx)))
  }
  if (authenticatePassword !== undefined) {
    authenticators.push(new ProviderAuthenticator(open, 'password', ({ passwordCredential }, ctx) => passwordCredential === undefined ? null : authenticatePassword.call(provider, passwordCredential, ctx)))
  }
  return authenticators
}

type Method = (credential: Credential, ctx: RequestContext) => Answer | Promise<Answer>

const NEVER = new AbortController().signal

class ProviderAuthenticator implements Authenticator {
  readonly provider: string
  readonly credentialType: CredentialType
  readonly #open: OpenProvider
  readonly #method: Method
  readonly #synchronous: boolean

  constructor (open: OpenProvider, credentialType: CredentialType, method: Method) {
    this.provider = open.name
    this.credentialType = credentialType
    this.#open = open
    this.#method = method
    this.#synchronous = open.provider.synchronous?.includes(credentialType) === true
  }

  lookUp (question: Question): Outcome | undefined {
    try {
      if (!this.#recognizes(question.credential)) return null
      return this.#synchronous ? this.#callSynchronously(question) : this.#open.cache.lookUp(this.#key(question))
    } catch (error) {
      return this.#counted(unavailableFrom(error))
    }
  }

  async authenticate (question: Question): Promise<Outcome> {
    const { cache, resilience } = this.#open
    try {
      return this.#counted(await cache.authenticate(this.#key(question), question.deadline, async asked =>
        await resilience.run(asked, async (signal, withoutPermit) => await this.#call(question, signal, withoutPermit))))
    } catch (error) {
      return this.#counted(unavailableFrom(error))
    }
  }

  #recognizes (credential: Credential): boolean {
    const { recognizes } = this.#open.provider
    if (this.credentialType === 'password' && credential.passwordCredential === undefined) return false
    return recognizes === undefined || recognizes(credential)
  }

  #key ({ credential, audiences }: Question): string {
    return this.#open.cache.key(this.credentialType, credential.token, audiences)
  }

  #callSynchronously (question: Question): VettedAnswer {
    const call = new ObservedCall(this.#open)
    try {
      return call.answered(assertSynchronous(this.#method(question.credential, requestContext(this.#open, NEVER, question))))
    } finally {
      call.end()
    }
  }

  async #call (question: Question, signal: AbortSignal, withoutPermit: WithoutPermit): Promise<VettedAnswer> {
    const call = new ObservedCall(this.#open)
    try {
      return call.answered(await this.#method(question.credential, requestContext(this.#open, signal, question, withoutPermit)))
    } finally {
      call.end()
    }
  }

  #counted (outcome: Outcome): Outcome {
    if (isUnavailable(outcome)) this.#open.observer.unavailable(this.provider, outcome.unavailable)
    return outcome
  }
}

/** One call of the provider, with its time and result for the metrics. */
class ObservedCall {
  readonly #open: OpenProvider
  readonly #started = performance.now()
  #result: ProviderResult = 'unavailable'

  constructor (open: OpenProvider) {
    this.#open = open
  }

  /** @throws TypeError if the answer breaks the contract */
  answered (answer: unknown): VettedAnswer {
    const { name, names, observer } = this.#open
    const vetted = vetAnswer(name, answer, names, observer)
    if (vetted === null) {
      this.#result = 'unknown'
    } else if (isVettedDenial(vetted)) {
      this.#result = 'denied'
    } else {
      this.#result = 'authenticated'
      if (vetted.dropped !== undefined) logDropped(this.#open, vetted.user.username, vetted.dropped)
    }
    return vetted
  }

  end (): void {
    this.#open.observer.asked(this.#open.name, this.#result, (performance.now() - this.#started) / 1000)
  }
}

function assertSynchronous (answer: Answer | Promise<Answer>): Answer {
  if (!(answer instanceof Promise)) return answer
  // nothing waits for it: its rejection must not end the process
  answer.catch(() => {})
  throw new TypeError('the provider broke its contract: it returned a promise for a credential that it calls synchronous')
}

const logged = new WeakSet<DroppedNames>()
const MAX_LOGGED = 10

/** Once for each user of a file: of users that can't change, the dropped names are one object too. */
function logDropped ({ log }: OpenProvider, username: string, dropped: DroppedNames): void {
  if (logged.has(dropped)) return
  logged.add(dropped)
  // a name may have been dropped for its length
  const [uid, groups, extra] = [dropped.uid, dropped.group, dropped.extra].map(names => names.slice(0, MAX_LOGGED).map(dropped => dropped.slice(0, MAX_NAME_BYTES)))
  log.warn({ username, uid, groups, extra }, 'dropped reserved or malformed names of a user')
}
