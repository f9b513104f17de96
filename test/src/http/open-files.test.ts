import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import type { ClientHttp2Session } from 'node:http2'
import { Agent } from 'node:https'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type Test } from 'tap'
import { maxConnectionsFor, openFilesLimit } from '../../../src/http/open-files.js'
import { http2Session, overHttp1 } from '../../fixtures/clients.js'
import { linesOf, serveWith } from '../../fixtures/processes.js'
import { authority, serving, startService, tokenReview } from '../../fixtures/service.js'
import { until } from '../../fixtures/waiting.js'

const cases: Array<[configured: number, openFiles: number | undefined, listeners: number, max: number, lowered: boolean]> = [
  [1024, undefined, 1, 1024, false],
  [1024, 1088, 1, 1024, false],
  [1024, 1087, 1, 1023, true],
  [1024, 1088, 2, 512, true],
  [1024, 2112, 2, 1024, false],
  [1024, 256, 1, 192, true],
  [1024, 64, 1, 16, true],
  [8, 64, 1, 8, false]
]

for (const [configured, openFiles, listeners, max, lowered] of cases) {
  test(`${configured} connections, ${openFiles ?? 'unlimited'} files, ${listeners} listeners: ${max}`, async t => {
    t.strictSame(maxConnectionsFor(configured, openFiles, listeners), { max, lowered })
  })
}

test('the limit is read from /proc', async t => {
  const limits = (soft: string): string => join(t.testdir({ limits: `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${soft.padEnd(20)} 524288               files\n` }), 'limits')
  t.equal(openFilesLimit(limits('1024')), 1024)
  t.equal(openFilesLimit(limits('unlimited')), undefined)
  t.equal(openFilesLimit(join(t.testdirName, 'missing')), undefined)
  t.type(openFilesLimit(), 'number')
})

test('fewer connections where the limit is low, and a warning', async t => {
  const served = await serveWith(t, { by: ['prlimit', '--nofile=300:300'] })
  const warning = await linesOf(served.child.stdout!).until(({ openFiles }) => openFiles !== undefined)
  t.match(warning, { level: 'warn', openFiles: 300, maxConnections: 1024, lowered: 236, msg: /limit of 300 open files.*maxConnections 1024.*raise the limit/ })
  t.equal(await served.review(1), 1)
  const sessions = await openSessions(t, served.port, 80)
  // a session that is evicted hears of it a moment later
  await until('the evictions', () => sessions.filter(({ destroyed }) => !destroyed).length <= 59)
  t.equal(sessions.filter(({ destroyed }) => !destroyed).length, 59, 'a quarter of 236 for one network that has proved nothing')
  t.equal(await served.review(1), 1, 'who has proved itself stays')
})

test('a process without a free file serves on, and accepts again once there is one', async t => {
  const served = await serveWith(t)
  const log = linesOf(served.child.stdout!)
  t.equal(await served.review(1), 1)
  limitOpenFiles(served.child.pid!, served.descriptors() + 5)
  const idle = await openSessions(t, served.port, 50)
  t.ok(idle.some(({ destroyed }) => destroyed), 'a new connection is closed')

  t.equal(await served.review(1), 1, 'over an open connection')
  writeFileSync(join(served.cwd, 'tls.crt'), serving.cert)
  t.match(JSON.stringify(await log.until(({ level }) => level === 'error')), /EMFILE/, 'a reload is an error, and no more')
  t.match(await served.get('/metrics'), 'authn_webhook_reloads_total')
  // longer than between two looks at event loop and heap
  t.equal(await Promise.race([served.ended, sleep(2_500, 'running')]), 'running')

  for (const session of idle) session.destroy()
  const agent = new Agent({ ca: authority.cert })
  const isLive = async (): Promise<boolean> => (await overHttp1({ port: served.port, agent, method: 'GET', path: '/livez' })).body === 'ok'
  await until('a new connection', async () => await isLive().catch(() => false))
  t.match(await overHttp1({ port: served.port, agent, body: JSON.stringify(tokenReview('any')) }), { status: 200, body: /"authenticated":true/ })
  served.child.kill('SIGTERM')
  t.strictSame(await served.ended, { code: 0, signal: null })
})

test('an accept that fails is logged', async t => {
  const { service, lines } = await startService(t, { providers: {}, config: { identityProviders: [{ name: 'anybody', kind: 'mock', config: { allowMock: true } }], admin: { host: '127.0.0.1', port: 0 } } })
  for (const { server } of [service.review, service.admin!]) server.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }))
  t.match(lines.filter(({ level }) => level === 'error'), [{ err: { code: 'EMFILE' } }, { err: { code: 'EMFILE' } }])
})

/** A process starts with more files than it needs later. */
function limitOpenFiles (pid: number, limit: number): void {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${limit}:${limit}`])
}

/** Idle ones, which the service keeps for longer than a test takes; or destroyed where it closed them at once. */
async function openSessions (t: Test, port: number, count: number): Promise<ClientHttp2Session[]> {
  return await Promise.all(Array.from({ length: count }, async () => {
    const session = http2Session(port, { ca: authority.cert })
    t.teardown(() => { session.destroy() })
    await new Promise(resolve => { session.once('remoteSettings', resolve).once('close', resolve) })
    return session
  }))
}
