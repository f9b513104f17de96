import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { inspect } from 'node:util'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { dump } from 'js-yaml'
import { Type } from '@sinclair/typebox'
import { Closed, Secret } from '../../../schemas/primitives.js'
import type { IdentityProviderDefinition } from '../../../src/authn/provider.js'
import { findConfig, validateConfig, loadConfig, type FindDefinition, type LoadedConfig } from '../../../src/config/load.js'
import { ValidationError, InvalidProviderError, type FieldError } from '../../../src/errors.js'

const DIRECTORY: IdentityProviderDefinition = {
  contract: 1,
  kind: 'directory',
  schema: Closed({ url: Type.String(), password: Type.Optional(Secret), retries: Type.Integer({ default: 3 }) }),
  open: () => ({ authenticateToken: () => null })
}
const PLAIN: IdentityProviderDefinition = { ...DIRECTORY, kind: 'plain', schema: { type: 'object', additionalProperties: false } }
const BROKEN: IdentityProviderDefinition = { ...DIRECTORY, kind: 'broken', schema: { type: 'objekt' } }

const findDefinition: FindDefinition = async ({ kind, from }, { dir }) => {
  if (kind === 'module' && from === './here.mjs') return existsSync(join(dir, from)) ? PLAIN : await Promise.reject(new InvalidProviderError(`there is no file ${from}`))
  const definition = [DIRECTORY, PLAIN, BROKEN].find((candidate) => candidate.kind === kind)
  if (definition === undefined) throw new InvalidProviderError(`there is no kind "${kind}"`)
  return definition
}

type Edit = (config: any) => void

/** The least that is right; `edit` makes it what a case wants. */
function configWith (edit: Edit = () => {}): string {
  const config = {
    apiVersion: 'authn-webhook/v1',
    server: { host: '127.0.0.1' },
    tls: { certFile: 'tls.crt', keyFile: 'tls/tls.key' },
    identityProviders: [{ name: 'people', kind: 'plain' }]
  }
  edit(config)
  return dump(config)
}

/** With two providers that are right. */
function chainWith (edit: Edit = () => {}): string {
  return configWith((config) => {
    config.identityProviders = [
      { name: 'people', kind: 'plain', usernamePrefix: 'p:', groupPrefix: 'p:' },
      { name: 'corp', kind: 'plain', usernamePrefix: 'c:', groupPrefix: 'c:' }
    ]
    edit(config)
  })
}

async function load (t: Test, text: string, env: NodeJS.ProcessEnv = {}): Promise<LoadedConfig> {
  const cwd = t.testdir({ 'authn-webhook.yaml': text })
  return await loadConfig({ cwd, env, findDefinition })
}

async function errorsOf (t: Test, text: string): Promise<readonly FieldError[]> {
  try {
    await load(t, text)
    return []
  } catch (error) {
    if (error instanceof ValidationError) return error.errors
    throw error
  }
}

