/** The provider ldap inside the whole service: cache, chain, readiness, metrics, the command line. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { createLogger } from '../../../../src/logger.js'
import { openChain } from '../../../../src/cli/chain.js'
import { parseCredential } from '../../../../src/authn/credential.js'
import { Deadline } from '../../../../src/authn/deadline.js'
import { review, type Review } from '../../../../src/authn/review.js'
import { loadConfig } from '../../../../src/config/load.js'
import { findDefinition } from '../../../../src/config/registry.js'
import { digestToken } from '../../../../src/authn/token-digest.js'
import { freePort } from '../../../fixtures/child.js'
import { runCommand } from '../../../fixtures/command.js'
import { alice, basicToken, bob } from '../../../fixtures/people.js'
import { serving, startService } from '../../../fixtures/service.js'
import { GROUPS, READER, startSlapd, SUFFIX, type Slapd } from '../../../fixtures/slapd.js'
import { until } from '../../../fixtures/waiting.js'

type Fields = Record<string, any>

function entry ({ tlsUrl, dir }: Pick<Slapd, 'tlsUrl' | 'dir'>, config: Fields = {}, fields: Fields = {}): Fields {
  return {
    name: 'people',
    kind: 'ldap',
    usernamePrefix: 'corp:',
    groupPrefix: 'corp:',
    ...fields,
    config: {
      preset: 'openldap',
      urls: [tlsUrl],
      tls: { caFile: join(dir, 'ca.crt') },
      bindDN: READER.dn,
      bindPassword: { file: 'ldap-password' },
      userSearch: { baseDN: `ou=people,${SUFFIX}` },
      groupSearch: { baseDN: GROUPS },
      ...config
    }
  }
}

const FILES = { 'ldap-password': `${READER.password}\n` }
const LOCAL = { name: 'local', kind: 'static', usernamePrefix: 'local:', groupPrefix: 'local:', config: { usersFile: 'users.yaml' } }
const USERS = JSON.stringify({ apiVersion: 'authn-webhook/v1', users: [{ username: 'admin', tokens: [{ name: 'glass', hash: digestToken('canary-break-glass-token') }] }] })

async function start (t: Test, identityProviders: Fields[]) {
  const service = await startService(t, { config: { identityProviders }, files: { ...FILES, 'users.yaml': USERS } })
  t.teardown(() => {
    if (service.lines.some(line => JSON.stringify(line).includes('canary'))) throw new Error('a secret in the log')
  })
  return service
}

/** The reviews of a config with this provider, without a listener in front. */
async function openReviews (t: Test, provider: Fields) {
  const config = { apiVersion: 'authn-webhook/v1', tls: { certFile: 'tls.crt', keyFile: 'tls.key' }, throttle: { maxFailures: 1_000_000 }, identityProviders: [provider] }
  const file = join(t.testdir({ ...FILES, 'authn-webhook.yaml': JSON.stringify(config) }), 'authn-webhook.yaml')
  const log = await createLogger({ level: 'silent', format: 'json', terminal: false })
  const { rules, close } = await openChain({ loaded: await loadConfig({ file, findDefinition }), log })
  t.teardown(close)
  return { close, ask: async (token: string, budget = 8000): Promise<Review> => await review({ credential: parseCredential(token) }, new Deadline(budget), rules) }
}

