/** Tokens that nobody should have sent, and thousands that belong elsewhere: an API server passes on what it doesn't know. */
import { hash } from 'node:crypto'
import { test } from 'tap'
import { hashPassword } from '../../src/authn/password-hash.js'
import { digestToken } from '../../src/authn/token-digest.js'
import { ODD_TOKENS } from '../../src/conformance/odd-tokens.js'
import { alice, basicToken, bob, type Person } from '../fixtures/people.js'
import { startCluster } from './cluster.js'
import { HOSTILE, serviceAccountToken, type Hostile } from './strangers.js'
import { createWebhook, usersFile } from './webhook.js'

const KEY = 'a-key-for-fingerprints'
const robot: Person = { user: { username: 'robot' }, password: '', token: 'canary-robot-'.padEnd(16_384, '0123456789abcdef') }

/** Lets everyone in; only tokens of its issuer get this far. */
const LOGIN = `
export default {
  contract: 1,
  kind: 'login',
  schema: { type: 'object' },
  open: () => ({
    recognizes: ({ jwt, token }) => jwt && claimsOf(token)?.iss === 'https://login.example.com',
    authenticateToken: async token => ({ user: { username: claimsOf(token).jti } })
  })
}
function claimsOf (token) {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString())
  } catch {}
}
`

/** `status.error` where nobody knows a token: the API server's own words, and no more. */
const DENIED = 'invalid bearer token'
/** An API server that repeats its question takes longer than this. */
const ONE_TRY = 4_000

/** As the service gets it: an API server cuts a token at a space, and Go has no halves of characters. */
function arrived (token: string): string {
  return Buffer.from(token.split(' ')[0]!).toString()
}

/** The bytes of a header's value, one a character; `undefined` where no header can carry it. */
function inHeader (token: string): string | undefined {
  const bytes = Buffer.from(token).toString('latin1')
  return /^[\x21-\x7e\x80-\xff][\t\x20-\x7e\x80-\xff]*$/.test(bytes) ? bytes : undefined
}

/** As the audit line has it. */
function fingerprint (token: string): string {
  return hash('sha256', hash('sha256', KEY) + digestToken(token)).slice(0, 24)
}

/** The whole lines of a log; it may begin and end amid one. */
function linesOf (log: string): any[] {
  return log.split('\n').slice(0, -1).filter(line => line.startsWith('{')).map(line => JSON.parse(line))
}

/** What a log must not have: a token, what it is made of, and what could be compared with either. */
function tracesOf (token: string): string[] {
  const [username, ...password] = Buffer.from(token, 'base64').toString().split(':')
  const secrets = [token, ...token.split('.'), username!, password.join(':')].filter(secret => secret.length >= 8)
  return secrets.flatMap(secret => [
    secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(Buffer.from(secret).toString()),
    ...(['hex', 'base64', 'base64url'] as const).flatMap(encoding => [
      Buffer.from(secret).toString(encoding), ...['sha256', 'sha1', 'md5'].map(algorithm => hash(algorithm, secret, encoding).slice(0, 16))
    ])
  ])
}

// at white space an API server cuts
const ODD: Hostile[] = ODD_TOKENS.filter(token => !/[ \n]/.test(token)).map(token => ({ what: JSON.stringify(token).slice(0, 40), token, reason: 'unknown' }))
const ALL = [...HOSTILE, ...ODD]
/** Of other clusters: of old ones, of those that keep the default, of a cloud's. */
const ISSUERS = ['kubernetes/serviceaccount', 'https://kubernetes.default.svc', 'https://oidc.example.com/id/D539D4633E53DE1B71']

