/** The parts of the config that are about signing in: rules, warnings, paths, and what follows from them. */
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { dump } from 'js-yaml'
import type { IdentityProviderDefinition } from '../../../src/authn/provider.js'
import { loadConfig, type LoadedConfig } from '../../../src/config/load.js'
import { redirectUriError } from '../../../src/config/redirect-uri.js'
import { sessionsOf } from '../../../src/config/sessions.js'
import { ValidationError, type FieldError } from '../../../src/errors.js'

const PLAIN: IdentityProviderDefinition = { contract: 1, kind: 'plain', schema: {}, open: () => ({ authenticateToken: () => null }) }

type Edit = (config: any) => void

/** The least that is right: both services in one process. */
function configWith (edit: Edit = () => {}): string {
  const config = {
    apiVersion: 'authn-webhook/v1',
    server: { host: '127.0.0.1' },
    tls: { certFile: 'tls.crt', keyFile: 'tls.key' },
    identityProviders: [{ name: 'people', kind: 'plain' }],
    login: {
      issuer: 'https://login.example.com',
      tls: { certFile: 'login.crt', keyFile: 'login.key' },
      signingKeys: [{ certFile: 'keys/a.crt', keyFile: 'keys/a.key' }],
      clients: [{ id: 'production' }]
    }
  }
  edit(config)
  return dump(config)
}

/** The process that reviews, by itself. */
const reviewsWith = (edit: Edit = () => {}): string => configWith(config => {
  delete config.login
  config.sessions = { issuer: 'https://login.example.com', certFiles: ['keys/a.crt'], audiences: ['production'] }
  edit(config)
})

