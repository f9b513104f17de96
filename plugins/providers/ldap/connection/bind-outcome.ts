/**
 * What a directory's answer to a user's bind means. Directories say more than
 * "no" in codes of their own; only a wrong password is one.
 */
import type { ProviderDenialReason } from '../../../../src/authn/provider.js'
import { DirectoryError } from '../../../../src/errors.js'
import type { BindResult } from './ldap-connection.js'
import type { PolicyError } from './password-policy.js'

/** An account that can't be used now, whatever the password. `why` is for the log. */
export interface AccountDenial {
  readonly denied: Exclude<ProviderDenialReason, 'wrong-credential'>
  readonly why: string
}

export type BindOutcome = 'correct' | 'incorrect' | AccountDenial

const INVALID_CREDENTIALS = 49

/** The `data` of Active Directory's message to code 49, hexadecimal: winerror.h */
const ACTIVE_DIRECTORY: Readonly<Record<string, 'incorrect' | AccountDenial>> = {
  525: 'incorrect',
  '52e': 'incorrect',
  '52f': { denied: 'disabled', why: 'a restriction of the account' },
  530: { denied: 'disabled', why: 'may not log in at this hour' },
  531: { denied: 'disabled', why: 'may not log in from here' },
  532: { denied: 'expired', why: 'the password has expired' },
  533: { denied: 'disabled', why: 'the account is disabled' },
  569: { denied: 'disabled', why: 'may not log in in this way' },
  701: { denied: 'expired', why: 'the account has expired' },
  773: { denied: 'expired', why: 'the password must be changed first' },
  775: { denied: 'locked', why: 'the account is locked' }
}

const POLICY: Readonly<Record<PolicyError, AccountDenial>> = {
  expired: { denied: 'expired', why: 'the password has expired' },
  locked: { denied: 'locked', why: 'the account is locked' },
  'must-change': { denied: 'expired', why: 'the password must be changed first' }
}

/** 389-ds and FreeIPA: unwilling to bind an inactivated account, a constraint violated by too many tries. */
const BY_CODE: ReadonlyArray<{ code: number, message: RegExp, refusal: AccountDenial }> = [
  { code: 53, message: /inactivated|locked/i, refusal: { denied: 'disabled', why: 'the account is inactivated' } },
  { code: 19, message: /retry limit|locked/i, refusal: { denied: 'locked', why: 'too many wrong passwords' } }
]

/** @throws DirectoryError where the answer tells nothing about the password */
export function bindOutcomeOf (result: BindResult): BindOutcome {
  const known = rejectionIn(result)
  if (known !== undefined) return known
  if (result.code === 0) return 'correct'
  // a referral ends here too: nobody's password is sent to another host
  throw new DirectoryError(`the directory gave no verdict on a password: ${result.message}`)
}

/** What the directory says against the password or the account; `undefined` if it is nothing that is known. */
export function rejectionIn ({ code, rawMessage, policy }: BindResult): 'incorrect' | AccountDenial | undefined {
  if (policy !== undefined) return POLICY[policy]
  return code === INVALID_CREDENTIALS ? fromCode49(rawMessage) : BY_CODE.find(known => known.code === code && known.message.test(rawMessage))?.refusal
}

/** Active Directory answers so too where it could not look at the password, as without a logon server: data 51f. */
function fromCode49 (message: string): 'incorrect' | AccountDenial | undefined {
  const data = /, data ([0-9a-f]+), v/i.exec(message)?.[1]
  return data === undefined ? 'incorrect' : ACTIVE_DIRECTORY[data.toLowerCase()]
}
