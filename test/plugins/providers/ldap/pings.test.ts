/** Anybody may ask for readiness and metrics, as often as they like: people's sign-ins don't wait for that. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { issueClient } from '../../../../src/certificates/issue.js'
import { entry, message, Response, result } from '../../../fixtures/ber.js'
import { http2Session, overHttp2 } from '../../../fixtures/clients.js'
import { Request, startHostile, type HostileDirectory, type LdapRequest } from '../../../fixtures/hostile-directory.js'
import { alice, basicToken } from '../../../fixtures/people.js'
import { startServe } from '../../../fixtures/running.js'
import { authority, serving, tokenReview } from '../../../fixtures/service.js'
import { READER, SUFFIX } from '../../../fixtures/slapd.js'
import { until } from '../../../fixtures/waiting.js'

const IN_FLIGHT = 2_000
const SESSIONS = 20

/** As strangers they could not have as many requests in flight. */
const IDENTITY = { ca: authority.cert, ...await issueClient(authority, { commonName: 'kube-apiserver', days: 1 }) }

/** Milliseconds that a directory takes for each answer. */
const SLOW = 20

/** Milliseconds for which one ping is shared. */
const LIFE = 5_000

/** A directory in which there is alice, and which takes its time. */
async function startSlow (t: Test): Promise<HostileDirectory> {
  return await startHostile(t, (socket, { id, operation, body }) => {
    const isForAlice = operation === Request.search && body.includes('alice')
    const answer = operation === Request.bind
      ? message(id, result(Response.bind))
      : Buffer.concat([...isForAlice ? [message(id, entry(`uid=alice,${SUFFIX}`, { uid: ['alice'] }))] : [], message(id, result(Response.result))])
    setTimeout(() => { if (socket.writable) socket.write(answer) }, SLOW)
  })
}

/** A search of the root DSE that wants no attributes. */
function isPing ({ operation, body }: LdapRequest): boolean {
  return operation === Request.search && body.includes(Buffer.from('0403312e31', 'hex'))
}

async function measure (t: Test, fields: object): Promise<void> {
  const directory = await startSlow(t)
  const dir = t.testdir({ 'ca.crt': authority.cert, 'tls.crt': serving.cert, 'tls.key': serving.key, 'ldap-password': `${READER.password}\n` })
  const config = { preset: 'openldap', urls: [`ldap://127.0.0.1:${directory.port}`], tls: { mode: 'none', insecure: true }, groupSearch: { mode: 'none' }, timeouts: { connect: '30s', bind: '30s', search: '30s' }, ...fields }
  writeFileSync(join(dir, 'config.yaml'), JSON.stringify({
    apiVersion: 'authn-webhook/v1',
    server: { host: '127.0.0.1', port: 0, timeout: '60s' },
    tls: { certFile: 'tls.crt', keyFile: 'tls.key', clientCAFile: 'ca.crt' },
    log: { format: 'json' },
    identityProviders: [{ name: 'people', kind: 'ldap', timeout: '60s', config }]
  }))
  const { port } = await startServe(t, ['--config', join(dir, 'config.yaml')])
  const sessions = Array.from({ length: SESSIONS }, () => http2Session(port, IDENTITY))
  t.teardown(() => { for (const session of sessions) session.destroy() })

  const started = performance.now()
  const get = async (index: number, path: string) => await overHttp2(sessions[index % SESSIONS]!, { method: 'GET', path })
  const asked = Array.from({ length: IN_FLIGHT }, async (_, index) => (await get(index, index % 2 === 0 ? '/readyz?verbose' : '/metrics')).status)
  const own = http2Session(port, IDENTITY)
  t.teardown(() => { own.destroy() })
  const { body } = await overHttp2(own, { path: '/authenticate?timeout=60s', body: JSON.stringify(tokenReview(basicToken('alice', alice.password))) })
  t.comment(`signed in after ${Math.round(performance.now() - started)} ms, with ${IN_FLIGHT} requests in flight`)
  t.match(JSON.parse(body).status, { authenticated: true, user: { username: 'alice' } })
  t.strictSame(new Set(await Promise.all(asked)), new Set([200]), 'everybody was answered')
  // a busy machine may have kept the first ping from its end in time
  await until('the directory is there', async () => /\[\+\]provider people ok/.test((await get(0, '/readyz?verbose')).body))

  const pings = directory.requests.filter(isPing)
  const most = 2 + Math.floor((performance.now() - started) / LIFE)
  t.ok(pings.length >= 1 && pings.length <= most, `${pings.length} pings of at most ${most}`)
  const ofPings = new Set(pings.map(({ connection }) => connection))
  t.strictSame(directory.requests.filter(({ body, connection }) => ofPings.has(connection) && body.includes('alice')), [], 'no sign-in takes place where pings do')
  t.ok(directory.accepted <= 3 + most, `${directory.accepted} connections: two of the service account, one for users, and for pings`)
  t.match((await get(0, '/metrics')).body, 'authn_webhook_provider_up{provider="people"} 1')
}

test('a service account, with requests for readiness and metrics in flight', async t => {
  await measure(t, { bindDN: READER.dn, bindPassword: { file: 'ldap-password' }, userSearch: { baseDN: SUFFIX } })
})

test('the same where users read their entries themselves', async t => {
  await measure(t, { userDNTemplate: `uid={username},${SUFFIX}` })
})
