/** A config's providers, asked by a person: the answers with their reasons, and users by name. */
import type { TokenReviewStatus, UserInfo } from '../schemas/token-review.js'
import { isVettedDenial, vetAnswer } from './authn/answer.js'
import type { Step } from './authn/chain.js'
import { Deadline } from './authn/deadline.js'
import { askContext, type OpenProvider } from './authn/link.js'
import { unobserved } from './authn/observer.js'
import { review, type ReviewRules, type Spec } from './authn/review.js'

export interface Inspected {
  readonly status: TokenReviewStatus
  readonly steps: readonly Step[]
}

export async function inspectToken (spec: Spec, rules: ReviewRules, timeout: number): Promise<Inspected> {
  const steps: Step[] = []
  const { status } = await review(spec, new Deadline(timeout), rules, step => { steps.push(step) })
  return { status, steps }
}

/** The user as Kubernetes would see them, from the first provider that knows the name. */
export async function inspectUser (username: string, providers: readonly OpenProvider[], timeout: number): Promise<UserInfo | undefined> {
  for (const open of providers) {
    const user = await open.provider.lookup?.(username, askContext(open, [], AbortSignal.timeout(timeout)))
    if (user === undefined || user === null) continue
    const answer = vetAnswer(open.name, { user }, open.names, unobserved)
    if (answer !== null && !isVettedDenial(answer)) return answer.user
  }
  return undefined
}
