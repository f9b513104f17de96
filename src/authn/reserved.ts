/**
 * The guard of reserved identities. Kubernetes trusts `system:` names (the
 * group `system:masters` is full admin, past every policy) and feeds `extra`
 * under its own domains to node, pod and admission checks. No provider may
 * issue them, unless the config allows that exact name.
 */
import type { UserInfo } from '../../schemas/token-review.js'
import type { DroppedNames, Prefixes } from './mapping.js'

const RESERVED_PREFIX = 'system:'
const ASCII = /^[\x20-\x7e]*$/
// `authentication.kubernetes.io/pod-name`, `kubernetes.io/x`, `k8s.io`: the domain, or one under it
const RESERVED_DOMAIN = /^(?:[^/]*\.)?(?:kubernetes|k8s)\.io(?:\/|$)/

export interface Allowlist {
  readonly allowUsers: readonly string[]
  readonly allowGroups: readonly string[]
}

export interface Guarded {
  /** `undefined`: the username itself is reserved. */
  readonly user: UserInfo | undefined
  readonly dropped: Pick<DroppedNames, 'group' | 'extra'>
}

/** The user without reserved groups and extra keys. */
export function guardReserved (user: UserInfo, { allowUsers, allowGroups }: Allowlist): Guarded {
  const dropped: { group: string[], extra: string[] } = { group: [], extra: [] }
  if (isReserved(user.username, allowUsers)) return { user: undefined, dropped }
  const guarded = { ...user }
  if (user.groups?.some(group => isReserved(group, allowGroups)) === true) {
    guarded.groups = user.groups.filter(group => !isReserved(group, allowGroups))
    dropped.group = user.groups.filter(group => isReserved(group, allowGroups))
  }
  if (user.extra !== undefined) {
    dropped.extra = Object.keys(user.extra).filter(isReservedKey)
    if (dropped.extra.length > 0) guarded.extra = Object.fromEntries(Object.entries(user.extra).filter(([key]) => !isReservedKey(key)))
  }
  return { user: guarded, dropped }
}

function isReserved (name: string, allowed: readonly string[]): boolean {
  return compatible(name).startsWith(RESERVED_PREFIX) && !allowed.includes(name)
}

/** Whether a name is reserved for Kubernetes. */
export function isReservedName (name: string): boolean {
  return isReserved(name, [])
}

/** A name in a file that does not reach Kubernetes. */
export interface ReservedName {
  /** `username`, or `groups[2]`. */
  readonly path: string
  readonly message: string
}

/** @param rules of the provider; without them, of a provider whose config is not known */
export function findReservedNames ({ username, groups = [] }: Pick<UserInfo, 'username' | 'groups'>, rules?: Prefixes & { readonly reserved: Allowlist }): ReservedName[] {
  const { usernamePrefix = '', groupPrefix = '', reserved: { allowUsers, allowGroups } = { allowUsers: [], allowGroups: [] } } = rules ?? {}
  const unless = (prefix: string, list: string): string => rules === undefined ? `unless the provider has a ${prefix} or lists it in reserved.${list}` : `unless reserved.${list} lists it`
  const found: ReservedName[] = []
  if (isReserved(usernamePrefix + username, allowUsers)) {
    found.push({ path: 'username', message: `the name ${JSON.stringify(username)} is reserved for Kubernetes: the user is denied ${unless('usernamePrefix', 'allowUsers')}` })
  }
  groups.forEach((group, index) => {
    if (isReserved(groupPrefix + group, allowGroups)) found.push({ path: `groups[${index}]`, message: `the group ${JSON.stringify(group)} is reserved for Kubernetes: it is dropped ${unless('groupPrefix', 'allowGroups')}` })
  })
  return found
}

/** The API server lower-cases the keys of impersonated extra: a key that isn't lower-case could become another one there. */
export function isReservedKey (key: string): boolean {
  return key !== key.toLowerCase() || RESERVED_DOMAIN.test(compatible(key))
}

/**
 * Kubernetes compares bytes. A person, or a program that compares less strictly,
 * may read `ｓystem:` as `system:`.
 */
function compatible (name: string): string {
  return ASCII.test(name) ? name : name.normalize('NFKC')
}
