/**
 * The conformance suite itself: every built-in provider passes it, so does a
 * stranger's, and each of its cases fails for a provider that breaks its rule.
 */
import { EventEmitter } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { test, type Test } from 'tap'
import { conformanceCases, ODD_TOKENS, type ConformanceSubject, type ValidCredential } from 'authn-webhook/conformance'
import * as published from 'authn-webhook/provider'
import type { Answer, RequestContext, IdentityProvider, IdentityProviderDefinition, OpenContext, Secret } from 'authn-webhook/provider'
import { hashPassword } from '../../src/authn/password-hash.js'
import * as source from '../../src/authn/provider.js'
import { loadConfig } from '../../src/config/load.js'
import { digestToken } from '../../src/authn/token-digest.js'
import { findDefinition } from '../../src/config/registry.js'
import { alice, basicToken, bob, carol } from '../fixtures/people.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

test('the published names lead to the sources while they are tested', async t => {
  t.equal(published.defineIdentityProvider, source.defineIdentityProvider)
})

test('a subject without a credential proves nothing and is refused', async t => {
  t.throws(() => conformanceCases({ definition: reference, config: {}, valid: [] }), { message: /at least one valid credential/ })
})

// --- Providers that pass ---

test('mock passes', async t => {
  const user = { username: 'mock', groups: ['group-mock'], extra: { 'example.com/team': ['platform'] } }
  await passes(t, {
    definition: await findDefinition({ kind: 'mock' }, { dir: '.' }),
    config: { allowMock: false, user },
    allowMock: true,
    anyToken: true,
    valid: [{ credential: alice.token, user }, { credential: basicToken('alice', alice.password), user }]
  })
})

test('static passes', async t => {
  const dir = await mkdtemp(join(tmpdir(), 'authn-webhook-'))
  t.teardown(async () => { await rm(dir, { recursive: true, force: true }) })
  const hashed = { alice: await hashPassword(alice.password, { ln: 10 }), zoe: await hashPassword('canary-zoe-umlaut', { ln: 10 }) }
  let version = 0
  let ofAlice = hashed.alice
  const writeUsers = async (): Promise<void> => {
    await writeFile(join(dir, 'users.yaml'), JSON.stringify({
      apiVersion: 'authn-webhook/v1',
      users: [
        { ...alice.user, passwordHash: ofAlice, tokens: [{ name: 'laptop', hash: digestToken(alice.token), expiresAt: '2100-01-01T00:00:00Z', audiences: ['vault'] }] },
        { ...bob.user, tokens: [{ name: 'old', hash: digestToken(bob.token), expiresAt: '2001-01-01T00:00:00Z' }] },
        { ...carol.user, disabled: true, passwordHash: hashed.alice, tokens: [{ name: 'phone', hash: digestToken(carol.token) }] },
        { username: 'zo\u00eb', uid: String(++version), passwordHash: hashed.zoe }
      ]
    }))
  }
  await writeUsers()
  await passes(t, {
    definition: await findDefinition({ kind: 'static' }, { dir }),
    config: { usersFile: 'users.yaml' },
    dir,
    valid: [
      { credential: alice.token, user: alice.user, audiences: ['vault'], expiresAt: new Date('2100-01-01T00:00:00Z') },
      { credential: { username: 'alice', password: alice.password }, user: alice.user }
    ],
    refused: [
      { credential: bob.token, reason: 'expired' },
      { credential: carol.token, reason: 'disabled' },
      { credential: { username: 'alice', password: 'canary-wrong' }, reason: 'wrong-credential' },
      { credential: { username: 'carol', password: alice.password }, reason: 'disabled' }
    ],
    deniedAccounts: [{ query: { username: 'carol' }, reason: 'disabled' }, { query: { uid: carol.user.uid! }, reason: 'disabled' }],
    foreign: ['canary-token-of-somebody-else', { username: 'bob', password: 'canary-he-has-none' }, { username: 'nobody', password: 'canary-of-nobody' }],
    reload: writeUsers,
    async changePassword (_credential, password) {
      ofAlice = await hashPassword(password, { ln: 10 })
      await writeUsers()
    }
  })
  await passes(t, {
    definition: await findDefinition({ kind: 'static' }, { dir }),
    config: { usersFile: 'users.yaml' },
    dir,
    // composed in the file; typed composed and decomposed
    valid: [{ credential: { username: 'zo\u00eb', password: 'canary-zoe-umlaut' }, user: { username: 'zo\u00eb', uid: String(version) }, spellings: ['zoe\u0308'] }]
  }, 'a name that Unicode can write in two ways')
})

