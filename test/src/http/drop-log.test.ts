import { test } from 'tap'
import { DropLog } from '../../../src/http/drop-log.js'

test('many drops are one line, and the next one comes later', async t => {
  const lines: Array<[object, string]> = []
  const drops = new DropLog({ warn: (fields: object, message: string) => { lines.push([fields, message]) } } as never)
  drops.flush(0)
  t.same(lines, [], 'nothing was dropped')

  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) drops.note('evicted', address)
  drops.note('full', undefined)
  drops.flush(1_000)
  t.match(lines, [[{ connections: 3, firstAddress: '192.0.2.1' }, /to make room/], [{ connections: 1, firstAddress: undefined }, /server\.maxConnections is reached/]])

  drops.note('evicted', '192.0.2.4')
  drops.flush(10_999)
  t.equal(lines.length, 2)
  drops.note('evicted', '192.0.2.5')
  drops.flush(11_000)
  t.match(lines[2], [{ connections: 2, firstAddress: '192.0.2.4' }, /to make room/])
})
