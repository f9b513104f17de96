/** A group of the directory, and the name that Kubernetes is to see of it. */
import { nameInDN } from './distinguished-name.js'
import type { Entry } from './entry.js'

export interface Group {
  readonly dn: string
  readonly name: string
}

/**
 * The group's own name: the one in its DN where the attribute is there, or the
 * attribute's only value. A further value could have been added by whoever may
 * write the entry.
 */
export function nameOf (entry: Entry, attribute: string): string | undefined {
  const inDN = nameInDN(entry.dn, attribute)
  if (inDN !== undefined) return inDN
  const names = entry.texts(attribute)
  return names.length === 1 ? names[0] : undefined
}
