/** The open streams of a connection, which keep none that has closed. */
import type { ServerHttp2Stream } from 'node:http2'
import { test } from 'tap'
import { OpenStreams } from '../../plugins/open-streams.js'

const stream = (id: number): ServerHttp2Stream => ({ id }) as ServerHttp2Stream
const ids = (streams: OpenStreams): unknown => [...streams].map(([{ id }, since]) => [id, since])

test('those that have closed are gone, whatever the order', async t => {
  const streams = new OpenStreams()
  const places = [1, 3, 5].map(id => streams.add(stream(id), id * 10))
  t.same(ids(streams), [[1, 10], [3, 30], [5, 50]])
  streams.delete(places[1]!)
  t.same(ids(streams), [[1, 10], [5, 50]])
  t.equal(streams.size, 2)
  streams.delete(places[0]!)
  streams.delete(places[2]!)
  t.same(ids(streams), [])
  t.equal(streams.size, 0)
})

test('a place is taken again', async t => {
  const streams = new OpenStreams()
  const first = streams.add(stream(1), 10)
  streams.add(stream(3), 30)
  streams.delete(first)
  t.equal(streams.add(stream(5), 50), first)
  t.same(ids(streams), [[5, 50], [3, 30]])
})