test('a stranger\'s package passes, written from docs/providers.md alone', async t => {
  const dir = await mkdtemp(join(tmpdir(), 'authn-webhook-'))
  t.teardown(async () => { await rm(dir, { recursive: true, force: true }) })
  const guide = await readFile(join(ROOT, 'docs/providers.md'), 'utf8')
  const files = new Map([...guide.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)].map(([, name, text]) => [name!, text!]))
  // those in TypeScript are compiled in package.test.ts
  for (const [name, text] of files) if (!name.endsWith('.ts')) await writeFile(join(dir, name), text)
  await symlink(ROOT, await nodeModules(dir, 'authn-webhook'))

  for (const name of await readdir(join(ROOT, 'examples/provider'))) {
    t.equal(files.get(name), await readFile(join(ROOT, 'examples/provider', name), 'utf8'), `${name} is the one of examples/provider`)
  }
  const { name, scripts } = JSON.parse(files.get('package.json')!)
  t.equal(scripts.test, 'node --test')
  // not under tap's loader: a stranger hasn't got it
  const { stdout } = await promisify(execFile)(process.execPath, ['--test', '--test-reporter=tap'], { cwd: dir, env: { PATH: process.env.PATH } })
  t.match(stdout, /^# fail 0$/m)
  const ran = [...stdout.matchAll(/^ok \d+ - (.*)$/gm)].map(([, name]) => name)
  const shown = [...guide.matchAll(/^✔ (.*) \([\d.]+ms\)$/gm)].map(([, name]) => name)
  t.strictSame(ran, shown, 'with the output that the guide shows')
  t.match(guide, new RegExp(`^ℹ pass ${ran.length}$`, 'm'))

  const definition = await findDefinition({ kind: 'module', from: './introspection.mjs' }, { dir })
  t.equal(definition.kind, 'introspection')
  const { providers } = await loadConfig({ file: join(dir, 'authn-webhook.yaml'), env: { SSO_CLIENT_SECRET: 'canary-client-secret' }, findDefinition })
  t.equal(providers[0]?.definition, definition, 'the config of the guide leads to it')
  await symlink(dir, await nodeModules(dir, name))
  t.equal(await findDefinition({ kind: 'module', from: name }, { dir }), definition, 'as a file and as a package')
})

// --- A provider to break ---

interface ReferenceConfig {
  readonly source: 'up' | 'down' | 'silent'
  readonly key: Secret
}

const people = [alice, bob]
const edits = new EventEmitter()
/** Passwords that were changed, by username. */
const changed = new Map<string, string>()

/** Follows every rule in as few lines as it can. */
const reference: IdentityProviderDefinition<ReferenceConfig> = {
  contract: 1,
  kind: 'reference',
  schema: { type: 'object' },
  open ({ source }, ctx) {
    edits.on('edit', ctx.invalidate)
    const reach = async (signal: AbortSignal): Promise<void> => {
      if (source === 'down') throw new Error('connection refused')
      if (source === 'up') return
      await new Promise((_resolve, reject) => { signal.addEventListener('abort', () => { reject(new Error('aborted')) }) })
    }
    return {
      recognizes: () => true,
      async authenticateToken (token, { signal }) {
        await reach(signal)
        if (token === carol.token) return { denied: 'disabled', username: 'carol' }
        return authenticated(people.find(person => person.token === token))
      },
      async authenticatePassword ({ username, password }, { signal, attempt, attemptUnknown }) {
        await reach(signal)
        const person = byName(username)
        if (person === undefined) {
          await attemptUnknown(username.toLowerCase())
          return null
        }
        const outcome = await attempt(person.user.username, async () => password === passwordOf(person) ? 'correct' : 'incorrect')
        return outcome === 'correct' ? authenticated(person) : { denied: 'wrong-credential', username: person.user.username }
      },
      async lookup (query, { signal }) {
        await reach(signal)
        if ('username' in query && query.username === 'carol') return { denied: 'disabled', username: 'carol' }
        return authenticated('uid' in query ? people.find(({ user }) => user.uid === query.uid) : byName(query.username))
      },
      ping: async () => { if (source === 'down') throw new Error('connection refused') },
      close: () => { edits.off('edit', ctx.invalidate) }
    }
  }
}

