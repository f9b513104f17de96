/**
 * Logs rejected requests and dropped connections. A client without an accepted
 * certificate is a misconfigured API server or an attacker, so it is logged as a
 * warning. A flood of them must not flood the log: equal warnings are merged, and
 * their number is limited. Other rejections are logged at debug.
 */
import type { Logger } from 'pino'
import { plainAddress } from './network.js'
import type { Drop, Rejection, RejectionDetails } from './rejections.js'

/** Milliseconds between two batches of warnings. */
const PAUSE = 10_000
/** Different rejections in a batch: one for each peer, certificate and reason. */
const MAX_REJECTIONS = 10
/** Length of a name, which a client chooses. */
const MAX_NAME = 256

const DROPPED: Record<Drop, string> = {
  evicted: 'closed connections that had shown no accepted credential, to make room for new ones',
  full: 'refused connections: server.maxConnections is reached'
}

export class RejectionLog {
  readonly #log: Pick<Logger, 'warn' | 'debug'>
  readonly #requests = new Map<string, { requests: number, readonly fields: RejectionDetails }>()
  /** Requests beyond {@link MAX_REJECTIONS}. */
  #others = 0
  readonly #connections = new Map<Drop, { connections: number, readonly firstAddress: string | undefined }>()
  #quietUntil = 0

  constructor (log: Pick<Logger, 'warn' | 'debug'>) {
    this.#log = log
  }

  request (reason: Rejection, { peer, clientCertificate, detail }: RejectionDetails): void {
    const fields = { peer: peer && plainAddress(peer), clientCertificate: clientCertificate?.slice(0, MAX_NAME), detail }
    if (reason !== 'client-certificate') {
      this.#log.debug({ reason, ...fields }, 'rejected a request')
      return
    }
    const key = JSON.stringify(fields)
    const pending = this.#requests.get(key)
    if (pending !== undefined) pending.requests++
    else if (this.#requests.size < MAX_REJECTIONS) this.#requests.set(key, { requests: 1, fields })
    else this.#others++
  }

  connection (reason: Drop, address: string | undefined): void {
    const pending = this.#connections.get(reason)
    if (pending !== undefined) pending.connections++
    else this.#connections.set(reason, { connections: 1, firstAddress: address && plainAddress(address) })
  }

  /** Writes the pending warnings, unless the last batch is too recent. Called every second or so. */
  flush (now: number): void {
    if (now < this.#quietUntil || this.#requests.size + this.#connections.size === 0) return
    for (const { requests, fields } of this.#requests.values()) this.#log.warn({ requests, ...fields }, 'rejected requests without an accepted client certificate')
    if (this.#others > 0) this.#log.warn({ requests: this.#others }, 'rejected requests of further peers without an accepted client certificate')
    for (const [reason, fields] of this.#connections) this.#log.warn(fields, DROPPED[reason])
    this.#requests.clear()
    this.#others = 0
    this.#connections.clear()
    this.#quietUntil = now + PAUSE
  }
}
