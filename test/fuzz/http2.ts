/** Frames against the review listener. */
import { checkAnswer, holdsNoSecret, Violation } from './answers.js'
import type { Connector } from './connect.js'
import { exchange } from './exchange.js'
import { http2Plan, type ConnectionPlan } from './http2-case.js'
import { Replies } from './http2-replies.js'
import type { Random } from './random.js'

/** @throws Violation */
export async function runHttp2 (random: Random, connector: Connector): Promise<number> {
  const plan = http2Plan(random, connector.wildSessions)
  // strangers are refused, and their connections end
  const due = plan.client === 'api-server' && plan.due.size > 0
  const replies = new Replies(due ? plan.due : [])
  const chunks: Buffer[] = []
  const connected = await exchange(connector, plan, 'h2', chunk => {
    chunks.push(chunk)
    replies.read(chunk)
    return due && replies.missing === 0
  }, due)
  if (connected !== undefined) check(plan, replies, Buffer.concat(chunks).toString('latin1'))
  return plan.inputs
}

function check ({ client, bearers, due }: ConnectionPlan, replies: Replies, received: string): void {
  holdsNoSecret(received, 'the connection')
  for (const [stream, { code, body, ended, reset }] of replies.streams) {
    checkAnswer({ code, text: Buffer.concat(body).toString(), whole: ended && !reset }, {
      bearer: client === 'api-server' ? bearers.get(stream) : undefined,
      due: client === 'api-server' && due.has(stream)
    })
    if (reset && client === 'api-server' && due.has(stream)) throw new Violation('a legitimate review is reset')
  }
  if (replies.missing > 0) throw new Violation(`${replies.missing} legitimate reviews got no answer`)
}

/** The case as it is written, for a report. */
export function describeHttp2 (random: Random): string {
  const { client, writes, ending } = http2Plan(random)
  return JSON.stringify({ client, ending, writes: writes.map(bytes => bytes.toString('hex')) })
}
