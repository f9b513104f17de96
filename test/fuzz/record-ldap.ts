/** Records ldap-conversation.txt anew: `npx tap --disable-coverage test/fuzz/record-ldap.ts`. */
import { writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { test } from 'tap'
import { openLdap, outcome } from '../fixtures/ldap.js'
import { alice } from '../fixtures/people.js'
import { startSlapd } from '../fixtures/slapd.js'
import { RECORDING, recordedConfig } from './ldap-recording.js'

test('record', async t => {
  const slapd = await startSlapd(t)
  if (slapd === undefined) return
  const lines: string[] = []
  // one thing is asked at a time: whatever comes belongs to the request before it
  const server = createServer(client => {
    const upstream = connect(slapd.port, '127.0.0.1')
    client.on('data', bytes => {
      // an unbind has no answer
      if (bytes[5] !== 0x42) lines.push(`> ${bytes.toString('hex')}`)
      upstream.write(bytes)
    })
    upstream.on('data', bytes => {
      for (const message of messagesOf(bytes)) lines.push(`< ${message.toString('hex')}`)
      client.write(bytes)
    })
    for (const [one, other] of [[client, upstream], [upstream, client]] as const) one.on('error', () => {}).on('close', () => { other.destroy() })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const { ask, close } = await openLdap(t, recordedConfig((server.address() as AddressInfo).port))
  t.equal(outcome(await ask('alice', alice.password)), 'alice')
  await close()
  writeFileSync(RECORDING, `${lines.join('\n')}\n`)
})

function messagesOf (bytes: Buffer): Buffer[] {
  const messages: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at + 1]!
    const length = first < 0x80 ? 2 + first : 2 + (first & 0x7f) + bytes.readUIntBE(at + 2, first & 0x7f)
    messages.push(bytes.subarray(at, at + length))
    at += length
  }
  return messages
}
