/**
 * HTTP/2 frames of somebody without a credential. After every attack the process has to be well: alive, reachable,
 * serving the API server, and within the memory of its container.
 */
import { test } from 'tap'
import { startAttacked } from '../fixtures/attacked.js'
import { attacker, attackers, forBoth, id, post } from '../fixtures/attackers.js'
import { frame, FrameFlag, FrameType, frameTypes, literal, PREFACE } from '../fixtures/clients.js'

const { endStream, endHeaders } = FrameFlag
const EXPECT_CONTINUE = Buffer.concat([Buffer.from([0x0f, 0x14]), literal('100-continue')]) // expect: index 35
const PING = 6
const CANCEL = Buffer.from([0, 0, 0, 8])

forBoth('requests that are reset before anybody looks at them', async (t, service) => {
  const body = Buffer.alloc(9_000, 'a')
  const reset = frame(FrameType.reset, 0, 5, CANCEL)
  for (const [name, last] of Object.entries({
    'Expect: 100-continue': post(5, endHeaders, EXPECT_CONTINUE),
    'Expect: the-impossible': post(5, endHeaders, Buffer.concat([Buffer.from([0x0f, 0x14]), literal('the-impossible')])),
    CONNECT: frame(FrameType.headers, endHeaders, 5, Buffer.concat([Buffer.from([0x02]), literal('CONNECT'), Buffer.from([0x01]), literal('localhost:1')])),
    HEAD: frame(FrameType.headers, endHeaders | endStream, 5, Buffer.concat([Buffer.from([0x02]), literal('HEAD'), Buffer.from([0x87, 0x84])])),
    POST: post(5)
  })) {
    const client = await attacker(service)
    client.socket.write(Buffer.concat([
      PREFACE, post(1), frame(FrameType.data, 0, 1, body), post(3), frame(FrameType.data, 0, 3, body), last, reset,
      frame(PING, 0, 0, Buffer.alloc(8))
    ]))
    // its answer shows that all was read; a stranger's connection just ends
    await Promise.race([client.closed, client.until(({ received }) => frameTypes(received).includes(PING))])
    client.socket.destroy()
    await service.assertWell(t, name)
  }
  t.notMatch(service.log(), 'bug of authn-webhook')
})

test('frames that end the HTTP/2 session in the midst of others', async t => {
  const service = await startAttacked(t)
  const ping = frame(PING, 1, 0, Buffer.alloc(8))
  const padding = frame(0xbb, 0, 0, Buffer.alloc(1_000))
  const requests = Array.from({ length: 16 }, (_, index) => [post(id(index), endHeaders | endStream), padding]).flat()
  const bytes = Buffer.concat([PREFACE, ...requests, ping, post(101), frame(FrameType.data, 0, 101, Buffer.alloc(100, 'a'))])
  for (const certificate of [{}, service.stranger]) {
    for (let count = 0; count < 40; count++) {
      const client = await attacker(service, certificate)
      client.socket.write(Buffer.concat([bytes, bytes]))
      await new Promise(resolve => setImmediate(resolve))
      client.socket.destroySoon()
      await client.closed
    }
  }
  await service.assertWell(t, 'afterwards')
})

/** 1,000 streams. */
const RESETS = Buffer.concat([PREFACE, ...Array.from({ length: 1_000 }, (_, index) => [post(id(index), endHeaders | endStream), frame(FrameType.reset, 0, id(index), CANCEL)]).flat()])

forBoth('streams that are reset as soon as they are opened', async (t, service) => {
  await Promise.all(Array.from({ length: 60 }, async () => {
    for (let count = 0; count < 2; count++) {
      const client = await attacker(service).catch(() => undefined)
      client?.socket.write(RESETS)
      await client?.closed
    }
  }))
  await service.assertWell(t, '120 connections with 1,000 resets each')
})

forBoth('streams that are reset as soon as they are opened, all at once', async (t, service) => {
  const clients = await attackers(service, 400)
  for (const { socket } of clients) socket.write(RESETS)
  await service.assertWell(t, '400 connections with 1,000 resets each')
  for (const { socket } of clients) socket.destroy()
})

/** 7,000 frames of no settings, each of which is to be acknowledged. */
const SETTINGS = Buffer.concat([PREFACE, ...new Array<Buffer>(7_000).fill(frame(FrameType.settings, 0, 0))])

forBoth('settings that never end, all at once', async (t, service) => {
  const clients = await attackers(service, 400)
  for (const { socket } of clients) socket.pause().write(SETTINGS)
  await service.assertWell(t, '400 connections with 7,000 settings each')
  for (const { socket } of clients) socket.destroy()
})
