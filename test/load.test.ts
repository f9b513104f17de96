/**
 * What operators do to a running service, while 200 reviews are in flight over
 * each protocol: none may be lost.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { once } from 'node:events'
import { test, type Test } from 'tap'
import { digestToken } from '../src/authn/token-digest.js'
import { issueClient, issueServing } from '../src/certificates/issue.js'
import { http2Session, overHttp1, overHttp2, type Answer } from './fixtures/clients.js'
import { alice, carol } from './fixtures/people.js'
import { startServe, type Running } from './fixtures/running.js'
import { authority, serving, tokenReview } from './fixtures/service.js'
import { until } from './fixtures/waiting.js'

const IN_FLIGHT = 200

/** Takes as long as a slow directory would, so that reviews really are in flight. */
const SLOW_PROVIDER = `
export default {
  contract: 1,
  kind: 'slow',
  schema: { type: 'object' },
  open: () => ({ authenticateToken: async token => {
    await new Promise(resolve => setTimeout(resolve, token.startsWith('slow-') ? 1000 : 0))
    return token.startsWith('slow-') ? { user: { username: token } } : null
  } })
}
`

const CONFIG = `
apiVersion: authn-webhook/v1
server: { host: 127.0.0.1, port: 0 }
tls: { certFile: tls.crt, keyFile: tls.key, clientCAFile: ca.crt }
log: { format: json }
# a busy machine is no failure of these
pressure: { maxEventLoopDelay: 1m }
sharedNames: true
identityProviders:
  - { name: people, kind: static, usernamePrefix: '', groupPrefix: '', config: { usersFile: users.yaml } }
  - { name: slow, kind: module, from: ./slow.mjs, usernamePrefix: '', groupPrefix: '', maxConcurrent: 1000, cache: { maxEntries: 0 } }
`

const usersFile = (people: Array<typeof alice>): string => JSON.stringify({
  apiVersion: 'authn-webhook/v1',
  users: people.map(({ user, token }) => ({ ...user, tokens: [{ name: 'laptop', hash: digestToken(token) }] }))
})

async function start (t: Test): Promise<Running & { cwd: string }> {
  const cwd = t.testdir({ 'ca.crt': authority.cert, 'tls.crt': serving.cert, 'tls.key': serving.key, 'slow.mjs': SLOW_PROVIDER, 'users.yaml': usersFile([alice, carol]), 'config.yaml': CONFIG })
  return { ...await startServe(t, ['--config', 'config.yaml'], { cwd }), cwd }
}

type Ask = (token: string) => Promise<Answer>

/** What an API server trusts, and shows: all its reviews are let in flight at once. */
const IDENTITY = { ca: authority.cert, ...await issueClient(authority, { commonName: 'kube-apiserver', days: 1 }) }

/** One HTTP/2 connection, as the API server has it; as many HTTP/1.1 ones as are needed. */
const CLIENTS: Record<string, (t: Test, port: number) => Ask> = {
  'HTTP/2': (t, port) => {
    let session = http2Session(port, IDENTITY)
    t.teardown(() => { session.destroy() })
    return async token => {
      // as every client does after a GOAWAY
      if (session.closed || session.destroyed) session = http2Session(port, IDENTITY)
      return await overHttp2(session, { body: JSON.stringify(tokenReview(token)) })
    }
  },
  'HTTP/1.1': (t, port) => {
    const agent = new Agent({ ...IDENTITY, keepAlive: true })
    t.teardown(() => { agent.destroy() })
    return async token => await overHttp1({ port, agent, body: JSON.stringify(tokenReview(token)) })
  }
}

interface Tally {
  readonly authenticated: number
  /** Everything else, by what it was. */
  readonly lost: string[]
}

function tally (settled: Array<PromiseSettledResult<Answer>>): Tally {
  const lost = settled.flatMap(result => {
    if (result.status === 'rejected') return [String(result.reason)]
    return /"authenticated":true/.test(result.value.body) ? [] : [`${result.value.status} ${result.value.body}`]
  })
  return { authenticated: settled.length - lost.length, lost }
}

/** Keeps 200 reviews in flight, of fast and slow tokens, until `change` is done. */
async function under (ask: Ask, change: () => Promise<void>): Promise<Tally> {
  const settled: Array<PromiseSettledResult<Answer>> = []
  const changing = { now: true }
  const workers = Array.from({ length: IN_FLIGHT }, async (_, worker) => {
    for (let round = 0; changing.now; round++) {
      settled.push(...await Promise.allSettled([ask(worker % 2 === 0 ? alice.token : `slow-${worker}-${round}`)]))
    }
  })
  await change()
  changing.now = false
  await Promise.all(workers)
  return tally(settled)
}

/** Of the reviews that were in flight, and not of those that made the connections. */
function auditLines (log: string): number {
  return log.match(/"username":"slow-\d+"/g)?.length ?? 0
}

/** As a mounted Secret changes: the new file takes the old one's place. */
function replace (cwd: string, name: string, text: string): void {
  writeFileSync(join(cwd, `${name}.new`), text)
  renameSync(join(cwd, `${name}.new`), join(cwd, name))
}

for (const [protocol, client] of Object.entries(CLIENTS)) {
  test(`a new certificate under load over ${protocol}`, async t => {
    const running = await start(t)
    const next = await issueServing(authority, { names: ['localhost', '127.0.0.1'], days: 1 })
    const { authenticated, lost } = await under(client(t, running.port), async () => {
      await running.until(/"msg":"serving"/)
      replace(running.cwd, 'tls.key', next.key)
      replace(running.cwd, 'tls.crt', next.cert)
      await running.until(/serving certificate reloaded/)
    })
    t.strictSame(lost, [])
    t.ok(authenticated >= IN_FLIGHT)
    const socket = connect({ port: running.port, host: '127.0.0.1', ca: authority.cert })
    await once(socket, 'secureConnect')
    t.equal(socket.getPeerX509Certificate()?.toString(), next.cert.trim().concat('\n'))
    socket.destroy()
  })

  test(`a new users file under load over ${protocol}`, async t => {
    const running = await start(t)
    const ask = client(t, running.port)
    t.match((await ask(carol.token)).body, '"authenticated":true')
    const { authenticated, lost } = await under(ask, async () => {
      replace(running.cwd, 'users.yaml', usersFile([alice]))
      await until('carol to be denied', async () => !/"authenticated":true/.test((await ask(carol.token)).body))
    })
    t.strictSame(lost, [])
    t.ok(authenticated >= IN_FLIGHT)
  })

  test(`SIGTERM with ${IN_FLIGHT} reviews in flight over ${protocol}`, async t => {
    const running = await start(t)
    const ask = client(t, running.port)
    // connections first, so that all the reviews are past the handshake
    await Promise.all(Array.from({ length: IN_FLIGHT }, async (_, i) => await ask(`slow-warm-${i}`)))
    const asked = Promise.allSettled(Array.from({ length: IN_FLIGHT }, async (_, i) => await ask(`slow-${i}`)))
    await ask(alice.token)
    const stopped = running.stop('SIGTERM')
    const { authenticated, lost } = tally(await asked)
    t.strictSame(lost, [])
    t.equal(authenticated, IN_FLIGHT)
    t.strictSame(await stopped, { code: 0, signal: null })
    t.equal(auditLines(running.stdout()), IN_FLIGHT, 'each has its line in the audit log')
    t.ok(auditLines(running.stdout().split('"msg":"stopping"')[0]!) < IN_FLIGHT / 2, 'most were still in flight when the signal came')
  })
}