function byName (username: string): typeof alice | undefined {
  return people.find(person => person.user.username === username.toLowerCase())
}

function authenticated (person: typeof alice | undefined): published.Authentication | null {
  return person === undefined ? null : { user: structuredClone(person.user), passwordVersion: digestToken(passwordOf(person)) }
}

function passwordOf ({ user, password }: typeof alice): string {
  return changed.get(user.username) ?? password
}

const key = { reveal: () => 'canary-key-of-the-config' }
const valid: ValidCredential[] = [
  { credential: alice.token, user: alice.user },
  { credential: bob.token, user: bob.user },
  { credential: { username: 'alice', password: alice.password }, user: alice.user, spellings: ['Alice', 'ALICE'] },
  { credential: { username: 'bob', password: bob.password }, user: bob.user }
]
const subject: ConformanceSubject = {
  definition: reference,
  config: { source: 'up', key },
  unreachable: { source: 'down', key },
  silent: { source: 'silent', key },
  reload: () => { edits.emit('edit') },
  changePassword: ({ username }, password) => { changed.set(username, password) },
  valid,
  refused: [{ credential: carol.token, reason: 'disabled' }],
  deniedAccounts: [{ query: { username: 'carol' }, reason: 'disabled' }],
  foreign: ['canary-token-of-somebody-else']
}

test('the reference passes', async t => {
  await passes(t, subject)
})

/** The reference with some of its parts replaced. */
function broken (breakage: (good: Required<IdentityProvider>, config: ReferenceConfig, ctx: OpenContext) => object): ConformanceSubject {
  return {
    ...subject,
    patience: 200,
    definition: {
      ...reference,
      async open (config, ctx) {
        const good = await reference.open(config, ctx) as Required<IdentityProvider>
        return { ...good, ...breakage(good, config, ctx) }
      }
    }
  }
}

/** The reference with one that changes what its questions about tokens give. */
function answering (change: (answer: any, token: string) => unknown): ConformanceSubject {
  return broken(good => ({
    authenticateToken: async (token: string, ctx: RequestContext) => change(await good.authenticateToken(token, ctx), token)
  }))
}

/** Only authentications are changed. */
function giving (change: (answer: any, token: string) => unknown): ConformanceSubject {
  return answering((answer, token) => answer !== null && 'user' in answer ? change(answer, token) : answer)
}

const shared = new Map<string, Answer>()
/** The reference with one that changes what its lookups give. */
function lookingUp (change: (answer: any, query: published.LookupQuery) => unknown): ConformanceSubject {
  return broken(good => ({
    lookup: async (query: published.LookupQuery, ctx: RequestContext) => change(await good.lookup(query, ctx), query)
  }))
}

let current = ''
let closed = false
let connected = 0
let interval: NodeJS.Timeout | undefined

