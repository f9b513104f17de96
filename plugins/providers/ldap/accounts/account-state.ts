/**
 * What an entry itself says of its account, before any bind. Directories lock
 * and disable in ways of their own; an attribute that isn't there, or may not
 * be read, says nothing.
 */
import type { LdapEntry } from '../connection/ldap-entry.js'
import type { AccountDenial } from '../connection/bind-outcome.js'

export interface AccountState {
  /** Absent: it may be tried. */
  readonly refusal?: AccountDenial
  /** When the account ends. */
  readonly expiresAt?: Date
  /** A lock that may be over by now; a refused bind means this, not a wrong password. */
  readonly maybeLocked: boolean
}

/** userAccountControl and msDS-User-Account-Control-Computed: what is set, and what it comes to now. */
const [DISABLED, LOCKED_OUT, PASSWORD_EXPIRED] = [0x2, 0x10, 0x800000] as const

/** draft-behera-ldap-password-policy */
export const LOCK = 'pwdAccountLockedTime'

/** Its value that means: until an administrator unlocks it */
const FOR_GOOD = '000001010000Z'

export function accountStateOf (entry: LdapEntry, now = Date.now()): AccountState {
  const lock = entry.text(LOCK)
  const maybeLocked = lock !== undefined
  const expiresAt = earliest(fileTime(entry.text('accountExpires')), generalizedTime(entry.text('krbPrincipalExpiration')))
  const refusal = refusalOf(entry, lock, expiresAt, now)
  return { maybeLocked, ...refusal !== undefined && { refusal }, ...expiresAt !== undefined && { expiresAt } }
}

function refusalOf (entry: LdapEntry, lock: string | undefined, expiresAt: Date | undefined, now: number): AccountDenial | undefined {
  const control = Number(entry.text('userAccountControl') ?? 0) | Number(entry.text('msDS-User-Account-Control-Computed') ?? 0)
  if ((control & DISABLED) !== 0 || isTrue(entry.text('nsAccountLock'))) return { denied: 'disabled', why: 'the account is disabled' }
  if (expiresAt !== undefined && expiresAt.getTime() <= now) return { denied: 'expired', why: 'the account has expired' }
  if ((control & LOCKED_OUT) !== 0) return { denied: 'locked', why: 'the account is locked' }
  if ((control & PASSWORD_EXPIRED) !== 0) return { denied: 'expired', why: 'the password has expired, or must be changed first' }
  if (lock === FOR_GOOD) return { denied: 'locked', why: 'the account is locked until an administrator unlocks it' }
  if (isTrue(entry.text('pwdReset'))) return { denied: 'expired', why: 'the password must be changed first' }
  return undefined
}

function isTrue (text: string | undefined): boolean {
  return text?.toUpperCase() === 'TRUE'
}

const EPOCH = 11_644_473_600_000n
const NEVER = 0x7fff_ffff_ffff_ffffn

/** Microsoft's time: tenths of microseconds since 1601; 0 and the largest number, of 19 digits, are never. */
export function fileTime (text: string | undefined): Date | undefined {
  if (text === undefined || !/^\d{1,19}$/.test(text)) return undefined
  const ticks = BigInt(text)
  return ticks === 0n || ticks === NEVER ? undefined : new Date(Number(ticks / 10_000n - EPOCH))
}

/** `20270101000000Z`, RFC 4517, 3.3.13, as servers write it. */
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
