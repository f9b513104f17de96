/**
 * HTTP/1.1 requests that do not wait for answers. After every attack the process has to be well: alive, reachable,
 * serving the API server, and within the memory of its container.
 */
import { connect as connectNet } from 'node:net'
import { startAttacked } from '../fixtures/attacked.js'
import { attackers, forBoth } from '../fixtures/attackers.js'
import { test } from 'tap'

/** What Node reads of a connection at once. */
const BYTES = 65_536

const REQUESTS = {
  'the shortest': 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'an expectation that nobody meets': 'GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n',
  'a body that is announced': 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na'
}

for (const [name, request] of Object.entries(REQUESTS)) {
  const bytes = request.repeat(BYTES / request.length)

  forBoth(`requests that do not wait for answers: ${name}`, async (t, service) => {
    const clients = await attackers(service, 400, { protocol: 'http/1.1' })
    for (const { socket } of clients) socket.pause().write(bytes)
    await service.assertWell(t, '400 connections that it reads at the same time')
    for (const { socket } of clients) socket.destroy()
  })

  test(`requests to the admin listener that do not wait for answers: ${name}`, async t => {
    const service = await startAttacked(t)
    const sockets = Array.from({ length: 60 }, (_, index) => connectNet({ port: service.adminPort, host: '127.0.0.1', localAddress: `127.0.0.${2 + index % 4}` }).on('error', () => {}).pause())
    for (const socket of sockets) socket.write(bytes)
    await service.assertWell(t, '60 connections that it reads at the same time')
    for (const socket of sockets) socket.destroy()
  })
}
