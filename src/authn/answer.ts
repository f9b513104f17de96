/**
 * A provider's answer, checked against the contract and mapped to the names
 * that Kubernetes will see. Third parties write providers: nothing is taken for
 * granted, and the result is a copy.
 */
import type { UserInfo } from '../../schemas/token-review.js'
import { UnavailableError, type UnavailableReason } from '../errors.js'
import { immutable, isImmutable } from './immutable.js'
import { mapUser, type DroppedNames, type Prefixes } from './mapping.js'
import type { Observer, ReservedKind } from './observer.js'
import { PROVIDER_DENIAL_REASONS, type Authentication, type ProviderDenialReason } from './provider.js'
import { guardReserved, type Allowlist } from './reserved.js'

/** Why a review is denied: a provider's reasons and ours. */
export type DenialReason = ProviderDenialReason
  | 'unknown' // no provider knows the credential
  | 'reserved-name' // the guard denied the username
  | 'invalid-name' // the username is not a valid name
  | 'token-too-long'
  | 'unknown-key' // a session token's key is none of the configured ones
  | 'account-gone' // the provider has no user of the session token's uid any more
  | 'password-changed' // since the sign-in that gave the session token

/** A provider's answer after mapping and guard. */
export type VettedAnswer = VettedAuthentication | VettedDenial | null

export interface VettedAuthentication extends Authentication, OfGroups {
  /** Absent if no name was dropped. */
  readonly dropped?: DroppedNames
}

export interface VettedDenial extends OfGroups {
  readonly denied: DenialReason
  readonly username?: string | undefined
}

interface OfGroups {
  /** The provider of the groups, if another one authenticated the user. A denial and an outage are its own. */
  readonly groupsFrom?: string
}

export interface NameRules extends Prefixes {
  readonly reserved: Allowlist
}

/** An outage, a timeout, a throttled account, a bug: the answer could have been either. */
export interface Unavailable extends OfGroups {
  readonly unavailable: UnavailableReason
  /** What was thrown, if anything was. */
  readonly cause?: unknown
}

/** What an authenticator gives; `null`: it does not know the credential. */
export type Outcome = VettedAnswer | Unavailable

export function isVettedDenial (outcome: Outcome): outcome is VettedDenial {
  return outcome !== null && 'denied' in outcome
}

export function isUnavailable (outcome: Outcome): outcome is Unavailable {
  return outcome !== null && 'unavailable' in outcome
}

export function unavailable (reason: UnavailableReason): Unavailable {
  return { unavailable: reason }
}

/** Whatever was thrown: a provider's error, a broken contract, or what `ctx.attempt` rejects with. */
export function unavailableFrom (error: unknown): Unavailable {
  return error instanceof UnavailableError ? { unavailable: error.reason, cause: error.cause } : { unavailable: 'failed', cause: error }
}

/** @throws TypeError if the answer breaks the contract */
export function vetAnswer (provider: string, answer: unknown, rules: NameRules, observer: Observer): VettedAnswer {
  if (answer === null) return null
  if (typeof answer !== 'object') throw brokenContract('the answer is neither null nor an object')
  if ('denied' in answer) return vetDenial(answer)
  return vetAuthentication(provider, answer, rules, observer)
}

function vetDenial (answer: { denied: unknown, username?: unknown }): VettedDenial {
  const reason = PROVIDER_DENIAL_REASONS.find(reason => reason === answer.denied)
  if (reason === undefined) throw brokenContract('a denial for a reason that the contract does not know')
  return typeof answer.username === 'string' ? { denied: reason, username: answer.username } : { denied: reason }
}

function vetAuthentication (provider: string, answer: Partial<Authentication>, rules: NameRules, observer: Observer): VettedAnswer {
  const { user, audiences, expiresAt, cacheable, passwordVersion } = answer
  if (audiences !== undefined && !isStrings(audiences)) throw brokenContract('"audiences" are not strings')
  if (expiresAt !== undefined && !(expiresAt instanceof Date && !Number.isNaN(expiresAt.getTime()))) throw brokenContract('"expiresAt" is not a date')
  if (cacheable !== undefined && typeof cacheable !== 'boolean') throw brokenContract('"cacheable" is not a boolean')
  if (passwordVersion !== undefined && typeof passwordVersion !== 'string') throw brokenContract('"passwordVersion" is not a string')

  const { denial, user: named, dropped } = nameUser(user, rules)
  if (denial !== undefined) {
    observer.reserved(provider, 'user', 1)
    return denial
  }
  const authentication = { user: named, audiences: audiences && [...audiences], expiresAt: expiresAt && new Date(expiresAt), cacheable, ...passwordVersion !== undefined && { passwordVersion } }
  if (dropped === undefined) return authentication
  report(observer, provider, 'uid', dropped.uid.length)
  report(observer, provider, 'group', dropped.group.length)
  report(observer, provider, 'extra', dropped.extra.length)
  return { ...authentication, dropped }
}

/** A user under the names that Kubernetes will see, or why there is none; and the names that were dropped. */
type Named =
  | { readonly denial: VettedDenial, readonly user?: never, readonly dropped?: never }
  | { readonly denial?: never, readonly user: UserInfo, readonly dropped?: DroppedNames }

/** Of users that can't change, such as those of a users file: mapping takes longer than looking one up. */
const known = new WeakMap<object, { readonly rules: NameRules, readonly named: Named }>()

function nameUser (user: unknown, rules: NameRules): Named {
  const before = known.get(user as object)
  if (before?.rules === rules) return before.named
  if (!isUserInfo(user)) throw brokenContract('"user" is not a UserInfo')
  const mapped = mapAndGuard(user, rules)
  if (!isImmutable(user)) return mapped
  const named = immutable(mapped)
  known.set(user, { rules, named })
  return named
}

function mapAndGuard (user: UserInfo, rules: NameRules): Named {
  const mapped = mapUser(user, rules)
  if (mapped === undefined) return { denial: { denied: 'invalid-name' } }
  const guarded = guardReserved(mapped.user, rules.reserved)
  if (guarded.user === undefined) return { denial: { denied: 'reserved-name', username: mapped.user.username } }
  const { uid, group, extra } = mapped.dropped
  const dropped = { uid, group: [...group, ...guarded.dropped.group], extra: [...extra, ...guarded.dropped.extra] }
  return dropped.uid.length + dropped.group.length + dropped.extra.length === 0 ? { user: guarded.user } : { user: guarded.user, dropped }
}

function report (observer: Observer, provider: string, kind: ReservedKind, count: number): void {
  if (count > 0) observer.reserved(provider, kind, count)
}

function isUserInfo (user: unknown): user is UserInfo {
  if (user === null || typeof user !== 'object') return false
  const { username, uid, groups, extra } = user as Record<string, unknown>
  return typeof username === 'string' &&
    (uid === undefined || typeof uid === 'string') &&
    (groups === undefined || isStrings(groups)) &&
    (extra === undefined || (extra !== null && typeof extra === 'object' && Object.values(extra).every(isStrings)))
}

function isStrings (value: unknown): value is string[] {
  return Array.isArray(value) && value.every(item => typeof item === 'string')
}

function brokenContract (message: string): TypeError {
  return new TypeError(`the provider broke its contract: ${message}`)
}
