/**
 * The identity providers in the order of the config. The first that
 * authenticates or denies ends the review; one that could not tell is
 * remembered, since its answer could have been either.
 */
import type { UserInfo } from '../../schemas/token-review.js'
import { UnavailableError, type UnavailableReason } from '../errors.js'
import { isVettedDenial, type DenialReason, type VettedAnswer } from './answer.js'
import { chained, type Awaitable } from './awaitable.js'
import type { Credential } from './credential.js'
import type { Link, Question } from './link.js'
import type { CredentialKind } from './provider.js'

/** What the whole chain says. */
export type ChainResult =
  | { readonly outcome: 'authenticated', readonly provider: string, readonly user: UserInfo, readonly audiences: readonly string[] | undefined }
  | { readonly outcome: 'denied', readonly provider: string | undefined, readonly reason: DenialReason, readonly username?: string | undefined }
  | { readonly outcome: 'error', readonly provider: string, readonly reason: UnavailableReason, readonly detail?: string | undefined }

/** One link's part in a review; for `authn-webhook review --explain`. */
export interface Step {
  readonly provider: string
  readonly kind: CredentialKind
  readonly answer: VettedAnswer | UnavailableError
  /** What made the provider fail, without what was presented. */
  readonly detail?: string | undefined
  readonly seconds: number
}

/** No promise where every link that is asked answers from memory. */
export function askChain (links: readonly Link[], question: Question, trace?: (step: Step) => void): Awaitable<ChainResult> {
  let failure: ChainResult | undefined
  return askFrom(0)

  function askFrom (index: number): Awaitable<ChainResult> {
    const link = links[index]
    if (link === undefined) return failure ?? { outcome: 'denied', provider: undefined, reason: 'unknown' }
    const started = trace && performance.now()
    return chained(askLink(link, question), answer => {
      const { provider, kind } = link
      const detail = answer instanceof UnavailableError ? describeCause(answer, question.credential) : undefined
      if (started !== undefined) trace?.({ provider, kind, answer, detail, seconds: (performance.now() - started) / 1000 })
      return conclude(provider, answer, detail) ?? askFrom(index + 1)
    })
  }

  /** @returns `undefined` where the next one is to be asked */
  function conclude (provider: string, answer: LinkAnswer, detail: string | undefined): ChainResult | undefined {
    if (answer === null) return undefined
    if (answer instanceof UnavailableError) {
      failure ??= { outcome: 'error', provider, reason: answer.reason, detail }
      return undefined
    }
    // not tried on the next one: a wrong password must not travel
    if (isVettedDenial(answer)) return failure ?? { outcome: 'denied', provider, reason: answer.denied, username: answer.username }
    return { outcome: 'authenticated', provider, user: answer.user, audiences: answer.audiences }
  }
}

/**
 * What made a provider fail, for the log. Third parties' errors may repeat what
 * they were given: the token, the password and the typed name are cut out.
 */
export function describeCause ({ cause }: UnavailableError, { token, password }: Credential): string | undefined {
  if (cause === undefined) return undefined
  const text = cause instanceof Error ? cause.stack ?? String(cause) : String(cause)
  const secrets = [token, password?.password, password?.username].filter(secret => secret !== undefined)
  return secrets.reduce((scrubbed, secret) => scrubbed.replaceAll(secret, '[redacted]'), text)
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
