/**
 * One method of an open provider, with everything that surrounds it:
 *
 *   cache → breaker, semaphore, timeout → the method → mapping and guard
 *
 * Everything that a provider throws ends here, as the value {@link Unavailable}.
 */
import { isVettedDenial, unavailableFrom, vetAnswer, type Outcome, type VettedAnswer } from './answer.js'
import type { OpenProvider } from './authenticator.js'
import type { Deadline } from './deadline.js'
import { MAX_NAME_BYTES, type DroppedNames } from './mapping.js'
import type { ProviderResult } from './observer.js'
import type { Answer, RequestContext } from './provider.js'
import { requestContext, type Asked } from './request-context.js'

export interface MethodOptions<Question> {
  readonly open: OpenProvider
  /** The question's key in the cache. */
  readonly keyOf: (question: Question) => string
  readonly call: (question: Question, ctx: RequestContext) => Answer | Promise<Answer>
}

const NEVER = new AbortController().signal

export class ProviderMethod<Question extends Asked & { readonly deadline: Deadline }> {
  readonly #open: OpenProvider
  readonly #keyOf: MethodOptions<Question>['keyOf']
  readonly #call: MethodOptions<Question>['call']

  constructor ({ open, keyOf, call }: MethodOptions<Question>) {
    this.#open = open
    this.#keyOf = keyOf
    this.#call = call
  }

  /** The cached answer, if there is one. */
  lookUp (question: Question): VettedAnswer | undefined {
    return this.#open.cache.lookUp(this.#keyOf(question))
  }

  /** When the cached answer was stored, in milliseconds since 1970. */
  storedAt (question: Question): number | undefined {
    return this.#open.cache.storedAt(this.#keyOf(question))
  }

  /** Calls the method, for a question that {@link lookUp} doesn't answer. Never rejects. */
  async ask (question: Question): Promise<Outcome> {
    const { cache, resilience } = this.#open
    try {
      const outcome = await cache.authenticate(this.#keyOf(question), question.deadline, async asked =>
        await resilience.run(asked, async (signal, withoutPermit) => {
          const call = new ObservedCall(this.#open)
          try {
            return call.answered(await this.#call(question, requestContext(this.#open, signal, question, withoutPermit)))
          } finally {
            call.end()
          }
        }))
      if (outcome !== null && 'unavailable' in outcome) this.#open.observer.unavailable(this.#open.name, outcome.unavailable)
      return outcome
    } catch (error) {
      return this.unavailable(error)
    }
  }

  /** Calls a method that is synchronous, past cache, breaker, semaphore and timeout. */
  askSynchronously (question: Question): VettedAnswer {
    const call = new ObservedCall(this.#open)
    try {
      return call.answered(assertSynchronous(this.#call(question, requestContext(this.#open, NEVER, question))))
    } finally {
      call.end()
    }
  }

  /** The outcome of whatever was thrown, counted. */
  unavailable (error: unknown): Outcome {
    const outcome = unavailableFrom(error)
    this.#open.observer.unavailable(this.#open.name, outcome.unavailable)
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
