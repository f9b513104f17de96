/**
 * Bodies that nobody reads, and files that hold mistakes. After every attack the process has to be well: alive, reachable,
 * serving the API server, and within the memory of its container.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'tap'
import { startAttacked } from '../fixtures/attacked.js'
import { attacker, forBoth, id, NO_WINDOW, post, replace } from '../fixtures/attackers.js'
import { frame, FrameType, PREFACE } from '../fixtures/clients.js'

forBoth('bodies that nobody reads', async (t, service) => {
  const body = Buffer.alloc(16_384, 'a')
  const requests = Array.from({ length: 64 }, (_, index) => [post(id(index)), ...new Array<Buffer>(4).fill(frame(FrameType.data, 0, id(index), body))]).flat()
  const clients = await Promise.allSettled(Array.from({ length: 300 }, async (_, index) => {
    const client = await attacker(service, { address: `127.0.0.${2 + index % 4}` })
    client.socket.write(Buffer.concat([PREFACE, NO_WINDOW, ...requests]))
    return client
  }))
  await service.assertWell(t, '300 connections with 64 bodies each')
  for (const client of clients) if (client.status === 'fulfilled') client.value.socket.destroy()
})

test('users files of many mistakes', async t => {
  const service = await startAttacked(t)
  for (const [name, text] of Object.entries({
    'half a million names': `users: [${'a,'.repeat(500_000)}]`,
    'a million empty entries': `users:\n${'-\n'.repeat(1_000_000)}`,
    'lists for users': JSON.stringify({ apiVersion: 'authn-webhook/v1', users: new Array(350_000).fill([]) }),
    'as many as fit': `apiVersion: authn-webhook/v1\nusers: [${'a,'.repeat(100_000)}]`
  })) {
    const before = service.log().length
    replace(service.dir, 'users.yaml', text)
    while (!service.log().slice(before).includes('the users file was not taken over')) {
      if (!service.alive) throw new Error(service.stderr())
      await delay(50)
    }
    await service.assertWell(t, name)
  }
})
