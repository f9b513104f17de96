/** Says in the log that connections are dropped: one line for many, since whoever floods a listener must not flood the log. */
import type { Logger } from 'pino'
import type { Drop } from './rejections.js'

/** Milliseconds between two lines. */
const PAUSE = 10_000

const MESSAGES: Record<Drop, string> = {
  evicted: 'closed connections that had shown no accepted credential, to make room for new ones',
  full: 'refused connections: server.maxConnections is reached'
}

export class DropLog {
  readonly #log: Pick<Logger, 'warn'>
  readonly #pending = new Map<Drop, { connections: number, address: string | undefined }>()
  #quietUntil = 0

  constructor (log: Pick<Logger, 'warn'>) {
    this.#log = log
  }

  /** @param address of the other side, where it is known */
  note (reason: Drop, address: string | undefined): void {
    const pending = this.#pending.get(reason)
    if (pending === undefined) this.#pending.set(reason, { connections: 1, address })
    else pending.connections++
  }

  /** Writes what was noted, if the last line is long enough ago. Called every second or so. */
  flush (now: number): void {
    if (this.#pending.size === 0 || now < this.#quietUntil) return
    for (const [reason, { connections, address }] of this.#pending) this.#log.warn({ connections, firstAddress: address }, MESSAGES[reason])
    this.#pending.clear()
    this.#quietUntil = now + PAUSE
  }
}