/** The case that must fail, how the provider is broken, the words that must say so. */
const BREAKAGES: ReadonlyArray<readonly [name: string, broken: ConformanceSubject, complaint: RegExp]> = [
  ['the definition follows the contract', { ...subject, definition: { ...reference, contract: 2 } }, /contract 2; this release supports: 1/],
  ['the definition follows the contract', { ...subject, definition: { ...reference, kind: 'My Kind' } }, /"kind" is a word of lower-case letters/],
  ['the definition follows the contract', { ...subject, definition: { ...reference, schema: { default: 1n } } }, /"schema" is plain JSON/],
  ['the definition follows the contract', { ...subject, definition: { ...reference, schema: { properties: { url: 'string' } } } }, /"schema" is a JSON Schema: data\/properties\/url must be object,boolean/],

  ['open returns a provider that follows the contract', broken(() => ({ lookup: 'alice' })), /"lookup" is a function/],
  ['open returns a provider that follows the contract', broken(() => ({ authenticateToken: undefined, authenticatePassword: undefined })), /one of "authenticateToken" and "authenticatePassword"/],
  ['open returns a provider that follows the contract', broken(() => ({ synchronous: ['tokens'] })), /not "tokens"/],
  ['open returns a provider that follows the contract', broken(() => ({ synchronous: ['password'], authenticatePassword: undefined })), /not "password"/],
  ['open returns a provider that follows the contract', broken(() => ({ ping: () => { throw new Error('out of order') } })), /out of order/],

  ['valid credentials are authenticated as their users', giving(() => ({ user: bob.user })), /valid\[0\]: its own user/],
  ['valid credentials are authenticated as their users', giving(() => undefined), /valid\[0\]: the answer is an object or null/],
  ['valid credentials are authenticated as their users', giving(() => ({})), /valid\[0\]: "user" is a UserInfo/],
  ['valid credentials are authenticated as their users', giving(() => ({ user: { username: '' } })), /"username" is a non-empty string/],
  ['valid credentials are authenticated as their users', giving(() => ({ user: { ...alice.user, uid: 1001 } })), /"uid" is a string/],
  ['valid credentials are authenticated as their users', giving(() => ({ user: { ...alice.user, groups: 'developers' } })), /"groups" is an array of strings/],
  ['valid credentials are authenticated as their users', giving(() => ({ user: { ...alice.user, extra: { team: 'platform' } } })), /"extra" under team is an array of strings/],
  ['valid credentials are authenticated as their users', giving(() => ({ user: { ...alice.user, email: 'alice@example.com' } })), /"email" is none of username/],
  ['valid credentials are authenticated as their users', giving(answer => ({ ...answer, expires: new Date() })), /"expires" is none of user, audiences, expiresAt/],
  ['valid credentials are authenticated as their users', giving(answer => ({ ...answer, expiresAt: 4102444800 })), /"expiresAt" is a Date/],
  ['valid credentials are authenticated as their users', giving(answer => ({ ...answer, expiresAt: new Date(0) })), /that is still to come/],
  ['valid credentials are authenticated as their users', giving(answer => ({ ...answer, audiences: 'vault' })), /"audiences" is an array of strings/],
  ['valid credentials are authenticated as their users', giving(answer => ({ ...answer, cacheable: 'no' })), /"cacheable" is true or false/],
  ['valid credentials are authenticated as their users', giving(answer => ({ ...answer, passwordVersion: 7 })), /"passwordVersion" is a string/],
  ['valid credentials are authenticated as their users', giving(() => ({ denied: 'expired' })), /is an Authentication, not {"denied":"expired"}/],
  ['valid credentials are authenticated as their users', { ...subject, valid: [{ ...valid[0]!, audiences: ['vault'] }] }, /its audiences/],
  ['valid credentials are authenticated as their users', { ...subject, valid: [{ ...valid[0]!, expiresAt: new Date('2100-01-01') }] }, /its expiry/],

  ['refused credentials are denied with their reasons', answering(answer => 'denied' in (answer ?? {}) ? null : answer), /refused\[0\]: the answer is { denied: 'disabled' }/],
  ['refused credentials are denied with their reasons', answering(() => ({ denied: 'forbidden' })), /"denied" is one of wrong-credential, expired/],
  ['refused credentials are denied with their reasons', answering(() => ({ denied: 'disabled', username: 7 })), /"username" is a string/],

  ['foreign credentials are left to the next provider', answering(answer => answer ?? { denied: 'wrong-credential' }), /foreign\[0\]: the answer must be null/],

  ['malformed tokens cause no error', answering((_answer, token) => JSON.parse(token)), /the token "a": rejects with SyntaxError/],
  ['malformed tokens cause no error', answering((answer, token) => token in {} ? { user: { username: 'prototype' } } : answer), /the token "__proto__": must not be authenticated/],
  ['malformed tokens cause no error', answering(async (answer, token) => token.length > 9999 ? await new Promise(() => {}) : answer), /the token "a{40}": .*nothing came within 200 ms/],
  ['malformed tokens cause no error', { ...answering((_answer, token) => token.startsWith('eyJ') ? 'a JWT' : null), anyToken: true }, /the answer is an object or null/],

  ['almost valid credentials are not authenticated', answering((answer, token) => answer ?? authenticated(people.find(person => person.token.startsWith(token)))), /valid\[0\] cut in half: must not be authenticated/],
  ['almost valid credentials are not authenticated', broken(good => ({
    authenticatePassword: async ({ username, password }: published.PasswordCredential, ctx: RequestContext) => await good.authenticatePassword({ username, password: password.replace(/x$/, '') }, ctx)
  })), /valid\[2\] with a longer password/],

  ['answers share no mutable state', giving((answer, token) => {
    if (!shared.has(token)) shared.set(token, answer)
    return shared.get(token)
  }), /after a caller changed the previous answer/],

  ['concurrent requests do not affect each other', broken(good => ({
    async authenticateToken (token: string, ctx: RequestContext) {
      current = token
      await new Promise(setImmediate)
      return await good.authenticateToken(current, ctx)
    }
  })), /its own user|the answer is/],

  ['recognizes is synchronous, and true for valid credentials', broken(() => ({ recognizes: async () => true })), /"recognizes" gives true, at once/],
  ['recognizes is synchronous, and true for valid credentials', broken(() => ({ recognizes: () => false })), /"recognizes" gives true, at once/],
  ['recognizes is synchronous, and true for valid credentials', broken(() => ({ recognizes: ({ token, passwordCredential }: published.Credential) => passwordCredential !== undefined || token.includes('canary') || undefined })), /gives true or false, whatever the token/],

  ['credential types declared synchronous are answered without a promise', broken(() => ({ synchronous: ['token'] })), /this is a promise for one/],

  ['lookup returns the users that are authenticated', lookingUp(() => ({ user: { username: 'alice' } })), /valid\[0\]: "lookup" by username gives the same user/],
  ['lookup returns the users that are authenticated', lookingUp(() => null), /"lookup" by username gives the same user/],
  ['lookup returns the users that are authenticated', lookingUp(answer => answer?.user ?? null), /"lookup" by username gives the same user/],
  ['lookup returns the users that are authenticated', lookingUp((answer, query) => 'uid' in query ? null : answer), /"lookup" by uid gives the same user/],
  ['lookup returns the users that are authenticated', lookingUp((answer, query) => {
    const key = JSON.stringify(query)
    if (!shared.has(key)) shared.set(key, answer)
    return shared.get(key)
  }), /"lookup" by username, after a caller changed/],
  ['lookup returns the users that are authenticated', lookingUp((answer, query) => answer ?? ('username' in query ? undefined : null)), /gives null for an unknown username/],
  ['lookup returns the users that are authenticated', lookingUp((answer, query) => answer ?? ('uid' in query ? authenticated(bob) : null)), /gives null for an unknown uid/],
  ['lookup denies accounts with their reasons', lookingUp(answer => answer !== null && 'denied' in answer ? null : answer), /deniedAccounts\[0\]: the answer is { denied: 'disabled' }/],
  ['lookup denies accounts with their reasons', lookingUp(answer => answer !== null && 'denied' in answer ? { denied: 'locked' } : answer), /deniedAccounts\[0\]: the answer is { denied: 'disabled' }/],

  ...checkingPasswords('a password is checked once, in ctx.attempt, under the name of the account', [
    [async (person, password) => person?.password === password, /ctx.attempt must be called once for a request/],
    [async (person, password, { attempt }) => {
      const check = async (): Promise<boolean> => person?.password === password
      return await attempt('alice', check) && await attempt('alice', check)
    }, /ctx.attempt must be called once for a request/],
    [async (person, password, { attempt }, typed) => await attempt(typed, async () => person?.password === password), /under one name, however the username is written/],
    [async (person, password, { attempt }) => await attempt('somebody', async () => person?.password === password), /under the name of another account/],
    [async (person, password, { attempt }, typed) => await attempt(person?.user.username ?? typed, async () => person?.password === password), /an unknown name must not be passed/]
  ]),
  ...checkingPasswords('the result of ctx.attempt decides', [
    [async (person, password, { attempt }) => {
      await attempt('alice', async () => true)
      return person?.password === password
    }, /valid\[2\], although ctx.attempt returned "incorrect"/]
  ]),
  ...attemptingUnknown([
    [async () => {}, /ctx.attemptUnknown must be called once for an unknown name/],
    [async (typed, { attemptUnknown }) => {
      await attemptUnknown(typed)
      await attemptUnknown(typed)
    }, /ctx.attemptUnknown must be called once for an unknown name/],
    [async (_typed, { attemptUnknown }) => { await attemptUnknown('somebody') }, /with the name that was typed/],
    [async (typed, { attemptUnknown }) => { await attemptUnknown(typed) }, /in upper or lower case: so may the name/]
  ]),
  ['an unknown name takes as long, in ctx.attemptUnknown', broken(good => ({
    async authenticatePassword (password: published.PasswordCredential, ctx: RequestContext) {
      if (byName(password.username) !== undefined) await ctx.attemptUnknown(password.username)
      return await good.authenticatePassword(password, ctx)
    }
  })), /is an account: ctx.attemptUnknown is not called/],
  ['an unknown name takes as long, in ctx.attemptUnknown', broken(good => ({
    authenticatePassword: async (password: published.PasswordCredential, ctx: RequestContext) =>
      await good.authenticatePassword(password, ctx) ?? { denied: 'wrong-credential' }
  })), /the answer for an unknown name must be null/],
  ...attemptingUnknown([
    [async (typed, { attemptUnknown }) => { await attemptUnknown(typed.toLowerCase()).catch(() => {}) }, /must reject with the error of ctx.attemptUnknown/]
  ], 'rejections of ctx.attempt and ctx.attemptUnknown are propagated'),
  ...checkingPasswords('rejections of ctx.attempt and ctx.attemptUnknown are propagated', [
    [async (person, password, { attempt }) => await attempt('alice', async () => person?.password === password).catch(() => false), /Missing expected rejection.*must reject with the error of ctx.attempt/],
    [async (person, password, { attempt }) => await attempt('alice', async () => person?.password === password).catch((cause) => { throw new Error('busy', { cause }) }), /must reject with the error of ctx.attempt/]
  ]),
  ...checkingPasswords('empty passwords are not authenticated', [
    [async (person, password, { attempt }) => await attempt('alice', async () => password === '' || person?.password === password), /with an empty password: must not be authenticated/]
  ]),

  ['passwords and lookups give the same password version', lookingUp(answer => answer?.user === undefined ? answer : { ...answer, passwordVersion: undefined }), /valid\[2\]: the answers to the password and to a lookup by username have the same "passwordVersion"/],
  ['passwords and lookups give the same password version', lookingUp((answer, query) => answer?.user !== undefined && 'uid' in query ? { ...answer, passwordVersion: '1' } : answer), /valid\[2\]: the answers to the password and to a lookup by uid have/],
  ['a change of the password changes the password version', { ...broken(() => ({})), changePassword: () => {} }, /valid\[2\]: "passwordVersion" changes when the password changes/],
  ['a change of the password changes the password version', broken(good => ({
    authenticatePassword: async (password: published.PasswordCredential, ctx: RequestContext) => withoutVersion(await good.authenticatePassword(password, ctx))
  })), /valid\[2\]: the answer to a password has a "passwordVersion"/],

  ['logs, answers and errors contain no secret', broken((good, _config, { log }) => ({
    authenticateToken (token: string, ctx: RequestContext) {
      log.debug({ request: { headers: { authorization: [`Bearer ${token}`] } } }, 'asked')
      return good.authenticateToken(token, ctx)
    }
  })), /the log contains the secret of valid\[0\]/],
  ['logs, answers and errors contain no secret', broken(() => ({
    authenticatePassword ({ password }: published.PasswordCredential, { log }: RequestContext) {
      log.warn({ bytes: Buffer.from(password) }, 'asked')
      return null
    }
  })), /the log contains the secret of valid\[2\]/],
  ['logs, answers and errors contain no secret', broken((_good, { key }, { log }) => {
    log.info({}, `opened with ${key.reveal()}`)
    return {}
  }), /the log contains the secret of secret of the config, \[0\]/],
  ['logs, answers and errors contain no secret', giving((answer, token) => ({ user: { ...answer.user, extra: { token: [token] } } })), /an answer contains the secret of valid\[0\]/],
  ['logs, answers and errors contain no secret', answering((answer, token) => {
    if (answer === null) throw new Error('refused', { cause: new Error(`GET /tokens/${token}`) })
    return answer
  }), /an error contains the secret of valid\[2\]/],
  ['logs, answers and errors contain no secret', broken((_good, { key }) => ({ ping: () => { throw new Error(key.reveal()) } })), /an error of "ping" contains the secret/],

  ['an aborted request rejects or is answered correctly', broken(good => ({
    authenticateToken: (token: string, ctx: RequestContext) => ctx.signal.aborted ? null : good.authenticateToken(token, ctx)
  })), /valid\[0\], aborted before the call: .* not null/],
  ['an aborted request rejects or is answered correctly', broken(good => ({
    authenticateToken: async (token: string, ctx: RequestContext) => ctx.signal.aborted ? await new Promise(() => {}) : await good.authenticateToken(token, ctx)
  })), /an aborted request must reject soon/],

  ['an aborted request stops waiting for the source', broken((_good, { source }) => ({
    authenticateToken: async () => { if (source === 'silent') await new Promise(() => {}) }
  })), /aborted while it waits must reject soon/],
  ['an aborted request stops waiting for the source', broken(good => ({
    authenticateToken: async (token: string, ctx: RequestContext) => await Promise.resolve(good.authenticateToken(token, ctx)).catch(() => null)
  })), /Missing expected rejection.*aborted while it waits must reject soon/],

  ['it opens with an unreachable source, and requests reject', broken((_good, { source }) => {
    if (source === 'down') throw new Error('connection refused at start')
    return {}
  }), /connection refused at start/],
  ['it opens with an unreachable source, and requests reject', broken(good => ({
    authenticateToken: async (token: string, ctx: RequestContext) => await Promise.resolve(good.authenticateToken(token, ctx)).catch(() => null)
  })), /valid\[0\]: a request must reject while the source is unreachable/],
  ['it opens with an unreachable source, and requests reject', broken(good => ({
    lookup: async (query: published.LookupQuery, ctx: RequestContext) => await Promise.resolve(good.lookup(query, ctx)).catch(() => null)
  })), /valid\[0\]: "lookup" must reject while the source is unreachable/],
  ['it opens with an unreachable source, and requests reject', broken(() => ({ ping: async () => {} })), /"ping" must reject while the source is unreachable/],

  ['a reload calls invalidate', { ...broken(() => ({})), reload: () => {} }, /invalidate\(\) is called after a reload/],
  ['a reload calls invalidate', broken((_good, _config, { invalidate }) => { invalidate(); return {} }), /invalidate\(\) is for reloads/],

  ['it can be opened again after close', broken(good => ({
    authenticateToken: (token: string, ctx: RequestContext) => closed ? null : good.authenticateToken(token, ctx),
    close: () => { closed = true }
  })), /opened for the second time/],
  ['close does not affect another open provider', broken(good => {
    connected = 1
    return {
      authenticateToken: (token: string, ctx: RequestContext) => connected === 0 ? null : good.authenticateToken(token, ctx),
      close: () => { connected = 0 }
    }
  }), /after another open provider was closed/],
  ['close releases all resources', broken(() => { interval = setInterval(() => {}, 1000); return {} }), /still in use after "close"/]
]

