/** The keys of session tokens, as reviews need them. */
import type { KeyObject } from 'node:crypto'

export interface SessionKeys {
  /** The public key of this ID (`kid`: RFC 7638 thumbprint). */
  find: (kid: string) => KeyObject | undefined
  /** Changes with each reload. */
  readonly version: number
}
