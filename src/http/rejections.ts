/**
 * Counts what never became a review: requests that were refused, and connections
 * that were dropped. The listeners count, the metrics read, the log is told.
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

/** For the log. */
export interface RejectionDetails {
  /** Address of the other side. */
  readonly peer?: string | undefined
  /** Name of the client certificate that was shown, accepted or not. */
  readonly clientCertificate?: string | undefined
  /** What the client is told, or a code of Node.js; never input. */
  readonly detail?: string | undefined
}

export type OnRejection = (reason: Rejection, details: RejectionDetails) => void

export class Rejections {
  readonly requests = new Map<Rejection, number>(REJECTIONS.map(reason => [reason, 0]))
  readonly connections = new Map<Drop, number>(DROPS.map(reason => [reason, 0]))
  /** Told of each request. */
  onRequest: OnRejection = () => {}

  request (reason: Rejection, details: RejectionDetails = {}): void {
    this.requests.set(reason, this.requests.get(reason)! + 1)
    this.onRequest(reason, details)
  }

  connection (reason: Drop): void {
    this.connections.set(reason, this.connections.get(reason)! + 1)
  }
}
