/** What a directory's answer to a bind says about the password and the account. */
import type { CheckOutcome, ProviderDenialReason } from '../../../../src/authn/provider.js'
import { DirectoryError } from '../../../../src/errors.js'
import type { BindResult } from './ldap-connection.js'
import type { PolicyError } from './password-policy.js'

/** The account can't be used now, whatever the password. Not counted as a guess. */
export interface AccountDenial {
  readonly denied: Exclude<ProviderDenialReason, 'wrong-credential'>
  /** For the log. */
  readonly why: string
}

/** A CheckOutcome that says why it is `uncounted`. */
export type BindOutcome = Exclude<CheckOutcome, 'uncounted'> | AccountDenial

const INVALID_CREDENTIALS = 49

/** The hexadecimal `data` in Active Directory's message to code 49: winerror.h */
const ACTIVE_DIRECTORY: Readonly<Record<string, 'incorrect' | AccountDenial>> = {
  525: 'incorrect',
  '52e': 'incorrect',
  '52f': { denied: 'disabled', why: 'the account is restricted' },
  530: { denied: 'disabled', why: 'the account may not log in at this hour' },
  531: { denied: 'disabled', why: 'the account may not log in from this computer' },
  532: { denied: 'expired', why: 'the password has expired' },
  533: { denied: 'disabled', why: 'the account is disabled' },
  569: { denied: 'disabled', why: 'the account may not use this type of login' },
  701: { denied: 'expired', why: 'the account has expired' },
  773: { denied: 'expired', why: 'the password must be changed first' },
  775: { denied: 'locked', why: 'the account is locked' }
}

const POLICY: Readonly<Record<PolicyError, AccountDenial>> = {
  expired: { denied: 'expired', why: 'the password has expired' },
  locked: { denied: 'locked', why: 'the account is locked' },
  'must-change': { denied: 'expired', why: 'the password must be changed first' }
}

/** 389-ds and FreeIPA: unwillingToPerform for an inactivated account, constraintViolation for one locked by wrong passwords. */
const BY_CODE: ReadonlyArray<{ code: number, message: RegExp, denial: AccountDenial }> = [
  { code: 53, message: /inactivated|locked/i, denial: { denied: 'disabled', why: 'the account is inactivated' } },
  { code: 19, message: /retry limit|locked/i, denial: { denied: 'locked', why: 'too many wrong passwords' } }
]

/** @throws DirectoryError if the answer says nothing about the password */
export function bindOutcomeOf (result: BindResult): BindOutcome {
  const rejection = rejectionIn(result)
  if (rejection !== undefined) return rejection
  if (result.code === 0) return 'correct'
  // includes referrals: a password is never sent to another host
  throw new DirectoryError(`the directory did not check the password: ${result.message}`)
}

/** Why the directory rejects the service account, and what an administrator can do; `undefined` if it accepts it. */
export function serviceBindError (result: BindResult): string | undefined {
  const { code, message, policy } = result
  // after a successful bind with must-change, only a change of the password is allowed
  if (code === 0 && policy !== 'must-change') return undefined
  const rejection = rejectionIn(result)
  if (rejection === undefined) return message
  const details = message === '' ? '' : ` (${message})`
  return rejection === 'incorrect' ? `bindDN or bindPassword is wrong${details}` : `${rejection.why}${details}; ${adviceFor(rejection)}`
}

/** `undefined` for a success and for an error that says nothing about the password. */
function rejectionIn ({ code, rawMessage, policy }: BindResult): Exclude<BindOutcome, 'correct'> | undefined {
  if (policy !== undefined) return POLICY[policy]
  if (code !== INVALID_CREDENTIALS) return BY_CODE.find(known => known.code === code && known.message.test(rawMessage))?.denial
  // also sent if Active Directory could not check the password: data 51f, no logon server
  const data = /, data ([0-9a-f]+), v/i.exec(rawMessage)?.[1]
  return data === undefined ? 'incorrect' : ACTIVE_DIRECTORY[data.toLowerCase()]
}

function adviceFor ({ denied, why }: AccountDenial): string {
  switch (denied) {
    case 'expired': return why.startsWith('the password') ? 'set a new password in the directory and in bindPassword' : 'extend the account in the directory'
    case 'locked': return 'unlock the account in the directory, and find the client that uses a wrong password for it'
    default: return 'allow the account in the directory'
  }
}
