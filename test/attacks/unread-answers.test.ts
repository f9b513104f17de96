/**
 * Clients that do not read what they asked for, and that leave early. After every attack the process has to be well: alive, reachable,
 * serving the API server, and within the memory of its container.
 */
import { readdirSync } from 'node:fs'
import { connect as connectNet } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'tap'
import { startAttacked } from '../fixtures/attacked.js'
import { ANYBODY, attacker, attackers, forBoth, NO_WINDOW, post, STALLED } from '../fixtures/attackers.js'
import { frame, FrameFlag, FrameType, frameTypes, PREFACE } from '../fixtures/clients.js'

const { endStream, endHeaders } = FrameFlag

forBoth('clients that take no answers', async (t, service) => {
  const clients = await Promise.allSettled(Array.from({ length: 400 }, async (_, index) => {
    const client = await attacker(service, { address: `127.0.0.${2 + index % 4}` })
    for (let round = 0; round < 4; round++) client.socket.write(STALLED)
    return client
  }))
  await service.assertWell(t, '400 connections with 256 stalled answers each')
  for (const client of clients) if (client.status === 'fulfilled') client.value.socket.destroy()
})

forBoth('clients that take no answers, and ask all at once', async (t, service) => {
  const clients = await attackers(service, 400)
  for (const { socket } of clients) for (let round = 0; round < 4; round++) socket.write(STALLED)
  await service.assertWell(t, '400 connections that it reads at the same time')
  for (const { socket } of clients) socket.destroy()
})

test('an answer that is not taken is cut', async t => {
  const service = await startAttacked(t, ANYBODY)
  const client = await attacker(service)
  client.socket.write(Buffer.concat([PREFACE, NO_WINDOW, post(1, endHeaders | endStream)]))
  await client.until(({ received }) => frameTypes(received).includes(FrameType.reset))
  client.socket.destroy()
  await service.assertWell(t, 'afterwards')
})

test('requests that do not wait for answers', async t => {
  const service = await startAttacked(t)
  const sockets = Array.from({ length: 60 }, () => {
    const socket = connectNet({ port: service.adminPort, host: '127.0.0.1', localAddress: '127.0.0.2' }).on('error', () => {}).pause()
    socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(2_000))
    return socket
  })
  await service.assertWell(t, '120,000 scrapes in flight')
  await service.assertWell(t, 'a little later')
  for (const socket of sockets) socket.destroy()
})

forBoth('clients that are gone before the first write', async (t, service) => {
  const files = (): number => readdirSync(`/proc/${service.pid}/fd`).length
  const before = files()
  const body = Buffer.alloc(16_384, 'a')
  const bytes = Buffer.concat([PREFACE, post(1), ...new Array<Buffer>(6).fill(frame(FrameType.data, 0, 1, body))])
  for (let index = 0; index < 600; index++) {
    const client = await attacker(service).catch(() => undefined)
    client?.socket.write(bytes)
    await new Promise(resolve => setImmediate(resolve))
    client?.socket.destroy()
  }
  await service.assertWell(t, 'while Node keeps their sockets')
  // by the longest of the limits: that of a body
  for (let second = 0; files() > before + 8 && second < 120; second++) await delay(1_000)
  t.ok(files() <= before + 8, `${files()} open files, ${before} before`)
})
