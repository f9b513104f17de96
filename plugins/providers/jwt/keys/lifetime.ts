/** How long a document is fresh, by the headers of its HTTP response (RFC 9111), within bounds. */

/** Milliseconds. */
export interface Lifetimes {
  readonly min: number
  readonly max: number
  /** If the response does not say. */
  readonly default: number
}

const MINUTE = 60_000
export const LIFETIMES: Lifetimes = { min: MINUTE, max: 24 * 60 * MINUTE, default: 60 * MINUTE }

interface ResponseHeaders {
  get: (name: string) => string | null
}

/** Milliseconds. */
export function lifetimeOf (headers: ResponseHeaders, { min, max, default: usual }: Lifetimes): number {
  const lifetime = statedLifetime(headers)
  return lifetime === undefined ? usual : Math.min(Math.max(lifetime, min), max)
}

function statedLifetime (headers: ResponseHeaders): number | undefined {
  const control = headers.get('cache-control') ?? ''
  if (/\bno-(?:store|cache)\b/i.test(control)) return 0
  const age = secondsOf(headers.get('age')) ?? 0
  const maxAge = secondsOf(/\bmax-age\s*=\s*"?(\d+)/i.exec(control)?.[1])
  if (maxAge !== undefined) return maxAge - age
  const expires = headers.get('expires')
  if (expires === null) return undefined
  // an invalid date, often "0", means expired
  const left = Date.parse(expires) - (timeOf(headers) ?? Date.now())
  return Number.isNaN(left) ? 0 : left - age
}

/** Milliseconds by which the clock of the sender is ahead of ours; a cache on the way may have kept the response. */
export function clockSkewOf (headers: ResponseHeaders, now = Date.now()): number {
  const time = timeOf(headers)
  return time === undefined ? 0 : time + (secondsOf(headers.get('age')) ?? 0) - now
}

function timeOf (headers: ResponseHeaders): number | undefined {
  const time = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(time) ? undefined : time
}

/** Of `3600`, in milliseconds. */
function secondsOf (text: string | null | undefined): number | undefined {
  return typeof text === 'string' && /^\d+$/.test(text) ? Number(text) * 1000 : undefined
}
