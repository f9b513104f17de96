import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { Readiness } from '../../plugins/health.js'
import { issueServing } from '../../src/certificates/issue.js'
import { PROBE_PATHS } from '../../src/config/rules.js'
import { authority, startService } from '../fixtures/service.js'
import { until } from '../fixtures/waiting.js'

const people = { authenticateToken: () => null }

test('alive, ready, and the alias', async t => {
  const { get } = await startService(t, { providers: { people } })
  for (const path of ['/livez', '/healthz', '/readyz']) {
    const { code, text } = await get(path)
    t.strictSame([code, text], [200, 'ok'], path)
  }
})

test('unready while shutting down, and alive', async t => {
  const { get, service } = await startService(t, { providers: { people } })
  service.review.readiness.drain()
  t.match(await get('/readyz'), { code: 503, text: /verbose/ })
  t.match(await get('/livez'), { code: 200 })
  t.match(await get('/readyz?verbose'), { code: 503, text: /^\[-\]shutdown failed: shutting down$/m })
})

test('a directory that is down is information, and nothing more', async t => {
  const { get } = await startService(t, { providers: { directory: { authenticateToken: () => null, ping: () => { throw new Error('no route to host') } } } })
  const { code, text } = await get('/readyz?verbose')
  t.equal(code, 200)
  t.match(text, /^\[-\]provider directory failed: .*\(information only\)$/m)
  t.match(text, /^readyz check passed$/m)
  t.notMatch(text, 'no route to host', 'what a third party throws is for the log')
})

test('a users file with errors is not an unreachable source: the previous version serves', async t => {
  const users = 'apiVersion: authn-webhook/v1\nusers: []\n'
  const { get, dir, lines } = await startService(t, { providers: {}, files: { 'users.yaml': users }, config: { identityProviders: [{ name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } }] } })
  const replace = async (text: string, level: string): Promise<void> => {
    const seen = lines.length
    await writeFile(join(dir, 'users.yaml.new'), text)
    await rename(join(dir, 'users.yaml.new'), join(dir, 'users.yaml'))
    await until(`a line of level ${level}`, () => lines.slice(seen).some(line => line.level === level && line.provider === 'people'))
  }
  const samples = async (): Promise<string[]> => (await get('/metrics')).text.split('\n').filter(line => /^authn_webhook_(provider_up|last_reload_successful)/.test(line))
  const [up, certificate] = ['authn_webhook_provider_up{provider="people"} 1', 'authn_webhook_last_reload_successful{source="certificate"} 1']
  const reload = (successful: 0 | 1): string => `authn_webhook_last_reload_successful{source="people"} ${successful}`

  t.same((await samples()).sort(), [certificate, reload(1), up], 'what an alert looks for is there from the start')
  t.match((await get('/readyz?verbose')).text, /^\[\+\]provider people ok/m)
  await replace('users: {', 'error')
  t.same((await samples()).sort(), [certificate, reload(0), up])
  t.match(await get('/readyz?verbose'), { code: 200, text: /^\[-\]provider people failed: its files have errors.*previous version.*\(information only\)$/m })
  await replace(users, 'info')
  t.same((await samples()).sort(), [certificate, reload(1), up], 'fixed')
  t.match((await get('/readyz?verbose')).text, /^\[\+\]provider people ok/m)
})

test('a serving certificate that is not reloaded is information', async t => {
  const { get, dir, lines } = await startService(t, { providers: { people } })
  t.match((await get('/readyz?verbose')).text, /^\[\+\]certificate reload ok \(information only\)$/m)
  await writeFile(join(dir, 'tls.crt'), 'half')
  await until('a line of level error', () => lines.some(line => line.level === 'error'))
  t.match(await get('/readyz?verbose'), { code: 200, text: /^\[-\]certificate reload failed: its files have errors/m })
  t.match((await get('/metrics')).text, 'authn_webhook_last_reload_successful{source="certificate"} 0')
})

test('an expired serving certificate is unready', async t => {
  const expired = await issueServing(authority, { names: ['localhost'], days: 1, now: () => Date.now() - 3 * 24 * 3_600_000 })
  const { service } = await startService(t, { providers: { people }, files: { 'tls.crt': expired.cert, 'tls.key': expired.key } })
  t.match(await service.review.inject('/readyz'), { statusCode: 503 })
  const { body } = await service.review.inject('/readyz?verbose')
  t.match(body, /^\[-\]certificate failed: the serving certificate has expired$/m)
  t.match(body, /^readyz check failed$/m)
})

test('one line per readiness check, and the result', async t => {
  const readiness = new Readiness()
  const certificate = { problem: '' }
  readiness.add('certificate', () => certificate.problem || undefined)
  t.equal(readiness.ready, true)
  certificate.problem = 'the serving certificate has expired'
  t.equal(readiness.ready, false)
  t.equal(await readiness.report(), '[+]shutdown ok\n[-]certificate failed: the serving certificate has expired\nreadyz check failed\n')
})

test('with an admin listener, probes and metrics live there alone', async t => {
  const { get, service } = await startService(t, { providers: { people }, config: { admin: { host: '127.0.0.1', port: 0 } } })
  const routes = service.admin!.printRoutes({ commonPrefix: false }).matchAll(/\/\S+(?= \(GET)/g)
  t.same([...routes].map(([path]) => path).sort(), [...PROBE_PATHS].sort(), 'the config refuses each of them as server.path if they share its listener')
  for (const path of ['/livez', '/readyz', '/metrics']) {
    t.equal((await get(path)).code, 404, `${path} on the review listener`)
  }
  const address = service.admin!.server.address() as { port: number }
  for (const path of ['/livez', '/healthz', '/readyz', '/readyz?verbose', '/metrics']) {
    t.equal((await fetch(`http://127.0.0.1:${address.port}${path}`)).status, 200, path)
  }
  const reply = await fetch(`http://127.0.0.1:${address.port}/authenticate`, { method: 'POST' })
  t.equal(reply.status, 404, 'reviews are not answered in plain text')
  t.match(await reply.json(), { kind: 'Status', reason: 'NotFound' })
})
