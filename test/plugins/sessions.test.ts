/** Session tokens at the service: certificates and revocations in files, no private key. */
import { readFileSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createPrivateKey } from 'node:crypto'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { calculateJwkThumbprint, exportJWK } from 'jose'
import type { Answer, LookupQuery } from '../../src/authn/provider.js'
import { createSelfSigned } from '../../src/certificates/issue.js'
import type { Claims, SigningKey } from '../fixtures/jwt.js'
import { alice } from '../fixtures/people.js'
import { startService, type TestService } from '../fixtures/service.js'
import { CLIENT, LOGIN, sessionToken } from '../fixtures/sessions.js'
import { until } from '../fixtures/waiting.js'

interface CertifiedKey extends SigningKey {
  readonly cert: string
}

async function certifiedKey (): Promise<CertifiedKey> {
  const { cert, key } = await createSelfSigned({ commonName: 'authn-webhook session tokens', days: 1 })
  const privateKey = createPrivateKey(key)
  const { d: _private, ...jwk } = await exportJWK(privateKey)
  return { cert, kid: await calculateJwkThumbprint(jwk), alg: 'ES256', privateKey, publicKey: privateKey, jwk }
}

const [first, second] = [await certifiedKey(), await certifiedKey()]
const NOTHING_REVOKED = 'apiVersion: authn-webhook/v1\nrevocations: []\n'

async function start (t: Test, find: (query: LookupQuery) => Answer = () => ({ user: { username: 'alice', uid: alice.user.uid!, groups: ['developers'] }, passwordVersion: 'v1' })): Promise<TestService> {
  return await startService(t, {
    providers: { corp: { authenticateToken: () => null, lookup: find, entry: { usernamePrefix: 'corp:', groupPrefix: 'corp-' } } },
    config: { sharedNames: false, sessions: { issuer: LOGIN, certFiles: ['session.crt'], audiences: [CLIENT], revocationsFile: 'revocations.yaml' } },
    files: { 'session.crt': first.cert, 'revocations.yaml': NOTHING_REVOKED }
  })
}

test('a session token is reviewed with a certificate: there is no private key', async t => {
  const { review, lines, get, dir } = await start(t)
  t.throws(() => readFileSync(join(dir, 'session.key')), { code: 'ENOENT' })
  t.strictSame(await review(await sessionToken({}, {}, first)), { authenticated: true, user: { username: 'corp:alice', uid: alice.user.uid, groups: ['corp-developers'] } })
  t.strictSame(await review(await sessionToken({}, {}, second)), { authenticated: false })
  t.match(lines.filter(({ audit }) => audit === 'TokenReview'), [
    { outcome: 'authenticated', provider: 'corp', username: 'corp:alice', groups: 1 },
    { outcome: 'denied', provider: 'corp', reason: 'unknown-key', username: undefined }
  ])
  const { text } = await get('/metrics')
  t.match(text, 'authn_webhook_denials_total{provider="corp",reason="unknown-key"} 1')
  for (const secret of (await sessionToken({}, {}, first)).split('.').slice(0, 2)) t.notMatch(JSON.stringify(lines), secret)
})

test('each reason of a denial is in the audit line and a metric', async t => {
  let answer: Answer = null
  const { review, lines, get, dir } = await start(t, () => answer)
  const reasons: Array<[reason: string, answer: Answer, claims?: Claims]> = [
    ['account-gone', null], ['disabled', { denied: 'disabled' }], ['locked', { denied: 'locked' }], ['not-member', { denied: 'not-member' }],
    ['password-changed', { user: { username: 'alice', uid: alice.user.uid! }, passwordVersion: 'v2' }],
    ['expired', null, { exp: 1 }], ['audience', null, { aud: 'staging' }], ['wrong-credential', null, { jti: '' }]
  ]
  for (const [, next, claims] of reasons) {
    answer = next
    t.strictSame(await review(await sessionToken(claims, {}, first)), { authenticated: false })
  }
  await writeFile(join(dir, 'revocations.yaml'), NOTHING_REVOKED.replace('[]', '[{ username: corp:alice }]'))
  await until('the file is reloaded', () => lines.some(({ msg }) => msg === 'reloaded revocations file'))
  await review(await sessionToken({}, {}, first))
  const all = [...reasons.map(([reason]) => reason), 'revoked']
  t.strictSame(lines.filter(({ audit }) => audit === 'TokenReview').map(({ reason }) => reason), all)
  const { text } = await get('/metrics')
  for (const reason of all) t.match(text, `authn_webhook_denials_total{provider="corp",reason="${reason}"} 1`)
})