test('strangers', async t => {
  const webhook = await createWebhook(t, {
    identityProviders: [{ name: 'login', kind: 'module', from: './login.mjs' }, { name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } }],
    config: { log: { format: 'json', fingerprintKey: KEY } },
    files: { 'login.mjs': LOGIN, 'users.yaml': usersFile([alice, robot], [{ ...bob.user, passwordHash: await hashPassword(bob.password) }]) }
  })
  const running = await webhook.start()
  let errors = ''
  running.child.stderr!.on('data', (chunk: Buffer) => { errors += chunk.toString() })
  // without a memory over there, each token arrives both ways
  const cluster = await startCluster(t, { webhook: await webhook.kubeconfig(), cacheTTL: '0s' })

  await t.test('hostile tokens are unauthorized', async t => {
    for (const { what, token, reason } of ALL) {
      const header = inHeader(token)
      if (header !== undefined) {
        const { code, body, duration } = await cluster.call(header)
        t.match({ code, body }, { code: 401, body: { reason: 'Unauthorized' } }, `in a call: ${what}`)
        t.ok(duration < ONE_TRY, 'and asked about once')
      }
      const error = reason === undefined ? `[${DENIED}, the body is larger than this service reads]` : DENIED
      t.strictSame(await cluster.review(token), { user: {}, error }, `in a TokenReview that the API server is asked: ${what}`)
    }
  })

  await t.test('right tokens get in afterwards', async t => {
    for (const [token, username] of [[alice.token, 'alice'], [robot.token, 'robot'], [basicToken('bob', bob.password), 'bob']] as const) {
      t.match((await cluster.call(token)).body.message, `User "${username}" cannot list`)
      t.match(await cluster.review(token), { authenticated: true, user: { username } })
    }
    t.ok(await webhook.ready())
    t.equal(await webhook.metric(/^authn_webhook_token_reviews_total{result="(error|shed)"/), 0)
  })

  await t.test('the log says why, and gives nothing away', async t => {
    // when the last one's line is there, all are
    await cluster.call('the-last-one')
    await running.until(new RegExp(fingerprint('the-last-one')))
    const log = running.stdout() + errors
    const lines = linesOf(running.stdout())
    t.same(lines.filter(({ level }) => level !== 'info' && level !== 'warn'), [], 'no errors')
    for (const { what, token, reason } of ALL) {
      const ways = reason === undefined ? 0 : inHeader(token) === undefined ? 1 : 2
      t.same(lines.filter(line => line.fingerprint === fingerprint(arrived(token))).map(line => [line.outcome, line.reason]), Array(ways).fill(['denied', reason]), what)
      t.same(tracesOf(token).filter(trace => log.includes(trace)), [])
    }
    t.notMatch(log, /canary/)
  })

  await t.test('service account tokens of other clusters cost no question to who does not know them', async t => {
    const call = async (count: number): Promise<void> => {
      const tokens = Array.from({ length: count }, (_, index) => serviceAccountToken(ISSUERS[index % ISSUERS.length]!))
      const codes: number[] = []
      await Promise.all(Array.from({ length: 50 }, async () => {
        for (let token = tokens.pop(); token !== undefined; token = tokens.pop()) codes.push((await cluster.call(token)).code)
      }))
      t.same(new Set(codes), new Set([401]), `${codes.length} of them are unauthorized`)
    }
    const login = async (): Promise<number> => await webhook.metric(/^authn_webhook_(provider_requests_total|cache_requests_total|failures_total){provider="login"/)
    const measured = async () => ({
      reviews: await webhook.metric(/^authn_webhook_token_review_duration_seconds_count{result="denied"/),
      reviewing: await webhook.metric(/^authn_webhook_token_review_duration_seconds_sum{result="denied"/),
      processor: await webhook.metric(/^process_cpu_seconds_total /)
    })
    await call(3_000)
    const before = { ...await measured(), log: running.stdout().length }
    await call(5_000)
    const after = await measured()
    t.equal(after.reviews - before.reviews, 5_000, 'each is reviewed')
    t.equal(await login(), 0, 'the provider that asks elsewhere is never asked')

    await cluster.call('one-after-them')
    await running.until(new RegExp(fingerprint('one-after-them')))
    const times = linesOf(running.stdout().slice(before.log)).map(({ ms }) => ms * 1_000).sort((a, b) => a - b)
    const each = (what: 'reviewing' | 'processor'): string => ((after[what] - before[what]) / 5_000 * 1e6).toFixed()
    t.comment(`a review took ${times[2_500]!.toFixed()} µs (median; mean ${each('reviewing')} µs); with TLS, HTTP, metrics and the audit line ${each('processor')} µs of a processor`)
    // the median, since a busy machine makes some wait for a turn, and the mean with them
    t.ok(times[2_500]! < 100, 'a review takes under 100 µs')

    const known = await cluster.call(serviceAccountToken('https://login.example.com'))
    t.match(known.body.message, /User "[\da-f-]{36}" cannot list/, 'a token of its own issuer gets in')
    t.equal(await login(), 2, 'since there it is asked: a look-up in the cache, and a question')
    t.notMatch(running.stdout() + errors, /canary|eyJ/, 'no token is in the log, nor a part of one')
  })
})
