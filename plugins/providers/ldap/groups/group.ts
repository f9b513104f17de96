/** A group of the directory, and the name that Kubernetes is to see of it. */
import { DirectoryError } from '../../../../src/errors.js'
import { nameInDN } from '../syntax/distinguished-name.js'
import type { LdapEntry } from '../connection/ldap-entry.js'

/** Of one account. Windows puts 1,015 into an access token; each costs some 20 µs in which nothing else happens. */
const MAX_GROUPS = 5_000

/** @throws DirectoryError where an account is in more groups than can be meant */
export function boundGroups (count: number): void {
  if (count > MAX_GROUPS) throw new DirectoryError(`an account is in more than ${MAX_GROUPS} groups`)
}

export interface Group {
  readonly dn: string
  readonly name: string
}

/**
 * The group's own name: the one in its DN where the attribute is there, or the
 * attribute's only value. A further value could have been added by whoever may
 * write the entry.
 */
export function groupNameOf (entry: LdapEntry, attribute: string): string | undefined {
  const inDN = nameInDN(entry.dn, attribute)
  if (inDN !== undefined) return inDN
  const names = entry.texts(attribute)
  return names.length === 1 ? names[0] : undefined
}
