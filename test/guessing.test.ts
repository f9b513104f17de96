/**
 * What somebody who tries names and passwords learns of the real service, and
 * what they can keep others from. Counts decide; times are told, not tested.
 */
import { test, type Test } from 'tap'
import { hashPassword } from '../src/authn/password-hash.js'
import { basicToken, bob } from './fixtures/people.js'
import { startService, tokenReview, type TestService } from './fixtures/service.js'
import { GROUPS, READER, startSlapd, SUFFIX } from './fixtures/slapd.js'
import { until } from './fixtures/waiting.js'

const TRIES = 12
/** Nothing that is throttled opens again while a test runs, and nothing runs out of time on a busy machine. */
const PATIENT = { throttle: { baseDelay: '1h', maxDelay: '1h' }, server: { timeout: '60s' }, pressure: { maxEventLoopDelay: '60s' } }
const NO_CACHE = { successTTL: '0s', failureTTL: '0s' }
const SLOW = { timeout: '60s' }

interface User {
  readonly username: string
  readonly password?: string
  readonly disabled?: boolean
}

async function usersFile (users: readonly User[], ln = 10): Promise<string> {
  const hash = await hashPassword('canary-right', { ln })
  return JSON.stringify({
    apiVersion: 'authn-webhook/v1',
    users: users.map(({ username, disabled = false }) => ({ username, disabled, ...username !== 'ci' && { passwordHash: hash } }))
  })
}

function crowd (prefix: string, size: number): User[] {
  return Array.from({ length: size }, (_, index) => ({ username: `${prefix}${index}` }))
}

async function startStatic (t: Test, users: readonly User[], { entry = {}, config = {}, ln }: { entry?: object, config?: Record<string, any>, ln?: number } = {}): Promise<TestService> {
  return await startService(t, {
    files: { 'users.yaml': await usersFile(users, ln) },
    config: { ...PATIENT, ...config, identityProviders: [{ name: 'people', kind: 'static', ...SLOW, ...entry, config: { usersFile: 'users.yaml' } }] }
  })
}

/** The statuses of one wrong password after the other. */
async function guess ({ review }: TestService, username: string, passwordOf = (turn: number): string => `canary-guess-${turn}`): Promise<object[]> {
  const statuses: object[] = []
  for (let turn = 0; turn < TRIES; turn++) statuses.push(await review(basicToken(username, passwordOf(turn))))
  return statuses
}

const DENIED = { authenticated: false }
const UNAVAILABLE = { authenticated: false, error: 'identity provider "people" is unavailable' }
/** Five are free, the sixth closes. */
const THROTTLED = Array.from({ length: TRIES }, (_, turn) => turn < 6 ? DENIED : UNAVAILABLE)

async function counted ({ get }: TestService, metric: string): Promise<number> {
  const { text } = await get('/metrics')
  return Number(new RegExp(`^authn_webhook_${metric} (\\d+)$`, 'm').exec(text)?.[1])
}

test('answers tell nobody which names exist', async t => {
  t.test('static', async t => {
    const service = await startStatic(t, [{ username: 'alice' }, { username: 'carol', disabled: true }, { username: 'ci' }], { entry: { cache: NO_CACHE } })
    const names = { known: 'alice', disabled: 'carol', 'without a password': 'ci', unknown: 'mallory', 'another unknown one': 'trudy' }
    for (const [what, username] of Object.entries(names)) t.strictSame(await guess(service, username), THROTTLED, what)
    t.equal(await counted(service, 'throttled_total{provider="people"}'), Object.keys(names).length * (TRIES - 6), 'each throttled attempt is counted')
    const audited = service.lines.filter(line => line.audit !== undefined).map(({ outcome, reason, username, typedName }) => ({ outcome, reason, username, digest: typeof typedName }))
    for (const at of [6, 3 * TRIES + 6]) t.strictSame(audited[at], { outcome: 'unavailable', reason: 'throttled', username: undefined, digest: 'string' })

    for (const [what, username] of Object.entries({ known: 'alice', unknown: 'mallory' })) {
      const other = await startStatic(t, [{ username: 'alice' }], { entry: { cache: NO_CACHE } })
      t.strictSame(await guess(other, username, () => 'canary-the-same'), Array.from({ length: TRIES }, () => DENIED), `${what}: the same password again is no further guess`)
    }
  })

  t.test('ldap', async t => {
    const slapd = await startSlapd(t)
    if (slapd === undefined) return
    const config = {
      preset: 'openldap',
      urls: [slapd.tlsUrl],
      tls: { caFile: `${slapd.dir}/ca.crt` },
      bindDN: READER.dn,
      bindPassword: { file: 'reader.password' },
      userSearch: { baseDN: `ou=people,${SUFFIX}` },
      groupSearch: { baseDN: GROUPS }
    }
    const open = async (): Promise<TestService> => await startService(t, {
      files: { 'reader.password': READER.password },
      config: { ...PATIENT, identityProviders: [{ name: 'people', kind: 'ldap', ...SLOW, cache: NO_CACHE, config }] }
    })
    const service = await open()
    const spelt = ['Mallory', 'mallory', 'MALLORY']
    t.strictSame(await guess(service, 'alice'), THROTTLED, 'known')
    t.strictSame(await guess(service, 'trudy'), THROTTLED, 'unknown')
    t.strictSame(await guess(service, 'carol'), THROTTLED, 'locked')
    t.strictSame(await guess(service, 'twin'), THROTTLED, 'ambiguous')
    for (const [what, names] of Object.entries({ known: ['Bob', 'bob', 'BOB'], unknown: spelt })) {
      const statuses: object[] = []
      for (let turn = 0; turn < TRIES; turn++) statuses.push(await service.review(basicToken(names[turn % names.length]!, `canary-guess-${turn}`)))
      t.strictSame(statuses, THROTTLED, `${what}: all spellings share one budget`)
    }
    const other = await open()
    for (const username of ['bob', 'mallory']) {
      t.strictSame(await guess(other, username, () => 'canary-the-same'), Array.from({ length: TRIES }, () => DENIED), `${username}: the same password again is no further guess`)
    }
    t.match(await other.review(basicToken('bob', bob.password)), { authenticated: true })
  })
})

