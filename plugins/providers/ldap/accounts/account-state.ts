/**
 * What an entry says about its account, before any bind. Each kind of directory
 * has its own attributes; one that is missing or can't be read is ignored.
 */
import type { AccountDenial } from '../connection/bind-outcome.js'
import type { LdapEntry } from '../connection/ldap-entry.js'

export interface AccountState {
  /** Why the account can't be used; absent if its password can be checked. */
  readonly denial?: AccountDenial
  /** When the account expires. */
  readonly expiresAt?: Date
  /** There is a temporary lock, perhaps a past one: if the bind fails, it is the reason. */
  readonly maybeLocked: boolean
}

/** userAccountControl and msDS-User-Account-Control-Computed: as set, and as computed now. */
const [DISABLED, LOCKED_OUT, PASSWORD_EXPIRED] = [0x2, 0x10, 0x800000] as const

/** draft-behera-ldap-password-policy */
export const LOCK = 'pwdAccountLockedTime'

/** The lock's value for: until an administrator unlocks the account. */
const PERMANENT = '000001010000Z'

export function accountStateOf (entry: LdapEntry, now = Date.now()): AccountState {
  const lock = entry.text(LOCK)
  const expiresAt = earliest(fileTime(entry.text('accountExpires')), generalizedTime(entry.text('krbPrincipalExpiration')))
  const denial = denialOf(entry, lock, expiresAt, now)
  return { maybeLocked: lock !== undefined, ...denial !== undefined && { denial }, ...expiresAt !== undefined && { expiresAt } }
}

function denialOf (entry: LdapEntry, lock: string | undefined, expiresAt: Date | undefined, now: number): AccountDenial | undefined {
  const control = Number(entry.text('userAccountControl') ?? 0) | Number(entry.text('msDS-User-Account-Control-Computed') ?? 0)
  if ((control & DISABLED) !== 0 || isTrue(entry.text('nsAccountLock'))) return { denied: 'disabled', why: 'the account is disabled' }
  if (expiresAt !== undefined && expiresAt.getTime() <= now) return { denied: 'expired', why: 'the account has expired' }
  if ((control & LOCKED_OUT) !== 0) return { denied: 'locked', why: 'the account is locked' }
  if ((control & PASSWORD_EXPIRED) !== 0) return { denied: 'expired', why: 'the password has expired or must be changed first' }
  if (lock === PERMANENT) return { denied: 'locked', why: 'the account is locked until an administrator unlocks it' }
  if (isTrue(entry.text('pwdReset'))) return { denied: 'expired', why: 'the password must be changed first' }
  return undefined
}

function isTrue (text: string | undefined): boolean {
  return text?.toUpperCase() === 'TRUE'
}

const EPOCH = 11_644_473_600_000n
const NEVER = 0x7fff_ffff_ffff_ffffn

/** Microsoft's FILETIME: units of 100 ns since 1601; 0 and the largest number mean never. */
export function fileTime (text: string | undefined): Date | undefined {
  if (text === undefined || !/^\d{1,19}$/.test(text)) return undefined
  const ticks = BigInt(text)
  return ticks === 0n || ticks === NEVER ? undefined : new Date(Number(ticks / 10_000n - EPOCH))
}

/** `20270101000000Z`: RFC 4517, 3.3.13, in the form that servers use. */
function generalizedTime (text: string | undefined): Date | undefined {
  const parts = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?(?:\.\d+)?Z$/.exec(text ?? '')
  if (parts === null) return undefined
  const [year, month, day, hour, minute, second = '0'] = parts.slice(1)
  return new Date(Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)))
}

function earliest (a: Date | undefined, b: Date | undefined): Date | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a < b ? a : b
}
