/** A group of the directory, and its name in Kubernetes. */
import { DirectoryError } from '../../../../src/errors.js'
import { nameInDN } from '../syntax/distinguished-name.js'
import type { LdapEntry } from '../connection/ldap-entry.js'

/** Per account. Windows puts at most 1,015 into an access token; each group takes about 20 µs on the event loop. */
const MAX_GROUPS = 5_000

/** @throws DirectoryError if an account is in too many groups */
export function boundGroups (count: number): void {
  if (count > MAX_GROUPS) throw new DirectoryError(`an account is in more than ${MAX_GROUPS} groups`)
}

export interface Group {
  readonly dn: string
  readonly name: string
}

/**
 * The value of the attribute in the group's DN, or else its only value. Other
 * values don't count: anyone with write access to the entry could add them.
 */
export function groupNameOf (entry: LdapEntry, attribute: string): string | undefined {
  const inDN = nameInDN(entry.dn, attribute)
  if (inDN !== undefined) return inDN
  const names = entry.texts(attribute)
  return names.length === 1 ? names[0] : undefined
}