test('a config that is right', async (t) => {
  const dir = t.testdir({ key: 'of-file\n', etc: {} })
  const file = join(dir, 'etc/authn.yaml')
  await writeFile(file, configWith((config) => {
    config.tls.clientCAFile = '/pki/ca.crt'
    config.log = { fingerprintKey: { env: 'FINGERPRINT' } }
    config.identityProviders = [
      { name: 'corp', kind: 'directory', usernamePrefix: 'c:', groupPrefix: 'c:', config: { url: 'x', password: { file: '../key' } } },
      { name: 'people', kind: 'plain', usernamePrefix: 'p:', groupPrefix: 'p:' }
    ]
  }))
  const loaded = await loadConfig({ file: 'etc/authn.yaml', cwd: dir, env: { FINGERPRINT: 'of-env' }, findDefinition })
  const { config } = loaded

  t.equal(loaded.file, file)
  t.equal(loaded.dir, join(dir, 'etc'))
  t.match(config, {
    server: { host: '127.0.0.1', port: 8443, path: '/authenticate', timeout: '8s' },
    throttle: { maxFailures: 5 },
    audiences: [],
    sharedNames: false,
    log: { level: 'info', format: 'auto' }
  }, 'defaults are there')
  t.equal(config.admin, undefined)
  t.match(config.tls, { certFile: join(dir, 'etc/tls.crt'), keyFile: join(dir, 'etc/tls/tls.key'), clientCAFile: '/pki/ca.crt' }, 'paths are absolute')
  t.equal(config.log.fingerprintKey?.reveal(), 'of-env')
  t.strictSame(loaded.providers.map(({ entry, definition }) => [entry.name, definition]), [['corp', DIRECTORY], ['people', PLAIN]], 'in the order of the file')
  const [{ entry: { config: own } }] = loaded.providers as any
  t.equal(own.retries, 3, 'a provider\'s own defaults too')
  t.equal(own.password.reveal(), 'of-file')
  t.notMatch(inspect(loaded, { depth: 9 }), /of-file|of-env/)
  t.strictSame(loaded.warnings, [])
})

test('a single provider has no prefix by default', async (t) => {
  const { config } = await load(t, configWith())
  t.match(config.identityProviders, [{ usernamePrefix: '', groupPrefix: '', timeout: '3s', cache: { successTTL: '1m' }, reserved: { allowUsers: [] }, config: {} }])
})

test('where the config is looked for', async (t) => {
  const dir = t.testdir({ 'authn-webhook.yaml': '', 'empty-folder': {} })
  const cwd = join(dir, 'empty-folder')
  for (const [options, found] of [
    [{ cwd: dir, env: {} }, join(dir, 'authn-webhook.yaml')],
    [{ cwd: dir, env: { AUTHN_WEBHOOK_CONFIG: '' } }, join(dir, 'authn-webhook.yaml')],
    [{ cwd: dir, env: { AUTHN_WEBHOOK_CONFIG: 'of-env.yaml' } }, join(dir, 'of-env.yaml')],
    [{ cwd: dir, env: { AUTHN_WEBHOOK_CONFIG: 'of-env.yaml' }, file: '/of/option.yaml' }, '/of/option.yaml'],
    [{ cwd, env: {}, file: '../other.yaml' }, join(dir, 'other.yaml')]
  ] as const) t.equal(findConfig(options), found)

  t.test('and what is said where there is none', { skip: existsSync('/etc/authn-webhook/config.yaml') }, async (t) => {
    t.throws(() => findConfig({ cwd, env: {} }), {
      code: 'AUTHN_CONFIG_NOT_FOUND',
      message: `no config file found: pass --config, set AUTHN_WEBHOOK_CONFIG, or create ${join(cwd, 'authn-webhook.yaml')} or /etc/authn-webhook/config.yaml; to try without one, run "authn-webhook serve --demo"`
    })
  })
  t.equal(findConfig({ file: 'x.yaml' }), join(process.cwd(), 'x.yaml'))
  await t.rejects(loadConfig({ file: join(dir, 'absent.yaml'), findDefinition }), { name: 'ValidationError', message: `${join(dir, 'absent.yaml')}: does not exist` })
})

