/**
 * The version of an entry's password: it changes when the password changes, so
 * that a rejected password need not be tried again.
 *
 * The best source are attributes that change only with the password. Without
 * them, any change of the entry counts as one. OpenLDAP's password policy
 * records failed binds in the entry, which would change the version each time;
 * but it would also have recorded a change of the password.
 */
import type { LdapEntry } from '../connection/ldap-entry.js'

export interface PasswordVersion {
  readonly source: 'password' | 'policy' | 'entry'
  readonly value: string
}

/** draft-behera-ldap-password-policy: a change of the password sets the first and deletes the second; a failed bind sets the second. */
const [POLICY_CHANGE, POLICY_FAILURE] = ['pwdChangedTime', 'pwdFailureTime']

/** They change with any attribute; entryCSN also within one second. */
const ENTRY_ATTRIBUTES = ['entryCSN', 'modifyTimestamp']

/** The attributes to read; `passwordAttributes` are the preset's. */
export function passwordVersionAttributes (passwordAttributes: readonly string[]): string[] {
  return [...passwordAttributes, POLICY_FAILURE, ...ENTRY_ATTRIBUTES]
}

/** `undefined` if none of the attributes can be read. */
export function passwordVersionOf (entry: LdapEntry, passwordAttributes: readonly string[]): PasswordVersion | undefined {
  const ofPassword = valuesOf(entry, passwordAttributes)
  if (ofPassword !== '') return { source: 'password', value: ofPassword }
  if (passwordAttributes.includes(POLICY_CHANGE) && entry.text(POLICY_FAILURE) !== undefined) return { source: 'policy', value: 'never changed' }
  const ofEntry = valuesOf(entry, ENTRY_ATTRIBUTES)
  return ofEntry === '' ? undefined : { source: 'entry', value: ofEntry }
}

/** Whether the password is certainly unchanged. */
export function isUnchanged (then: PasswordVersion, now: PasswordVersion): boolean {
  if (then.source === now.source) return then.value === now.value
  return then.source === 'entry' && now.source === 'policy'
}

function valuesOf (entry: LdapEntry, attributes: readonly string[]): string {
  return attributes.flatMap(attribute => entry.texts(attribute).map(value => `${attribute}=${value};`)).join('')
}
