/**
 * The guard of reserved identities. Kubernetes trusts `system:` names (the
 * group `system:masters` is full admin, past every policy) and feeds `extra`
 * under its own domains to node, pod and admission checks. No provider may
 * hand them out, unless the config names the very one.
 */
import type { UserInfo } from '../../schemas/token-review.js'

const RESERVED_PREFIX = 'system:'
const ASCII = /^[\x20-\x7e]*$/
// `authentication.kubernetes.io/pod-name`, `kubernetes.io/x`, `k8s.io`: the domain, or one under it
const RESERVED_DOMAIN = /^(?:[^/]*\.)?(?:kubernetes|k8s)\.io(?:\/|$)/

export interface Exceptions {
  readonly allowUsers: readonly string[]
  readonly allowGroups: readonly string[]
}

export interface Guarded {
  /** `undefined`: the username itself is reserved. */
  readonly user: UserInfo | undefined
  readonly dropped: { group: number, extra: number }
}

/** The user without reserved groups and extra keys. */
export function guardReserved (user: UserInfo, { allowUsers, allowGroups }: Exceptions): Guarded {
  const dropped = { group: 0, extra: 0 }
  if (isReserved(user.username, allowUsers)) return { user: undefined, dropped }
  const guarded = { ...user }
  if (user.groups?.some(group => isReserved(group, allowGroups)) === true) {
    guarded.groups = user.groups.filter(group => !isReserved(group, allowGroups))
    dropped.group = user.groups.length - guarded.groups.length
  }
  if (user.extra !== undefined) {
    const kept = Object.entries(user.extra).filter(([key]) => !isReservedKey(key))
    dropped.extra = Object.keys(user.extra).length - kept.length
    if (dropped.extra > 0) guarded.extra = Object.fromEntries(kept)
  }
  return { user: guarded, dropped }
}

function isReserved (name: string, allowed: readonly string[]): boolean {
  return compatible(name).startsWith(RESERVED_PREFIX) && !allowed.includes(name)
}

/** A name of a user that is reserved unless the config of its provider says otherwise. */
export interface ReservedName {
  /** `username`, or `groups[2]`. */
  readonly path: string
  readonly message: string
}

/** For programs that make users without knowing the config: prefixes and exceptions there may let these names out. */
export function findReservedNames ({ username, groups = [] }: Pick<UserInfo, 'username' | 'groups'>): ReservedName[] {
  const found: ReservedName[] = []
  if (isReserved(username, [])) {
    found.push({ path: 'username', message: `the name ${JSON.stringify(username)} is reserved for Kubernetes: the user is denied unless the provider has a usernamePrefix or lists the name in reserved.allowUsers` })
  }
  groups.forEach((group, index) => {
    if (isReserved(group, [])) found.push({ path: `groups[${index}]`, message: `the group ${JSON.stringify(group)} of ${JSON.stringify(username)} is reserved for Kubernetes: it is dropped unless the provider has a groupPrefix or lists the group in reserved.allowGroups` })
  })
  return found
}

/** The API server lower-cases the keys of impersonated extra: a key that isn't lower-case could become another one there. */
export function isReservedKey (key: string): boolean {
  return key !== key.toLowerCase() || RESERVED_DOMAIN.test(compatible(key))
}

/**
 * Kubernetes compares bytes. A person who reads a name, or a program that
 * compares it less strictly, may take `ｓystem:` for `system:`.
 */
function compatible (name: string): string {
  return ASCII.test(name) ? name : name.normalize('NFKC')
}
