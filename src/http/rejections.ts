/** Counts and logs requests that were rejected before a review, and connections that were dropped. */
import type { RejectionLog } from './rejection-log.js'

/** Why a request was rejected, as a metric's label. */
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

/** Why a connection was closed for lack of room, as a metric's label. */
export const DROPS = ['evicted', 'full'] as const
export type Drop = typeof DROPS[number]

/** For the log. */
export interface RejectionDetails {
  /** Address of the client. */
  readonly peer?: string | undefined
  /** Name of the client certificate, accepted or not. */
  readonly clientCertificate?: string | undefined
  /** The message that the client gets, or an error code of Node.js; never input. */
  readonly detail?: string | undefined
}

export class Rejections {
  readonly requests = new Map<Rejection, number>(REJECTIONS.map(reason => [reason, 0]))
  readonly connections = new Map<Drop, number>(DROPS.map(reason => [reason, 0]))
  log: Pick<RejectionLog, 'request' | 'connection'> | undefined

  request (reason: Rejection, details: RejectionDetails = {}): void {
    this.requests.set(reason, (this.requests.get(reason) ?? 0) + 1)
    this.log?.request(reason, details)
  }

  /** @param address of the client, if known */
  connection (reason: Drop, address: string | undefined): void {
    this.connections.set(reason, (this.connections.get(reason) ?? 0) + 1)
    this.log?.connection(reason, address)
  }
}
