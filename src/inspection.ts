/** A config's providers, asked by a person: the answers with their reasons, and users by name. */
import type { TokenReviewStatus, UserInfo } from '../schemas/token-review.js'
import { isVettedDenial, vetAnswer, type VettedAnswer } from './authn/answer.js'
import type { Step } from './authn/chain.js'
import { Deadline } from './authn/deadline.js'
import { askContext, type OpenProvider } from './authn/link.js'
import { unobserved } from './authn/observer.js'
import { review, type ReviewRules, type Spec } from './authn/review.js'
import { CommandError, ExitCode, UnavailableError } from './errors.js'

export interface Inspected {
  readonly status: TokenReviewStatus
  readonly steps: readonly Step[]
}

export async function inspectToken (spec: Spec, rules: ReviewRules, timeout: number): Promise<Inspected> {
  const steps: Step[] = []
  const { status } = await review(spec, new Deadline(timeout), rules, step => { steps.push(step) })
  return { status, steps }
}

/**
 * The user as Kubernetes would see them, from the first provider that knows the name.
 * @throws CommandError with exit code 69 where a provider could not tell
 */
export async function inspectUser (username: string, providers: readonly OpenProvider[], timeout: number): Promise<UserInfo | undefined> {
  for (const open of providers) {
    const answer = await lookUp(open, username, timeout)
    if (answer !== null && !isVettedDenial(answer)) return answer.user
  }
  return undefined
}

async function lookUp (open: OpenProvider, username: string, timeout: number): Promise<VettedAnswer> {
  try {
    const user = await new Deadline(timeout).race(Promise.resolve(open.provider.lookup?.(username, askContext(open, [], AbortSignal.timeout(timeout)))))
    return user === undefined || user === null ? null : vetAnswer(open.name, { user }, open.names, unobserved)
  } catch (error) {
    const { message } = error instanceof UnavailableError && error.cause instanceof Error ? error.cause : error as Error
    throw new CommandError(`identity provider "${open.name}" could not tell: ${message}`, ExitCode.unavailable, { cause: error })
  }
}
