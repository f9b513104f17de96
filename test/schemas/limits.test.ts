/**
 * Every number and every duration of every schema: its least and its greatest
 * value, what lies beyond them, and what 0 does. One that is not in the table
 * fails, so that no limit can be switched off by a value nobody thought of.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import type { Command } from 'commander'
import { dump } from 'js-yaml'
import { test, type Test } from 'tap'
import { publishedValuesSchema } from '../../schemas/published.js'
import { validateConfig } from '../../src/config/load.js'
import { findDefinition } from '../../src/config/registry.js'
import { everyCommand } from '../fixtures/every-command.js'

type Value = number | string

interface Bounds {
  readonly least: Value
  readonly greatest: Value
  /** An error; absent if no lower value can be written. */
  readonly below?: Value
  readonly above: Value
  /** `error`, or what the description says of it. */
  readonly zero: 'error' | RegExp
}

const COUNT = { least: 1, below: 0, zero: 'error' } as const
const PORT = { least: 0, below: -1, greatest: 65_535, above: 65_536, zero: /0: any free port/ } as const

/** Of the service: fields of the config and, behind `config`, of a provider of that kind. */
const CONFIG: Record<string, Bounds> = {
  'server.port': PORT,
  'server.timeout': { least: '10ms', below: '9.9ms', greatest: '1m', above: '60001ms', zero: 'error' },
  'server.bodyLimit': { least: 1024, below: 1023, greatest: 1_048_576, above: 1_048_577, zero: 'error' },
  'server.maxTokenBytes': { least: 256, below: 255, greatest: 1_048_064, above: 1_048_577, zero: 'error' },
  'server.maxConnections': { ...COUNT, greatest: 1_000_000, above: 1_000_001 },
  'server.maxConnectionAge': { least: '1s', below: '999ms', greatest: '576h', above: '577h', zero: /0s: never/ },
  'server.shutdownDelay': { least: '1ns', greatest: '1h', above: '1h1ns', zero: /0s: none/ },
  'admin.port': PORT,
  'login.port': PORT,
  'login.tokenTTL': { least: '1m', below: '59s', greatest: '24h', above: '24h1s', zero: 'error' },
  'login.sessionTTL': { least: '1m', below: '59s', greatest: '24h', above: '24h1s', zero: 'error' },
  'login.maxAttemptsPerMinute': { ...COUNT, greatest: 100_000, above: 100_001 },
  'store.timeout': { least: '10ms', below: '9ms', greatest: '5s', above: '5001ms', zero: 'error' },
  'throttle.maxFailures': { ...COUNT, greatest: 1_000_000, above: 1_000_001 },
  'throttle.baseDelay': { least: '100ms', below: '99ms', greatest: '24h', above: '24h1s', zero: 'error' },
  'throttle.maxDelay': { least: '1s', below: '999ms', greatest: '24h', above: '24h1s', zero: 'error' },
  'throttle.maxConcurrent': { ...COUNT, greatest: 64, above: 65 },
  'throttle.maxQueue': { least: 0, below: -1, greatest: 10_000, above: 10_001, zero: /0: none/ },
  'pressure.maxEventLoopDelay': { least: '10ms', below: '9ms', greatest: '1m', above: '1m1ms', zero: 'error' },
  'pressure.maxHeapUsedRatio': { least: 0.5, below: 0.49, greatest: 1, above: 1.01, zero: 'error' },
  'identityProviders[0].timeout': { least: '10ms', below: '9ms', greatest: '1m', above: '1m1ms', zero: 'error' },
  'identityProviders[0].maxConcurrent': { ...COUNT, greatest: 10_000, above: 10_001 },
  'identityProviders[0].cache.successTTL': { least: '1ns', greatest: '24h', above: '24h1s', zero: /0s: not cached/ },
  'identityProviders[0].cache.failureTTL': { least: '1ns', greatest: '1h', above: '1h1s', zero: /0s: not cached/ },
  'identityProviders[0].cache.maxEntries': { least: 0, below: -1, greatest: 1_000_000, above: 1_000_001, zero: /0: no cache/ },
  'identityProviders[0].config.groupSearch.nested': { least: 0, below: -1, greatest: 20, above: 21, zero: /0: none/ },
  'identityProviders[0].config.maxBadPasswordCount': { ...COUNT, greatest: 999, above: 1000 },
  'identityProviders[0].config.pageSize': { least: 0, below: -1, greatest: 5000, above: 5001, zero: /0: no paging/ },
  'identityProviders[0].config.timeouts.connect': { least: '10ms', below: '9ms', greatest: '1m', above: '1m1ms', zero: 'error' },
  'identityProviders[0].config.timeouts.bind': { least: '10ms', below: '9ms', greatest: '1m', above: '1m1ms', zero: 'error' },
  'identityProviders[0].config.timeouts.search': { least: '10ms', below: '9ms', greatest: '1m', above: '1m1ms', zero: 'error' },
  'identityProviders[0].config.pool.min': { least: 0, below: -1, greatest: 64, above: 65, zero: /0: none/ },
  'identityProviders[0].config.pool.max': { ...COUNT, greatest: 64, above: 65 },
  'identityProviders[0].config.pool.idle': { least: '10ms', below: '9ms', greatest: '24h', above: '24h1s', zero: 'error' },
  'identityProviders[0].config.pool.age': { least: '10ms', below: '9ms', greatest: '24h', above: '24h1s', zero: 'error' },
  'identityProviders[0].config.issuers[0].clockSkew': { least: '1ns', greatest: '5m', above: '5m1s', zero: /0s: none/ },
  'identityProviders[0].config.issuers[0].maxKeyAge': { least: '1m', below: '59s', greatest: '168h', above: '169h', zero: 'error' }
}