function withoutVersion (answer: Answer): Answer {
  return answer !== null && 'user' in answer ? { user: answer.user } : answer
}

interface Attempting { readonly attempt: (account: string, isRight: () => Promise<boolean>) => Promise<boolean> }
type Check = (person: typeof alice | undefined, password: string, ctx: Attempting, typed: string) => Promise<boolean>

/** The reference with its test of passwords replaced. */
function checkingPasswords (name: string, checks: ReadonlyArray<readonly [Check, RegExp]>): Array<readonly [string, ConformanceSubject, RegExp]> {
  return checks.map(([check, complaint]) => [name, broken(() => ({
    async authenticatePassword ({ username, password }: published.PasswordCredential, ctx: RequestContext) {
      const person = byName(username)
      const right = await check(person, password, { attempt: async (account, isRight) => await ctx.attempt(account, async () => await isRight() ? 'correct' : 'incorrect') === 'correct' }, username)
      if (person === undefined) return null
      return right ? authenticated(person) : { denied: 'wrong-credential' }
    }
  })), complaint])
}

/** The reference with another way to treat a name that nobody has. */
function attemptingUnknown (ways: ReadonlyArray<readonly [(typed: string, ctx: RequestContext) => Promise<void>, RegExp]>, name = 'an unknown name takes as long, in ctx.attemptUnknown'): Array<readonly [string, ConformanceSubject, RegExp]> {
  return ways.map(([way, complaint]) => [name, broken(good => ({
    async authenticatePassword (password: published.PasswordCredential, ctx: RequestContext) {
      if (byName(password.username) !== undefined) return await good.authenticatePassword(password, ctx)
      await way(password.username, ctx)
      return null
    }
  })), complaint])
}