test('a user of a later provider pays nothing for being unknown to an earlier one', async t => {
  const entry = { kind: 'static', usernamePrefix: '', groupPrefix: '', cache: NO_CACHE, ...SLOW }
  const service = await startService(t, {
    files: { 'first.yaml': await usersFile([{ username: 'alice' }]), 'second.yaml': await usersFile([{ username: 'bob' }]) },
    config: {
      ...PATIENT,
      identityProviders: [{ ...entry, name: 'first', config: { usersFile: 'first.yaml' } }, { ...entry, name: 'second', config: { usersFile: 'second.yaml' } }]
    }
  })
  for (let turn = 0; turn < TRIES; turn++) t.match(await service.review(basicToken('bob', 'canary-right')), { authenticated: true, user: { username: 'bob' } })
  t.equal(await counted(service, 'throttled_total{provider="first"}'), 0, 'no alarm')
  for (let turn = 0; turn < TRIES; turn++) t.strictSame(await service.review(basicToken('bob', 'canary-old')), DENIED, 'a program with an old password is denied, which the API server caches')
})

/** Sends `next()` over and over at a fixed concurrency while `work` goes on. */
async function during<T> (concurrency: number, next: () => Promise<unknown>, work: () => Promise<T>): Promise<T> {
  const over = new AbortController()
  const loops = Array.from({ length: concurrency }, async () => { while (!over.signal.aborted) await next() })
  try {
    return await work()
  } finally {
    over.abort()
    await Promise.all(loops)
  }
}

const RIGHT = 20

test('a flood of unknown names keeps nobody out', async t => {
  const service = await startStatic(t, [{ username: 'ci' }, ...crowd('user', RIGHT)], { config: { throttle: { ...PATIENT.throttle, maxConcurrent: 1 } }, ln: 12 })
  let sent = 0
  let errors = 0
  const flood = async (): Promise<void> => {
    const { error } = await service.review(basicToken(`stranger-${sent++}`, 'canary-guess'))
    if (error !== undefined) errors++
  }
  const answers = await during(100, flood, async () => {
    await until('the flood is on', () => sent > 200)
    const answers: unknown[] = []
    for (let index = 0; index < RIGHT; index++) answers.push((await service.review(basicToken(`user${index}`, 'canary-right'))).authenticated)
    return answers
  })
  t.strictSame(answers, Array.from({ length: RIGHT }, () => true))
  t.equal(errors, 0, 'nor are the unknown names told from known ones')
  t.comment(`${RIGHT} right passwords among ${sent} unknown names`)
})

test('a caller who floods with known names keeps no other caller out', async t => {
  const service = await startStatic(t, [...crowd('victim', 200), ...crowd('user', RIGHT)], { config: { throttle: { ...PATIENT.throttle, maxFailures: 100_000, maxConcurrent: 1 } }, ln: 12 })
  let sent = 0
  let errors = 0
  const flood = async (): Promise<void> => {
    const turn = sent++
    const { error } = await service.review(basicToken(`victim${turn % 200}`, `canary-guess-${turn}`))
    if (error !== undefined) errors++
  }
  const answers = await during(100, flood, async () => {
    await until('the flood has filled the queue', () => errors > 0)
    const answers: unknown[] = []
    for (let index = 0; index < RIGHT; index++) {
      const { body } = await service.post(tokenReview(basicToken(`user${index}`, 'canary-right')), { localAddress: '127.0.0.2' })
      answers.push(body.status.authenticated)
    }
    return answers
  })
  t.strictSame(answers, Array.from({ length: RIGHT }, () => true))
  t.comment(`${RIGHT} right passwords among ${sent} guesses of another caller, of which ${errors} found no place`)
})

test('times of known and unknown names', async t => {
  const names = 10
  const service = await startStatic(t, crowd('user', names), { ln: 12 })
  const times = { known: [] as number[][], unknown: [] as number[][] }
  const errors = { known: 0, unknown: 0 }
  for (let turn = 0; turn < TRIES; turn++) {
    for (const what of ['known', 'unknown'] as const) times[what].push([])
    for (let index = 0; index < names; index++) {
      for (const [what, name] of [['known', 'user'], ['unknown', 'stranger']] as const) {
        const started = performance.now()
        const { error } = await service.review(basicToken(`${name}${index}`, `canary-guess-${turn}`))
        if (error !== undefined) errors[what]++
        times[what][turn]!.push(performance.now() - started)
      }
    }
  }
  const medians = (rows: number[][]): string => rows.map(row => row.toSorted((a, b) => a - b)[row.length >> 1]!.toFixed(1)).join(' ')
  t.comment(`static, median ms of tries 1 to ${TRIES}, ${names} names each`)
  t.comment(`known   ${medians(times.known)}`)
  t.comment(`unknown ${medians(times.unknown)}`)
  t.strictSame(errors, { known: names * (TRIES - 6), unknown: names * (TRIES - 6) })
})
