/** The course of a token through the provider. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import jwt from '../../../../plugins/providers/jwt/index.js'
import { findErrors } from '../../../../src/documents/schema-errors.js'
import { conformanceCases } from '../../../../src/conformance/index.js'
import { AUDIENCE, ISSUER, NOW, type Claims, issuerWith, makeKey, openJwt, signed } from '../../../fixtures/jwt.js'
import { outcome } from '../../../fixtures/ldap.js'
import { json, scriptIssuer } from '../../../fixtures/scripted-issuer.js'
import { startService } from '../../../fixtures/service.js'
import { until } from '../../../fixtures/waiting.js'

const key = await makeKey('ES256', 'ec')
const NOBODY = 'https://127.0.0.1:2'

test('a token gives a user who is cached no longer than it is valid', async t => {
  const { ask, events } = await openJwt(t, {
    issuers: [issuerWith(t, [key], {
      claimMappings: {
        username: { claim: 'sub', prefix: 'sso:' },
        groups: { claim: 'groups', prefix: 'sso:' },
        uid: { claim: 'sub' },
        extra: [{ key: 'example.com/tenant', valueExpression: 'claims.tenant' }, { key: 'example.com/none', valueExpression: "claims.?none.orValue('')" }]
      }
    })]
  })
  const exp = NOW() + 600
  t.strictSame(await ask(await signed(key, { exp, tenant: ['a', 'b'] })), {
    user: { username: 'sso:alice', uid: 'alice', groups: ['sso:developers'], extra: { 'example.com/tenant': ['a', 'b'] } },
    expiresAt: new Date(exp * 1000)
  })
  t.strictSame(events, [`authenticated ${ISSUER}`])
})

test('a token of another issuer, or none, is left to the next provider', async t => {
  const { provider } = await openJwt(t, { issuers: [issuerWith(t, [key])] })
  const recognizes = (token: string): boolean | undefined => provider.recognizes?.({ token, jwt: false, passwordCredential: undefined })
  t.equal(recognizes(await signed(key)), true)
  for (const token of [await signed(key, { iss: 'https://other.example.test' }), await signed(key, { iss: undefined }), 'opaque', '', 'a.b', 'a.b.c', 'a.b.c.d', `${await signed(key)}.`]) {
    t.equal(recognizes(token), false, token.slice(0, 20))
  }
})

const mappings: Array<[what: string, fields: Record<string, unknown>, claims: Claims, expected: string]> = [
  ['the username claim is missing', { claimMappings: { username: { claim: 'name', prefix: '' } } }, {}, 'wrong-credential'],
  ['the username claim is empty', { claimMappings: { username: { claim: 'name', prefix: 'sso:' } } }, { name: '' }, 'wrong-credential'],
  ['the username claim is a list', { claimMappings: { username: { claim: 'name', prefix: '' } } }, { name: ['alice'] }, 'wrong-credential'],
  ['an inherited name is no claim', { claimMappings: { username: { claim: 'constructor', prefix: '' } } }, {}, 'wrong-credential'],
  ['a claim for groups that has the name of an inherited member, and is absent', { claimMappings: { username: { claim: 'sub', prefix: '' }, groups: { claim: 'constructor', prefix: '' } } }, {}, 'alice'],
  ['email that is not verified', { claimMappings: { username: { claim: 'email', prefix: '' } } }, { email: 'a@example.com', email_verified: false }, 'wrong-credential'],
  ['email that is verified as a word', { claimMappings: { username: { claim: 'email', prefix: '' } } }, { email: 'a@example.com', email_verified: 'true' }, 'wrong-credential'],
  ['email that is verified', { claimMappings: { username: { claim: 'email', prefix: '' } } }, { email: 'a@example.com', email_verified: true }, 'a@example.com'],
  ['email of an issuer that does not say', { claimMappings: { username: { claim: 'email', prefix: '' } } }, { email: 'a@example.com' }, 'a@example.com'],
  ['the username expression gives a number', { claimMappings: { username: { expression: 'claims.n' } } }, { n: 7 }, 'wrong-credential'],
  ['the username expression gives nothing', { claimMappings: { username: { expression: 'claims.n' } } }, { n: '' }, 'wrong-credential'],
  ['the username expression fails', { claimMappings: { username: { expression: 'claims.a.b' } } }, {}, 'wrong-credential'],
  ['the uid claim is missing', { claimMappings: { username: { claim: 'sub', prefix: '' }, uid: { claim: 'id' } } }, {}, 'wrong-credential'],
  ['an extra expression fails', { claimMappings: { username: { claim: 'sub', prefix: '' }, extra: [{ key: 'example.com/a', valueExpression: 'claims.a' }] } }, {}, 'wrong-credential'],
  ['an extra expression gives a number', { claimMappings: { username: { claim: 'sub', prefix: '' }, extra: [{ key: 'example.com/a', valueExpression: 'claims.a' }] } }, { a: 7 }, 'wrong-credential'],
  ['a required value', { claimValidationRules: [{ claim: 'hd', requiredValue: 'example.com' }] }, { hd: 'example.com' }, 'alice'],
  ['another value', { claimValidationRules: [{ claim: 'hd', requiredValue: 'example.com' }] }, { hd: 'example.org' }, 'wrong-credential'],
  ['a required value in a list', { claimValidationRules: [{ claim: 'hd', requiredValue: 'example.com' }] }, { hd: ['example.com'] }, 'wrong-credential'],
  ['no value', { claimValidationRules: [{ claim: 'hd', requiredValue: 'example.com' }] }, {}, 'wrong-credential'],
  ['a rule that is met', { claimValidationRules: [{ expression: 'claims.exp - claims.iat <= 86400', message: 'too long' }] }, {}, 'alice'],
  ['a rule that is not met', { claimValidationRules: [{ expression: 'claims.exp - claims.iat <= 60', message: 'too long' }] }, {}, 'wrong-credential'],
  ['a rule that fails', { claimValidationRules: [{ expression: 'claims.a.b', message: '' }] }, {}, 'wrong-credential'],
  ['a rule that gives something else', { claimValidationRules: [{ expression: 'claims.a', message: '' }] }, { a: 'true' }, 'wrong-credential'],
  ['a rule for users that is met', { userValidationRules: [{ expression: "!user.username.startsWith('system:')", message: '' }] }, {}, 'alice'],
  ['a rule for users that is not met', { userValidationRules: [{ expression: "'admins' in user.groups", message: 'not an admin' }] }, {}, 'not-member'],
  ['a rule for users without groups', { userValidationRules: [{ expression: 'user.groups.size() == 0', message: '' }] }, { groups: undefined }, 'alice']
]

test('mappings and rules', async t => {
  for (const [what, fields, claims, expected] of mappings) {
    const { ask } = await openJwt(t, { issuers: [issuerWith(t, [key], fields)] })
    t.equal(outcome(await ask(await signed(key, claims))), expected, what)
  }
})

test('clockSkew applies to exp, nbf and iat', async t => {
  const { ask } = await openJwt(t, { issuers: [issuerWith(t, [key], { clockSkew: '5m' })] })
  for (const [claims, expected] of [
    [{ exp: NOW() - 240 }, 'alice'],
    [{ exp: NOW() - 360 }, 'expired'],
    [{ nbf: NOW() + 240 }, 'alice'],
    [{ nbf: NOW() + 360 }, 'wrong-credential'],
    [{ iat: NOW() + 240 }, 'alice'],
    [{ iat: NOW() + 360 }, 'wrong-credential']
  ] as const) t.equal(outcome(await ask(await signed(key, claims))), expected, JSON.stringify(claims))
})

test('a denial names the user of a token that is genuine', async t => {
  const { ask, logged } = await openJwt(t, { issuers: [issuerWith(t, [key], { userValidationRules: [{ expression: 'false', message: 'closed for the day' }] })] })
  t.strictSame(await ask(await signed(key)), { denied: 'not-member', username: 'alice' })
  t.match(logged.at(-1), /closed for the day/)
  t.strictSame(await ask(`${(await signed(key)).slice(0, -4)}AAAA`), { denied: 'wrong-credential' }, 'and of no other')
})

test('without keys, and the issuer down, a token is neither right nor wrong', async t => {
  const { ask, provider } = await openJwt(t, { issuers: [{ ...issuerWith(t, [key]), issuer: { url: NOBODY, audiences: [AUDIENCE] }, jwksFile: undefined }] })
  await t.rejects(ask(await signed(key, { iss: NOBODY })), { code: 'AUTHN_UNAVAILABLE', reason: 'source-down', cause: { code: 'AUTHN_KEY_SOURCE' } })
  await t.rejects(async () => { await provider.ping?.({ signal: new AbortController().signal, log: console }) }, { message: /127\.0\.0\.1/ })
})

test('an issuer that is down keeps out nobody of the others', async t => {
  const { provider } = await openJwt(t, { issuers: [issuerWith(t, [key]), { ...issuerWith(t, [key]), issuer: { url: NOBODY, audiences: [AUDIENCE] }, jwksFile: undefined }] })
  const { review } = await startService(t, { providers: { sso: provider } })
  for (let i = 0; i < 20; i++) t.match(await review(await signed(key, { iss: NOBODY, jti: `forged-${i}` })), { error: /unavailable/ })
  t.match(await review(await signed(key)), { authenticated: true })
})

test('an issuer that replaces its only key, which has no ID', async t => {
  const next = await makeKey('ES256', 'next')
  const published = ({ jwk: { kid: _, ...jwk } }: typeof key): object => ({ keys: [jwk] })
  const issuer = await scriptIssuer(t)
  issuer.jwks = json(published(key))
  const { ask } = await openJwt(t, { issuers: [{ ...issuerWith(t, [key]), jwksFile: undefined, issuer: { url: issuer.url, audiences: [AUDIENCE], certificateAuthority: issuer.ca } }] })
  const token = async (by: typeof key): Promise<string> => await signed(by, { iss: issuer.url }, { kid: undefined })
  t.equal(outcome(await ask(await token(key))), 'alice')
  issuer.jwks = json(published(next))
  t.equal(outcome(await ask(await token(next))), 'alice', 'the new key is fetched')
  t.equal(outcome(await ask(await token(next))), 'alice')
  await t.rejects(ask(await token(key)), { code: 'AUTHN_UNAVAILABLE', message: 'busy' }, 'in the cooldown the old one is not denied: it could be newer')
  t.equal(issuer.requests.length, 3)
})

test('revoked tokens are denied, from the moment that the file says so', async t => {
  const head = 'apiVersion: authn-webhook/v1\nrevocations:'
  const revocationsFile = join(t.testdir({ 'revocations.yaml': `${head} []\n` }), 'revocations.yaml')
  const { ask, invalidations } = await openJwt(t, { revocationsFile, issuers: [issuerWith(t, [key])] })
  const [lost, kept] = [await signed(key, { jti: 'lost', iat: NOW() - 60 }), await signed(key, { jti: 'kept' })]
  t.equal(outcome(await ask(lost)), 'alice')
  writeFileSync(revocationsFile, `${head}\n  - { jti: lost }\n`)
  await until('the reload', () => invalidations() === 1)
  t.strictSame(await ask(lost), { denied: 'revoked', username: 'alice' })
  t.equal(outcome(await ask(kept)), 'alice')
  writeFileSync(revocationsFile, `${head}\n  - { subject: alice, before: ${new Date(Date.now() + 60_000).toISOString()} }\n`)
  await until('the reload', () => invalidations() === 2)
  t.equal(outcome(await ask(kept)), 'revoked')
  t.equal(outcome(await ask(await signed(key, { sub: 'bob' }))), 'bob')
})

test('a file with errors is reported until it has none, whatever happens to other files', async t => {
  const revocations = 'apiVersion: authn-webhook/v1\nrevocations: []\n'
  const { jwksFile, ...issuer } = issuerWith(t, [key])
  const revocationsFile = join(t.testdir({ 'revocations.yaml': revocations }), 'revocations.yaml')
  const { reloads } = await openJwt(t, { revocationsFile, issuers: [{ ...issuer, jwksFile }] })
  const reported = async (count: number): Promise<string | undefined> => {
    await until('a reload', () => reloads.length >= count)
    return reloads.at(-1)
  }
  writeFileSync(revocationsFile, 'broken')
  t.equal(await reported(1), 'failed')
  const other = await makeKey('ES256', 'other')
  writeFileSync(jwksFile, JSON.stringify({ keys: [key.jwk, other.jwk] }))
  t.equal(await reported(2), 'failed')
  writeFileSync(revocationsFile, revocations)
  t.equal(await reported(3), 'reloaded')
})

test('an AuthenticationConfiguration, pasted and changed', async t => {
  const { jwksFile: _, ...issuer } = issuerWith(t, [key])
  const configuration = (...jwt: object[]): string => JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration', jwt })
  const file = join(t.testdir({ 'authentication.yaml': configuration({ ...issuer, issuer: { ...issuer['issuer'], url: NOBODY } }) }), 'authentication.yaml')
  const { provider, invalidations, logged } = await openJwt(t, { authenticationConfigurationFile: file })
  const recognizes = async (iss: string): Promise<boolean | undefined> => provider.recognizes?.({ token: await signed(key, { iss }), jwt: true, passwordCredential: undefined })
  t.equal(await recognizes(NOBODY), true)
  writeFileSync(file, configuration({ ...issuer, issuer: { ...issuer['issuer'], url: `${NOBODY}/other` } }))
  await until('the reload', () => invalidations() === 1)
  t.strictSame([await recognizes(NOBODY), await recognizes(`${NOBODY}/other`)], [false, true])
  writeFileSync(file, configuration({ ...issuer, issuer: { url: 'http://insecure.example.test' } }))
  await until('the error', () => logged.some(line => line.startsWith('error: ') && line.includes('jwt[0].issuer.audiences')))
  t.equal(await recognizes(`${NOBODY}/other`), true, 'the last good one stays')
})

test('--explain shows what was read, and nothing else', async t => {
  const { explain } = await openJwt(t, {
    issuers: [issuerWith(t, [key], {
      claimValidationRules: [{ claim: 'hd', requiredValue: 'example.com' }, { expression: 'claims.exp > 0', message: '' }],
      claimMappings: { username: { claim: 'sub', prefix: '' }, groups: { expression: 'claims.groups' }, uid: { claim: 'sub' }, extra: [{ key: 'example.com/a', valueExpression: 'claims.a.b' }] },
      userValidationRules: [{ expression: "'admins' in user.groups", message: 'not an admin' }]
    })]
  })
  const token = await signed(key, { hd: 'example.com', a: { b: 'c' }, secret: 'canary-private-matter' })
  const sentences = await explain(token)
  for (const expected of [
    `issuer ${ISSUER}, key "ec", algorithm "ES256"`,
    'claim sub: "alice"', 'claim groups: ["developers"]', 'claim hd: "example.com"', 'claim a.b: "c"',
    'username alice from the claim sub', 'groups ["developers"] from the expression claims.groups', 'uid alice from the claim sub', 'extra example.com/a ["c"] from the expression claims.a.b',
    'rule hd = "example.com": met', 'rule claims.exp > 0: met', "rule 'admins' in user.groups: not met", 'denied, not-member: not an admin'
  ]) t.ok(sentences.includes(expected), expected)
  t.match(sentences.join('\n'), /claims that nothing reads: .*secret/)
  t.notMatch(sentences.join('\n'), /canary/)
  t.notMatch(sentences.join('\n'), new RegExp(token.split('.')[2]!))
})

test('it keeps the provider contract', async t => {
  const cases = conformanceCases({
    definition: jwt,
    config: filled({ issuers: [issuerWith(t, [key])] }),
    unreachable: filled({ issuers: [{ issuer: { url: ISSUER, discoveryURL: `${NOBODY}/discovery`, audiences: [AUDIENCE] }, claimMappings: { username: { claim: 'sub', prefix: '' } } }] }),
    valid: [{ credential: await signed(key), user: { username: 'alice', groups: ['developers'] } }],
    refused: [
      { credential: await signed(key, { exp: 1 }), reason: 'expired' },
      { credential: await signed(key, { aud: 'other' }), reason: 'audience' },
      { credential: await signed(key, {}, { kid: 'other' }), reason: 'wrong-credential' }
    ],
    foreign: ['opaque', await signed(key, { iss: 'https://other.example.test' }), { username: 'alice', password: 'canary-password' }]
  })
  for (const { name, run } of cases) await t.resolves(run(), name)
})

function filled (config: Record<string, any>): unknown {
  findErrors(config, jwt.schema)
  return config
}
