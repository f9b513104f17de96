import { createHook } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import { rename, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import bcrypt from 'bcrypt'
import { test, type Test } from 'tap'
import staticProvider from '../../../plugins/providers/static/index.js'
import { hashPassword } from '../../../src/authn/password-hash.js'
import type { Answer, Authentication, RequestContext, IdentityProvider, LookupQuery, OpenContext } from '../../../src/authn/provider.js'
import { Throttle } from '../../../src/authn/throttle.js'
import { digestToken } from '../../../src/authn/token-digest.js'
import { conformanceCases } from '../../../src/conformance/index.js'
import { alice, bob, carol } from '../../fixtures/people.js'
import { until } from '../../fixtures/waiting.js'

const SOON = '2098-06-01T00:00:00Z'
const FUTURE = '2099-01-01T00:00:00Z'
const LATER = '2099-06-01T00:00:00Z'
const PAST = '2020-01-01T00:00:00Z'
const scrypt = async (password: string) => await hashPassword(password, { ln: 10 })
/** As `htpasswd -B` writes it. */
const htpasswd = async (password: string) => (await bcrypt.hash(password, 4)).replace('$2b$', '$2y$')

const HEAD = 'apiVersion: authn-webhook/v1\nusers:\n'
const ALICE = `\
  - username: alice
    uid: "1001"
    groups: [developers, platform]
    extra: { example.com/team: [platform, on-call] }
    passwordHash: ${await scrypt(alice.password)}
    tokens: [{ name: laptop, hash: "${digestToken(alice.token)}" }]
`
const BOB = `\
  - username: bob
    uid: "1002"
    groups: [developers]
    passwordHash: ${await scrypt(bob.password)}
    tokens: [{ name: laptop, hash: "${digestToken(bob.token)}" }]
`
/** Has left. */
const CAROL = `\
  - username: carol
    uid: "1003"
    disabled: true
    passwordHash: ${await scrypt(carol.password)}
    tokens: [{ name: laptop, hash: "${digestToken(carol.token)}" }]
`
/** An intern whose contract is over. */
const DAVE = `\
  - username: dave
    expiresAt: ${PAST}
    passwordHash: ${await scrypt('canary-dave-password')}
    tokens: [{ name: laptop, hash: "${digestToken('canary-dave-token')}", expiresAt: ${FUTURE} }]
`
/** Came from an htpasswd file. */
const ERIN = `\
  - username: erin
    passwordHash: ${await htpasswd('canary-erin-password')}
`
/** A name with an umlaut, and a contract until a day to come. */
const ZOE = `\
  - username: zo\u00eb
    expiresAt: ${FUTURE}
    passwordHash: ${await scrypt('canary-zoe-password')}
    tokens:
      - { name: laptop, hash: "${digestToken('canary-zoe-token')}", expiresAt: ${LATER} }
      - { name: course, hash: "${digestToken('canary-zoe-course')}", expiresAt: ${SOON} }
      - { name: phone, hash: "${digestToken('canary-zoe-phone')}" }
`
/** A program: tokens alone. */
const CI = `\
  - username: ci
    tokens:
      - { name: bound, hash: "${digestToken('canary-ci-bound')}", audiences: [https://kubernetes.default.svc], expiresAt: ${FUTURE} }
      - { name: old, hash: "${digestToken('canary-ci-old')}", expiresAt: ${PAST} }
      - { name: nowhere, hash: "${digestToken('canary-ci-nowhere')}", audiences: [] }
`
const EVERYBODY = [ALICE, BOB, CAROL, DAVE, ZOE, CI]

interface Opened {
  readonly file: string
  readonly provider: IdentityProvider
  /** `level: message {fields}` */
  readonly logged: string[]
  /** Calls of invalidate() and reportReload(), in their order. */
  readonly calls: string[]
}

/** Opens the provider on a users file with these entries, by a relative path. */
async function open (t: Test, entries: readonly string[], signal = new AbortController().signal): Promise<Opened> {
  const dir = t.testdir({ 'users.yaml': entries.length === 0 ? 'apiVersion: authn-webhook/v1\nusers: []\n' : HEAD + entries.join('') })
  const logged: string[] = []
  const calls: string[] = []
  const record = (level: string) => (fields: object, message: string) => { logged.push(`${level}: ${message} ${JSON.stringify(fields)}`) }
  const ctx: OpenContext = {
    log: { debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') },
    signal,
    resolvePath: (path) => join(dir, path),
    invalidate: () => { calls.push('changed') },
    reportReload: (error) => { calls.push(error === undefined ? 'reloaded' : 'failed') },
    countEvent: event => { calls.push(event) },
    allowMock: false
  }
  const provider = await staticProvider.open({ usersFile: 'users.yaml' }, ctx)
  t.teardown(async () => { await provider.close?.() })
  return { file: join(dir, 'users.yaml'), provider, logged, calls }
}

function context ({ logged = [] }: Partial<Opened> = {}, attempt: RequestContext['attempt'] = async (_account, check) => await check(), attemptUnknown: RequestContext['attemptUnknown'] = async (name, decoy) => { if (decoy !== undefined) await attempt(name, async () => { await decoy(); return 'incorrect' }) }): RequestContext {
  const record = (fields: object, message: string) => { logged.push(`${message} ${JSON.stringify(fields)}`) }
  return { audiences: [], signal: new AbortController().signal, log: { debug: record, info: record, warn: record, error: record }, attempt, attemptUnknown }
}

async function byToken ({ provider }: Opened, token: string): Promise<Answer> {
  return await provider.authenticateToken!(token, context())
}

async function byPassword (opened: Opened, username: string, password: string, ctx = context(opened)): Promise<Answer> {
  return await opened.provider.authenticatePassword!({ username, password }, ctx)
}

/** What is compared: the version is a digest of a hash that each run makes anew. */
function withoutVersion (answer: Answer): Answer {
  if (answer === null || 'denied' in answer) return answer
  const { passwordVersion: _version, ...rest } = answer
  return rest
}

/** As `authn-webhook users` writes: beside it, then over it. */
async function replace (file: string, entries: readonly string[]): Promise<void> {
  await writeFile(`${file}.new`, HEAD + entries.join(''))
  await rename(`${file}.new`, file)
}

test('the provider contract', async (t) => {
  const dir = t.testdir({ 'users.yaml': HEAD + [...EVERYBODY, ERIN].join('') })
  const cases = conformanceCases({
    definition: staticProvider,
    config: { usersFile: 'users.yaml' },
    dir,
    valid: [
      { credential: alice.token, user: alice.user },
      { credential: { username: 'alice', password: alice.password }, user: alice.user },
      { credential: { username: 'bob', password: bob.password }, user: bob.user },
      { credential: { username: 'erin', password: 'canary-erin-password' }, user: { username: 'erin' } },
      { credential: { username: 'zo\u00eb', password: 'canary-zoe-password' }, user: { username: 'zo\u00eb' }, spellings: ['zoe\u0308'], expiresAt: new Date(FUTURE) },
      { credential: 'canary-ci-bound', user: { username: 'ci' }, audiences: ['https://kubernetes.default.svc'], expiresAt: new Date(FUTURE) }
    ],
    refused: [
      { credential: carol.token, reason: 'disabled' },
      { credential: { username: 'carol', password: carol.password }, reason: 'disabled' },
      { credential: 'canary-dave-token', reason: 'expired' },
      { credential: { username: 'bob', password: 'canary-wrong-password' }, reason: 'wrong-credential' }
    ],
    foreign: ['canary-token-of-nobody', { username: 'mallory', password: 'canary-mallory-password' }],
    reload: async () => { await replace(join(dir, 'users.yaml'), [...EVERYBODY, ERIN, '  - username: frank\n']) }
  })
  for (const { name, run } of cases) await t.test(name, run)
})

test('a token', async (t) => {
  const opened = await open(t, EVERYBODY)
  const cases: Array<[string, string, Answer]> = [
    ['gives its user', alice.token, { user: alice.user, audiences: undefined, expiresAt: undefined }],
    ['gives its audiences and its end', 'canary-ci-bound', { user: { username: 'ci' }, audiences: ['https://kubernetes.default.svc'], expiresAt: new Date(FUTURE) }],
    ['of no audience is good for none', 'canary-ci-nowhere', { user: { username: 'ci' }, audiences: [], expiresAt: undefined }],
    ['ends with its user at the latest', 'canary-zoe-token', { user: { username: 'zo\u00eb' }, audiences: undefined, expiresAt: new Date(FUTURE) }],
    ['may end before its user', 'canary-zoe-course', { user: { username: 'zo\u00eb' }, audiences: undefined, expiresAt: new Date(SOON) }],
    ['without an end of its own ends with its user', 'canary-zoe-phone', { user: { username: 'zo\u00eb' }, audiences: undefined, expiresAt: new Date(FUTURE) }],
    ['is refused when it has expired', 'canary-ci-old', { denied: 'expired', username: 'ci' }],
    ['is refused when its user has expired', 'canary-dave-token', { denied: 'expired', username: 'dave' }],
    ['is refused when its user is disabled', carol.token, { denied: 'disabled', username: 'carol' }],
    ['of nobody is left to the next provider', 'canary-token-of-nobody', null],
    ['is not its digest', digestToken(alice.token), null],
    ['is not a username', 'alice', null]
  ]
  for (const [what, token, expected] of cases) {
    await t.test(what, async (t) => { t.strictSame(await byToken(opened, token), expected) })
  }
  t.strictSame(opened.provider.synchronous, ['token'], 'is looked up at once, without cache and queue; a password is not')
})

test('a password', async (t) => {
  const opened = await open(t, EVERYBODY)
  const cases: Array<[string, string, string, Answer]> = [
    ['gives its user', 'alice', alice.password, { user: alice.user, expiresAt: undefined }],
    ['gives its user\'s end', 'zo\u00eb', 'canary-zoe-password', { user: { username: 'zo\u00eb' }, expiresAt: new Date(FUTURE) }],
    ['is found under another spelling', 'zoe\u0308', 'canary-zoe-password', { user: { username: 'zo\u00eb' }, expiresAt: new Date(FUTURE) }],
    ['may hold a colon', 'bob', bob.password, { user: bob.user, expiresAt: undefined }],
    ['that is wrong is refused', 'alice', bob.password, { denied: 'wrong-credential', username: 'alice' }],
    ['is refused when its user is disabled', 'carol', carol.password, { denied: 'disabled', username: 'carol' }],
    ['that is wrong does not tell that its user is disabled', 'carol', bob.password, { denied: 'wrong-credential', username: 'carol' }],
    ['is refused when its user has expired', 'dave', 'canary-dave-password', { denied: 'expired', username: 'dave' }],
    ['that is wrong does not tell that its user has expired', 'dave', bob.password, { denied: 'wrong-credential', username: 'dave' }],
    ['of a user who has none is left to the next provider', 'ci', 'canary-ci-bound', null],
    ['of an unknown name is left to the next provider', 'mallory', bob.password, null],
    ['of a name in other letters is left to the next provider', 'Alice', alice.password, null]
  ]
  for (const [what, username, password, expected] of cases) {
    await t.test(what, async (t) => { t.strictSame(withoutVersion(await byPassword(opened, username, password)), expected) })
  }
})

test('the same work is done for every name', async (t) => {
  const work: string[] = []
  // what really went to the threadpool, from whichever request
  const hook = createHook({ init (_id, type) { if (/scrypt|bcrypt/i.test(type)) work.push(type) } }).enable()
  t.teardown(() => { hook.disable() })

  const kinds: Array<[string, readonly string[]]> = [['scrypt', [ALICE, CAROL, CI]], ['bcrypt', [ERIN, ERIN.replace('erin', 'carol').replace('passwordHash', 'disabled: true\n    passwordHash'), CI]]]
  for (const [kind, entries] of kinds) {
    await t.test(kind, async (t) => {
      const opened = await open(t, entries)
      const names = { known: kind === 'scrypt' ? 'alice' : 'erin', disabled: 'carol', 'without a password': 'ci', unknown: 'mallory' }
      for (const [what, username] of Object.entries(names)) {
        work.length = 0
        let attempts = 0
        await byPassword(opened, username, 'canary-wrong', context(opened, async (_identity, check) => {
          attempts++
          t.strictSame(work, [], 'nothing is hashed outside of the bound')
          return await check()
        }))
        t.equal(attempts, 1, what)
        t.equal(work.length, 1, what)
        t.match(work[0]!.toLowerCase(), kind, what)
      }
    })
  }

  await t.test('none, in a file where nobody has a password', async (t) => {
    const opened = await open(t, [CI])
    work.length = 0
    t.equal(await byPassword(opened, 'mallory', 'canary-wrong'), null)
    t.equal(await byPassword(opened, 'ci', 'canary-wrong'), null, 'an account without a password leaves the question to the next provider')
    t.strictSame(work, [])
  })
})

test('under a real throttle', async (t) => {
  const opened = await open(t, EVERYBODY)
  let throttled = 0
  const throttle = new Throttle({ maxFailures: 3, baseDelay: 60_000, maxDelay: 60_000, maxConcurrent: 1, maxQueue: 2, onThrottled: () => { throttled++ } })
  const ctx = context(opened, async (identity, check) => await throttle.attempt(identity, check, new AbortController().signal))

  for (let turn = 0; turn < 10; turn++) t.equal(await byPassword(opened, `nobody-${turn}`, 'canary-wrong', ctx), null, 'unknown names throttle nobody')
  const crowd = await Promise.allSettled([1, 2, 3, 4].map(async (turn) => await byPassword(opened, `nobody-${turn}`, 'canary-wrong', ctx)))
  t.strictSame(crowd.map(({ status }) => status), ['fulfilled', 'fulfilled', 'fulfilled', 'rejected'], 'but are bounded like all others')

  for (let turn = 0; turn < 4; turn++) t.match(await byPassword(opened, turn % 2 === 0 ? 'zo\u00eb' : 'zoe\u0308', 'canary-wrong', ctx), { denied: 'wrong-credential' })
  await t.rejects(byPassword(opened, 'zo\u00eb', 'canary-zoe-password', ctx), { code: 'AUTHN_UNAVAILABLE', message: 'throttled' })
  t.equal(throttled, 1)
  t.match(await byPassword(opened, 'alice', alice.password, ctx), { user: { username: 'alice' } })
})

test('a password that bcrypt would cut is refused, and the log says why', async (t) => {
  const long = `canary-${'x'.repeat(65)}`
  const opened = await open(t, [`  - username: erin\n    passwordHash: ${await htpasswd(long)}\n`])
  t.match(await byPassword(opened, 'erin', long), { user: { username: 'erin' } })
  t.strictSame(await byPassword(opened, 'erin', `${long}y`), { denied: 'wrong-credential', username: 'erin' })
  t.match(opened.logged.at(-1), /longer than the 72 bytes.*"username":"erin"/)
  t.notMatch(opened.logged.join('\n'), /canary/)
})

test('a user by name or uid', async (t) => {
  const twins = ['one', 'two'].map(name => `  - { username: ${name}, uid: "2" }\n`)
  const { provider } = await open(t, [...EVERYBODY, ...twins, '  - { username: "1001", uid: e\u0301 }\n'])
  const found: Array<[query: LookupQuery, answer: Answer]> = [
    [{ username: 'alice' }, { user: alice.user, expiresAt: undefined }],
    [{ uid: '1001' }, { user: alice.user, expiresAt: undefined }],
    [{ username: 'zoe\u0308' }, { user: { username: 'zo\u00eb' }, expiresAt: new Date(FUTURE) }],
    [{ uid: 'e\u0301' }, { user: { username: '1001', uid: '\u00e9' }, expiresAt: undefined }],
    [{ uid: '\u00e9' }, { user: { username: '1001', uid: '\u00e9' }, expiresAt: undefined }],
    [{ username: 'carol' }, { denied: 'disabled', username: 'carol' }],
    [{ uid: '1003' }, { denied: 'disabled', username: 'carol' }],
    [{ username: 'dave' }, { denied: 'expired', username: 'dave' }],
    [{ username: 'one' }, { user: { username: 'one', uid: '2' }, expiresAt: undefined }],
    [{ uid: '2' }, { denied: 'wrong-credential' }],
    [{ username: 'mallory' }, null],
    [{ uid: 'alice' }, null],
    [{ uid: '' }, null]
  ]
  for (const [query, answer] of found) t.strictSame(withoutVersion(await provider.lookup!(query, context())), answer, JSON.stringify(query))
})

test('the password version is a digest of the password hash, in the answers to passwords and lookups', async (t) => {
  const hash = /passwordHash: (.*)/.exec(ALICE)![1]!
  const versionsIn = async (entries: readonly string[]): Promise<Array<string | undefined>> => {
    const opened = await open(t, entries)
    const answers = await Promise.all([byToken(opened, alice.token), byPassword(opened, 'alice', alice.password), ...[{ username: 'alice' }, { uid: '1001' }].map(async query => await opened.provider.lookup!(query, context()))])
    return answers.map(answer => (answer as Authentication).passwordVersion)
  }
  const version = createHash('sha256').update(hash).digest('base64url')
  t.strictSame(await versionsIn(EVERYBODY), [undefined, version, version, version])
  t.strictSame(await versionsIn([ALICE.replace('developers, platform', 'operators')]), [undefined, version, version, version], 'which other changes leave as it is')
  const [, again] = await versionsIn([ALICE.replace(hash, await scrypt(alice.password))])
  t.not(again, version, 'also the same password, set again')
  const { provider } = await open(t, EVERYBODY)
  t.strictSame(await provider.lookup!({ username: 'ci' }, context()), { user: { username: 'ci' }, expiresAt: undefined }, 'nobody without a password has one')
})

test('without users, nobody is found', async (t) => {
  const { provider } = await open(t, [])
  for (const query of [{ username: 'alice' }, { uid: '1001' }]) t.equal(await provider.lookup!(query, context()), null)
})

test('opening', async (t) => {
  await t.test('says how many users there are', async (t) => {
    const { logged, calls } = await open(t, EVERYBODY)
    t.match(logged, [/^info: loaded users file .*"users":6/])
    t.strictSame(calls, [], 'and calls it no reload')
  })
  await t.test('warns of a file that lists nobody', async (t) => {
    const { logged } = await open(t, [])
    t.match(logged.at(-1), /^warn: the users file is empty/)
  })
  await t.test('warns of hashes whose costs differ', async (t) => {
    const { logged } = await open(t, [ALICE, ERIN])
    t.match(logged.at(-1), /^warn: .*different costs.*ln=10.*\$2b\$04/)
  })
  await t.test('fails with every error of a bad file', async (t) => {
    await t.rejects(open(t, ['  - username: alice\n    uid: 1001\n  - username: alice\n']), {
      message: /users\.yaml:4: users\[0\]\.uid: .*quote it/, code: 'AUTHN_VALIDATION'
    })
  })
  await t.test('fails where there is no file', async (t) => {
    const dir = t.testdir({})
    const log = { debug () {}, info () {}, warn () {}, error () {} }
    const opening = async () => await staticProvider.open({ usersFile: 'users.yaml' }, { log, signal: new AbortController().signal, resolvePath: (path) => join(dir, path), invalidate () {}, reportReload () {}, countEvent () {}, allowMock: false })
    await t.rejects(opening(), { message: `${join(dir, 'users.yaml')}: does not exist` })
  })
  await t.test('gives up when nobody waits any more', async (t) => {
    const gone = new Error('gone')
    await t.rejects(open(t, EVERYBODY, AbortSignal.abort(gone)), gone)
  })
})

test('reloading', async (t) => {
  await t.test('swaps the users as a whole', async (t) => {
    const opened = await open(t, [ALICE, CAROL])
    await replace(opened.file, [BOB, CAROL.replace('true', 'false')])
    await until('the watcher', () => opened.calls.includes('reloaded'))
    t.strictSame(opened.calls, ['changed', 'reloaded'])
    t.equal(await byToken(opened, alice.token), null)
    t.match(await byToken(opened, bob.token), { user: bob.user })
    t.match(await byPassword(opened, 'carol', carol.password), { user: carol.user })
  })

  await t.test('keeps the last good users of a file that becomes bad, goes away, and comes back', async (t) => {
    const opened = await open(t, [ALICE])
    await replace(opened.file, ['  - username: bob\n    uid: 1002\n'])
    await until('the watcher', () => opened.calls.length === 1)
    t.strictSame(opened.calls, ['failed'])
    t.match(opened.logged.at(-1), /^error: users file not reloaded; keeping the previous version.*users\.yaml:4: users\[0\]\.uid: .*quote it/)
    t.match(await byToken(opened, alice.token), { user: alice.user })

    await rm(opened.file)
    await until('the watcher', () => opened.calls.length === 2)
    t.strictSame(opened.calls, ['failed', 'failed'])
    t.match(await byToken(opened, alice.token), { user: alice.user })

    await replace(opened.file, [ALICE])
    await until('the watcher', () => opened.calls.length === 3)
    t.strictSame(opened.calls, ['failed', 'failed', 'reloaded'], 'as it was: nothing has changed')
    t.match(opened.logged.at(-1), /^info: users file is valid again, with the content of the active version/)
  })

  await t.test('names the first errors of very many', async (t) => {
    const opened = await open(t, [ALICE])
    await replace(opened.file, Array.from({ length: 500 }, () => '  - username: alice\n'))
    await until('the watcher', () => opened.calls.length === 1)
    t.match(opened.logged.at(-1), /"count":499/)
    t.ok(opened.logged.at(-1)!.length < 5000)
  })

  await t.test('of the same text changes nothing', async (t) => {
    const opened = await open(t, [ALICE])
    await utimes(opened.file, new Date(), new Date(Date.now() + 5000))
    await until('the watcher', () => opened.calls.length > 0)
    t.strictSame(opened.calls, ['reloaded'])
    t.equal(opened.logged.length, 1)
  })

  await t.test('ends with the provider', async (t) => {
    const opened = await open(t, [ALICE])
    const other = await open(t, [ALICE])
    await opened.provider.close?.()
    await replace(opened.file, [BOB])
    await until('the watcher', () => other.calls.length > 0)
    t.strictSame(opened.calls, [])
  })
})