async function load (t: Test, text: string): Promise<LoadedConfig> {
  return await loadConfig({ cwd: t.testdir({ 'authn-webhook.yaml': text }), env: {}, findDefinition: async () => PLAIN })
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

test('each rule', async t => {
  const redirects = (...uris: string[]): string => configWith(config => { config.login.clients[0].redirectURIs = uris })
  const proxies = (...trustedProxies: string[]): string => configWith(config => { config.login.trustedProxies = trustedProxies })
  const cases: Array<[name: string, text: string, errors: Array<[path: string, message: RegExp]>]> = [
    ['both services', configWith(), []],
    ['reviews only', reviewsWith(), []],
    ['neither', configWith(config => { delete config.login }), []],
    ['a port of the review listener', configWith(config => { config.login.port = 8443 }), [['login.port', /^must differ from server\.port: two listeners can't share a port$/]]],
    ['… of another address', configWith(config => { Object.assign(config.login, { host: '127.0.0.2', port: 8443 }) }), []],
    ['a port of the admin listener', configWith(config => { config.admin = { port: 8444 } }), [['login.port', /^must differ from admin\.port/]]],
    ['free ports', configWith(config => { config.server.port = config.login.port = 0 }), []],
    ['plain HTTP for everyone', configWith(config => { delete config.login.tls }), [['login', /^requires tls, or trustedProxies with the addresses of the reverse proxies/]]],
    ['plain HTTP for proxies', configWith(config => { delete config.login.tls; config.login.trustedProxies = ['10.0.0.0/8'] }), []],
    ['addresses and blocks', proxies('10.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8', '0.0.0.0/32'), []],
    ['what is neither', proxies('10.0.0', '10.0.0.0/33', '10.0.0.0/08', 'fd00::/129', 'proxy.example.com', 'fe80::1%eth0', '10.0.0.0/', 'loopback'), [0, 1, 2, 3, 4, 5, 6, 7].map(index => [`login.trustedProxies[${index}]`, /^is not an IP address or a CIDR block, such as 10\.0\.0\.0\/8$/])],
    ['a client twice', configWith(config => { config.login.clients.push({ id: 'production' }) }), [['login.clients[1].id', /^is already the ID of login\.clients\[0\]: IDs must be unique/]]],
    ['a provider that is not there', configWith(config => { config.login.providers = ['people', 'peopel'] }), [['login.providers[1]', /^no identity provider is named "peopel"; did you mean "people"\?$/]]],
    ['redirect URIs', redirects('https://headlamp.example.com/oidc-callback?a=b', 'http://localhost:8000/x', 'com.example.app:/callback'), []],
    ['redirect URIs that are none', redirects('https://a.example.com/#x', '/callback'), [['login.clients[0].redirectURIs[0]', /fragment/], ['login.clients[0].redirectURIs[1]', /is not an absolute URI/]]],
    ['the same after signing out', configWith(config => { config.login.clients[0].postLogoutRedirectURIs = ['https://*.example.com/'] }), [['login.clients[0].postLogoutRedirectURIs[0]', /wildcard/]]],
    ['all grants of a client with a secret', configWith(config => { Object.assign(config.login.clients[0], { grants: ['authorizationCode', 'deviceCode', 'password'], clientSecret: 'canary' }) }), []],
    ['session tokens of nobody', reviewsWith(config => { config.sessions = {} }), ['issuer', 'certFiles', 'audiences'].map(field => [`sessions.${field}`, /^is required without "login"/])],
    ['… of an invalid one', reviewsWith(config => { config.sessions.issuer = 'https://Login.example.com/' }), [['sessions.issuer', /^is not an https URL in lower case/]]],
    ['session tokens of this process', configWith(config => { config.sessions = { revocationsFile: 'revocations.yaml' } }), []],
    ['Redis without an address', configWith(config => { config.store = { kind: 'redis' } }), [['store.url', /^is required with "kind: redis"$/]]],
    ['Redis', configWith(config => { config.store = { kind: 'redis', url: 'rediss://redis.example.com:6379/0', username: 'x', caFile: 'ca.crt', cluster: true, keyPrefix: 'x:', timeout: '1s' } }), []],
    ['a CA without TLS', configWith(config => { config.store = { kind: 'redis', url: 'redis://redis.example.com', caFile: 'ca.crt' } }), [['store.caFile', /^requires a URL that begins with rediss:\/\//]]],
    ['a password in the URL', configWith(config => { config.store = { kind: 'redis', url: 'redis://:canary@redis.example.com' } }), [['store.url', /^is not a URL such as rediss:\/\/redis\.example\.com:6379\/0, without a user and password$/]]],
    ['fields of Redis without it', configWith(config => { config.store = { url: 'redis://redis.example.com', username: 'x', caFile: 'ca.crt', cluster: true, keyPrefix: 'x:', timeout: '1s' } }), ['url', 'username', 'caFile', 'cluster', 'keyPrefix', 'timeout'].map(field => [`store.${field}`, /^requires "kind: redis"$/])],
    ...['https://[::1', 'https://:80', 'https://x:99999', 'https://x/../y', 'https://x/.', 'https://x:443'].map(issuer => [`the issuer ${issuer}`, configWith(config => { config.login.issuer = issuer }), [['login.issuer', /^is not a URL as browsers write it|^is not an https URL/]]] as typeof cases[number]),
    ['sections without content', configWith(config => { config.login = config.sessions = config.store = null }), [['login', /has no value/], ['sessions', /has no value/], ['store', /has no value/]]],
    ['parts that are something else', configWith(config => { Object.assign(config.login, { trustedProxies: 'x', providers: [1], clients: [null, { id: 1, redirectURIs: [1] }] }); delete config.login.tls }), [['login.trustedProxies', /./], ['login.providers[0]', /./], ['login.clients[0]', /./], ['login.clients[1].id', /./], ['login.clients[1].redirectURIs[0]', /./]]]
  ]
  for (const [name, text, expected] of cases) {
    const errors = await errorsOf(t, text)
    t.strictSame(errors.map(({ path }) => path).sort(), expected.map(([path]) => path).sort(), name)
    for (const [path, message] of expected) t.match(errors.find(error => error.path === path)?.message, message, `${name}: ${path}`)
    for (const { line, message } of errors) {
      t.type(line, 'number', `${name}: has a line`)
      t.notMatch(message, /canary/)
    }
  }
})

test('an error has the line of its field', async t => {
  const errors = await errorsOf(t, `apiVersion: authn-webhook/v1
tls: { certFile: tls.crt, keyFile: tls.key }
identityProviders: [{ name: people, kind: plain }]
login:
  issuer: https://login.example.com
  port: 8443
  signingKeys: [{ certFile: a.crt, keyFile: a.key }]
  clients:
    - id: production
      redirectURIs:
        - http://headlamp.example.com
store:
  url: redis://redis.example.com
`)
  t.strictSame(errors.map(({ line, path }) => `${line} ${path}`), ['4 login', '6 login.port', '11 login.clients[0].redirectURIs[0]', '13 store.url'])
})

test('redirect URIs', t => {
  for (const uri of ['https://a.example.com', 'https://a.example.com:8443/cb?x=1', 'http://127.0.0.1/', 'http://[::1]:8000/cb', 'http://localhost/cb', 'com.example.app:/cb', 'com.example.app://cb']) t.equal(redirectUriError(uri), undefined, uri)
  for (const [uri, message] of [
    ['', /absolute/], ['callback', /absolute/], ['//a.example.com/', /absolute/], ['https://', /absolute/], ['https://a b', /blanks/],
    ['https://a.example.com/\n', /blanks or control/], ['https://a.example.com/\u200b', /blanks or control/],
    ['https://a.example.com/#', /fragment/], ['https://*.example.com/', /wildcard/], ['https://a.example.com/*', /wildcard/],
    ['https://alice@a.example.com/', /user or password/], ['https://:canary@a.example.com/', /user or password/],
    ['http://a.example.com/', /must be https, unless its host/], ['http://localhost.evil.example/', /must be https/], ['http://127.0.0.2/', /must be https/],
    ['myapp:/cb', /private-use scheme with a dot/], ['javascript:alert(1)', /private-use scheme/], ['data:text/html,x', /private-use scheme/]
  ] as const) {
    t.match(redirectUriError(uri), message, JSON.stringify(uri))
    t.notMatch(redirectUriError(uri), /canary|alice@/)
  }
  t.end()
})

test('paths are absolute, and start at the config', async t => {
  const { config, dir } = await load(t, configWith(config => {
    config.login.clients = [{ id: 'production', cluster: { server: 'https://api.example.com:6443', certificateAuthorityFile: 'cluster/ca.crt' } }, { id: 'staging', cluster: { server: 'https://api.example.com' } }]
    config.sessions = { certFiles: ['keys/a.crt', '/keys/b.crt'], revocationsFile: 'revocations.yaml' }
    config.store = { kind: 'redis', url: 'rediss://redis.example.com', caFile: 'redis.crt' }
  }))
  t.match(config, {
    login: {
      port: 8444,
      tls: { certFile: join(dir, 'login.crt'), keyFile: join(dir, 'login.key') },
      signingKeys: [{ certFile: join(dir, 'keys/a.crt'), keyFile: join(dir, 'keys/a.key') }],
      clients: [{ id: 'production', grants: ['authorizationCode'], cluster: { certificateAuthorityFile: join(dir, 'cluster/ca.crt') } }, { id: 'staging' }]
    },
    sessions: { certFiles: [join(dir, 'keys/a.crt'), '/keys/b.crt'], revocationsFile: join(dir, 'revocations.yaml') },
    store: { caFile: join(dir, 'redis.crt') }
  })
  t.notOk('certificateAuthorityFile' in config.login!.clients[1]!.cluster!)
  const plain = (await load(t, configWith())).config
  t.strictSame([plain.sessions, plain.store.kind, plain.store.caFile], [undefined, 'memory', undefined])
})

test('the settings of session tokens', async t => {
  const certFile = (dir: string) => join(dir, 'keys/a.crt')
  for (const [name, text, expected] of [
    ['are those of the sign-in service', configWith(), (dir: string) => ({ issuer: 'https://login.example.com', certFiles: [certFile(dir)], audiences: ['production'], revocationsFile: undefined })],
    ['each can be another', configWith(config => { config.sessions = { audiences: ['staging'], revocationsFile: '/r.yaml' } }), (dir: string) => ({ issuer: 'https://login.example.com', certFiles: [certFile(dir)], audiences: ['staging'], revocationsFile: '/r.yaml' })],
    ['are enough', reviewsWith(), (dir: string) => ({ issuer: 'https://login.example.com', certFiles: [certFile(dir)], audiences: ['production'], revocationsFile: undefined })],
    ['are not there', configWith(config => { delete config.login }), () => undefined]
  ] as const) {
    const { config, dir } = await load(t, text)
    t.strictSame(sessionsOf(config), expected(dir), name)
  }
})

test('warnings', async t => {
  const warningsOf = async (edit: Edit): Promise<Array<[string, string]>> => (await load(t, configWith(edit))).warnings.map(({ path, message }) => [path, message])
  t.strictSame(await warningsOf(() => {}), [])
  t.match(await warningsOf(config => { Object.assign(config.login.clients[0], { grants: ['deviceCode', 'password'], clientSecret: 'x' }) }), [['login.clients[0].grants[1]', /^lets a web application ask people for their passwords/]])
  t.strictSame(await warningsOf(config => { config.login.clients[0].grants = ['password'] }), [], 'kubelogin has no secret')
  t.match(await warningsOf(config => { config.sessions = { audiences: ['production', 'prodution'] } }), [['sessions.audiences[1]', /^is the ID of no client in login\.clients; did you mean "production"\?$/]])
  t.match(await warningsOf(config => { config.login.trustedProxies = ['0.0.0.0/0', '10.0.0.0/8'] }), [['login.trustedProxies[0]', /^trusts every address/]])

  const dir = t.testdir({ 'authn-webhook.yaml': configWith(), 'login.key': '' })
  writeFileSync(join(dir, 'login.key'), '')
  for (const [mode, warned] of [[0o644, true], [0o640, false]] as const) {
    chmodSync(join(dir, 'login.key'), mode)
    const { warnings } = await loadConfig({ cwd: dir, env: {}, findDefinition: async () => PLAIN })
    t.equal(warnings.some(({ path, message }) => path === 'login.tls.keyFile' && /world-readable/.test(message)), warned)
  }
})