/** Configs of the kinds of providers that have limits. */
const PROVIDERS: Record<'ldap' | 'jwt', object> = {
  ldap: {
    preset: 'activeDirectory',
    urls: ['ldaps://dc1.example.test'],
    userSearch: { baseDN: 'DC=example,DC=test' },
    groupSearch: { mode: 'memberOf' },
    timeouts: { connect: '10ms', bind: '10ms', search: '10ms' },
    pool: { min: 0, max: 64 }
  },
  jwt: {
    issuers: [{ issuer: { url: 'https://sso.example.test', audiences: ['kubernetes'] }, claimMappings: { username: { claim: 'sub', prefix: '' } } }]
  }
}

/** Without a contradiction at any least or greatest value. */
function tolerantConfig (kind: keyof typeof PROVIDERS): Record<string, any> {
  return {
    apiVersion: 'authn-webhook/v1',
    server: { host: '127.0.0.1', port: 8443, timeout: '1m', bodyLimit: 1_048_576, maxTokenBytes: 256 },
    admin: { host: '127.0.0.2' },
    login: { host: '127.0.0.3', issuer: 'https://login.example.com', trustedProxies: ['127.0.0.1'], signingKeys: [{ certFile: 'a.crt', keyFile: 'a.key' }], clients: [{ id: 'production' }] },
    store: { kind: 'redis', url: 'redis://127.0.0.1' },
    tls: { certFile: 'tls.crt', keyFile: 'tls.key' },
    throttle: { baseDelay: '100ms', maxDelay: '24h' },
    pressure: {},
    identityProviders: [{
      name: 'corp',
      kind,
      timeout: '1m',
      cache: {},
      config: structuredClone(PROVIDERS[kind])
    }]
  }
}

