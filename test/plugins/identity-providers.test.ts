import { test } from 'tap'
import { createAuthenticators, type OpenProvider } from '../../src/authn/authenticator.js'
import { parseCredential } from '../../src/authn/credential.js'
import { Deadline } from '../../src/authn/deadline.js'
import type { IdentityProviderDefinition } from '../../src/authn/provider.js'
import identityProviders, { type IdentityProvidersOptions } from '../../plugins/identity-providers.js'
import { createLogger } from '../../src/logger.js'
import { createAdminServer } from '../../src/http/server.js'
import { recordingObserver } from '../fixtures/observer.js'
import { bob } from '../fixtures/people.js'
import { startService } from '../fixtures/service.js'

const ENTRY = {
  name: 'people',
  kind: 'test',
  reserved: { allowUsers: [], allowGroups: [] },
  timeout: '1s',
  maxConcurrent: 1,
  cache: { successTTL: '1m', failureTTL: '10s', maxEntries: 10 },
  config: { word: 'hello' }
}
const THROTTLE = { maxFailures: 5, baseDelay: '1s', maxDelay: '5m', maxQueue: 64 }

async function options (definitions: IdentityProviderDefinition[], more: Partial<IdentityProvidersOptions> = {}): Promise<IdentityProvidersOptions & { lines: string[] }> {
  const lines: string[] = []
  return {
    providers: definitions.map((definition, i) => ({ entry: { ...ENTRY, name: `people-${i}` }, definition })),
    dir: '/etc/authn-webhook',
    throttle: THROTTLE,
    allowMock: false,
    log: await createLogger({ level: 'trace', format: 'json', terminal: false, destination: { write (line) { lines.push(line) } } }),
    observer: recordingObserver(),
    lines,
    ...more
  }
}

const carrier = (): ReturnType<typeof createAdminServer> => createAdminServer({ server: { bodyLimit: 1024, timeout: '1s', maxConnections: 10 } } as never)

function define (open: IdentityProviderDefinition['open']): IdentityProviderDefinition {
  return { contract: 1, kind: 'test', schema: {}, open }
}

test('providers open in the order of the config and close in reverse', async t => {
  const order: string[] = []
  const named = (name: string): IdentityProviderDefinition => define(async () => {
    order.push(`open ${name}`)
    return { authenticateToken: () => null, close () { order.push(`close ${name}`) } }
  })
  const app = carrier()
  await app.register(identityProviders, await options([named('a'), named('b'), named('c')]))
  t.strictSame(app.identityProviders.map(({ name }) => name), ['people-0', 'people-1', 'people-2'])
  await app.close()
  t.strictSame(order, ['open a', 'open b', 'open c', 'close c', 'close b', 'close a'])
})

test('a provider is opened with its config and its surroundings', async t => {
  const app = carrier()
  t.teardown(async () => { await app.close() })
  const opts = await options([define((config, ctx) => {
    t.strictSame(config, { word: 'hello' })
    t.equal(ctx.resolvePath('users.yaml'), '/etc/authn-webhook/users.yaml')
    t.equal(ctx.resolvePath('/run/users.yaml'), '/run/users.yaml')
    t.equal(ctx.allowMock, false)
    t.equal(ctx.signal.aborted, false)
    ctx.log.info({ users: 3 }, 'loaded')
    ctx.reportReload()
    ctx.reportReload(new Error('bad file'))
    return { authenticateToken: () => null }
  })])
  await app.register(identityProviders, opts)
  t.match(JSON.parse(opts.lines[0]!), { provider: 'people-0', users: 3, msg: 'loaded' })
  t.strictSame((opts.observer as ReturnType<typeof recordingObserver>).events, ['reloaded people-0 success', 'reloaded people-0 error'])
})

const failures: Array<[what: string, definition: IdentityProviderDefinition, message: RegExp]> = [
  ['can not be opened', define(() => { throw new Error('users.yaml: not found') }), /"people-0" \(kind test\) could not be opened: users\.yaml: not found/],
  ['never opens', define(async () => await new Promise(() => {})), /"people-0" did not open within 0\.02 s; it must open with the network down/],
  ['can answer nothing', define(() => ({})), /neither authenticateToken nor authenticatePassword/],
  ['speaks another contract', { ...define(() => ({ authenticateToken: () => null })), contract: 2 }, /speaks contract 2; this release supports: 1/]
]

for (const [what, definition, message] of failures) {
  test(`a provider that ${what} stops the start, and says so`, async t => {
    const app = carrier()
    t.teardown(async () => { await app.close() })
    await t.rejects(async () => { await app.register(identityProviders, await options([definition], { openTimeout: 20 })) }, { message })
  })
}

test('a provider that opens too late is told to stop', async t => {
  const app = carrier()
  t.teardown(async () => { await app.close() })
  let signal: AbortSignal | undefined
  const late = define(async (_config, ctx) => { signal = ctx.signal; return await new Promise(() => {}) })
  await t.rejects(async () => { await app.register(identityProviders, await options([late], { openTimeout: 10 })) })
  t.equal(signal?.aborted, true)
})

