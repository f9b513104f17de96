/** What kubectl reads from the plugin. */
import type { ExecApiVersion } from './exec-info.js'

/** Seconds before a token expires from which on it is not used: a request takes its time, and clocks differ. */
export const EXPIRY_MARGIN = 60

export interface Token {
  readonly token: string
  /** Seconds since the epoch. */
  readonly expiresAt: number
}

/** The last second of the year 9999: RFC 3339 knows no later one. */
const LAST = 253_402_300_799

/** Whether it can be printed, and means what it says. `undefined` and others are not. */
export function isTime (seconds: unknown): seconds is number {
  return typeof seconds === 'number' && seconds >= 0 && seconds <= LAST
}

/** Whether it can be a header's. */
export function isToken (value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)
}

/** `now`: milliseconds since the epoch. */
export function isUsable ({ expiresAt }: Token, now = Date.now()): boolean {
  return expiresAt - EXPIRY_MARGIN > now / 1000
}

/** client.authentication.k8s.io, v1 and v1beta1. */
export interface ExecCredential {
  readonly apiVersion: ExecApiVersion
  readonly kind: 'ExecCredential'
  readonly status: {
    readonly expirationTimestamp: string
    readonly token: string
  }
}

export function execCredential (apiVersion: ExecApiVersion, { token, expiresAt }: Token): ExecCredential {
  const expirationTimestamp = new Date((expiresAt - EXPIRY_MARGIN) * 1000).toISOString().replace('.000', '')
  return { apiVersion, kind: 'ExecCredential', status: { expirationTimestamp, token } }
}
