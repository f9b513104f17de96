/** What an operator learns of an issuer whose keys can't be had, in a ping or `validate --online`. */
import { once } from 'node:events'
import { createServer as createHTTPServer } from 'node:http'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { gzipSync } from 'node:zlib'
import { test, type Test } from 'tap'
import type { KeySource } from '../../../../../plugins/providers/jwt/keys/key-source.js'
import { remoteKeys, type RemoteKeysOptions } from '../../../../../plugins/providers/jwt/keys/remote-keys.js'
import { createCA, issueServing } from '../../../../../src/certificates/issue.js'
import { issuerCA, json, makeJWK, recordLog, scriptIssuer, status, text, type Answer, type ScriptedIssuer } from '../../../../fixtures/scripted-issuer.js'

const key = await makeJWK('ES256', { kid: 'k' })
const ca = await issuerCA()
const forever = new AbortController().signal
const DAY = 24 * 3_600_000

interface Opened extends ReturnType<typeof recordLog> {
  readonly keys: KeySource
  readonly refreshes: unknown[]
}

function open (t: Test, { url }: { readonly url: string }, options: Partial<RemoteKeysOptions> = {}): Opened {
  const { log, logged } = recordLog()
  const refreshes: unknown[] = []
  const keys = remoteKeys({ issuer: url, ca: () => ca.cert, log, timeout: 30_000, onRefresh (error) { refreshes.push(error) }, ...options })
  t.teardown(() => { keys.close() })
  return { keys, log, logged, refreshes }
}

