/** Bytes of HTTP/1.1 against the review listener. */
import { checkAnswer, holdsNoSecret, Violation, type Received } from './answers.js'
import type { Connector } from './connect.js'
import { exchange } from './exchange.js'
import { http1Plan, type Http1Plan } from './http1-case.js'
import type { Random } from './random.js'

/** @throws Violation */
export async function runHttp1 (random: Random, connector: Connector): Promise<number> {
  const plan = http1Plan(random)
  let received: Buffer = Buffer.alloc(0)
  const closed = await exchange(connector, plan, 'http/1.1', chunk => {
    received = Buffer.concat([received, chunk])
    return plan.due > 0 && answersOf(received.toString('latin1')).length >= plan.due
  }, plan.due > 0)
  if (closed !== undefined) check(plan, received.toString('latin1'))
  return plan.inputs
}

function check ({ client, bearers, due }: Http1Plan, text: string): void {
  holdsNoSecret(text, 'the connection')
  const answers = answersOf(text)
  for (const [index, answer] of answers.entries()) {
    checkAnswer(answer, { bearer: client === 'api-server' ? bearers.slice(index).find(bearer => bearer === authenticated(answer.text)) ?? bearers[index] : undefined, due: false })
  }
  if (answers.length > bearers.length + 1) throw new Violation(`${answers.length} answers to ${bearers.length} requests: ${text}`)
  if (answers.length < due && client === 'api-server') throw new Violation(`${answers.length} answers to ${due} requests that are right: ${text}`)
}

function authenticated (text: string): string | undefined {
  return /"username":"(\w+)"/.exec(text)?.[1]
}

const NO_CHUNKS = '0\r\n\r\n'

/** Final answers; what is no HTTP/1.1 breaks a rule. */
function answersOf (text: string): Received[] {
  const answers: Received[] = []
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\r\n\r\n', at)
    if (end === -1) break
    const head = text.slice(at, end)
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(head) ?? []
    if (status === undefined) throw new Violation(`an answer that is no HTTP/1.1: ${text.slice(at, at + 200)}`)
    at = end + 4
    // 100 Continue has no body, and is followed by the answer
    if (status.startsWith('1')) continue
    // Node's own answers, such as 417, have no body but say so in chunks
    const [, length = text.startsWith(NO_CHUNKS, at) ? NO_CHUNKS.length : 0] = /^content-length: (\d+)$/im.exec(head) ?? []
    const headless = text.startsWith('HTTP/1.1 ', at)
    const content = headless ? '' : text.slice(at, at + Number(length))
    answers.push({ code: Number(status), text: content === NO_CHUNKS ? '' : Buffer.from(content, 'latin1').toString(), whole: headless || content.length === Number(length) })
    at += content.length
  }
  return answers
}

/** The case as it is written, for a report. */
export function describeHttp1 (random: Random): string {
  const { client, writes, ending } = http1Plan(random)
  return JSON.stringify({ client, ending, writes: writes.map(bytes => bytes.toString('latin1')) })
}