test('providers that had opened are closed when a later one fails', async t => {
  let closed = 0
  const app = carrier()
  await t.rejects(async () => {
    await app.register(identityProviders, await options([
      define(() => ({ authenticateToken: () => null, close () { closed++ } })),
      define(() => { throw new Error('no') })
    ]))
  })
  await app.close()
  t.equal(closed, 1)
})

/** Asks as the chain does, each time with bob's token. */
function asker (provider: OpenProvider): () => Promise<unknown> {
  const [authenticator] = createAuthenticators(provider)
  return async () => {
    const question = { credential: parseCredential(bob.token), audiences: [], deadline: new Deadline(60_000) }
    return authenticator!.lookUp(question) ?? await authenticator!.authenticate(question)
  }
}

test('invalidate() flushes the cache', async t => {
  let invalidate = (): void => {}
  let groups = ['developers']
  const provider = define((_config, ctx) => {
    invalidate = ctx.invalidate
    return { authenticateToken: () => ({ user: { ...bob.user, groups } }) }
  })
  const app = carrier()
  t.teardown(async () => { await app.close() })
  await app.register(identityProviders, await options([provider]))
  const ask = asker(app.identityProviders[0]!)
  t.match(await ask(), { user: { groups: ['developers'] } })
  groups = ['operators']
  t.match(await ask(), { user: { groups: ['developers'] } }, 'still cached')
  invalidate()
  t.match(await ask(), { user: { groups: ['operators'] } })
})

test('invalidate() has a provider that failed asked again at once', async t => {
  let invalidate = (): void => {}
  let isDown = true
  const provider = define((_config, ctx) => {
    invalidate = ctx.invalidate
    return {
      authenticateToken () {
        if (isDown) throw new Error('down')
        return { user: bob.user }
      }
    }
  })
  const app = carrier()
  t.teardown(async () => { await app.close() })
  await app.register(identityProviders, await options([provider]))
  const ask = asker(app.identityProviders[0]!)
  for (let failures = 0; failures < 5; failures++) t.match(await ask(), { unavailable: 'failed' })
  isDown = false
  t.match(await ask(), { unavailable: 'breaker-open' })
  invalidate()
  t.match(await ask(), { user: bob.user })
})

test('events are counted under the provider\'s name, and no others', async t => {
  const observer = recordingObserver()
  const app = carrier()
  t.teardown(async () => { await app.close() })
  const provider: IdentityProviderDefinition = {
    ...define((_config, ctx) => {
      for (const event of ['source-lost', 'input-of-somebody']) ctx.countEvent?.(event)
      return { authenticateToken: () => null }
    }),
    events: ['source-lost', 'source-found']
  }
  await app.register(identityProviders, await options([provider], { observer }))
  t.strictSame(observer.events, ['event people-0 source-lost 0', 'event people-0 source-found 0', 'event people-0 source-lost 1'])
})

test('as many passwords are checked at once as the config says, else the provider', async t => {
  for (const [name, maxConcurrent, expected] of [['the provider', undefined, 5], ['the config', 2, 2]] as const) {
    const app = carrier()
    t.teardown(async () => { await app.close() })
    const provider = define(() => ({ maxConcurrentChecks: 5, authenticatePassword: () => null }))
    await app.register(identityProviders, await options([provider], { throttle: { ...THROTTLE, ...maxConcurrent && { maxConcurrent } } }))
    const [{ throttle }] = app.identityProviders as [OpenProvider]
    let running = 0
    let most = 0
    await Promise.all(Array.from({ length: 10 }, async (_, index) => await throttle.attempt(`user-${index}`, async () => {
      most = Math.max(most, ++running)
      await new Promise(resolve => { setImmediate(resolve) })
      running--
      return 'incorrect'
    }, new AbortController().signal)))
    t.equal(most, expected, name)
  }
})

test("methods keep their provider as `this`, as a class's do", async t => {
  class People {
    readonly #token = bob.token
    authenticateToken (token: string): { user: typeof bob.user } | null { return token === this.#token ? { user: bob.user } : null }
  }
  const { review } = await startService(t, { providers: { people: new People() } })
  t.match(await review(bob.token), { authenticated: true })
})

test('each provider counts wrong passwords in shared tables of its own', async t => {
  const asked: object[] = []
  const app = carrier()
  t.teardown(async () => { await app.close() })
  const opens = define(async () => ({ authenticateToken: () => null }))
  await app.register(identityProviders, await options([opens, opens], {
    sharedFailuresOf: (provider, table) => ({
      async begin (account, { local }) {
        asked.push({ provider, table, account, local })
        return { admitted: true, outdated: false, generation: 0, async end (outcome, password) { asked.push({ outcome, password }) } }
      }
    })
  }))
  const [first, second] = app.identityProviders.map(({ throttle }) => throttle)
  const { signal } = new AbortController()
  await first!.attempt('uid=bob', async () => 'incorrect', signal, { password: 'canary-guess' })
  await second!.attemptUnknown('mallory', undefined, signal)
  t.strictSame(asked, [
    { provider: 'people-0', table: 'accounts', account: 'uid=bob', local: undefined },
    { outcome: 'incorrect', password: 'canary-guess' },
    { provider: 'people-1', table: 'unknown', account: 'mallory', local: undefined },
    { outcome: 'incorrect', password: undefined }
  ])
})
