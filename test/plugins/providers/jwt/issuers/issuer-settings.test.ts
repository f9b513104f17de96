/** What the rest of the provider gets of a config. */
import { test } from 'tap'
import { resolveIssuers, type IssuerSettings } from '../../../../../plugins/providers/jwt/issuers/issuer-settings.js'
import { JwtProviderConfig } from '../../../../../schemas/providers/jwt.js'
import { findErrors } from '../../../../../src/documents/schema-errors.js'

function settingsOf (authenticator: object): IssuerSettings {
  const config: any = { issuers: [structuredClone(authenticator)] }
  if (findErrors(config, JwtProviderConfig).length > 0) throw new Error('invalid')
  return resolveIssuers(config.issuers, path => `/etc/authn-webhook/${path}`)[0]!
}

const LEAST = { issuer: { url: 'https://sso.example.test', audiences: ['kubernetes'] }, claimMappings: { username: { claim: 'sub', prefix: '' } } }

test('the defaults', async t => {
  t.strictSame(settingsOf(LEAST), {
    url: 'https://sso.example.test',
    discoveryURL: undefined,
    certificateAuthority: undefined,
    certificateAuthorityFile: undefined,
    jwksFile: undefined,
    audiences: ['kubernetes'],
    clockSkew: 30,
    maxKeyAge: 86_400_000,
    onGroupOverage: 'deny',
    claimRules: [],
    username: { claim: 'sub', prefix: '' },
    groups: undefined,
    uid: undefined,
    extra: [],
    userRules: []
  })
})

test('an empty text is none', async t => {
  t.strictSame(settingsOf({
    issuer: { ...LEAST.issuer, discoveryURL: '', certificateAuthority: '' },
    claimMappings: { ...LEAST.claimMappings, groups: { claim: '', expression: '' }, uid: { claim: '', expression: '' } }
  }), settingsOf(LEAST))
})

test('claims, files and times', async t => {
  const settings = settingsOf({
    issuer: { ...LEAST.issuer, discoveryURL: 'https://discovery.example.test', certificateAuthorityFile: 'ca.crt' },
    claimMappings: { username: { claim: 'sub', prefix: 'sso:' }, groups: { claim: 'groups', prefix: 'sso:' }, uid: { claim: 'oid' } },
    claimValidationRules: [{ claim: 'hd', requiredValue: 'example.test' }, { claim: 'acr' }],
    jwksFile: 'jwks.json',
    clockSkew: '1m30s',
    maxKeyAge: '1h',
    onGroupOverage: 'omit'
  })
  t.match(settings, {
    discoveryURL: 'https://discovery.example.test',
    certificateAuthorityFile: '/etc/authn-webhook/ca.crt',
    jwksFile: '/etc/authn-webhook/jwks.json',
    clockSkew: 90,
    maxKeyAge: 3_600_000,
    onGroupOverage: 'omit',
    username: { claim: 'sub', prefix: 'sso:' },
    groups: { claim: 'groups', prefix: 'sso:' },
    uid: { claim: 'oid' }
  })
  t.strictSame(settings.claimRules, [{ claim: 'hd', requiredValue: 'example.test' }, { claim: 'acr', requiredValue: '' }], 'without a value, the claim must be empty')
})

test('expressions are compiled', async t => {
  const { claimRules, username, groups, uid, extra, userRules } = settingsOf({
    ...LEAST,
    claimMappings: {
      username: { expression: 'claims.sub + ":external"' },
      groups: { expression: 'claims.roles' },
      uid: { expression: 'claims.oid' },
      extra: [{ key: 'example.test/tenant', valueExpression: 'claims.tenant' }]
    },
    claimValidationRules: [{ expression: 'claims.hd == "example.test"', message: 'another domain' }],
    userValidationRules: [{ expression: 'user.username != ""' }]
  })
  const claims = { sub: 'alice', roles: ['admin'], oid: '1001', tenant: 'corp', hd: 'example.test' }
  const valueOf = (mapping: object | undefined): unknown => mapping !== undefined && 'expression' in mapping ? (mapping as typeof userRules[0]).expression.evaluate(claims) : 'not compiled'
  t.equal(valueOf(username), 'alice:external')
  t.strictSame(valueOf(groups), ['admin'])
  t.equal(valueOf(uid), '1001')
  t.strictSame(extra.map(mapping => [mapping.key, valueOf(mapping)]), [['example.test/tenant', 'corp']])
  t.match(claimRules, [{ message: 'another domain', expression: { source: 'claims.hd == "example.test"' } }])
  t.equal(valueOf(claimRules[0]), true)
  t.match(userRules, [{ message: 'not true: user.username != ""' }], 'the default message names the rule')
})
