import { setImmediate as tick } from 'node:timers/promises'
import { test } from 'tap'
import { UntrustedConnections, type UntrustedConnection, type UntrustedLimits } from '../../../src/http/untrusted-connections.js'

/** The bounds, and the names of the connections that they evicted so far, at once or after the turn that reads them. */
function bounded (limits: Partial<UntrustedLimits>) {
  const evicted: string[] = []
  const afterTurn: string[] = []
  const untrusted = new UntrustedConnections({ connections: 100, perNetwork: 100, streams: 100, streamsPerTurn: 1_000, ...limits }, () => {})
  const open = (name: string, address: string) => {
    const connection = { address, streams: 0, destroy: () => { evicted.push(name); afterTurn.push(name) }, destroyUnread: () => { evicted.push(name) } }
    untrusted.add(connection)
    return connection
  }
  const openStream = (connection: UntrustedConnection) => {
    connection.streams++
    return untrusted.openStream(connection)
  }
  return { untrusted, evicted, afterTurn, open, openStream }
}

test('a network beyond its bound evicts its own oldest', async t => {
  const { untrusted, evicted, open } = bounded({ perNetwork: 2 })
  open('apiserver', '192.0.2.1')
  for (const name of ['a', 'b', 'c', 'd']) open(name, '198.51.100.7')
  t.same(evicted, ['a', 'b'])
  t.equal(untrusted.size, 3)
})

test('when all are full, the oldest gives way', async t => {
  const { evicted, open } = bounded({ connections: 3 })
  for (const [index, name] of ['a', 'b', 'c'].entries()) open(name, `198.51.100.${index}`)
  open('apiserver', '192.0.2.1')
  open('d', '203.0.113.1')
  t.same(evicted, ['a', 'b'])
})

test('when all are full, a network that holds many gives way first', async t => {
  const { evicted, open } = bounded({ connections: 20 })
  open('apiserver', '192.0.2.1')
  for (let index = 1; index < 20; index++) open(`flood ${index}`, '198.51.100.7')
  for (const name of ['a', 'b', 'c', 'd']) open(name, '203.0.113.1')
  t.same(evicted, ['flood 1', 'flood 2', 'flood 3', 'apiserver'], 'until it holds no more than an API server may')
})

test('streams beyond the bound evict the oldest connection that has any', async t => {
  const { untrusted, evicted, open, openStream } = bounded({ streams: 3 })
  open('idle', '198.51.100.7')
  const [one, other, apiserver] = [open('a', '198.51.100.7'), open('b', '198.51.100.8'), open('apiserver', '192.0.2.1')]
  for (const connection of [one, other, apiserver]) t.equal(openStream(connection), true)
  t.same(evicted, [])
  t.equal(openStream(other), false, 'the stream itself is refused')
  t.same(evicted, ['a'])
  one.streams--
  untrusted.closeStream(one)
  openStream(other)
  t.same(evicted, ['a', 'b'], 'streams of an evicted connection count no more')
})

test('streams of one turn beyond the bound evict connections that it has not read', async t => {
  const { evicted, afterTurn, open, openStream } = bounded({ streams: 1_000, streamsPerTurn: 3 })
  const [apiserver, one, other] = [open('apiserver', '192.0.2.1'), open('a', '198.51.100.7'), open('b', '198.51.100.7')]
  for (let index = 0; index < 20; index++) open(`flood ${index}`, '198.51.100.7')
  for (const connection of [one, other, one]) t.equal(openStream(connection), true)
  t.same(evicted, [])
  for (let count = 0; count < 3; count++) t.equal(openStream(one), true, 'its own bound is another')
  t.same(evicted, ['flood 0', 'flood 1', 'flood 2'], 'the oldest of the largest network first')
  t.same(afterTurn, [])
  await tick()
  for (let count = 0; count < 3; count++) openStream(apiserver)
  t.equal(evicted.length, 3, 'the next turn counts anew')
})

test('the largest network is that of most unread connections', async t => {
  const { evicted, open, openStream } = bounded({ streams: 1_000, streamsPerTurn: 40 })
  open('apiserver', '192.0.2.1')
  const read = Array.from({ length: 40 }, (_, index) => open(`read ${index}`, '198.51.100.7'))
  for (let index = 0; index < 17; index++) open(`unread ${index}`, '203.0.113.1')
  for (const connection of read) openStream(connection)
  t.same(evicted, [])
  openStream(read[0]!)
  t.same(evicted, ['unread 0'])
})

test('a connection that was evicted counts until the end of the turn, and a trusted one never does', async t => {
  const { untrusted, evicted, afterTurn, open, openStream } = bounded({ streams: 1, streamsPerTurn: 3 })
  const [one, other, apiserver] = [open('a', '198.51.100.7'), open('b', '198.51.100.8'), open('apiserver', '192.0.2.1')]
  untrusted.delete(apiserver)
  for (let count = 0; count < 10; count++) openStream(apiserver)
  t.same(evicted, [])
  openStream(one)
  openStream(one)
  t.same(evicted, ['a'], 'by the bound on open streams')
  openStream(one)
  openStream(one)
  t.same(evicted, ['a', 'b'])
  t.same(afterTurn, ['a'], 'its bytes may be being read')
  t.equal(openStream(other), true)
})

test('a trusted connection takes no room, and is not evicted', async t => {
  const { untrusted, evicted, open, openStream } = bounded({ connections: 1, perNetwork: 1, streams: 0 })
  const apiserver = open('apiserver', '192.0.2.1')
  untrusted.delete(apiserver)
  t.equal(openStream(apiserver), true)
  open('a', '192.0.2.1')
  t.same(evicted, [])
  open('b', '192.0.2.1')
  t.same(evicted, ['a'])
})
