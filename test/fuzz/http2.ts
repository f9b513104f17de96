/** Frames against the review listener. */
import { once } from 'node:events'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { checkAnswer, holdsNoSecret, Violation } from './answers.js'
import { leave, type Connection, type Connector } from './connect.js'
import { http2Plan, type ConnectionPlan } from './http2-case.js'
import { Replies } from './http2-replies.js'
import type { Random } from './random.js'

/** Milliseconds that answers which nobody is due may take; nothing fails when it runs out. */
const LINGER = 20
/** Milliseconds for a review that is due: a hang, not a busy machine. */
const PATIENCE = 60_000

/** @throws Violation */
export async function runHttp2 (random: Random, connector: Connector): Promise<number> {
  const plan = http2Plan(random)
  const connection = await connector.open(plan.client, 'h2')
  // the process has ended, or was never there: whoever looks at it next tells
  if (connection === undefined) return plan.inputs
  const replies = new Replies(plan.due)
  const chunks: Buffer[] = []
  connection.tls.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    replies.read(chunk)
  })
  const closed = new Promise<void>(resolve => { connection.tls.once('close', () => { resolve() }) })
  try {
    await write(connection, plan, replies, closed)
    check(plan, replies, Buffer.concat(chunks).toString('latin1'))
  } finally {
    connection.tcp.destroy()
  }
  return plan.inputs
}

async function write (connection: Connection, { writes, ending, due }: ConnectionPlan, replies: Replies, closed: Promise<void>): Promise<void> {
  for (const [index, bytes] of writes.entries()) {
    if (index > 0) await nextTurn()
    if (connection.tls.destroyed) break
    connection.tls.write(bytes)
  }
  if (ending === 'wait' || ending === 'goaway') {
    const answered = Promise.race([replies.complete, closed])
    await (due.size > 0 ? Promise.race([answered, delay(PATIENCE, undefined, { ref: false })]) : Promise.race([closed, delay(LINGER)]))
    return
  }
  // what was written is on its way before the end overtakes it
  if (connection.tls.writableLength > 0) await Promise.race([once(connection.tls, 'drain').catch(() => {}), closed, delay(LINGER)])
  leave(connection, ending)
  if (ending === 'half-close') await Promise.race([closed, delay(LINGER)])
}

function check ({ client, bearers, due }: ConnectionPlan, replies: Replies, received: string): void {
  holdsNoSecret(received, 'the connection')
  for (const [stream, { code, body, ended, reset }] of replies.streams) {
    checkAnswer({ code, text: Buffer.concat(body).toString(), whole: ended && !reset }, {
      bearer: client === 'api-server' ? bearers.get(stream) : undefined,
      due: client === 'api-server' && due.has(stream)
    })
    if (reset && due.has(stream) && !replies.goneAway) throw new Violation('a legitimate review is reset')
  }
  if (replies.missing > 0 && !replies.goneAway) throw new Violation(`${replies.missing} legitimate reviews got no answer`)
}

/** The case as it is written, for a report. */
export function describeHttp2 (random: Random): string {
  const { client, writes, ending } = http2Plan(random)
  return JSON.stringify({ client, ending, writes: writes.map(bytes => bytes.toString('hex')) })
}
