/** The events of the sign-in service; plugins/audit.ts writes them, plugins/metrics.ts counts them. */
import type { Grant } from '../../schemas/login.js'
import type { DenialReason } from '../authn/answer.js'
import type { UnavailableReason } from '../errors.js'

/** How a token was asked for; `page`: on the service's own pages. */
export type GrantLabel = Grant | 'page'

/** Someone submitted a password. */
export interface SignInEvent {
  readonly outcome: 'authenticated' | 'denied' | 'unavailable'
  /** Absent if authenticated. `lookup`: the provider authenticates the user, and does not find the same one by uid. */
  readonly reason?: DenialReason | UnavailableReason | 'no-uid' | 'lookup' | undefined
  readonly provider?: string | undefined
  /** Of an account that was found. */
  readonly username?: string | undefined
  /** What was typed, if there is no `username`; only a digest of it is written. */
  readonly typedName?: string | undefined
  /** ID of a configured client; absent on the service's own pages. */
  readonly client?: string | undefined
  readonly grant: GrantLabel
  readonly address: string
  readonly amr?: readonly string[] | undefined
}

/** A session token was issued. */
export interface TokenEvent {
  readonly provider: string
  readonly username: string
  readonly client: string
  readonly grant: GrantLabel
  readonly jti: string
  readonly expiresAt: Date
  readonly address: string
}

export interface LoginObserver {
  signIn: (event: SignInEvent) => void
  issued: (event: TokenEvent) => void
}
