/**
 * How kinds of directories differ: how users and groups are found, which
 * attribute is a stable ID, and which ones tell the state of an account and its
 * password.
 */
import type { LDAP_GROUP_MODES, LDAP_PRESETS } from '../../../schemas/providers/ldap.js'

export type PresetName = typeof LDAP_PRESETS[number]
export type GroupMode = typeof LDAP_GROUP_MODES[number]

export interface Preset {
  readonly userFilter?: string
  readonly username?: string
  readonly uid?: string
  readonly groupMode?: GroupMode
  readonly groupFilter?: string
  readonly groupName?: string
  /** Attributes that change only with the password. */
  readonly passwordAttributes: readonly string[]
  /** Attributes that tell the state of an account. */
  readonly stateAttributes: readonly string[]
}

const MEMBERS = '(|(member={dn})(uniqueMember={dn}))'
const PASSWORD_POLICY = ['pwdAccountLockedTime', 'nsAccountLock', 'pwdReset']
const ACCOUNT_CONTROL = ['userAccountControl', 'msDS-User-Account-Control-Computed', 'accountExpires']

export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  openldap: {
    userFilter: '(uid={username})',
    username: 'uid',
    uid: 'entryUUID',
    groupMode: 'search',
    groupFilter: MEMBERS,
    groupName: 'cn',
    passwordAttributes: ['pwdChangedTime'],
    stateAttributes: PASSWORD_POLICY
  },
  activeDirectory: {
    userFilter: '(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={username})(userPrincipalName={username})))',
    username: 'sAMAccountName',
    uid: 'objectGUID',
    groupMode: 'tokenGroups',
    groupFilter: '(member={dn})',
    groupName: 'sAMAccountName',
    passwordAttributes: ['pwdLastSet'],
    stateAttributes: ACCOUNT_CONTROL
  },
  freeIPA: {
    userFilter: '(&(objectClass=posixAccount)(uid={username}))',
    username: 'uid',
    uid: 'ipaUniqueID',
    // includes indirect memberships
    groupMode: 'memberOf',
    groupFilter: '(member={dn})',
    groupName: 'cn',
    passwordAttributes: ['krbLastPwdChange'],
    stateAttributes: ['nsAccountLock', 'krbPrincipalExpiration']
  },
  none: {
    passwordAttributes: ['pwdChangedTime', 'pwdLastSet'],
    stateAttributes: [...PASSWORD_POLICY, ...ACCOUNT_CONTROL]
  }
}

const UNIQUE_NAMES = new Set(['objectsid', 'objectguid', 'entryuuid', 'ipauniqueid', 'nsuniqueid', 'distinguishedname', 'entrydn'])

/** Whether the directory itself keeps the attribute unique among the groups of a domain. A CN is unique only inside its container. */
export function isUniqueName (attribute: string, preset: PresetName): boolean {
  const name = attribute.toLowerCase()
  return UNIQUE_NAMES.has(name) || (preset === 'activeDirectory' && name === 'samaccountname')
}

const SELF_WRITABLE = new Set(['mail', 'displayname', 'givenname', 'description', 'telephonenumber', 'mobile', 'homephone', 'postaladdress', 'preferredlanguage', 'labeleduri', 'url', 'wwwhomepage', 'info', 'gecos', 'initials', 'loginshell'])

/** Whether many directories let users change the attribute in their own entries. */
export function isSelfWritable (attribute: string): boolean {
  return SELF_WRITABLE.has(attribute.toLowerCase())
}
