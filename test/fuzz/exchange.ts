/** Writes a case to a connection of its own, waits for what is due, and leaves. */
import { once } from 'node:events'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { leave, type Connector } from './connect.js'
import type { Client, Ending } from './http2-case.js'

export interface Written {
  readonly client: Client
  /** Each is one write; between two the loop turns once. */
  readonly writes: readonly Buffer[]
  readonly ending: Ending
}

/** Milliseconds that answers which nobody is due may take; nothing fails when it runs out. */
const LINGER = 20
/** Milliseconds for what is due: a hang, not a busy machine. */
const PATIENCE = 60_000

/**
 * @param read takes what arrives, and tells whether all that is due has come
 * @returns `undefined` where there was no connection: the next look at the process tells why
 */
export async function exchange (connector: Connector, { client, writes, ending }: Written, protocol: 'h2' | 'http/1.1', read: (chunk: Buffer) => boolean, due: boolean): Promise<true | undefined> {
  const connection = await connector.open(client, protocol)
  if (connection === undefined) return undefined
  const { tls, tcp } = connection
  const closed = new Promise<void>(resolve => { tls.once('close', () => { resolve() }) })
  let broken: unknown
  const complete = new Promise<void>(resolve => {
    tls.on('data', (chunk: Buffer) => {
      try {
        if (read(chunk)) resolve()
      } catch (error) {
        broken = error
        resolve()
      }
    })
  })
  try {
    for (const [index, bytes] of writes.entries()) {
      if (index > 0) await nextTurn()
      if (tls.destroyed) break
      tls.write(bytes)
    }
    if (ending === 'wait' || ending === 'goaway') {
      await Promise.race([complete, closed, delay(due ? PATIENCE : LINGER, undefined, { ref: false })])
    } else {
      // what was written is on its way before the end overtakes it
      if (tls.writableLength > 0) await Promise.race([once(tls, 'drain').catch(() => {}), closed, delay(LINGER)])
      leave(connection, ending)
      if (ending === 'half-close') await Promise.race([closed, delay(LINGER)])
    }
  } finally {
    tcp.destroy()
  }
  if (broken !== undefined) throw broken
  return true
}
