/** A config's providers, asked by a person: the answers with their reasons, and users by name. */
import type { TokenReviewStatus, UserInfo } from '../../schemas/token-review.js'
import { isVettedDenial, vetAnswer, type VettedAnswer, type VettedAuthentication } from '../authn/answer.js'
import type { ChainStep } from '../authn/chain.js'
import { Deadline } from '../authn/deadline.js'
import { requestContext, type OpenProvider } from '../authn/authenticator.js'
import { unobserved } from '../authn/observer.js'
import { isReservedKey, isReservedName } from '../authn/reserved.js'
import { review, type Review, type ReviewRules, type Spec } from '../authn/review.js'
import { CommandError, ExitCode } from './command-error.js'
import { UnavailableError } from '../errors.js'

export interface Inspected {
  readonly status: TokenReviewStatus
  /** Why it is not authenticated, also where no step says so: a token that is too long, an audience. */
  readonly reason?: Review['reason']
  /** Empty where a service was asked. */
  readonly steps: readonly ChainStep[]
}

export async function inspectToken (spec: Spec, rules: ReviewRules, timeout: number): Promise<Inspected> {
  const steps: ChainStep[] = []
  const { status, reason } = await review(spec, new Deadline(timeout), rules, { trace: step => { steps.push(step) } })
  return { status, reason, steps }
}

/** What a provider found, took and left out, and what became of it. */
export interface Explanation {
  readonly provider: string
  readonly sentence: string
}

export interface InspectedUser {
  /** `undefined`: no provider that was asked lets anybody in by the name. */
  readonly user: UserInfo | undefined
  /** Providers on the way there that can't look anybody up, and may know the name. */
  readonly unasked: readonly string[]
  readonly explanations: readonly Explanation[]
}

/**
 * The user as Kubernetes would see them, from the first provider that knows the name.
 * @throws CommandError with exit code 69 if a provider is unavailable
 */
export async function inspectUser (username: string, providers: readonly OpenProvider[], timeout: number): Promise<InspectedUser> {
  const explanations: Explanation[] = []
  const unasked: string[] = []
  for (const open of providers) {
    const explain = (sentence: string): void => {
      // names of a directory may hold what a terminal obeys
      explanations.push({ provider: open.name, sentence: sentence.replace(/\p{C}/gu, '\ufffd') })
    }
    if (open.provider.lookup === undefined) {
      explain("can't look up users without a credential")
      unasked.push(open.name)
      continue
    }
    const answer = await lookUp(open, username, timeout, explain)
    if (answer !== null && !isVettedDenial(answer)) return { user: answer.user, unasked, explanations }
  }
  return { user: undefined, unasked, explanations }
}

async function lookUp (open: OpenProvider, username: string, timeout: number, explain: (sentence: string) => void): Promise<VettedAnswer> {
  const { provider } = open
  try {
    const ctx = { ...requestContext(open, AbortSignal.timeout(timeout), { audiences: [] }), explain }
    const user = await new Deadline(timeout).race(Promise.resolve(provider.lookup?.(username, ctx)))
    if (user === undefined) return null
    if (user === null) explain('no user of this name may log in')
    const answer = user === null ? null : vetAnswer(open.name, { user }, open.names, unobserved)
    if (user !== null) explainNames(open, user, answer, explain)
    return answer
  } catch (error) {
    const { message } = error instanceof UnavailableError && error.cause instanceof Error ? error.cause : error as Error
    throw new CommandError(`identity provider "${open.name}" is unavailable: ${message}`, ExitCode.unavailable, { cause: error })
  }
}

/** What the mapping and the guard, which follow every provider, make of the names that it gave. */
function explainNames ({ name, names }: OpenProvider, { username, groups = [] }: UserInfo, answer: VettedAnswer, explain: (sentence: string) => void): void {
  if (answer === null || isVettedDenial(answer)) {
    explain(`refused: ${username} is ${answer?.denied === 'reserved-name' ? 'reserved for Kubernetes' : 'no name that Kubernetes takes'}`)
    return
  }
  if (answer.user.username !== username) explain(`${username} is ${answer.user.username} in Kubernetes`)
  for (const group of groups) {
    const alone = vetAnswer(name, { user: { username, groups: [group] } }, names, unobserved)
    const kept = alone !== null && !isVettedDenial(alone) ? alone.user.groups?.[0] : undefined
    if (kept !== undefined && kept !== group) explain(`the group ${group} is ${kept} in Kubernetes`)
  }
  for (const sentence of describeDropped(answer)) explain(sentence)
}

/** A sentence for each name of the user that Kubernetes does not get. */
export function describeDropped ({ dropped }: VettedAuthentication): string[] {
  if (dropped === undefined) return []
  const why = (reserved: boolean, list: string): string => reserved ? `reserved for Kubernetes${list}` : 'not a valid name'
  return [
    ...dropped.uid.map(uid => `left out the uid ${uid}: ${why(false, '')}`),
    ...dropped.group.map(group => `left out the group ${group}: ${why(isReservedName(group), ', and not in reserved.allowGroups')}`),
    ...dropped.extra.map(key => `left out the extra key ${key}: ${why(isReservedKey(key), '')}`)
  ]
}
