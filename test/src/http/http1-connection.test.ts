/** When an answer over HTTP/1.1 counts as one that nobody takes. */
import { once } from 'node:events'
import { Agent, createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'tap'
import { Http1Connection } from '../../../src/http/http1-connection.js'
import { LIMITS } from '../../../src/http/limits.js'

test('a busy connection whose answers are taken is not stalled, whenever it is looked at', async t => {
  let stalled = 0
  const seen: boolean[] = []
  let connection: Http1Connection | undefined
  const server = createServer((request, response) => {
    connection ??= new Http1Connection(request.socket, { ...LIMITS, drain: 0 }, { stalled () { stalled++ } })
    connection.answer(response)
    response.end('taken')
    // each answer is complete and not yet gone: as much time as an answer may take lies between two of them
    seen.push(connection.sweep(seen.length * (LIMITS.answer + 1)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => { agent.destroy(); server.close() })
  for (let turn = 0; turn < 3; turn++) {
    const [answer] = await once(get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent }), 'response') as [IncomingMessage]
    answer.resume()
    await once(answer, 'end')
  }
  t.strictSame(seen, [false, false, false])
  t.equal(stalled, 0)
})

test('an answer that is not gone in time is stalled', async t => {
  const seen: boolean[] = []
  const server = createServer((request, response) => {
    const connection = new Http1Connection(request.socket, { ...LIMITS, drain: 0 }, { stalled () {} })
    connection.answer(response)
    response.end('taken')
    for (const now of [0, LIMITS.answer, LIMITS.answer + 1]) seen.push(connection.sweep(now))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const [answer] = await once(get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false }), 'response') as [IncomingMessage]
  answer.resume()
  await once(answer, 'end')
  t.strictSame(seen, [false, false, true])
})
