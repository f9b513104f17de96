/** AuthenticationConfiguration files of API servers: what is read, what is wrong with them, how they are reloaded. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { openConfigurationFile, parseConfiguration } from '../../../../../plugins/providers/jwt/issuers/configuration-file.js'
import type { IssuerSettings } from '../../../../../plugins/providers/jwt/issuers/issuer-settings.js'
import { ValidationError } from '../../../../../src/errors.js'
import { fileContext } from '../../../../fixtures/file-context.js'
import { until } from '../../../../fixtures/waiting.js'

const HEAD = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n'
const SSO = `${HEAD}jwt:
- issuer: { url: https://sso.example.test, audiences: [kubernetes] }
  claimMappings: { username: { claim: sub, prefix: "" } }
`

/** `line: path: message` */
function errorsOf (text: string): string[] {
  try {
    parseConfiguration(text, 'authentication.yaml')
    return []
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error
    return error.errors.map(({ line, path, message }) => `${line}: ${path}: ${message}`)
  }
}

/** The mappings of every example of the Kubernetes documentation. */
const EXAMPLE_MAPPINGS = `
  claimMappings:
    username:
      expression: 'claims.username + ":external-user"'
    groups:
      expression: 'claims.roles.split(",")'
    uid:
      expression: 'claims.sub'
    extra:
    - key: 'example.com/tenant'
      valueExpression: 'claims.tenant'
  userValidationRules:
  - expression: "!user.username.startsWith('system:')"
    message: 'username cannot used reserved system: prefix'
`
const EXAMPLE = `---
${HEAD}jwt:
- issuer:
    url: https://example.com
    audiences:
    - my-app`

test('the examples of the Kubernetes documentation are valid', async t => {
  const rule = '\n  claimValidationRules:\n  - expression: \'claims.hd == "example.com"\'\n    message: the hd claim must be set to example.com'
  for (const [name, text] of [
    ['valid token', EXAMPLE + EXAMPLE_MAPPINGS],
    ['fails claim validation', EXAMPLE + rule + EXAMPLE_MAPPINGS],
    ['fails user validation', EXAMPLE + rule + EXAMPLE_MAPPINGS.replace('claims.username + ":external-user"', '"system:" + claims.username')],
    ['every field', `${HEAD}jwt:
- issuer:
    url: https://example.com
    discoveryURL: https://discovery.example.com/.well-known/openid-configuration
    audiences: [my-app, my-other-app]
    audienceMatchPolicy: MatchAny
  claimValidationRules:
  - { claim: hd, requiredValue: example.com }
  - expression: 'claims.exp - claims.nbf <= 86400'
    message: total token lifetime must not exceed 24 hours
  claimMappings:
    username: { claim: sub, prefix: "" }
    groups: { claim: sub, prefix: "" }
    uid: { claim: sub }
  userValidationRules:
  - expression: "user.groups.all(group, !group.startsWith('system:'))"
`]
  ] as const) t.strictSame(errorsOf(text), [], name)
})

test('all versions are read, as YAML and as JSON', async t => {
  for (const version of ['v1', 'v1beta1', 'v1alpha1']) {
    t.match(parseConfiguration(SSO.replace('/v1', `/${version}`), 'a.yaml'), { authenticators: [{ issuer: { url: 'https://sso.example.test' } }], warnings: [] }, version)
  }
  const value = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration', jwt: [{ issuer: { url: 'https://sso.example.test', audiences: ['x'] }, claimMappings: { username: { claim: 'sub', prefix: '' } } }] }
  for (const indent of [undefined, 2, '\t']) {
    t.match(parseConfiguration(JSON.stringify(value, null, indent), 'a.json'), { authenticators: [{ issuer: { audiences: ['x'] } }] }, `JSON, indented by ${JSON.stringify(indent)}`)
  }
})

test('our own fields have their defaults', async t => {
  t.match(parseConfiguration(SSO, 'a.yaml').authenticators, [{ clockSkew: '30s', maxKeyAge: '24h', onGroupOverage: 'deny' }])
})

