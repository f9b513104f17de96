/** What the domain tells whoever counts. plugins/metrics.ts is the one that does. */
import type { UnavailableReason } from '../errors.js'

export type CacheResult = 'hit' | 'miss' | 'coalesced'
export const ASK_RESULTS = ['authenticated', 'denied', 'unknown', 'error'] as const
export type AskResult = typeof ASK_RESULTS[number]
export const RESERVED_KINDS = ['user', 'uid', 'group', 'extra'] as const
export type ReservedKind = typeof RESERVED_KINDS[number]

export interface Observer {
  /** A provider is there: what of it is worth an alarm is 0 from now on. */
  opened: (provider: string) => void
  /** A provider was really asked. */
  asked: (provider: string, result: AskResult, seconds: number) => void
  cached: (provider: string, result: CacheResult) => void
  throttled: (provider: string) => void
  /** Names that the guard refused or dropped. */
  reserved: (provider: string, kind: ReservedKind, count: number) => void
  unavailable: (provider: string, reason: UnavailableReason) => void
  reloaded: (source: string, error?: unknown) => void
  /** One of the events that the provider's definition names. */
  event: (provider: string, event: string, count: number) => void
}

/** For tests and one-shot commands. */
export const unobserved: Observer = {
  opened () {},
  asked () {},
  cached () {},
  throttled () {},
  reserved () {},
  unavailable () {},
  reloaded () {},
  event () {}
}
