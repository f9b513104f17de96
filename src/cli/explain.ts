/** The providers of a config, explained: their answers with reasons, and users by name or uid. */
import type { TokenReviewRequest, TokenReviewStatus, UserInfo } from '../../schemas/token-review.js'
import { isUnavailable, isVettedDenial, type DenialReason, type Outcome, type Unavailable, type VettedAuthentication } from '../authn/answer.js'
import type { OpenProvider } from '../authn/authenticator.js'
import type { ChainStep } from '../authn/chain.js'
import { parseCredential, type ParsedCredential } from '../authn/credential.js'
import { Deadline } from '../authn/deadline.js'
import { addGroups } from '../authn/groups-from.js'
import { memberOf } from '../authn/jwt/json.js'
import { claimsOf, issuerIn } from '../authn/jwt/presented-jwt.js'
import { createLookup } from '../authn/lookup.js'
import type { LookupQuery } from '../authn/provider.js'
import type { Explain } from '../authn/request-context.js'
import { isReservedKey, isReservedName } from '../authn/reserved.js'
import { review, type Review, type ReviewRules } from '../authn/review.js'
import { PROVIDER_CLAIM } from '../authn/sessions/session-claims.js'
import { CommandError, ExitCode } from './command-error.js'
import { messageOf } from '../errors.js'

/** Something that a provider found, mapped or dropped. */
export interface Explanation {
  readonly provider: string
  readonly sentence: string
}

export interface ExplainedStep extends ChainStep {
  readonly explanations: readonly Explanation[]
}

export interface ExplainedReview {
  readonly status: TokenReviewStatus
  /** Of a denial, even if no step has it: a token that is too long, an audience. */
  readonly reason?: Review['reason']
  /** Empty for a review by a running service. */
  readonly steps: readonly ExplainedStep[]
  /** Of a JWT that no provider recognizes, as it says. */
  readonly unknownIssuer?: string
  /** Of a session token that names no provider of this config with `lookup`, as it says. */
  readonly unknownProvider?: string
}

export async function explainReview ({ token, audiences }: TokenReviewRequest['spec'], rules: ReviewRules, timeout: number): Promise<ExplainedReview> {
  const steps: ExplainedStep[] = []
  let explanations: Explanation[] = []
  const trace = (step: ChainStep): void => {
    explainDropped(step.provider, step.outcome, explainInto(explanations))
    explainGuard(step.provider, step.outcome, explainInto(explanations))
    steps.push({ ...step, explanations })
    explanations = []
  }
  const explain: Explain = (provider, sentence) => { explainInto(explanations)(provider, sentence) }
  const credential = parseCredential(token)
  const { status, reason } = await review({ credential, audiences }, new Deadline(timeout), rules, { trace, explain })
  return { status, reason, steps, ...reason === 'unknown' && explainUnknown(credential, rules) }
}

/** Why nothing recognized a JWT, by what it says, unverified. */
function explainUnknown (credential: ParsedCredential, { sessions }: ReviewRules): Pick<ExplainedReview, 'unknownIssuer' | 'unknownProvider'> {
  const claims = claimsOf(credential.token)
  if (claims === undefined) return {}
  if (sessions?.chainFor(credential) !== undefined) return { unknownProvider: String(memberOf(claims, PROVIDER_CLAIM)) }
  const issuer = issuerIn(claims)
  return issuer === undefined ? {} : { unknownIssuer: issuer }
}

export interface ExplainedUser {
  /** `undefined` if no provider has this user, or the first one that has denies them. */
  readonly user: UserInfo | undefined
  readonly denial?: { readonly provider: string, readonly reason: DenialReason }
  /** Providers without `lookup` that would have been asked before, and may have this user too. */
  readonly withoutLookup: readonly string[]
  readonly explanations: readonly Explanation[]
}

/**
 * The user as Kubernetes sees them, from the first provider that has them.
 * @throws CommandError with exit code 69 if a provider is unavailable
 */
export async function explainUser (query: LookupQuery, providers: readonly OpenProvider[], timeout: number): Promise<ExplainedUser> {
  const explanations: Explanation[] = []
  const withoutLookup: string[] = []
  const explain = explainInto(explanations)
  for (const open of providers) {
    const lookup = createLookup(open)
    if (lookup === undefined) {
      explain(open.name, "can't look up users without a credential")
      withoutLookup.push(open.name)
      continue
    }
    const question = { query, deadline: new Deadline(timeout), explain }
    const outcome = await addGroups(open, await lookup.ask(question), question)
    if (isUnavailable(outcome)) throw unavailableError(outcome, open)
    if (outcome === null) {
      explain(open.name, `no user of this ${'uid' in query ? 'uid' : 'name'}`)
    } else if (isVettedDenial(outcome)) {
      explainGuard(open.name, outcome, explain)
      return { user: undefined, denial: { provider: outcome.groupsFrom ?? open.name, reason: outcome.denied }, withoutLookup, explanations }
    } else {
      explainNames(open, outcome, explain)
      return { user: outcome.user, withoutLookup, explanations }
    }
  }
  return { user: undefined, withoutLookup, explanations }
}

/** Names in a directory may contain control characters. */
function explainInto (explanations: Explanation[]): Explain {
  return (provider, sentence) => { explanations.push({ provider, sentence: sentence.replace(/\p{C}/gu, '\ufffd') }) }
}

function unavailableError ({ unavailable, cause, groupsFrom }: Unavailable, { name }: OpenProvider): CommandError {
  return new CommandError(`identity provider "${groupsFrom ?? name}" is unavailable: ${cause === undefined ? unavailable : messageOf(cause)}`, ExitCode.unavailable, { cause })
}

function explainGuard (provider: string, outcome: Outcome, explain: Explain): void {
  if (outcome === null || isUnavailable(outcome) || !isVettedDenial(outcome)) return
  const { denied, username, groupsFrom = provider } = outcome
  if (denied === 'reserved-name') explain(groupsFrom, `denied: ${username} is reserved for Kubernetes`)
  if (denied === 'invalid-name') explain(groupsFrom, 'denied: the username is not a valid name')
}

/** What prefixes make of the providers' names, and what was dropped. */
function explainNames (open: OpenProvider, outcome: VettedAuthentication, explain: Explain): void {
  const { user: { username, groups = [] } } = outcome
  const { usernamePrefix } = open.names
  const { name: ofGroups, names: { groupPrefix } } = open.groupsFrom?.open ?? open
  if (usernamePrefix !== '') explain(open.name, `${username.slice(usernamePrefix.length)} is ${username} in Kubernetes`)
  if (groupPrefix !== '') for (const group of groups) explain(ofGroups, `the group ${group.slice(groupPrefix.length)} is ${group} in Kubernetes`)
  explainDropped(open.name, outcome, explain)
}

/** A sentence for each name that Kubernetes does not get. */
function explainDropped (provider: string, outcome: Outcome, explain: Explain): void {
  if (outcome === null || isUnavailable(outcome) || isVettedDenial(outcome) || outcome.dropped === undefined) return
  const { dropped, groupsFrom = provider } = outcome
  const why = (reserved: boolean, allowlist = ''): string => reserved ? `reserved for Kubernetes${allowlist}` : 'not a valid name'
  for (const uid of dropped.uid) explain(provider, `dropped the uid ${uid}: ${why(false)}`)
  for (const group of dropped.group) explain(groupsFrom, `dropped the group ${group}: ${why(isReservedName(group), ', and not in reserved.allowGroups')}`)
  for (const key of dropped.extra) explain(provider, `dropped the extra key ${key}: ${why(isReservedKey(key))}`)
}
