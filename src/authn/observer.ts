/** The events of the domain; plugins/metrics.ts counts them. */
import type { UnavailableReason } from '../errors.js'

export type CacheResult = 'hit' | 'miss' | 'coalesced'
export const PROVIDER_RESULTS = ['authenticated', 'denied', 'unknown', 'unavailable'] as const
export type ProviderResult = typeof PROVIDER_RESULTS[number]
export const RESERVED_KINDS = ['user', 'uid', 'group', 'extra'] as const
export type ReservedKind = typeof RESERVED_KINDS[number]

export interface Observer {
  /** A provider is open: its counters start at 0. */
  opened: (provider: string) => void
  /** A provider was called, rather than its cache. */
  asked: (provider: string, result: ProviderResult, seconds: number) => void
  cached: (provider: string, result: CacheResult) => void
  throttled: (provider: string) => void
  /** Names that the guard denied or dropped. */
  reserved: (provider: string, kind: ReservedKind, count: number) => void
  unavailable: (provider: string, reason: UnavailableReason) => void
  reloaded: (source: string, error?: unknown) => void
  /** One of the events that the provider's definition names; `source` tells apart several sources of one provider. */
  event: (provider: string, event: string, count: number, source?: string) => void
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
