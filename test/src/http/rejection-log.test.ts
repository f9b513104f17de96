import { test } from 'tap'
import { RejectionLog } from '../../../src/http/rejection-log.js'

function open (): { log: RejectionLog, lines: object[] } {
  const lines: object[] = []
  const record = (level: string) => (fields: object, msg: string) => { lines.push({ level, msg, ...fields }) }
  return { log: new RejectionLog({ warn: record('warn'), debug: record('debug') } as unknown as ConstructorParameters<typeof RejectionLog>[0]), lines }
}

const EXPIRED = 'the client certificate has expired'

test('equal ones are one warning, which says how many', t => {
  const { log, lines } = open()
  for (let i = 0; i < 1_000; i++) log.request('client-certificate', { peer: '::ffff:192.0.2.1', clientCertificate: 'CN=kube-apiserver', detail: EXPIRED })
  log.request('client-certificate', { peer: '192.0.2.2', detail: 'a client certificate is required' })
  t.strictSame(lines, [], 'nothing before the sweep')
  log.flush(0)
  t.match(lines, [
    { level: 'warn', requests: 1_000, peer: '192.0.2.1', clientCertificate: 'CN=kube-apiserver', detail: EXPIRED },
    { level: 'warn', requests: 1, peer: '192.0.2.2', clientCertificate: undefined }
  ])
  t.end()
})

test('a pause between two batches', t => {
  const { log, lines } = open()
  const note = (): void => { log.request('client-certificate', { peer: '192.0.2.1', detail: EXPIRED }) }
  for (const [now, expected] of [[0, 1], [9_999, 1], [10_000, 2], [19_999, 2], [20_000, 3]] as const) {
    note()
    log.flush(now)
    t.equal(lines.length, expected, `after ${now} ms`)
  }
  t.match(lines.map(line => (line as { requests: number }).requests), [1, 2, 2])
  log.flush(60_000)
  t.equal(lines.length, 3, 'and nothing without a rejection')
  t.end()
})

test('a flood from many addresses is a few lines', t => {
  const { log, lines } = open()
  for (let i = 0; i < 5_000; i++) log.request('client-certificate', { peer: `192.0.2.${i % 250}`, clientCertificate: `CN=${'x'.repeat(10_000)}${i}`, detail: EXPIRED })
  log.flush(0)
  t.equal(lines.length, 11)
  t.match(lines.at(-1), { level: 'warn', requests: 4_800 })
  t.ok(JSON.stringify(lines).length < 10_000, 'and short ones')
  t.end()
})

test('what is no matter of a certificate is a debug line, at once', t => {
  const { log, lines } = open()
  log.request('not-found', { peer: '2001:db8::1', detail: 'not found' })
  t.match(lines, [{ level: 'debug', reason: 'not-found', peer: '2001:db8::1', detail: 'not found' }])
  log.flush(0)
  t.equal(lines.length, 1)
  t.end()
})

test('many drops are one warning, and the next one comes later', t => {
  const { log, lines } = open()
  log.flush(0)
  t.same(lines, [], 'nothing was dropped')

  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) log.connection('evicted', address)
  log.connection('full', undefined)
  log.flush(1_000)
  t.match(lines, [
    { level: 'warn', connections: 3, firstAddress: '192.0.2.1', msg: /to make room/ },
    { level: 'warn', connections: 1, firstAddress: undefined, msg: /server\.maxConnections is reached/ }
  ])

  log.connection('evicted', '192.0.2.4')
  log.flush(10_999)
  t.equal(lines.length, 2)
  log.connection('evicted', '192.0.2.5')
  log.flush(11_000)
  t.match(lines[2], { level: 'warn', connections: 2, firstAddress: '192.0.2.4', msg: /to make room/ })
  t.end()
})
