/**
 * From a TokenReview's spec to its status: the one place that knows the rules.
 * A review is authenticated, denied, or unavailable.
 */
import type { TokenReviewStatus } from '../../schemas/token-review.js'
import type { UnavailableReason } from '../errors.js'
import type { DenialReason } from './answer.js'
import { matchAudiences } from './audiences.js'
import type { Authenticator } from './authenticator.js'
import { authenticate, type ChainResult, type ChainStep } from './chain.js'
import type { ParsedCredential } from './credential.js'
import type { Deadline } from './deadline.js'
import type { ProviderError } from './provider-error.js'
import type { Explain } from './request-context.js'
import type { DroppedNames } from './mapping.js'
import type { Sessions } from './sessions/sessions.js'

/** A TokenReview's spec, with its token parsed. */
export interface Spec {
  readonly credential: ParsedCredential
  readonly audiences?: readonly string[] | undefined
}

export interface ReviewRules {
  /** In the order of the config. */
  readonly chain: readonly Authenticator[]
  /** Session tokens, if they are accepted: they skip the chain. */
  readonly sessions?: Sessions | undefined
  /** The API server's audiences; empty if not configured. */
  readonly audiences: readonly string[]
  readonly maxTokenBytes: number
}

/** The result of a review, with what the audit line and the metrics need. */
export interface Review {
  readonly outcome: ChainResult['outcome']
  readonly status: TokenReviewStatus
  readonly provider?: string | undefined
  readonly reason?: DenialReason | UnavailableReason | undefined
  /** Of an authenticated user, or of an account that a provider found; never what was merely typed. */
  readonly username?: string | undefined
  /** The typed name of a password that no provider knows. To be hashed before it is written anywhere. */
  readonly typedName?: string | undefined
  /** Names of the authenticated user that were dropped. */
  readonly dropped?: DroppedNames | undefined
  /** Why a provider is unavailable, for the log; without what was presented. */
  readonly failure?: ProviderError | undefined
}

export interface ReviewContext {
  /** See `Question.caller`. */
  readonly caller?: string
  readonly trace?: (step: ChainStep) => void
  readonly explain?: Explain
}

export async function review ({ credential, audiences: requested = [] }: Spec, deadline: Deadline, rules: ReviewRules, { caller, trace, explain }: ReviewContext = {}): Promise<Review> {
  if (Buffer.byteLength(credential.token) > rules.maxTokenBytes) {
    return { outcome: 'denied', reason: 'token-too-long', status: NOT_AUTHENTICATED }
  }
  const result = await authenticate(rules.sessions?.chainFor(credential) ?? rules.chain, { credential, audiences: requested, deadline, caller, explain }, trace)
  const reviewed = toReview(result, requested, rules.audiences)
  return reviewed.username === undefined ? { ...reviewed, typedName: credential.passwordCredential?.username } : reviewed
}

const NOT_AUTHENTICATED: TokenReviewStatus = { authenticated: false }

function toReview (result: ChainResult, requested: readonly string[], configured: readonly string[]): Review {
  switch (result.outcome) {
    case 'authenticated': {
      const { provider, user, audiences: bound, dropped } = result
      const audiences = matchAudiences({ requested, configured, bound })
      if (audiences === 'none') return { outcome: 'denied', provider, reason: 'audience', username: user.username, status: NOT_AUTHENTICATED }
      return { outcome: 'authenticated', provider, username: user.username, dropped, status: { authenticated: true, user, ...audiences && { audiences } } }
    }
    case 'denied':
      return { ...result, status: NOT_AUTHENTICATED }
    case 'unavailable':
      return { ...result, status: unavailableStatus(`identity provider "${result.provider}" is unavailable`, requested) }
  }
}

/**
 * The requested audiences are returned with an error, and only with an error:
 * the API server compares audiences before it reads `error`, and would take an
 * answer for other audiences as a denial, which it caches.
 */
export function unavailableStatus (error: string, requested: readonly string[]): TokenReviewStatus {
  return { authenticated: false, error, ...requested.length > 0 && { audiences: [...requested] } }
}