/** Fields of which each is right by itself. */
const CONTRADICTIONS: Array<[what: string, fields: Record<string, unknown>, path: string, message: RegExp]> = [
  ['a first wait over the longest', { 'throttle.baseDelay': '10s', 'throttle.maxDelay': '5s' }, 'throttle.baseDelay', /^is 10s, and must not be longer than throttle\.maxDelay \(5s\)$/],
  ['a provider over the review', { 'server.timeout': '2s', 'identityProviders[0].timeout': '3s' }, 'identityProviders[0].timeout', /^is 3s, and must not be longer than server\.timeout/],
  ['a token over the body', { 'server.bodyLimit': 65_536, 'server.maxTokenBytes': 65_536 }, 'server.maxTokenBytes', /^must be at most 65024: server\.bodyLimit \(65536\) minus 512/],
  ['a connect over the provider', { 'identityProviders[0].timeout': '3s', 'identityProviders[0].config.timeouts.connect': '4s' }, 'identityProviders[0].config.timeouts.connect', /^is 4s, and must not be longer than the provider's timeout, 3s$/],
  ['a bind over the provider', { 'identityProviders[0].timeout': '3s', 'identityProviders[0].config.timeouts.bind': '1m' }, 'identityProviders[0].config.timeouts.bind', /^is 1m, and must not be longer than the provider's timeout, 3s$/],
  ['a search over the provider', { 'identityProviders[0].timeout': '3s', 'identityProviders[0].config.timeouts.search': '3001ms' }, 'identityProviders[0].config.timeouts.search', /^is 3001ms, and must/],
  ['a pool with more than it may have', { 'identityProviders[0].config.pool.min': 3, 'identityProviders[0].config.pool.max': 2 }, 'identityProviders[0].config.pool.min', /must not be more than pool\.max/],
  ['levels of no groups', { 'identityProviders[0].config.groupSearch.mode': 'none', 'identityProviders[0].config.groupSearch.nested': 2 }, 'identityProviders[0].config.groupSearch.nested', /groupSearch\.mode is none/],
  ['ports of one address', { 'server.port': 9000, 'admin.port': 9000, 'admin.host': '127.0.0.1' }, 'admin.port', /must differ from server\.port/]
]

test('each number and duration of the config', async t => {
  t.strictSame(Object.keys(await describedConfig()).sort(), Object.keys(CONFIG).sort(), 'each is in the table')
  const descriptions = await describedConfig()
  for (const [path, { least, greatest, below, above, zero }] of Object.entries(CONFIG)) {
    for (const value of [least, greatest]) t.equal(await errorAt(t, { [path]: value }, path), undefined, `${path}: ${value} is fine`)
    for (const value of [below, above, ...typeof least === 'string' ? ['99999999999h'] : [1e30, 1.5e-9]]) {
      if (value !== undefined) t.match(await errorAt(t, { [path]: value }, path), /^must be (?!a string)/, `${path}: ${value} is an error`)
    }
    const zeroes = typeof least === 'string' ? ['0s', '0h0m0.0s'] : [0]
    for (const value of zeroes) {
      const error = await errorAt(t, { [path]: value }, path)
      if (zero === 'error') t.match(error, /^must be at least /, `${path}: ${value} is an error`)
      else t.equal(error, undefined, `${path}: ${value} is fine`)
    }
    if (zero !== 'error') t.match(descriptions[path], zero, `${path}: the description says what 0 means`)
  }
})

test('fields that contradict each other', async t => {
  for (const [what, fields, path, message] of CONTRADICTIONS) t.match(await errorAt(t, fields, path), message, what)
})

test('a limit that is as good as none is a warning', async t => {
  const warnings = async (fields: Record<string, unknown>) => (await inspectWith(t, fields)).warnings.map(({ path }) => path)
  t.ok((await warnings({ 'throttle.maxFailures': 101 })).includes('throttle.maxFailures'))
  t.notOk((await warnings({ 'throttle.maxFailures': 100 })).includes('throttle.maxFailures'))
})

/** Of the chart alone; what is of the service has its bounds there. Whether fields fit together is for test/chart-install/manifests.chart.ts. */
const VALUES: Record<string, Bounds> = {
  replicaCount: { least: 0, below: -1, greatest: 1000, above: 1001, zero: /0: none/ },
  'service.port': { least: 1, below: 0, greatest: 65_535, above: 65_536, zero: 'error' },
  'tls.helm.caDays': { least: 2, below: 1, greatest: 36_500, above: 36_501, zero: 'error' },
  'tls.helm.days': { least: 1, below: 0, greatest: 36_500, above: 36_501, zero: 'error' },
  'tls.helm.renewBeforeDays': { least: 0, below: -1, greatest: 36_500, above: 36_501, zero: /0: never/ },
  'tls.certManager.caDuration': { least: '1h', greatest: '876000h', above: '-1h', zero: 'error' },
  'tls.certManager.duration': { least: '1h', greatest: '876000h', above: '-1h', zero: 'error' },
  'tls.certManager.renewBefore': { least: '5m', greatest: '876000h', above: '-1h', zero: 'error' },
  'startupProbe.periodSeconds': { ...COUNT, greatest: 3600, above: 3601 },
  'startupProbe.timeoutSeconds': { ...COUNT, greatest: 3600, above: 3601 },
  'startupProbe.failureThreshold': { ...COUNT, greatest: 1000, above: 1001 },
  'readinessProbe.periodSeconds': { ...COUNT, greatest: 3600, above: 3601 },
  'readinessProbe.timeoutSeconds': { ...COUNT, greatest: 3600, above: 3601 },
  'readinessProbe.failureThreshold': { ...COUNT, greatest: 1000, above: 1001 },
  'livenessProbe.periodSeconds': { ...COUNT, greatest: 3600, above: 3601 },
  'livenessProbe.timeoutSeconds': { ...COUNT, greatest: 3600, above: 3601 },
  'livenessProbe.failureThreshold': { ...COUNT, greatest: 1000, above: 1001 },
  'livenessProbe.terminationGracePeriodSeconds': { ...COUNT, greatest: 3600, above: 3601 },
  terminationGracePeriodSeconds: { ...COUNT, greatest: 86_400, above: 86_401 },
  'podDisruptionBudget.maxUnavailable': { least: 0, below: -1, greatest: 1000, above: 1001, zero: /0: .*blocks/ },
  'autoscaling.minReplicas': { ...COUNT, greatest: 1000, above: 1001 },
  'autoscaling.maxReplicas': { ...COUNT, greatest: 1000, above: 1001 },
  'autoscaling.targetCPUUtilizationPercentage': { ...COUNT, greatest: 1000, above: 1001 },
  'metrics.serviceMonitor.interval': { least: '1s', greatest: '24h', above: '-1s', zero: 'error' },
  'metrics.serviceMonitor.scrapeTimeout': { least: '1s', greatest: '24h', above: '-1s', zero: 'error' },
  'metrics.podMonitor.interval': { least: '1s', greatest: '24h', above: '-1s', zero: 'error' },
  'metrics.podMonitor.scrapeTimeout': { least: '1s', greatest: '24h', above: '-1s', zero: 'error' },
  'login.replicaCount': { ...COUNT, greatest: 1000, above: 1001 },
  'login.service.port': { least: 0, below: -1, greatest: 65_535, above: 65_536, zero: /0: 80 with/ },
  'login.podDisruptionBudget.maxUnavailable': { least: 0, below: -1, greatest: 1000, above: 1001, zero: /0: .*blocks/ },
  'login.autoscaling.minReplicas': { ...COUNT, greatest: 1000, above: 1001 },
  'login.autoscaling.maxReplicas': { ...COUNT, greatest: 1000, above: 1001 },
  'login.autoscaling.targetCPUUtilizationPercentage': { ...COUNT, greatest: 1000, above: 1001 }
}

test('each number and duration of the chart\'s values', async t => {
  const { HelmValues } = await import('../../schemas/helm-values.js')
  const described = Object.fromEntries(Object.entries(limitsOf(HelmValues)).filter(([path]) => !/^(?:login\.)?(?:config|store)\./.test(path)))
  t.strictSame(Object.keys(described).sort(), Object.keys(VALUES).sort(), 'each is in the table')
  const validate = new Ajv({ strict: false }).compile(publishedValuesSchema())
  const fits = (path: string, value: Value): boolean => {
    const values = {}
    put(values, path, value)
    return validate(values)
  }
  for (const [path, { least, greatest, below, above, zero }] of Object.entries(VALUES)) {
    t.ok(fits(path, least) && fits(path, greatest), `${path}: ${least} and ${greatest} are fine`)
    for (const value of [below, above]) if (value !== undefined) t.notOk(fits(path, value), `${path}: ${value} is an error`)
    t.equal(fits(path, typeof least === 'string' ? '0s' : 0), zero !== 'error', `${path}: 0`)
    if (zero !== 'error') t.match(described[path], zero, `${path}: the description says what 0 means`)
  }
})

/** What the options of commands take, as their help says. */
const ARGUMENTS = {
  text: ['username', 'file', 'dir', 'name', 'host', 'address', 'url', 'group', 'uid', 'key=value', 'audience', 'format', 'distribution', 'id', 'jti', 'base64'],
  // test/src/cli/commands/: serve.test.ts, users.test.ts, sessions.test.ts
  tested: ['--port <number>', '--expires <time>', '--before <time>']
}

test('no option of a command takes a number or a time beside those', async t => {
  const options = flagsOf(await everyCommand()).flatMap(flags => flags.match(/--[a-z-]+ <[^>]+>/g) ?? [])
  t.strictSame([...new Set(options.filter(option => !ARGUMENTS.text.includes(option.slice(option.indexOf('<') + 1, -1))))].sort(), ARGUMENTS.tested.toSorted())
})

test('no schema has a number or duration beside those', async t => {
  const folder = new URL('../../schemas/', import.meta.url)
  const files = (await readdir(folder, { recursive: true })).filter(name => name.endsWith('.ts'))
  // what the API server gets; ours alone
  const answers = ['code']
  const known = [...Object.keys(CONFIG), ...Object.keys(VALUES), ...answers]
  for (const file of files) {
    for (const [name, schema] of Object.entries(await import(new URL(file, folder).href))) {
      if (!isSchema(schema)) continue
      for (const path of Object.keys(limitsOf(schema))) {
        // a part of a schema is a part of a path
        const end = path.replaceAll('[0]', '').replace(/^(?:login\.)?config\.|^login\.(?=store\.)/, '')
        t.ok(path === '' || known.some(field => field.replaceAll('[0]', '').endsWith(end)), `${file}: ${name}: ${path}`)
      }
    }
  }
  const kinds = files.filter(name => name.startsWith('providers/')).map(name => name.slice('providers/'.length, -'.ts'.length))
  t.strictSame(kinds.sort(), Object.keys(await providerSchemas()).sort(), 'each kind of provider is looked into')
})

/** `-u, --username <username>` of each option of a command, and of those below it. */
function flagsOf ({ options, commands }: Command): string[] {
  return [...options.map(({ flags }) => flags), ...commands.flatMap(flagsOf)]
}

async function providerSchemas (): Promise<Record<string, object>> {
  const kinds = ['jwt', 'ldap', 'mock', 'static']
  return Object.fromEntries(await Promise.all(kinds.map(async kind => [kind, (await findDefinition({ kind }, { dir: '.' })).schema] as const)))
}

/** Path → description of every number and duration of the config, with those of all kinds of providers. */
async function describedConfig (): Promise<Record<string, string>> {
  const { Config } = await import('../../schemas/config.js')
  const own = Object.values(await providerSchemas()).map(schema => limitsOf(schema, 'identityProviders[0].config'))
  return Object.assign(limitsOf(Config), ...own)
}

/** Path → description of every number and duration below a schema. */
function limitsOf (schema: any, path = ''): Record<string, string> {
  if (isNumber(schema) || isDuration(schema)) return { [path]: schema.description ?? '' }
  const parts = [
    ...Object.entries(schema.properties ?? {}).map(([key, child]) => limitsOf(child, path === '' ? key : `${path}.${key}`)),
    ...[...Object.values(schema.patternProperties ?? {}), ...typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : []].map(child => limitsOf(child, `${path}.*`)),
    ...[schema.items ?? []].flat().map(child => limitsOf(child, `${path}[0]`)),
    ...[...schema.anyOf ?? [], ...schema.oneOf ?? [], ...schema.allOf ?? []].map(child => limitsOf(child, path))
  ]
  return Object.assign({}, ...parts)
}

function isNumber ({ type }: { type?: string | string[] }): boolean {
  return [type].flat().some(name => name === 'integer' || name === 'number')
}

function isDuration ({ pattern, allOf }: { pattern?: string, allOf?: Array<{ pattern?: string }> }): boolean {
  return [pattern, ...allOf?.map(part => part.pattern) ?? []].some(text => text?.includes('ms|') === true)
}

function isSchema (value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).some(key => ['type', 'anyOf', 'properties'].includes(key))
}

async function errorAt (t: Test, fields: Record<string, unknown>, path: string): Promise<string | undefined> {
  return (await inspectWith(t, fields)).errors.find(error => error.path === path)?.message
}

async function inspectWith (t: Test, fields: Record<string, unknown>): Promise<{ errors: ReadonlyArray<{ path: string, message: string }>, warnings: ReadonlyArray<{ path: string }> }> {
  const config = tolerantConfig(Object.keys(fields).some(path => path.includes('.issuers[')) ? 'jwt' : 'ldap')
  for (const [path, value] of Object.entries(fields)) put(config, path, value)
  const inspection = await validateConfig({ file: join(t.testdir({ 'config.yaml': dump(config) }), 'config.yaml'), findDefinition })
  return 'error' in inspection ? { errors: inspection.error.errors, warnings: [] } : { errors: [], warnings: inspection.warnings }
}

/** Sets `a.b[0].c`, making what is missing on the way. */
function put (holder: any, path: string, value: unknown): void {
  const keys = path.split(/[.[\]]+/).filter(key => key !== '')
  const last = keys.pop()!
  for (const key of keys) holder = holder[key] ??= {}
  holder[last] = value
}
