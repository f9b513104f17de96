/** The ways to sign in. */
import type { Configuration, TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client'

export type FlowName = 'browser' | 'device-code' | 'password'

export interface Flow {
  readonly name: FlowName
  /** For errors. */
  readonly label: string
  /** Options that choose other flows, for clients that do not allow this one. */
  readonly alternatives: string
}

export const FLOWS: Readonly<Record<FlowName, Flow>> = {
  browser: { name: 'browser', label: 'browser', alternatives: '--device-code or --username NAME' },
  'device-code': { name: 'device-code', label: 'device code', alternatives: '--browser or --username NAME' },
  password: { name: 'password', label: 'password', alternatives: '--browser or --device-code' }
}

export type TokenResponse = TokenEndpointResponse & TokenEndpointResponseHelpers

/** What the caller of a flow provides. */
export interface FlowContext {
  readonly config: Configuration
  /** Ends the flow. */
  readonly signal: AbortSignal
  /** To the person: URLs and codes. */
  readonly tell: (lines: string | readonly string[]) => void
}
