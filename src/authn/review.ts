/**
 * A TokenReview's spec to its status: the one place that knows the rules.
 * Three outcomes leave: authenticated, not authenticated, could not tell.
 */
import type { TokenReviewRequest, TokenReviewStatus, UserInfo } from '../../schemas/token-review.js'
import type { UnavailableReason } from '../errors.js'
import type { DenialReason } from './answer.js'
import { matchAudiences } from './audiences.js'
import { chained, type Awaitable } from './awaitable.js'
import { askChain, type ChainResult, type Step } from './chain.js'
import { parseCredential } from './credential.js'
import type { Deadline } from './deadline.js'
import type { Failure } from './failure.js'
import type { Link } from './link.js'
import type { DroppedNames } from './mapping.js'

export type Spec = TokenReviewRequest['spec']

export interface ReviewRules {
  /** In the order of the config. */
  readonly links: readonly Link[]
  /** The API server's audiences, where configured. */
  readonly audiences: readonly string[]
  readonly maxTokenBytes: number
}

/** A review's end, with what the audit line and the metrics want to know of it. */
export interface Review {
  readonly outcome: ChainResult['outcome']
  readonly status: TokenReviewStatus
  readonly provider?: string | undefined
  readonly reason?: DenialReason | UnavailableReason | undefined
  /** Of an authenticated user, or of an account that a provider found; never what was merely typed. */
  readonly username?: string | undefined
  /** What was typed as a name, where the token reads as a password of nobody known. To be hashed before it is written anywhere. */
  readonly typedName?: string | undefined
  /** Names of the authenticated user that were kept back, if any were. */
  readonly dropped?: DroppedNames | undefined
  /** What made a provider fail, for the log; without what was presented. */
  readonly failure?: Failure | undefined
}

export interface ReviewContext {
  /** Who asks; see `Question.caller`. */
  readonly caller?: string
  readonly trace?: (step: Step) => void
}

/** No promise where it is answered from memory. */
export function review (spec: Spec, deadline: Deadline, rules: ReviewRules, { caller, trace }: ReviewContext = {}): Awaitable<Review> {
  if (Buffer.byteLength(spec.token) > rules.maxTokenBytes) {
    return { outcome: 'denied', reason: 'token-too-long', status: NOT_AUTHENTICATED }
  }
  const credential = parseCredential(spec.token)
  const requested = spec.audiences ?? []
  return chained(askChain(rules.links, { credential, audiences: requested, deadline, caller }, trace), result => {
    const concluded = conclude(result, requested, rules.audiences)
    return concluded.username === undefined ? { ...concluded, typedName: credential.passwordCredential?.username } : concluded
  })
}

const NOT_AUTHENTICATED: TokenReviewStatus = { authenticated: false }

function conclude (result: ChainResult, requested: readonly string[], configured: readonly string[]): Review {
  switch (result.outcome) {
    case 'authenticated':
      return authenticated(result, requested, configured)
    case 'denied':
      return { ...result, status: NOT_AUTHENTICATED }
    case 'error':
      return { ...result, status: couldNotTell(`identity provider "${result.provider}" could not answer`, requested) }
  }
}

function authenticated (result: ChainResult & { outcome: 'authenticated' }, requested: readonly string[], configured: readonly string[]): Review {
  const { provider, user, audiences: bound, dropped } = result
  const { username } = user
  const audiences = matchAudiences({ requested, configured, bound })
  if (audiences === 'none') return { outcome: 'denied', provider, reason: 'audience', username, status: NOT_AUTHENTICATED }
  const status: TokenReviewStatus = { authenticated: true, user: user as UserInfo }
  if (audiences !== undefined) status.audiences = audiences
  return dropped === undefined ? { outcome: 'authenticated', provider, username, status } : { outcome: 'authenticated', provider, username, dropped, status }
}

/**
 * The asked audiences go back with an error, and only with an error: the API
 * server compares audiences before it reads `error`, and would take an answer
 * for other audiences as a denial, which it caches.
 */
export function couldNotTell (error: string, requested: readonly string[]): TokenReviewStatus {
  const status: TokenReviewStatus = { authenticated: false, error }
  if (requested.length > 0) status.audiences = [...requested]
  return status
}