async function listen (t: Test, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function working (t: Test, options: Parameters<typeof scriptIssuer>[1] = {}): Promise<ScriptedIssuer> {
  const issuer = await scriptIssuer(t, options)
  issuer.jwks = json({ keys: [key] })
  return issuer
}

test('an issuer that works', async t => {
  const issuer = await working(t)
  const { keys, logged, refreshes } = open(t, issuer)
  t.same(issuer.requests, [], 'nothing is requested before the first question')
  await keys.ping(forever)
  t.same(issuer.requests, ['/.well-known/openid-configuration', '/keys'])
  t.same(refreshes, [undefined])
  t.same(logged, [`debug: fetched the keys of the issuer {"issuer":"${issuer.url}","keys":1,"skipped":0}`])
})

test('where the discovery document is', async t => {
  const issuer = await working(t)
  const paths: string[] = []
  issuer.discovery = (request, response) => {
    paths.push(request.url!)
    json({ issuer: issuer.url, jwks_uri: `${issuer.url}/keys` })(request, response)
  }
  await open(t, issuer, { discoveryURL: `${issuer.url}/.well-known/openid-configuration` }).keys.ping(forever)
  t.same(paths, ['/.well-known/openid-configuration'])
  for (const [suffix, path] of [['', '/.well-known/openid-configuration'], ['/', '/.well-known/openid-configuration'], ['/realms/x', '/realms/x/.well-known/openid-configuration'], ['/realms/x/', '/realms/x/.well-known/openid-configuration'], ['/x//', '/x//.well-known/openid-configuration']] as const) {
    issuer.requests.length = 0
    await open(t, { url: `${issuer.url}${suffix}` }).keys.ping(forever).catch(() => {})
    t.equal(issuer.requests[0], path, suffix)
  }
})

test('an issuer whose answers are wrong', async t => {
  const issuer = await working(t)
  const good = { discovery: issuer.discovery, jwks: issuer.jwks }
  const own = { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` }
  const document = `discovery document ${issuer.url}/.well-known/openid-configuration: `
  const jwks = `JWKS ${issuer.url}/keys: `
  const redirect = status(302, { location: 'https://login.example.com:8443/sign-in?token=canary' })
  const cases: Array<[name: string, answers: { discovery?: Answer, jwks?: Answer }, message: string]> = [
    ['no discovery document', { discovery: status(404) }, `${document}HTTP status 404: not found: check the URL of the issuer, or set discoveryURL`],
    ['discovery with a sign-in', { discovery: status(401) }, `${document}HTTP status 401: it requires authentication: the issuer must publish this document to everyone`],
    ['an error of the issuer', { discovery: status(503) }, `${document}HTTP status 503: check the log of the issuer`],
    ['an answer without content', { discovery: status(204) }, `${document}HTTP status 204: check the log of the issuer`],
    ['a redirect', { discovery: redirect }, `${document}HTTP status 302: redirects to https://login.example.com:8443, which is not followed: set the final URL`],
    ['a redirect to nowhere', { discovery: status(307) }, `${document}HTTP status 307: redirects to an invalid location, which is not followed: set the final URL`],
    ['a redirect of the keys', { jwks: redirect }, `${jwks}HTTP status 302: redirects to https://login.example.com:8443, which is not followed: set the final URL`],
    ['HTML', { discovery: text('<!doctype html><p>canary', { 'content-type': 'text/html; charset=utf-8' }) }, `${document}is not a JSON object (text/html): check whether the URL is that of the issuer, or a login page or proxy answers`],
    ['a list', { discovery: text('[]') }, `${document}is not a JSON object (no content type): check whether the URL is that of the issuer, or a login page or proxy answers`],
    ['nothing', { discovery: text('', { 'content-type': 'a "b" \t<script>' }) }, `${document}is not a JSON object (a??b????script?): check whether the URL is that of the issuer, or a login page or proxy answers`],
    ['another issuer', { discovery: json({ ...own, issuer: 'https://other.example.com' }) }, `the discovery document names the issuer "https://other.example.com", the config "${issuer.url}": they must be equal, including a "/" at the end`],
    ['a slash more', { discovery: json({ ...own, issuer: `${issuer.url}/` }) }, `the discovery document names the issuer "${issuer.url}/", the config "${issuer.url}": they must be equal, including a "/" at the end`],
    ['no issuer', { discovery: json({ jwks_uri: own.jwks_uri }) }, `the discovery document names the issuer nothing, the config "${issuer.url}": they must be equal, including a "/" at the end`],
    ['a very long issuer', { discovery: json({ ...own, issuer: 'x'.repeat(60_000) }) }, `the discovery document names the issuer "${'x'.repeat(199)}, the config "${issuer.url}": they must be equal, including a "/" at the end`],
    ['no jwks_uri', { discovery: json({ issuer: issuer.url }) }, 'the discovery document has no "jwks_uri": check the URL of the issuer, or set discoveryURL'],
    ['keys by http', { discovery: json({ ...own, jwks_uri: 'http://sso.example.com/keys?canary' }) }, '"jwks_uri" of the discovery document is not an https URL, but http://sso.example.com: correct it at the issuer, often its external URL or X-Forwarded-Proto'],
    ['keys in a file', { discovery: json({ ...own, jwks_uri: 'file:///etc/passwd' }) }, '"jwks_uri" of the discovery document is not an https URL, but file://: correct it at the issuer, often its external URL or X-Forwarded-Proto'],
    ['a jwks_uri with a password', { discovery: json({ ...own, jwks_uri: 'https://user:canary@sso.example.com/keys' }) }, '"jwks_uri" of the discovery document is not a URL without credentials: correct it at the issuer'],
    ['a relative jwks_uri', { discovery: json({ ...own, jwks_uri: '/keys' }) }, '"jwks_uri" of the discovery document is not a URL without credentials: correct it at the issuer'],
    ['a very long jwks_uri', { discovery: json({ ...own, jwks_uri: `${issuer.url}/${'x'.repeat(2048)}` }) }, '"jwks_uri" of the discovery document is not a URL without credentials: correct it at the issuer'],
    ['a jwks_uri that is a list', { discovery: json({ ...own, jwks_uri: [own.jwks_uri] }) }, '"jwks_uri" of the discovery document is not a URL without credentials: correct it at the issuer'],
    ['a discovery document of more than 64 KiB', { discovery: json({ ...own, padding: ' '.repeat(64 * 1024) }) }, `${document}is too large: more than 64 KiB`],
    ['one that is larger when it is decompressed', { discovery: text(gzipSync(JSON.stringify({ ...own, padding: ' '.repeat(10 * 1024 * 1024) })), { 'content-encoding': 'gzip' }) }, `${document}is too large: more than 64 KiB`],
    ['keys of more than 1 MiB', { jwks: json({ keys: [], padding: ' '.repeat(1024 * 1024) }) }, `${jwks}is too large: more than 1024 KiB`],
    ['more than 200 keys', { jwks: json({ keys: Array(201).fill(key) }) }, `${jwks}has more than 200 keys`],
    ['no keys there', { jwks: status(404) }, `${jwks}HTTP status 404: not found: check the URL of the issuer, or set discoveryURL`],
    ['no JWKS', { jwks: json({ error: 'canary' }) }, `${jwks}is not a JWKS: it has no list "keys"`],
    ['an empty JWKS', { jwks: json({ keys: [] }) }, 'its JWKS has no key that can verify signatures (0 others): check the keys of the issuer'],
    ['keys of other kinds only', { jwks: json({ keys: [{ kty: 'AKP', pub: 'canary' }, { ...key, use: 'enc' }] }) }, 'its JWKS has no key that can verify signatures (2 others): check the keys of the issuer']
  ]
  for (const [name, answers, problem] of cases) {
    await t.test(name, async t => {
      Object.assign(issuer, good, answers)
      const { keys, logged, refreshes } = open(t, issuer)
      const error = { code: 'AUTHN_KEY_SOURCE', name: 'KeySourceError', message: `no keys from issuer ${issuer.url}: ${problem}` }
      await t.rejects(keys.ping(forever), error)
      await t.rejects(keys.find({ alg: 'ES256', kid: 'k' }, forever), error)
      t.match(refreshes, [error])
      t.notMatch(logged.join('\n'), /canary|^error/m)
      t.match(logged.filter(line => !line.startsWith('debug')), [`warn: no keys of the issuer; retrying ${JSON.stringify({ issuer: issuer.url, reason: error.message })}`])
    })
  }
})

test('an answer of the largest size, and one of a byte more', async t => {
  const issuer = await working(t)
  const padded = (document: object, bytes: number): string => JSON.stringify({ ...document, padding: ' '.repeat(bytes - JSON.stringify({ ...document, padding: '' }).length) })
  const own = { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` }
  const send = (discoveryBytes: number, jwksBytes: number): void => {
    issuer.discovery = text(padded(own, discoveryBytes))
    issuer.jwks = text(gzipSync(padded({ keys: [key] }, jwksBytes)), { 'content-encoding': 'gzip' })
  }
  const [discovery, jwks] = [64 * 1024, 1024 * 1024]
  send(discovery, jwks)
  await open(t, issuer).keys.ping(forever)
  send(discovery + 1, jwks)
  await t.rejects(open(t, issuer).keys.ping(forever), { message: /openid-configuration: is too large/ })
  send(discovery, jwks + 1)
  await t.rejects(open(t, issuer).keys.ping(forever), { message: /keys: is too large/ })
})

test('an issuer that is not reached', async t => {
  const nobody = createServer()
  const refused = await listen(t, nobody)
  await new Promise(resolve => { nobody.close(resolve) })
  const long = { now: () => Date.now() - 10 * DAY }
  const oldCA = await createCA({ commonName: 'old CA', days: 60, ...long })
  const expired = await scriptIssuer(t, { certificate: await issueServing(oldCA, { names: ['127.0.0.1'], days: 1, ...long }) })
  const tomorrow = { now: () => Date.now() + DAY }
  const newCA = await createCA({ commonName: 'new CA', days: 60 })
  const early = await scriptIssuer(t, { certificate: await issueServing(newCA, { names: ['127.0.0.1'], days: 1, ...tomorrow }) })
  const stranger = await scriptIssuer(t, { certificate: await issueServing(await createCA({ commonName: 'another CA', days: 1 }), { names: ['127.0.0.1'], days: 1 }) })
  const otherName = await scriptIssuer(t, { certificate: await issueServing(ca, { names: ['sso.example.com'], days: 1 }) })
  const hangs = await listen(t, createServer(socket => { t.teardown(() => { socket.destroy() }) }))
  const closes = await listen(t, createServer(socket => { socket.destroy() }))
  const plain = await listen(t, createHTTPServer((_request, response) => { response.end() }))
  const slow = await working(t)
  slow.jwks = (_request, response) => { response.writeHead(200).write('{') }
  const short = { timeout: 500 }
  const cases: Array<[name: string, url: string, message: RegExp, options?: Partial<RemoteKeysOptions>]> = [
    ['an unknown name', 'https://sso.invalid', /: the name sso\.invalid can't be resolved: check the URL and the DNS of this machine \((?:ENOTFOUND|EAI_AGAIN)\)$/],
    ['a port where nobody listens', refused, /: connection refused: check host, port and HTTPS_PROXY, and whether the issuer is running \(ECONNREFUSED\)$/],
    ['no answer', hangs, /openid-configuration: no answer/, short],
    ['an answer that does not end', slow.url, /^no keys from issuer \S+: (?:JWKS|discovery document) \S+: no answer within 0\.5 s: check firewalls, network policies, and HTTPS_PROXY$/, short],
    ['a connection that is closed', closes, /: it closed the connection: check host, port and HTTPS_PROXY \((?:ECONNRESET|UND_ERR_SOCKET)\)$/],
    ['plain HTTP', plain, /: it does not speak TLS on this port, probably plain HTTP: use the https port of the issuer \(ERR_SSL_\w+\)$/],
    ['a certificate of another CA', stranger.url, /: its certificate is not signed by a trusted CA: set certificateAuthority or certificateAuthorityFile of the issuer to the CA that signed it \(\w+\)$/],
    ['a private CA, and none configured', slow.url, /: its certificate is not signed by a trusted CA: set certificateAuthority or certificateAuthorityFile of the issuer to the CA that signed it \(\w+\)$/, { ca: () => undefined }],
    ['a certificate for another name', otherName.url, /: its certificate is not valid for 127\.0\.0\.1: use a name that is in the certificate, or renew it with this name \(ERR_TLS_CERT_ALTNAME_INVALID\)$/],
    ['an expired certificate', expired.url, /: its certificate, or one of its CA, has expired: renew it, and check the clock of this machine \(CERT_HAS_EXPIRED\)$/, { ca: () => oldCA.cert }],
    ['a certificate of tomorrow', early.url, /: its certificate is not valid yet: check the clock of this machine \(CERT_NOT_YET_VALID\)$/, { ca: () => newCA.cert }],
    ['a CA file that is gone', slow.url, /: the CA file is gone$/, { ca () { throw new Error('the CA file is gone') } }]
  ]
  for (const [name, url, message, options] of cases) {
    await t.test(name, async t => {
      await t.rejects(open(t, { url }, options).keys.ping(forever), { code: 'AUTHN_KEY_SOURCE', message })
    })
  }
})

test('NODE_TLS_REJECT_UNAUTHORIZED has no say', async t => {
  const issuer = await working(t)
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  t.teardown(() => { delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'] })
  await t.rejects(open(t, issuer, { ca: () => undefined }).keys.ping(forever), { message: /not signed by a trusted CA/ })
})

test('a CA that is replaced', async t => {
  const issuer = await working(t)
  let current = (await createCA({ commonName: 'another CA', days: 1 })).cert
  const { keys } = open(t, issuer, { ca: () => current })
  await t.rejects(keys.ping(forever), { message: /not signed by a trusted CA/ })
  current = ca.cert
  await keys.ping(forever)
})

test('clocks that differ', async t => {
  const issuer = await working(t)
  const by = (seconds: number, headers: Record<string, string> = {}): Answer => json({ keys: [key] }, { date: new Date(Date.now() + seconds * 1000).toUTCString(), ...headers })
  const pinged = async (...answers: Answer[]): Promise<string[]> => {
    let now = 0
    const { keys, logged } = open(t, issuer, { now: () => now })
    for (const answer of answers) {
      issuer.jwks = answer
      await keys.ping(forever)
      now += 10_000
    }
    return logged.filter(line => line.startsWith('warn'))
  }
  const warning = (skew: RegExp) => [new RegExp(`^warn: the clock of the issuer differs from the clock of this machine: tokens may be rejected as expired or not valid yet; synchronize the clocks .*"skewInSeconds":${skew.source}}$`)]
  t.match(await pinged(by(600)), warning(/(?:600|599)/))
  t.match(await pinged(by(-3600)), warning(/-360\d/))
  t.same(await pinged(by(30)), [])
  t.same(await pinged(by(-3600, { age: '3600' })), [], 'kept by a cache for an hour')
  t.same(await pinged(by(0, { date: 'soon' })), [])
  t.equal((await pinged(by(600), by(600))).length, 1, 'once')
  t.equal((await pinged(by(600), by(0), by(600))).length, 2, 'again after it was right')
})

test('private keys in a JWKS', async t => {
  const issuer = await working(t)
  issuer.jwks = json({ keys: [{ ...key, d: 'canary' }] })
  let now = 0
  const { keys, logged } = open(t, issuer, { now: () => now })
  await keys.ping(forever)
  now += 10_000
  await keys.ping(forever)
  t.equal((await keys.find({ alg: 'ES256', kid: 'k' }, forever))[0]!.key.type, 'public')
  t.same(logged.filter(line => line.startsWith('warn')), [`warn: the issuer publishes private keys: anyone can sign tokens with them; replace these keys {"issuer":"${issuer.url}"}`])
  t.notMatch(logged.join(), /canary/)
})

test('a ping is real, unless the keys were fetched just before', async t => {
  const issuer = await working(t)
  let now = 0
  const { keys } = open(t, issuer, { now: () => now })
  await Promise.all(Array.from({ length: 10 }, async () => { await keys.ping(forever) }))
  t.equal(issuer.requests.length, 2, 'one for all')
  now = 4_999
  await keys.ping(forever)
  t.equal(issuer.requests.length, 2)
  now = 5_000
  await keys.ping(forever)
  t.equal(issuer.requests.length, 4, 'with discovery')
  issuer.jwks = status(500)
  now = 10_000
  await t.rejects(keys.ping(forever))
  await t.rejects(keys.ping(forever), 'a failure is not reused')
  t.equal(issuer.requests.length, 8)
  issuer.jwks = json({ keys: [key] })
  await keys.ping(forever)
  issuer.jwks = status(500)
  await t.rejects(keys.find({ alg: 'ES256', kid: 'new' }, forever))
  await t.rejects(keys.ping(forever), 'a success before a failure is not reused')
})

test('a ping that is no longer waited for', async t => {
  const { keys } = open(t, { url: await listen(t, createServer(socket => { t.teardown(() => { socket.destroy() }) })) })
  const leaving = new AbortController()
  const pinging = keys.ping(leaving.signal)
  leaving.abort(new Error('gone'))
  await t.rejects(pinging, { message: 'gone' })
  await t.rejects(keys.ping(leaving.signal), { message: 'gone' })
})
