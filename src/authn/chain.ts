/**
 * The identity providers in the order of the config. The first that
 * authenticates or denies ends the review; one that could not tell is
 * remembered, since its answer could have been either.
 */
import type { UserInfo } from '../../schemas/token-review.js'
import { UnavailableError, type UnavailableReason } from '../errors.js'
import { isVettedDenial, type DenialReason, type VettedAnswer } from './answer.js'
import { chained, type Awaitable } from './awaitable.js'
import { describeFailure, type Failure } from './failure.js'
import type { Link, Question } from './link.js'
import type { DroppedNames } from './mapping.js'
import type { CredentialType } from './provider.js'

/** What the whole chain says. */
export type ChainResult =
  | { readonly outcome: 'authenticated', readonly provider: string, readonly user: UserInfo, readonly audiences: readonly string[] | undefined, readonly dropped?: DroppedNames }
  | { readonly outcome: 'denied', readonly provider: string | undefined, readonly reason: DenialReason, readonly username?: string | undefined }
  | { readonly outcome: 'error', readonly provider: string, readonly reason: UnavailableReason, readonly failure?: Failure | undefined }

/** One link's part in a review; for `authn-webhook review --explain`. */
export interface Step {
  readonly provider: string
  readonly kind: CredentialType
  readonly answer: VettedAnswer | UnavailableError
  /** What made the provider fail, without what was presented. */
  readonly failure?: Failure | undefined
  readonly seconds: number
}

/** No promise where every link that is asked answers from memory. */
export function askChain (links: readonly Link[], question: Question, trace?: (step: Step) => void): Awaitable<ChainResult> {
  let unavailable: ChainResult | undefined
  return askFrom(0)

  function askFrom (index: number): Awaitable<ChainResult> {
    const link = links[index]
    if (link === undefined) return unavailable ?? { outcome: 'denied', provider: undefined, reason: 'unknown' }
    const started = trace && performance.now()
    return chained(askLink(link, question), answer => {
      const { provider, kind } = link
      const failure = answer instanceof UnavailableError ? describeFailure(answer, question.credential) : undefined
      if (started !== undefined) trace?.({ provider, kind, answer, failure, seconds: (performance.now() - started) / 1000 })
      return conclude(provider, answer, failure) ?? askFrom(index + 1)
    })
  }

  /** @returns `undefined` where the next one is to be asked */
  function conclude (provider: string, answer: LinkAnswer, failure: Failure | undefined): ChainResult | undefined {
    if (answer === null) return undefined
    if (answer instanceof UnavailableError) {
      unavailable ??= { outcome: 'error', provider, reason: answer.reason, failure }
      return undefined
    }
    // not tried on the next one: a wrong password must not travel
    if (isVettedDenial(answer)) return unavailable ?? { outcome: 'denied', provider, reason: answer.denied, username: answer.username }
    const { user, audiences, dropped } = answer
    return dropped === undefined ? { outcome: 'authenticated', provider, user, audiences } : { outcome: 'authenticated', provider, user, audiences, dropped }
  }
}

type LinkAnswer = VettedAnswer | UnavailableError

function askLink (link: Link, question: Question): Awaitable<LinkAnswer> {
  try {
    const asked = link.ask(question)
    return asked instanceof Promise ? asked.catch(couldNotAnswer) : asked
  } catch (error) {
    return couldNotAnswer(error)
  }
}

function couldNotAnswer (error: unknown): UnavailableError {
  if (error instanceof UnavailableError) return error
  throw error
}