test('a provider that breaks a rule fails the case of that rule, and no report repeats a credential', async t => {
  t.teardown(() => { clearInterval(interval) })
  for (const [name, brokenSubject, complaint] of BREAKAGES) {
    const found = conformanceCases(brokenSubject).find(candidate => candidate.name === name)
    const { message } = await found!.run().then(() => new Error('it passes'), (error: unknown) => error as Error)
    clearInterval(interval)
    t.match(message, complaint, name)
    t.notMatch(message, /canary/)
  }
})

test('there is no case that nobody can fail', async t => {
  const failing = new Set(BREAKAGES.map(([name]) => name))
  t.strictSame(conformanceCases(subject).map(({ name }) => name).filter(name => !failing.has(name)), [])
})

test('the odd tokens are odd in every way that is promised', async t => {
  t.ok(ODD_TOKENS.some(token => Buffer.byteLength(token) === 16384), '16 KiB')
  t.ok(ODD_TOKENS.some(token => /\p{Lo}/u.test(token)), 'other scripts')
  t.ok(ODD_TOKENS.some(token => token.includes('\n')), 'newlines')
  t.ok(ODD_TOKENS.some(token => token.startsWith('{"')), 'fragments of JSON')
  t.equal(new Set(ODD_TOKENS).size, ODD_TOKENS.length, 'each once')
})

// --- Odds and ends ---

async function passes (t: Test, subject: ConformanceSubject, name = 'conformance'): Promise<void> {
  await t.test(name, async t => {
    for (const { name, run } of conformanceCases(subject)) await t.test(name, async t => { await t.resolves(run()) })
  })
}

async function nodeModules (dir: string, name: string): Promise<string> {
  await mkdir(join(dir, 'node_modules'), { recursive: true })
  return join(dir, 'node_modules', name)
}
