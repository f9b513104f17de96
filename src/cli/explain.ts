/** The providers of a config, explained: their answers with reasons, and users by name. */
import type { TokenReviewStatus, UserInfo } from '../../schemas/token-review.js'
import { isVettedDenial, vetAnswer, type VettedAnswer, type VettedAuthentication } from '../authn/answer.js'
import type { OpenProvider } from '../authn/authenticator.js'
import { requestContext } from '../authn/request-context.js'
import type { ChainStep } from '../authn/chain.js'
import { Deadline } from '../authn/deadline.js'
import { unobserved } from '../authn/observer.js'
import { isReservedKey, isReservedName } from '../authn/reserved.js'
import { review, type Review, type ReviewRules, type Spec } from '../authn/review.js'
import { CommandError, ExitCode } from './command-error.js'
import { UnavailableError, messageOf } from '../errors.js'

export interface ExplainedReview {
  readonly status: TokenReviewStatus
  /** Of a denial, even if no step has it: a token that is too long, an audience. */
  readonly reason?: Review['reason']
  /** Empty for a review by a running service. */
  readonly steps: readonly ChainStep[]
}

export async function explainReview (spec: Spec, rules: ReviewRules, timeout: number): Promise<ExplainedReview> {
  const steps: ChainStep[] = []
  const { status, reason } = await review(spec, new Deadline(timeout), rules, { trace: step => { steps.push(step) } })
  return { status, reason, steps }
}

/** Something that a provider found, mapped or dropped. */
export interface Explanation {
  readonly provider: string
  readonly sentence: string
}

export interface ExplainedUser {
  /** `undefined` if no provider has an active user of this name. */
  readonly user: UserInfo | undefined
  /** Providers without `lookup` up to this user, which may have a user of this name too. */
  readonly withoutLookup: readonly string[]
  readonly explanations: readonly Explanation[]
}

type Explain = (sentence: string) => void

/**
 * The user as Kubernetes sees them, from the first provider that has one of this name.
 * @throws CommandError with exit code 69 if a provider is unavailable
 */
export async function explainUser (username: string, providers: readonly OpenProvider[], timeout: number): Promise<ExplainedUser> {
  const explanations: Explanation[] = []
  const withoutLookup: string[] = []
  for (const open of providers) {
    // names in a directory may contain control characters
    const explain: Explain = sentence => { explanations.push({ provider: open.name, sentence: sentence.replace(/\p{C}/gu, '\ufffd') }) }
    if (open.provider.lookup === undefined) {
      explain("can't look up users without a credential")
      withoutLookup.push(open.name)
      continue
    }
    const answer = await lookUp(open, username, timeout, explain)
    if (answer !== null && !isVettedDenial(answer)) return { user: answer.user, withoutLookup, explanations }
  }
  return { user: undefined, withoutLookup, explanations }
}

async function lookUp (open: OpenProvider, username: string, timeout: number, explain: Explain): Promise<VettedAnswer> {
  try {
    const ctx = { ...requestContext(open, AbortSignal.timeout(timeout), { audiences: [] }), explain }
    const user = await new Deadline(timeout).race(Promise.resolve(open.provider.lookup?.(username, ctx))) ?? null
    if (user === null) {
      explain('no active user of this name')
      return null
    }
    const answer = vetAnswer(open.name, { user }, open.names, unobserved)
    explainNames(open, user, answer, explain)
    return answer
  } catch (error) {
    const cause = error instanceof UnavailableError && error.cause instanceof Error ? error.cause : error
    throw new CommandError(`identity provider "${open.name}" is unavailable: ${messageOf(cause)}`, ExitCode.unavailable, { cause: error })
  }
}

/** What prefixes and the checks of reserved and invalid names make of the provider's names. */
function explainNames ({ name, names }: OpenProvider, { username, groups = [] }: UserInfo, answer: VettedAnswer, explain: Explain): void {
  if (answer === null || isVettedDenial(answer)) {
    explain(`denied: ${username} is ${answer?.denied === 'reserved-name' ? 'reserved for Kubernetes' : 'not a valid name'}`)
    return
  }
  if (answer.user.username !== username) explain(`${username} is ${answer.user.username} in Kubernetes`)
  for (const group of groups) {
    const mapped = vetAnswer(name, { user: { username, groups: [group] } }, names, unobserved)
    const kept = mapped !== null && !isVettedDenial(mapped) ? mapped.user.groups?.[0] : undefined
    if (kept !== undefined && kept !== group) explain(`the group ${group} is ${kept} in Kubernetes`)
  }
  for (const sentence of describeDropped(answer)) explain(sentence)
}

/** A sentence for each name that Kubernetes does not get. */
export function describeDropped ({ dropped }: VettedAuthentication): string[] {
  if (dropped === undefined) return []
  const why = (reserved: boolean, allowlist = ''): string => reserved ? `reserved for Kubernetes${allowlist}` : 'not a valid name'
  return [
    ...dropped.uid.map(uid => `dropped the uid ${uid}: ${why(false)}`),
    ...dropped.group.map(group => `dropped the group ${group}: ${why(isReservedName(group), ', and not in reserved.allowGroups')}`),
    ...dropped.extra.map(key => `dropped the extra key ${key}: ${why(isReservedKey(key))}`)
  ]
}
