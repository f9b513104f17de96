/**
 * What an entry shows of its password: something that changes when the password
 * does, so that a password that was refused need not be tried again.
 *
 * The best are attributes that change with the password alone. Where there is
 * none of them, any change of the entry has to count as one. OpenLDAP's password
 * policy notes failed binds in the entry, and so would end each memory at once;
 * but it would have noted a change of the password too.
 */
import type { LdapEntry } from '../connection/ldap-entry.js'

export interface PasswordVersion {
  readonly of: 'password' | 'policy' | 'entry'
  readonly value: string
}

/** draft-behera-ldap-password-policy: set with each change of the password, which also deletes the other one, set by a refused bind. */
const [POLICY_CHANGE, POLICY_FAILURE] = ['pwdChangedTime', 'pwdFailureTime']

/** They change with anything in the entry; entryCSN tells apart what lies in one second. */
const ENTRY_ATTRIBUTES = ['entryCSN', 'modifyTimestamp']

/** What to read of an entry; `passwordAttributes` are those of its preset. */
export function passwordVersionAttributes (passwordAttributes: readonly string[]): string[] {
  return [...passwordAttributes, POLICY_FAILURE, ...ENTRY_ATTRIBUTES]
}

/** `undefined` where nothing of the kind can be read. */
export function passwordVersionOf (entry: LdapEntry, passwordAttributes: readonly string[]): PasswordVersion | undefined {
  const ofPassword = read(entry, passwordAttributes)
  if (ofPassword !== '') return { of: 'password', value: ofPassword }
  if (passwordAttributes.includes(POLICY_CHANGE) && entry.text(POLICY_FAILURE) !== undefined) return { of: 'policy', value: 'never changed' }
  const ofEntry = read(entry, ENTRY_ATTRIBUTES)
  return ofEntry === '' ? undefined : { of: 'entry', value: ofEntry }
}

/** Is the password certainly the one that it was? */
export function isUnchanged (then: PasswordVersion, now: PasswordVersion): boolean {
  if (then.of === now.of) return then.value === now.value
  return then.of === 'entry' && now.of === 'policy'
}

function read (entry: LdapEntry, attributes: readonly string[]): string {
  let text = ''
  for (const attribute of attributes) {
    for (const value of entry.texts(attribute)) text += `${attribute}=${value};`
  }
  return text
}