test('each rule across fields', async (t) => {
  const cases: Array<[name: string, text: string, errors: Array<[path: string, message: RegExp]>]> = [
    ['names are unique', chainWith((config) => { config.identityProviders[1].name = 'people' }), [['identityProviders[1].name', /is already the name of identityProviders\[0\]/]]],
    ['three of one name', chainWith((config) => { config.identityProviders[1].name = 'people'; config.identityProviders.push({ ...config.identityProviders[1], usernamePrefix: 'x:', groupPrefix: 'x:' }) }), [['identityProviders[1].name', /identityProviders\[0\]/], ['identityProviders[2].name', /identityProviders\[0\]/]]],
    ['prefixes are written', chainWith((config) => { delete config.identityProviders[0].usernamePrefix; delete config.identityProviders[1].groupPrefix }), [['identityProviders[0].usernamePrefix', /is required when there is more than one provider: their users must/], ['identityProviders[1].groupPrefix', /is required .* their groups must/]]],
    ['prefixes are not empty', chainWith((config) => { config.identityProviders[0].usernamePrefix = '' }), [['identityProviders[0].usernamePrefix', /must not be empty .*the same users; "sharedNames: true" allows this/]]],
    ['prefixes differ', chainWith((config) => { config.identityProviders[1].groupPrefix = 'p:' }), [['identityProviders[1].groupPrefix', /overlaps with identityProviders\[0\].groupPrefix: .*the same groups/]]],
    ['none starts another', chainWith((config) => { config.identityProviders[1].usernamePrefix = 'p:c:' }), [['identityProviders[1].usernamePrefix', /overlaps with identityProviders\[0\]/]]],
    ['… the other way round', chainWith((config) => { config.identityProviders[0].usernamePrefix = 'c:p:' }), [['identityProviders[1].usernamePrefix', /overlaps with identityProviders\[0\]/]]],
    ['groups come from a provider that exists', chainWith((config) => { config.identityProviders[1].groupsFrom = 'peopel' }), [['identityProviders[1].groupsFrom', /^no identity provider is named "peopel"; did you mean "people"\?$/]]],
    ['… also in a mapping', chainWith((config) => { config.identityProviders[0].groupsFrom = { provider: 'nowhere' } }), [['identityProviders[0].groupsFrom.provider', /^no identity provider is named "nowhere"$/]]],
    ['from another one', chainWith((config) => { config.identityProviders[0].groupsFrom = 'people' }), [['identityProviders[0].groupsFrom', /must name another provider/]]],
    ['with groups of its own', chainWith((config) => { config.identityProviders[0].groupsFrom = 'corp'; config.identityProviders[1].groupsFrom = { provider: 'people', optional: true } }), [['identityProviders[0].groupsFrom', /names "corp", whose own groups come from another/], ['identityProviders[1].groupsFrom.provider', /names "people", whose/]]],
    ['which need no prefix if no others have any', chainWith((config) => { config.identityProviders[0].groupsFrom = 'corp'; for (const entry of config.identityProviders) delete entry.groupPrefix }), []],
    ['but usernames do', chainWith((config) => { config.identityProviders[0].groupsFrom = 'corp'; delete config.identityProviders[0].usernamePrefix }), [['identityProviders[0].usernamePrefix', /is required/]]],
    ['a name is a name', chainWith((config) => { config.identityProviders[0].groupsFrom = ['corp']; config.identityProviders[1].groupsFrom = { name: 'people' } }), [['identityProviders[0].groupsFrom', /must be the name of a provider, or \{provider: NAME, optional: true\}/], ['identityProviders[1].groupsFrom', /must be the name of a provider/]]],
    ['sharedNames allows the latter', chainWith((config) => { config.sharedNames = true; for (const entry of config.identityProviders) entry.usernamePrefix = entry.groupPrefix = '' }), []],
    ['but not the former', chainWith((config) => { config.sharedNames = true; delete config.identityProviders[0].usernamePrefix }), [['identityProviders[0].usernamePrefix', /is required/]]],
    ['a provider has no longer than the review', configWith((config) => { config.server.timeout = '2s' }), [['identityProviders[0].timeout', /is 3s, and must not be longer than server.timeout \(2s\), the time limit for a whole review/]]],
    ['equally long is fine', configWith((config) => { config.server.timeout = '3000ms' }), []],
    ['a budget is more than nothing', configWith((config) => { config.server.timeout = '0s'; config.identityProviders[0].timeout = '0ms' }), [['server.timeout', /must be at least 10ms/], ['identityProviders[0].timeout', /must be at least 10ms/]]],
    ['no shutdown delay, no ageing', configWith((config) => { Object.assign(config.server, { shutdownDelay: '0s', maxConnectionAge: '0s' }) }), []],
    ['timers that Node keeps', configWith((config) => { config.server.maxConnectionAge = '600h' }), [['server.maxConnectionAge', /must be at most 576h/]]],
    ['a module has a place', configWith((config) => { config.identityProviders[0].kind = 'module' }), [['identityProviders[0].from', /is required with "kind: module": a package, or a path/]]],
    ['only a module has one', configWith((config) => { config.identityProviders[0].from = './x.mjs' }), [['identityProviders[0].from', /is only for "kind: module"/]]],
    ['a module that is not there', configWith((config) => { Object.assign(config.identityProviders[0], { kind: 'module', from: './here.mjs' }) }), [['identityProviders[0].from', /there is no file .\/here.mjs/]]],
    ['a kind that is unknown', configWith((config) => { config.identityProviders[0].kind = 'plane' }), [['identityProviders[0].kind', /there is no kind "plane"/]]],
    ['a provider whose schema is wrong', configWith((config) => { config.identityProviders[0].kind = 'broken' }), [['identityProviders[0].kind', /the schema of this provider can't be used: type must be JSONType.*objekt/]]],
    ...['/livez', '/healthz', '/readyz', '/metrics'].map((path): typeof cases[number] => [`${path} is taken without admin`, configWith((config) => { config.server.path = path }), [['server.path', new RegExp(`is ${path}, which serves probes and metrics on this port: choose another path, or set admin to move probes and metrics to a port of their own`)]]]),
    ['and free with it', configWith((config) => { config.server.path = '/metrics'; config.admin = { port: 9090 } }), []],
    ['as is what only begins like it', configWith((config) => { config.server.path = '/metrics/authenticate' }), []],
    ['names of clients need a CA', configWith((config) => { config.tls.clientNames = ['kube-apiserver'] }), [['tls.clientNames', /requires tls.clientCAFile/]]],
    ['listeners on one port', configWith((config) => { config.admin = { host: '127.0.0.1', port: 8443 } }), [['admin.port', /must differ from server.port/]]],
    ['… of any address', configWith((config) => { config.admin = { port: 8443 } }), [['admin.port', /must differ/]]],
    ['… of two addresses', configWith((config) => { config.admin = { host: '127.0.0.2', port: 8443 } }), []],
    ['… free ones', configWith((config) => { config.server.port = 0; config.admin = { port: 0 } }), []],
    ['a provider\'s own config', configWith((config) => { config.identityProviders[0] = { name: 'corp', kind: 'directory', config: { ulr: 'x', retries: 'y' } } }), [['identityProviders[0].config.url', /is missing/], ['identityProviders[0].config.ulr', /did you mean "url"/], ['identityProviders[0].config.retries', /must be a whole number/]]],
    ['… that is none', configWith((config) => { config.identityProviders[0].config = null }), [['identityProviders[0].config', /has no value/]]],
    ['secrets that lead nowhere', configWith((config) => { config.log = { fingerprintKey: { env: 'ABSENT' } }; config.identityProviders[0] = { name: 'corp', kind: 'directory', config: { url: 'x', password: { file: 'absent' } } } }), [['identityProviders[0].config.password', /the file .*\/absent does not exist/], ['log.fingerprintKey', /ABSENT is not set/]]],
    ['secrets of no form, once', configWith((config) => { config.log = { fingerprintKey: 17 } }), [['log.fingerprintKey', /must be a string, {file: PATH} or {env: NAME}/]]]
  ]
  for (const [name, text, expected] of cases) {
    const errors = await errorsOf(t, text)
    t.strictSame(errors.map(({ path }) => path), expected.map(([path]) => path), name)
    expected.forEach(([, message], index) => { t.match(errors[index]?.message, message, name) })
    for (const { line } of errors) t.type(line, 'number', `${name}: has a line`)
  }
})

test('a module of the config file\'s directory', async (t) => {
  const dir = t.testdir({ 'here.mjs': '', 'c.yaml': configWith((config) => { Object.assign(config.identityProviders[0], { kind: 'module', from: './here.mjs' }) }) })
  const { providers } = await loadConfig({ file: join(dir, 'c.yaml'), findDefinition })
  t.equal(providers[0]?.definition, PLAIN)
})

test('all errors come at once, with their lines', async (t) => {
  const text = `apiVersion: authn-webhook/v2
server:
  prot: 8443
  timeout: 8
tls:
  certFile: tls.crt
identityProviders:
  - name: People
    kind: plain
    config: { url: x }
  - name: corp
    kind: directory
    usernamePrefix: ""
    groupPrefix: "c:"
    config: {}
`
  const errors = await errorsOf(t, text)
  t.strictSame(errors.map(({ line, path }) => `${line} ${path}`), [
    '1 apiVersion',
    '3 server.prot',
    '4 server.timeout',
    '5 tls.keyFile',
    '8 identityProviders[0].name',
    '8 identityProviders[0].usernamePrefix',
    '8 identityProviders[0].groupPrefix',
    '10 identityProviders[0].config.url',
    '13 identityProviders[1].usernamePrefix',
    '15 identityProviders[1].config.url'
  ])
})

test('rules leave fields alone that are wrong by themselves', async (t) => {
  for (const [text, paths] of [
    ['null', ['']],
    ['[]', ['']],
    [configWith((config) => { config.identityProviders = 'people' }), ['identityProviders']],
    [configWith((config) => { config.identityProviders = [null, 'people', { name: 'x' }, { name: 'y' }] }), ['identityProviders[0]', 'identityProviders[1]', 'identityProviders[2].kind', 'identityProviders[2].usernamePrefix', 'identityProviders[2].groupPrefix', 'identityProviders[3].kind', 'identityProviders[3].usernamePrefix', 'identityProviders[3].groupPrefix']],
    [configWith((config) => { config.server = config.tls = config.admin = null }), ['server', 'tls', 'admin']],
    [configWith((config) => { config.server.timeout = 'soon' }), ['server.timeout']],
    [chainWith((config) => { config.identityProviders[0].timeout = 1; config.identityProviders[1].usernamePrefix = 7 }), ['identityProviders[0].timeout', 'identityProviders[1].usernamePrefix']],
    [chainWith((config) => { config.identityProviders[0].usernamePrefix = 'ä:'; config.identityProviders[1].usernamePrefix = 'ä:' }), ['identityProviders[0].usernamePrefix', 'identityProviders[1].usernamePrefix']]
  ] as Array<[string, string[]]>) {
    t.strictSame((await errorsOf(t, text)).map(({ path }) => path).sort(), paths.sort(), text)
  }
})

test('a invalid config tells which providers are sound all the same', async (t) => {
  const file = join(t.testdir({ 'c.yaml': chainWith((config) => { config.server.prot = 1; config.identityProviders[1].kind = 'directory' }) }), 'c.yaml')
  const inspection = await validateConfig({ file, findDefinition })
  t.match(inspection, { error: ValidationError, providers: [{ entry: { name: 'people' }, definition: PLAIN }] })
  t.equal(inspection.providers.length, 1)
})

test('a provider is told whether another one needs its lookup', async (t) => {
  for (const groupsFrom of [undefined, 'corp', { provider: 'corp' }]) {
    const validated: unknown[] = []
    const definition: IdentityProviderDefinition = { ...PLAIN, validate: (_config, ctx) => { validated.push(ctx); return [] } }
    const dir = t.testdir({ 'c.yaml': chainWith((config) => { config.identityProviders[0].groupsFrom = groupsFrom; config.identityProviders[1].timeout = '1s' }) })
    await loadConfig({ file: join(dir, 'c.yaml'), findDefinition: async () => definition })
    t.strictSame(validated, [{ timeout: '3s', needsLookup: false }, { timeout: '1s', needsLookup: groupsFrom !== undefined }])
  }
})

test('warnings', async (t) => {
  const open = /without clientCAFile, anyone who can reach the port can try tokens and passwords/
  for (const [host, warned] of [['::', true], ['0.0.0.0', true], ['192.0.2.1', true], ['127.0.0.1', false], ['127.1.2.3', false], ['::1', false], ['localhost', false]] as const) {
    const { warnings } = await load(t, configWith((config) => { config.server.host = host }))
    t.equal(warnings.some(({ path, message }) => path === 'tls' && open.test(message)), warned, host)
  }
  t.strictSame((await load(t, configWith((config) => { config.server.host = '::'; config.tls.clientCAFile = 'ca.crt' }))).warnings, [])

  t.test('of a prefix that Kubernetes keeps to itself', async (t) => {
    const { warnings } = await load(t, configWith((config) => { config.identityProviders[0].groupPrefix = 'system:' }))
    t.match(warnings, [{ path: 'identityProviders[0].groupPrefix', line: 10, message: /names that begin with "system:" are reserved/ }])
  })

  t.test('of a prefix for groups that another provider has', async (t) => {
    for (const groupsFrom of ['corp', { provider: 'corp' }]) {
      const { warnings } = await load(t, chainWith((config) => { config.identityProviders[0].groupsFrom = groupsFrom }))
      t.match(warnings, [{ path: 'identityProviders[0].groupPrefix', message: 'has no effect with groupsFrom: groups have the groupPrefix of "corp"' }])
      t.strictSame((await load(t, chainWith((config) => { config.identityProviders[0].groupsFrom = groupsFrom; delete config.identityProviders[0].groupPrefix }))).warnings, [])
    }
  })

  t.test('of a provider itself, and its errors across fields', async (t) => {
    const findings = [{ path: 'url', message: 'is hardly meant', warning: true }, { path: '', message: 'says too little' }]
    const file = join(t.testdir({ 'c.yaml': configWith() }), 'c.yaml')
    const inspected = async (inspect: IdentityProviderDefinition['validate']) => await validateConfig({ file, findDefinition: async () => ({ ...PLAIN, validate: inspect! }) })
    t.match(await inspected(() => findings.slice(0, 1)), { warnings: [{ path: 'identityProviders[0].config.url', message: 'is hardly meant' }] })
    t.match(await inspected(() => findings), { error: { errors: [{ path: 'identityProviders[0].config', message: 'says too little' }] }, providers: [] })
  })

  t.test('of a private key that everybody may read', async (t) => {
    const dir = t.testdir({ 'c.yaml': configWith() })
    await mkdir(join(dir, 'tls'))
    const key = join(dir, 'tls/tls.key')
    await writeFile(key, '')
    for (const [mode, warned] of [[0o644, true], [0o604, true], [0o640, false], [0o600, false]] as const) {
      await chmod(key, mode)
      const { warnings } = await loadConfig({ file: join(dir, 'c.yaml'), findDefinition })
      t.equal(warnings.some(({ path, line, message }) => path === 'tls.keyFile' && line === 6 && /the private key is world-readable/.test(message)), warned, mode.toString(8))
    }
  })
})

test('server.path is one that an API server can ask for', async t => {
  const reachable = ['/', '/authenticate', '/a/b.c', '/.well-known/authn', '/...', '/a..b', '/A_b-c']
  for (const path of reachable) {
    t.strictSame(await errorsOf(t, configWith(config => { config.server.path = path })), [], path)
  }
  const unreachable = ['', 'authenticate', '/authenticate/', '//', '//authenticate', '/a//b', '/.', '/..', '/./a', '/a/.', '/a/../b', '/a/..', '/a b', '/a?b', '/%61']
  for (const path of unreachable) {
    t.match(await errorsOf(t, configWith(config => { config.server.path = path })), [{ path: 'server.path', message: /^is not a path such as \/authenticate, without "\/" at the end, "\/\/", "\." or "\.\."/ }], path)
  }
})
