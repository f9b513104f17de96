/**
 * Logs requests that are rejected before a review. A client without an accepted
 * certificate is a misconfigured API server or an attacker, so it is logged as a
 * warning. A flood of requests must not flood the log: equal warnings are merged,
 * and their number is limited. Other rejections are logged at debug.
 */
import type { Logger } from 'pino'
import { plainAddress } from './network.js'
import type { Rejection, RejectionDetails } from './rejections.js'

/** Milliseconds between two batches of warnings. */
const PAUSE = 10_000
/** Warnings of a batch: one for each peer, certificate and reason. */
const MAX_WARNINGS = 10
/** Characters of a name, which a client chooses. */
const MAX_NAME = 256

export class RejectionLog {
  readonly #log: Pick<Logger, 'warn' | 'debug'>
  readonly #pending = new Map<string, { requests: number, readonly fields: RejectionDetails }>()
  /** Requests beyond the warnings of the batch. */
  #others = 0
  #quietUntil = 0

  constructor (log: Pick<Logger, 'warn' | 'debug'>) {
    this.#log = log
  }

  note (reason: Rejection, { peer, clientCertificate, detail }: RejectionDetails): void {
    const fields = { peer: peer && plainAddress(peer), clientCertificate: clientCertificate?.slice(0, MAX_NAME), detail }
    if (reason === 'client-certificate') this.#collect(fields)
    else this.#log.debug({ reason, ...fields }, 'rejected a request')
  }

  #collect (fields: RejectionDetails): void {
    const key = JSON.stringify(fields)
    const pending = this.#pending.get(key)
    if (pending !== undefined) pending.requests++
    else if (this.#pending.size < MAX_WARNINGS) this.#pending.set(key, { requests: 1, fields })
    else this.#others++
  }

  /** Writes what was collected, if the last batch is long enough ago. Called every second or so. */
  flush (now: number): void {
    if (this.#pending.size === 0 || now < this.#quietUntil) return
    for (const { requests, fields } of this.#pending.values()) this.#log.warn({ requests, ...fields }, 'rejected requests without an accepted client certificate')
    if (this.#others > 0) this.#log.warn({ requests: this.#others }, 'rejected requests of further peers without an accepted client certificate')
    this.#pending.clear()
    this.#others = 0
    this.#quietUntil = now + PAUSE
  }
}
