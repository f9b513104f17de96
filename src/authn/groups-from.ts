/**
 * Groups from another provider: once a provider has authenticated a user, the
 * other one looks the user up by name, and its groups replace the user's own.
 * They come through the other provider's cache, breaker, prefix and guard, so no
 * cache of the first holds them.
 */
import { isUnavailable, isVettedDenial, type Outcome, type VettedAuthentication } from './answer.js'
import type { Authenticator, AuthenticatorType, OpenProvider, Question } from './authenticator.js'
import type { Lookup } from './lookup.js'

export interface GroupsFrom {
  /** The other provider. */
  readonly open: OpenProvider
  readonly lookup: Lookup
  /** Whether users that it does not know have no groups. They are denied otherwise. */
  readonly optional: boolean
}

export class GroupsAuthenticator implements Authenticator {
  readonly provider: string
  readonly credentialType: AuthenticatorType
  readonly #authenticator: Authenticator
  readonly #open: OpenProvider

  constructor (authenticator: Authenticator, open: OpenProvider) {
    this.provider = authenticator.provider
    this.credentialType = authenticator.credentialType
    this.#authenticator = authenticator
    this.#open = open
  }

  /** Leaves everything to {@link authenticate}: otherwise an answer from memory would be asked for, and counted, twice. */
  lookUp (): undefined {
    return undefined
  }

  async authenticate (question: Question): Promise<Outcome> {
    let outcome = this.#authenticator.lookUp(question)
    if (outcome === undefined) outcome = await this.#authenticator.authenticate(question)
    return await addGroups(this.#open, outcome, question)
  }
}

/** The outcome with the groups that the provider's users have. */
export async function addGroups (open: OpenProvider, outcome: Outcome, question: Pick<Question, 'deadline' | 'caller' | 'explain'>): Promise<Outcome> {
  const { name, names: { usernamePrefix }, groupsFrom } = open
  if (groupsFrom === undefined || outcome === null || isVettedDenial(outcome) || isUnavailable(outcome)) return outcome
  const { open: { name: other }, optional } = groupsFrom
  const username = outcome.user.username.slice(usernamePrefix.length)
  const found = await lookUp(groupsFrom.lookup, username, question)
  const explain = (sentence: string): void => { question.explain?.(name, sentence) }
  if (found === null) {
    explain(`${other} has no user ${username}: ${optional ? 'no groups' : 'denied, since groupsFrom is not optional'}`)
    return optional ? withGroups(outcome, other) : { denied: 'not-member', username }
  }
  if (isUnavailable(found)) return { ...found, groupsFrom: other }
  if (isVettedDenial(found)) {
    explain(`authenticated ${username}, but ${other} denies this user`)
    return { denied: found.denied, username: found.username ?? username, groupsFrom: other }
  }
  explain(`groups of ${found.user.username} from ${other}: ${found.user.groups?.join(', ') ?? 'none'}`)
  return withGroups(outcome, other, found)
}

async function lookUp (lookup: Lookup, username: string, { deadline, caller, explain }: Pick<Question, 'deadline' | 'caller' | 'explain'>): Promise<Outcome> {
  const question = { query: { username }, deadline, caller, explain }
  const cached = lookup.lookUp(question)
  return cached === undefined ? await lookup.ask(question) : cached
}

function withGroups ({ dropped, ...authentication }: VettedAuthentication, groupsFrom: string, from?: VettedAuthentication): VettedAuthentication {
  const { groups: _own, ...user } = authentication.user
  const groups = from?.user.groups
  const all = { uid: dropped?.uid ?? [], group: from?.dropped?.group ?? [], extra: dropped?.extra ?? [] }
  return {
    ...authentication,
    groupsFrom,
    user: groups === undefined ? user : { ...user, groups },
    ...all.uid.length + all.group.length + all.extra.length > 0 && { dropped: all }
  }
}
