/**
 * Directories that mean harm, or somebody on the way to one: whatever is said,
 * the process goes on, everybody else is served, and the answer is
 * "unavailable".
 */
import { writeFileSync } from 'node:fs'
import { randomInt } from 'node:crypto'
import { Agent } from 'node:https'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { digestToken } from '../../../../src/authn/token-digest.js'
import { element, entry, message, Response, result } from '../../../fixtures/ber.js'
import { overHttp1 } from '../../../fixtures/clients.js'
import { flood, Request, startHostile, type Say } from '../../../fixtures/hostile-directory.js'
import { alice, basicToken } from '../../../fixtures/people.js'
import { startServe } from '../../../fixtures/running.js'
import { authority, serving, tokenReview } from '../../../fixtures/service.js'
import { READER, SUFFIX } from '../../../fixtures/slapd.js'
import { fuzzConversations, unchangedConversation } from '../../../fuzz/ldap-conversations.js'

const TOKEN = 'canary-break-glass-token'
const USERS = { apiVersion: 'authn-webhook/v1', users: [{ username: 'admin', tokens: [{ name: 'glass', hash: digestToken(TOKEN) }] }] }

/** `serve` with static users and directories behind them; its reviews, and its other routes. */
async function start (t: Test, directories: Record<string, object>) {
  const dir = t.testdir({ 'tls.crt': serving.cert, 'tls.key': serving.key, 'ca.crt': authority.cert, 'ldap-password': `${READER.password}\n`, 'users.yaml': JSON.stringify(USERS) })
  const identityProviders = [
    { name: 'local', kind: 'static', usernamePrefix: 'local:', groupPrefix: 'local:', config: { usersFile: 'users.yaml' } },
    ...Object.entries(directories).map(([name, config]) => ({
      name,
      kind: 'ldap',
      usernamePrefix: `${name}:`,
      groupPrefix: `${name}:`,
      config: { preset: 'openldap', bindDN: READER.dn, bindPassword: { file: 'ldap-password' }, userSearch: { baseDN: SUFFIX }, groupSearch: { baseDN: SUFFIX }, ...config }
    }))
  ]
  const config = { apiVersion: 'authn-webhook/v1', server: { host: '127.0.0.1', port: 0 }, tls: { certFile: 'tls.crt', keyFile: 'tls.key' }, log: { format: 'json' }, identityProviders }
  writeFileSync(join(dir, 'config.yaml'), JSON.stringify(config))
  const running = await startServe(t, ['--config', join(dir, 'config.yaml')])
  const agent = new Agent({ ca: authority.cert, keepAlive: true })
  t.teardown(() => { agent.destroy() })
  return {
    running,
    review: async (token: string): Promise<any> => JSON.parse((await overHttp1({ port: running.port, agent, body: JSON.stringify(tokenReview(token)) })).body).status,
    get: async (path: string) => await overHttp1({ port: running.port, agent, method: 'GET', path })
  }
}

/** Nothing legitimate waits for it here. */
const timeouts = { connect: '1s', bind: '400ms', search: '2s' }

/** A success to every bind, and this to every search. */
function toSearches (say: Say): Say {
  return (socket, request) => {
    if (request.operation === Request.bind) socket.write(message(request.id, result(Response.bind)))
    else say(socket, request)
  }
}

/** Elements in one another, each with its true length. */
function nested (levels: number): Buffer {
  const bytes = Buffer.alloc(levels * 6)
  for (let level = 0; level < levels; level++) {
    bytes[level * 6] = 0x30
    bytes[level * 6 + 1] = 0x84
    bytes.writeUInt32BE((levels - level - 1) * 6, level * 6 + 2)
  }
  return bytes
}

const always = (bytes: Buffer): Say => socket => { socket.write(bytes) }

