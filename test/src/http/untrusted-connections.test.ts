import { setImmediate as tick } from 'node:timers/promises'
import { test } from 'tap'
import { UntrustedConnections, type UntrustedConnection, type UntrustedLimits } from '../../../src/http/untrusted-connections.js'

/** The bounds, and the names of the connections that they evicted so far, at once or after the turn that reads them. */
function bounded (limits: Partial<UntrustedLimits>) {
  const evicted: string[] = []
  const afterTurn: string[] = []
  const untrusted = new UntrustedConnections({ connections: 100, perNetwork: 100, streams: 100, requestsPerTurn: 1_000, ...limits }, () => {})
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

test('of few places, a network has few before it gives way', async t => {
  const { evicted, open } = bounded({ connections: 32, perNetwork: 16 })
  open('kubelet', '192.0.2.1')
  for (let index = 0; index < 16; index++) for (const network of ['198.51.100.7', '203.0.113.1']) open(`flood ${index}`, network)
  t.notOk(evicted.includes('kubelet'))
  t.equal(evicted.length, 1)
})

test('streams beyond the bound evict the connection that has most, of the network that has most', async t => {
  const { untrusted, evicted, open, openStream } = bounded({ streams: 9 })
  const [apiserver, one, other] = [open('apiserver', '192.0.2.1'), open('a', '198.51.100.7'), open('b', '198.51.100.7')]
  open('idle', '198.51.100.7')
  for (const connection of [apiserver, one, one, one, one, other, other, other, other]) t.equal(openStream(connection), true)
  t.equal(openStream(other), false, 'who has most is refused')
  t.same(evicted, [])
  other.streams--
  untrusted.closeStream(other)
  t.equal(openStream(apiserver), false, 'this one too')
  t.same(evicted, ['a'], 'but it has room when it asks again')
  apiserver.streams--
  untrusted.closeStream(apiserver)
  one.streams--
  untrusted.closeStream(one)
  for (let count = 0; count < 4; count++) t.equal(openStream(apiserver), true, 'streams of an evicted connection count no more')
  t.equal(openStream(apiserver), false)
  t.same(evicted, ['a'])
})

test('in a burst of honest clients, some streams wait for others, and nobody is evicted', async t => {
  const { evicted, open, openStream } = bounded({ streams: 200 })
  const servers = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map(address => open(address, address))
  let refused = 0
  for (let count = 0; count < 100; count++) for (const server of servers) if (!openStream(server)) refused++
  t.equal(refused, 100)
  t.same(evicted, [])
})

for (const [what, request] of Object.entries({
  streams: ({ openStream }: ReturnType<typeof bounded>, connection: UntrustedConnection) => { openStream(connection) },
  'requests without a stream': ({ untrusted }: ReturnType<typeof bounded>, connection: UntrustedConnection) => { untrusted.countRequest(connection) }
})) {
  test(`${what} of one turn beyond the bound evict what has not been read of their network`, async t => {
    const bounds = bounded({ streams: 1_000, requestsPerTurn: 3 })
    const { evicted, afterTurn, open } = bounds
    const [apiserver, one, other] = [open('apiserver', '192.0.2.1'), open('a', '198.51.100.7'), open('b', '198.51.100.8')]
    for (const index of [0, 1]) open(`flood ${index}`, '198.51.100.7')
    open('flood 2', '198.51.100.8')
    for (const connection of [one, other, one]) request(bounds, connection)
    t.same(evicted, [])
    request(bounds, one)
    t.same(evicted, ['flood 0', 'flood 1'])
    request(bounds, other)
    t.same(evicted, ['flood 0', 'flood 1', 'flood 2'])
    t.same(afterTurn, [])
    await tick()
    for (let count = 0; count < 3; count++) request(bounds, apiserver)
    t.equal(evicted.length, 3, 'the next turn counts anew')
  })

  test(`${what} of one turn far beyond the bound evict all that has not been read`, async t => {
    const bounds = bounded({ streams: 1_000, requestsPerTurn: 3 })
    const { evicted, open } = bounds
    const one = open('a', '198.51.100.7')
    open('apiserver', '192.0.2.1')
    for (let count = 0; count < 24; count++) request(bounds, one)
    t.same(evicted, [])
    request(bounds, one)
    t.same(evicted, ['apiserver'])
  })
}

test('a connection that was evicted counts until the end of the turn, and a trusted one never does', async t => {
  const { untrusted, evicted, afterTurn, open, openStream } = bounded({ streams: 2, requestsPerTurn: 5 })
  const [one, other, apiserver] = [open('a', '198.51.100.7'), open('b', '198.51.100.8'), open('apiserver', '192.0.2.1')]
  open('c', '198.51.100.7')
  untrusted.delete(apiserver)
  for (let count = 0; count < 10; count++) openStream(apiserver)
  t.same(evicted, [])
  openStream(one)
  openStream(one)
  one.streams++
  t.equal(openStream(other), false)
  t.same(evicted, ['a'], 'by the bound on open streams')
  t.same(afterTurn, ['a'], 'its bytes may be being read')
  openStream(one)
  openStream(one)
  openStream(one)
  t.same(evicted, ['a', 'c'])
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
