/**
 * The union of authenticators, in the order of the config. The first that
 * authenticates or denies ends the review. One that is unavailable is
 * remembered, since its answer could have been either.
 */
import type { UserInfo } from '../../schemas/token-review.js'
import type { UnavailableReason } from '../errors.js'
import { isUnavailable, isVettedDenial, type DenialReason, type Outcome } from './answer.js'
import type { Authenticator, AuthenticatorType, Question } from './authenticator.js'
import { describeProviderError, type ProviderError } from './provider-error.js'
import type { DroppedNames } from './mapping.js'

export type ChainResult =
  | { readonly outcome: 'authenticated', readonly provider: string, readonly user: UserInfo, readonly audiences: readonly string[] | undefined, readonly dropped: DroppedNames | undefined, readonly passwordVersion: string | undefined }
  | { readonly outcome: 'denied', readonly provider: string | undefined, readonly reason: DenialReason, readonly username?: string | undefined }
  | { readonly outcome: 'unavailable', readonly provider: string, readonly reason: UnavailableReason, readonly failure: ProviderError | undefined }

/** One authenticator's part in a review; for `authn-webhook review --explain`. */
export interface ChainStep {
  readonly provider: string
  readonly credentialType: AuthenticatorType
  readonly outcome: Outcome
  /** Why the provider is unavailable, without what was presented. */
  readonly failure: ProviderError | undefined
  readonly seconds: number
}

export async function authenticate (chain: readonly Authenticator[], question: Question, trace?: (step: ChainStep) => void): Promise<ChainResult> {
  let unavailable: ChainResult | undefined
  for (const authenticator of chain) {
    const { provider, credentialType } = authenticator
    const started = performance.now()
    let outcome = authenticator.lookUp(question)
    if (outcome === undefined) outcome = await authenticator.authenticate(question)
    const failure = isUnavailable(outcome) ? describeProviderError(outcome, question.credential) : undefined
    trace?.({ provider, credentialType, outcome, failure, seconds: (performance.now() - started) / 1000 })

    if (outcome === null) continue
    if (isUnavailable(outcome)) {
      unavailable ??= { outcome: 'unavailable', provider: outcome.groupsFrom ?? provider, reason: outcome.unavailable, failure }
      continue
    }
    // not tried on the next one: a wrong password must not travel
    if (isVettedDenial(outcome)) return unavailable ?? { outcome: 'denied', provider: outcome.groupsFrom ?? provider, reason: outcome.denied, username: outcome.username }
    return { outcome: 'authenticated', provider, user: outcome.user, audiences: outcome.audiences, dropped: outcome.dropped, passwordVersion: outcome.passwordVersion }
  }
  return unavailable ?? { outcome: 'denied', provider: undefined, reason: 'unknown' }
}