test('a revocation works at once, past the cache, by either name', async t => {
  for (const username of ['corp:alice', 'corp:alice.miller']) {
    const { review, lines, dir } = await start(t, () => ({ user: { username: 'alice.miller', uid: alice.user.uid! }, passwordVersion: 'v1' }))
    const token = await sessionToken({}, {}, first)
    t.match(await review(token), { authenticated: true })
    await writeFile(join(dir, 'revocations.yaml'), NOTHING_REVOKED.replace('[]', `\n- { username: ${username}, before: 2100-01-01T00:00:00Z, expires: 2100-01-02T00:00:00Z }`))
    await until('the file is reloaded', () => lines.some(({ msg }) => msg === 'reloaded revocations file'))
    t.strictSame(await review(token), { authenticated: false })
  }
})

test('keys are rotated without a restart, and a file with errors changes nothing', async t => {
  const { review, lines, dir, get } = await start(t)
  const [ofFirst, ofSecond] = [await sessionToken({}, {}, first), await sessionToken({}, {}, second)]
  const reloaded = async (cert: string): Promise<void> => {
    const before = lines.length
    await writeFile(join(dir, 'session.crt'), cert)
    await until('the certificates are reloaded', () => lines.slice(before).some(({ msg }) => /reloaded keys|certificates of session tokens/.test(msg)))
  }
  await reloaded(first.cert + second.cert)
  for (const token of [ofFirst, ofSecond]) t.match(await review(token), { authenticated: true })
  await reloaded('no certificate')
  for (const token of [ofFirst, ofSecond]) t.match(await review(token), { authenticated: true })
  t.match((await get('/metrics')).text, 'authn_webhook_last_reload_successful{source="session-keys"} 0')
  await reloaded(second.cert)
  t.match(await review(ofFirst), { authenticated: false })
  t.match(await review(ofSecond), { authenticated: true })
})

test('files with errors prevent the start, and nothing is left open', async t => {
  const closed: string[] = []
  const watches = countWatches()
  for (const files of [{ 'session.crt': 'no certificate' }, { 'session.crt': first.cert, 'revocations.yaml': 'revocations' }]) {
    await t.rejects(startService(t, {
      providers: { corp: { authenticateToken: () => null, lookup: () => null, close () { closed.push('corp') } } },
      config: { sessions: { issuer: LOGIN, certFiles: ['session.crt'], audiences: [CLIENT], revocationsFile: 'revocations.yaml' } },
      files: { 'revocations.yaml': NOTHING_REVOKED, ...files }
    }), { code: 'AUTHN_VALIDATION' })
  }
  t.strictSame(closed, ['corp', 'corp'])
  t.equal(countWatches(), watches)
})

/** Directories that this process watches. */
function countWatches (): number {
  return readdirSync('/proc/self/fdinfo').map(fd => {
    try {
      return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/^inotify wd/gm)?.length ?? 0
    } catch {
      // that of the folder itself
      return 0
    }
  }).reduce((sum, count) => sum + count, 0)
}

test('without sessions, nothing of them is loaded, and a session token is one of an unknown issuer', async t => {
  const { review, service, lines } = await startService(t, { providers: { corp: { authenticateToken: () => null, lookup: () => null } } })
  t.notOk(service.review.hasDecorator('sessions'))
  t.strictSame(await review(await sessionToken({}, {}, first)), { authenticated: false })
  t.match(lines.find(({ audit }) => audit === 'TokenReview'), { reason: 'unknown', provider: undefined })
})
