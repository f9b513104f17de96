/** What kubectl reads from the plugin. */
import type { ExecApiVersion } from './exec-info.js'

/** Seconds before a token expires from which on it is not used: a request takes its time, and clocks differ. */
export const EXPIRY_MARGIN = 60

export interface Token {
  readonly token: string
  /** Seconds since the epoch. */
  readonly expiresAt: number
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