const ATTACKS: Record<string, { say: Say, said: RegExp }> = {
  'a string that ends before its length': {
    say: always(Buffer.from('300c02010161070a010004000401', 'hex')),
    said: /sent an invalid answer to a bind: it is for another request/
  },
  'the same in answer to what was asked': {
    say: (socket, { id, operation }) => { socket.write(Buffer.from(`300c0201${id.toString(16).padStart(2, '0')}${(operation + 1).toString(16)}070a010004000401`, 'hex')) },
    said: /sent an invalid answer to a bind: the diagnostic message exceeds its parent/
  },
  'a flood of entries': {
    say: toSearches((socket, { id }) => { flood(socket, Buffer.concat(new Array<Buffer>(1000).fill(message(id, entry(`uid=alice,${SUFFIX}`, { uid: ['alice'] }))))) }),
    said: /sent an invalid answer to a search: it has more than the requested 10 entries/
  },
  'a flood of references': {
    say: toSearches((socket, { id }) => { flood(socket, Buffer.concat(new Array<Buffer>(1000).fill(message(id, element(Response.reference, element(0x04, 'ldap://elsewhere.example.test')))))) }),
    said: /sent an invalid answer to a search: it has more than 1000 references/
  },
  'a flood of answers': {
    say: (socket, { id, operation }) => { flood(socket, Buffer.concat(new Array<Buffer>(1000).fill(message(id + 1, result(operation + 1))))) },
    said: /sent an invalid answer to a bind: it is for another request/
  },
  'a length of 2^31': { say: always(Buffer.from('308480000000020101', 'hex')), said: /sent an invalid answer to a bind: a message is longer than 1048576 bytes/ },
  'a length of 2^32 - 1': { say: always(Buffer.from('3084ffffffff020101', 'hex')), said: /sent an invalid answer to a bind: a message is longer than 1048576 bytes/ },
  'an indefinite length': { say: always(Buffer.from('30800201016180', 'hex')), said: /sent an invalid answer to a bind: an element has an indefinite length/ },
  'deep nesting': { say: always(nested(100_000)), said: /sent an invalid answer to a bind: the message ID has the wrong type/ },
  'deep nesting where something may be nested': {
    say: (socket, { id, operation }) => { socket.write(message(id, result(operation + 1, 52, '', nested(100_000)))) },
    said: /can't process a bind now: UnavailableError 52/
  },
  'a message without end': {
    say: socket => {
      socket.write(Buffer.from('308400000bb8', 'hex'))
      const drip = setInterval(() => { socket.write(Buffer.from('02')) }, 5)
      socket.on('close', () => { clearInterval(drip) })
    },
    said: /did not answer a bind within 400 ms/
  }
}

for (const [name, { say, said }] of Object.entries(ATTACKS)) {
  test(`a directory that says ${name}`, async t => {
    const [plain, startTLS, ldaps] = [await startHostile(t, say), await startHostile(t, say), await startHostile(t, say, serving)]
    const caFile = { caFile: 'ca.crt' }
    const { running, review, get } = await start(t, {
      plain: { urls: [`ldap://127.0.0.1:${plain.port}`], tls: { mode: 'none', insecure: true }, timeouts },
      starttls: { urls: [`ldap://127.0.0.1:${startTLS.port}`], tls: { mode: 'startTLS', ...caFile }, timeouts },
      ldaps: { urls: [`ldaps://127.0.0.1:${ldaps.port}`], tls: caFile, timeouts }
    })
    t.match(await review(basicToken('alice', alice.password)), { authenticated: false, error: String }, 'unavailable, not denied')
    t.equal((await get('/livez')).status, 200)
    t.match(await review(TOKEN), { authenticated: true, user: { username: 'local:admin' } }, 'the static user')
    const metrics = (await get('/metrics')).body
    for (const provider of ['plain', 'starttls', 'ldaps']) t.match(metrics, new RegExp(`authn_webhook_failures_total\\{provider="${provider}",reason="[a-z]+"\\} 1`), `${provider} was asked`)
    const log = running.stdout()
    for (const { port } of [plain, ldaps]) t.match(log, new RegExp(`127\\.0\\.0\\.1:${port} ${said.source}`), 'the log says what was wrong')
    t.match(log, new RegExp(`127\\.0\\.0\\.1:${startTLS.port} can't be reached: (the answer to StartTLS is invalid|no answer to StartTLS within)`))
    t.equal(running.child.exitCode, null)
    t.notMatch(running.stdout(), /canary/)
  })
}

test('sign-ins over a directory whose answers are changed', async t => {
  t.match(await unchangedConversation(), 'authenticated alice developers,engineering,platform')
  const seed = randomInt(2 ** 31)
  t.comment(`seed ${seed}`)
  const { inputs, seconds, outcomes } = await fuzzConversations({ count: 3000, seed, seconds: 25 })
  t.comment(`${inputs} in ${seconds.toFixed(1)} s: ${JSON.stringify(outcomes)}`)
  for (const outcome of ['authenticated', 'unavailable']) t.ok((outcomes[outcome] ?? 0) > 0, `some end as ${outcome}`)
})