test('what is wrong with', async t => {
  for (const [name, text, ...expected] of [
    ['an empty file', '', 'undefined: : is empty'],
    ['another version', SSO.replace('/v1', '/v2'), '1: apiVersion: must be one of apiserver.config.k8s.io/v1, apiserver.config.k8s.io/v1beta1, apiserver.config.k8s.io/v1alpha1'],
    ['another kind', SSO.replace('AuthenticationC', 'AuthorizationC'), '2: kind: must be "AuthenticationConfiguration"'],
    ['a field that is none', `${SSO}  clockSkew: 1m\n  jwksFile: x\n`, '6: jwt[0].clockSkew: unknown key', '7: jwt[0].jwksFile: unknown key'],
    ['our CA file', SSO.replace('audiences:', 'certificateAuthorityFile: ca.crt, audiences:'), '4: jwt[0].issuer.certificateAuthorityFile: unknown key; did you mean "certificateAuthority"?'],
    ['a field in another case', SSO.replace('audiences:', 'Audiences:'), '4: jwt[0].issuer.audiences: is missing', '4: jwt[0].issuer.Audiences: unknown key; did you mean "audiences"?'],
    ['a field twice', `${SSO}  claimMappings: { username: { claim: sub, prefix: "" } }\n`, '6: jwt[0].claimMappings: is a duplicate key'],
    ['a field of anonymous', `${SSO}anonymous: { enabled: true, paths: [] }\n`, '6: anonymous.paths: unknown key'],
    ['what only rules find', SSO.replace('https:', 'http:').replace(', prefix: ""', ''), '4: jwt[0].issuer.url: must start with https://', '5: jwt[0].claimMappings.username.prefix: is required when claim is set; it may be empty'],
    ['two issuers that are one', `${SSO}- issuer:\n    url: https://sso.example.test\n    audiences: [x]\n  claimMappings: { username: { claim: sub, prefix: "" } }\n`, '7: jwt[1].issuer.url: is the same as jwt[0].issuer.url'],
    ['one that the schema rejects, and one that the rules reject', `${SSO.replace('kubernetes', '')}- issuer: { url: http://other.example.test, audiences: [x] }\n  claimMappings: { username: { claim: sub, prefix: "" } }\n`, '4: jwt[0].issuer.audiences: must not be empty', '6: jwt[1].issuer.url: must start with https://'],
    ['an issuer that is none', `${HEAD}jwt: [null, 1]\n`, '3: jwt[0]: has no value; must be a mapping of keys to values', '3: jwt[1]: must be a mapping of keys to values; got a number'],
    ['a list that is none', `${HEAD}jwt: {}\n`, '3: jwt: must be a list; got a mapping of keys to values'],
    ['65 issuers', `${HEAD}jwt:\n${Array.from({ length: 65 }, (_, index) => `- issuer: { url: "https://${index}.example.test", audiences: [x] }\n  claimMappings: { username: { claim: sub, prefix: "" } }\n`).join('')}`, '3: jwt: is too long: at most 64 entries']
  ] as Array<[string, string, ...string[]]>) {
    t.strictSame(errorsOf(text), expected, name)
  }
  const many = errorsOf(`${HEAD}jwt: [${'{}, '.repeat(1000)}{ issuer: null }]\n`)
  t.equal(many.length, 1001, 'very many errors')
  t.match(many.at(-1), /more than 1000 errors/)
})

test('what has no effect is a warning', async t => {
  const text = `${SSO.replace('audiences:', 'egressSelectorType: cluster, audiences:')}anonymous: { enabled: true, conditions: [{ path: /livez }] }\n`
  t.match(parseConfiguration(text, 'a.yaml').warnings, [
    { file: 'a.yaml', path: 'jwt[0].issuer.egressSelectorType', line: 4, message: /^has no effect: egress selectors/ },
    { file: 'a.yaml', path: 'anonymous', line: 6, message: /^has no effect: the API server itself/ }
  ])
  for (const text of [HEAD, `${HEAD}jwt: []\n`]) t.match(parseConfiguration(text, 'a.yaml'), { authenticators: [], warnings: [{ path: 'jwt', message: /^has no issuers/ }] }, 'as in the API server, there may be no issuer')
})

test('a file is reloaded, and one with errors changes nothing', async t => {
  const file = join(t.testdir({ 'authentication.yaml': SSO }), 'authentication.yaml')
  const context = fileContext()
  const used: Array<readonly IssuerSettings[]> = []
  const watched = await openConfigurationFile(file, context, issuers => { used.push(issuers); context.events.push('used') })
  t.teardown(() => { watched.close() })
  t.match(watched.current, [{ url: 'https://sso.example.test' }])
  t.strictSame(context.events, ['info: loaded authentication configuration'])

  writeFileSync(file, SSO.replace('https:', 'http:'))
  await until('a report', () => context.events.includes('failed'))
  t.match(watched.current, [{ url: 'https://sso.example.test' }])
  t.strictSame(context.events.splice(0).slice(1), ['error: authentication configuration not reloaded; keeping the previous version', 'failed'])

  writeFileSync(file, SSO.replace('sso.', 'login.').replace('audiences:', 'egressSelectorType: cluster, audiences:'))
  await until('a reload', () => context.events.includes('reloaded'))
  t.match(watched.current, [{ url: 'https://login.example.test' }])
  t.strictSame(used, [watched.current])
  t.match(context.events, ['used', 'invalidated', 'info: reloaded authentication configuration', /^warn: has no effect: egress selectors/, 'reloaded'], 'answers of the previous issuers are dropped after the new ones are in use')
})

test('a file with errors is not opened', async t => {
  const dir = t.testdir({ 'invalid.yaml': HEAD.replace('v1', 'v2') })
  const context = fileContext()
  await t.rejects(openConfigurationFile(join(dir, 'invalid.yaml'), context, () => {}), { name: 'ValidationError' })
  await t.rejects(openConfigurationFile(join(dir, 'none.yaml'), context, () => {}), { message: /none.yaml: does not exist/ })
  await t.rejects(openConfigurationFile(join(t.testdir({ 'a.yaml': SSO }), 'a.yaml'), fileContext(AbortSignal.abort(new Error('stopped'))), () => {}), { message: 'stopped' })
})