// the first one: sockets of other tests would be counted
test('ten thousand reviews leak no socket', { timeout: 300_000 }, async t => {
  const slapd = await startSlapd(t)
  if (slapd === undefined) return
  const sockets = (): number => process.getActiveResourcesInfo().filter(resource => /TCP|TLS/.test(resource)).length
  await until('there is none', () => sockets() === 0)
  const { ask, close } = await openReviews(t, entry(slapd, { groupSearch: { mode: 'none' } }, { cache: { maxEntries: 0 } }))
  const outcomes = new Map<string, number>()
  let next = 0
  await Promise.all(Array.from({ length: 16 }, async () => {
    for (let index = next++; index < 10_000; index = next++) {
      // every hundredth is left before it is answered; towards the end the directory dies
      if (index === 9_000) slapd.signal('SIGKILL')
      const [username, password] = [['alice', alice.password], ['bob', bob.password], ['bob', `canary-wrong-${index % 7}`], ['nobody', 'canary-nobody']][index % 4] as [string, string]
      const { outcome } = await ask(basicToken(username, password), index % 100 === 0 ? 0.5 : 8000)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
  }))
  t.comment(Object.fromEntries(outcomes))
  for (const outcome of ['authenticated', 'denied']) t.ok((outcomes.get(outcome) ?? 0) > 4000, outcome)
  t.ok((outcomes.get('unavailable') ?? 0) > 900, 'error')
  t.ok(sockets() <= 16, `${sockets()} sockets: no more than the pools may have`)
  await close()
  await until('all are closed', () => sockets() === 0)
})

test('with a directory', async t => {
  const slapd = await startSlapd(t)
  if (slapd === undefined) return

  t.test('a thousand reviews of one token are one round trip', async t => {
    const { ask } = await openReviews(t, entry(slapd))
    const [searches, binds] = [await slapd.count(/SRCH base="ou=people/), await slapd.count(/BIND dn="uid=alice.*method/)]
    const reviews = await Promise.all(Array.from({ length: 1000 }, async () => await ask(basicToken('alice', alice.password))))
    t.strictSame(new Set(reviews.map(({ status }) => JSON.stringify(status.user?.groups))), new Set(['["corp:developers","corp:platform"]']))
    t.equal(await slapd.count(/SRCH base="ou=people/), searches + 1)
    t.equal(await slapd.count(/BIND dn="uid=alice.*method/), binds + 1)
  })

  t.test('events are counted, from 0', async t => {
    const service = await start(t, [entry(slapd)])
    const metric = async (event: string): Promise<string | undefined> => new RegExp(`^authn_webhook_provider_events_total{provider="people",event="${event}"} (.*)$`, 'm').exec((await service.get('/metrics')).text)?.[1]
    for (const event of ['service-bind-rejected', 'host-lost', 'group-dropped', 'ambiguous-user', 'rejected-from-cache', 'bad-password-limit']) t.equal(await metric(event), '0', event)
    t.match(await service.review(basicToken('bob', bob.password)), { authenticated: true, user: { groups: ['corp:developers'] } })
    t.equal(await metric('group-dropped'), '1')
  })

  t.test('a refused service account is unavailable, and fixed by a new file', async t => {
    const service = await start(t, [entry(slapd, { bindPassword: { file: 'ldap-password' } }, { cache: { failureTTL: '10m' } }), LOCAL])
    // ours is read when it is needed, at most once a second
    const wrong = await start(t, [entry(slapd, { bindPassword: { file: 'wrong-password' } })].map(entry => { writeFileSync(join(service.dir, 'wrong-password'), 'canary-wrong'); entry['config'].bindPassword.file = join(service.dir, 'wrong-password'); return entry }))
    const token = basicToken('alice', alice.password)
    t.match(await wrong.review(token), { authenticated: false, error: 'identity provider "people" is unavailable' })
    writeFileSync(join(service.dir, 'wrong-password'), READER.password)
    await until('the file is read', async () => (await wrong.review(token)).authenticated)
    t.pass('well before the 30 s of the backoff')
  })

  t.test('review --explain tells what was found, mapped and dropped', async t => {
    const config = { apiVersion: 'authn-webhook/v1', tls: { certFile: 'tls.crt', keyFile: 'tls.key' }, identityProviders: [entry(slapd, { groupSearch: { baseDN: GROUPS, include: '^[^p]' } })] }
    const cwd = t.testdir({ ...FILES, 'tls.crt': serving.cert, 'tls.key': serving.key, 'authn-webhook.yaml': JSON.stringify(config) })
    const { code, stdout, stderr } = await runCommand(['review', '--config', 'authn-webhook.yaml', '--explain', '--username', 'ALICE'], { cwd })
    t.strictSame(stdout.split('\n'), [
      `people: searched ou=people,${SUFFIX} for (uid=ALICE): 1 entry`,
      `people: found uid=alice,ou=people,${SUFFIX}`,
      'people: username alice from uid; uid 11111111-0000-4000-8000-000000000001 from entryUUID',
      `people: searched ${GROUPS} for (|(member=uid=alice,ou=people,${SUFFIX})(uniqueMember=uid=alice,ou=people,${SUFFIX})): 2 groups`,
      `people: dropped cn=platform,${GROUPS}: platform does not match groupSearch.include`,
      `people: group developers: cn=developers,${GROUPS}`,
      'people: alice is corp:alice in Kubernetes',
      'people: the group developers is corp:developers in Kubernetes',
      'username:  corp:alice',
      'uid:       11111111-0000-4000-8000-000000000001',
      'groups:    corp:developers',
      ''
    ])
    t.strictSame([code, stderr], [0, ''])
    const nobody = await runCommand(['review', '--config', 'authn-webhook.yaml', '--explain', '--username', 'carol', '-o', 'json'], { cwd })
    t.equal(nobody.code, 1)
    t.match(JSON.parse(nobody.stdout), { user: null, explanations: [{ provider: 'people' }, {}, { sentence: 'denied, locked: the account is locked until an administrator unlocks it' }], denial: { provider: 'people', reason: 'locked' } })
    await slapd.stop()
    const down = await runCommand(['review', '--config', 'authn-webhook.yaml', '--explain', '--username', 'alice'], { cwd })
    t.match(down, { code: 69, stderr: /identity provider "people" is unavailable: 127\.0\.0\.1:\d+ can't be reached: .*ECONNREFUSED/ })
    t.notMatch(stdout + nobody.stdout + down.stdout + down.stderr, /canary/)
    await slapd.start()
  })

  t.test('validate knows its errors, with their lines', async t => {
    const cwd = t.testdir({
      ...FILES,
      'tls.crt': serving.cert,
      'tls.key': serving.key,
      'authn-webhook.yaml': `apiVersion: authn-webhook/v1
tls: { certFile: tls.crt, keyFile: tls.key, clientCAFile: tls.crt }
identityProviders:
  - name: people
    kind: ldap
    config:
      preset: openldap
      urls: [ldap://127.0.0.1]
      tls: { caFile: missing.crt }
      userSearch:
        baseDN: ou=people,dc=example,dc=test
        filter: "(uid={username}"
`
    })
    const { code, stderr } = await runCommand(['validate', '--config', 'authn-webhook.yaml'], { cwd })
    t.equal(code, 2)
    t.match(stderr, /authn-webhook\.yaml:8: identityProviders\[0\]\.config\.urls\[0\]: must start with ldaps:\/\/ when tls.mode is ldaps\n/)
    t.match(stderr, /:12: identityProviders\[0\]\.config\.userSearch\.filter: is not a search filter: Unbalanced parens/)
    t.match(stderr, /identityProviders\[0\]\.config\.groupSearch\.baseDN: is required/)
  })
})

test('without its directory the service starts, is ready, and serves others', async t => {
  const dir = t.testdir({ 'ca.crt': serving.cert })
  const dead = { tlsUrl: `ldaps://127.0.0.1:${await freePort()}`, dir }
  const { review, get } = await start(t, [entry(dead), LOCAL])
  t.equal((await get('/readyz')).code, 200)
  t.match((await get('/readyz?verbose')).text, /\[-\]provider people failed: unreachable \(information only\)/)
  t.match(await review(basicToken('alice', alice.password)), { authenticated: false, error: /is unavailable/ })
  t.match(await review('canary-break-glass-token'), { authenticated: true, user: { username: 'local:admin' } })
  t.match((await get('/metrics')).text, /authn_webhook_provider_up{provider="people"} 0/)
})
