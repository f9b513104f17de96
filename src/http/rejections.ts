/**
 * Counts what never became a review: requests that were refused, and connections
 * that were dropped. The listeners count, the metrics read.
 */
/** Why a request was refused before its review, as a metric's label. */
export const REJECTIONS = [
  'client-certificate',
  'method',
  'media-type',
  'malformed',
  'too-large',
  'not-found',
  'plain-http',
  'tls-handshake',
  'timeout',
  'stalled',
  'closed',
  'too-many-streams',
  'internal'
] as const
export type Rejection = typeof REJECTIONS[number]

/** Why a connection was closed that did nothing wrong, as a metric's label. */
export const DROPS = ['evicted', 'full'] as const
export type Drop = typeof DROPS[number]

export class Rejections {
  readonly requests = new Map<Rejection, number>(REJECTIONS.map(reason => [reason, 0]))
  readonly connections = new Map<Drop, number>(DROPS.map(reason => [reason, 0]))

  request (reason: Rejection): void {
    this.requests.set(reason, this.requests.get(reason)! + 1)
  }

  connection (reason: Drop): void {
    this.connections.set(reason, this.connections.get(reason)! + 1)
  }
}
