/**
 * Bodies that nobody reads, and files that hold mistakes. After every attack the process has to be well: alive, reachable,
 * serving the API server, and within the memory of its container.
 */
import { test } from 'tap'
import { startAttacked } from '../fixtures/attacked.js'
import { attacker, forBoth, id, NO_WINDOW, post, replace } from '../fixtures/attackers.js'
import { frame, FrameType, PREFACE } from '../fixtures/clients.js'
import { until } from '../fixtures/waiting.js'

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
    // the border between what fits into the heap and what does not moves with what else is in it: from above, since what was refused leaves the heap as it was
    ...Object.fromEntries([500_000, 450_000, 400_000, 350_000, 300_000, 250_000, 200_000, 100_000].flatMap(count => [
      [`${count} names`, `apiVersion: authn-webhook/v1\nusers: [${'a,'.repeat(count)}]`],
      [`${count} empty entries`, `apiVersion: authn-webhook/v1\nusers:\n${'-\n'.repeat(count)}`]
    ])),
    'lists for users': JSON.stringify({ apiVersion: 'authn-webhook/v1', users: new Array(350_000).fill([]) })
  })) {
    const before = service.log().length
    replace(service.dir, 'users.yaml', text)
    await until(`${name} to be refused`, () => {
      if (!service.alive) throw new Error(service.stderr())
      return service.log().slice(before).includes('users file not reloaded')
    })
    await service.assertWell(t, name)
  }
})
