/** What `validate` says of the issuers of a config. */
import { test } from 'tap'
import { validateConfig } from '../../../../../plugins/providers/jwt/validate.js'
import { JwtProviderConfig } from '../../../../../schemas/providers/jwt.js'
import { createCA } from '../../../../../src/certificates/issue.js'
import { findErrors } from '../../../../../src/documents/schema-errors.js'

const ca = await createCA({ commonName: 'issuer', days: 1 })

const ISSUER = { url: 'https://sso.example.test', audiences: ['kubernetes'] }
const USERNAME = { claim: 'sub', prefix: '' }

/** An authenticator with other fields. */
function sso ({ issuer = {}, claimMappings = {}, ...fields }: Record<string, object | string> = {}): object {
  return { issuer: { ...ISSUER, ...issuer as object }, claimMappings: { username: USERNAME, ...claimMappings as object }, ...fields }
}

function findingsOf (config: object): string[] {
  const value: any = structuredClone(config)
  const errors = findErrors(value, JwtProviderConfig)
  const findings = errors.length > 0 ? errors : validateConfig(value, {})
  return findings.map(({ path, message, ...rest }) => `${'warning' in rest ? 'warning: ' : ''}${path}: ${message}`)
}

test('nothing is wrong with', async t => {
  for (const [name, ...issuers] of [
    ['the least', sso()],
    ['empty texts, which are none', sso({ issuer: { discoveryURL: '', certificateAuthority: '', audienceMatchPolicy: '', egressSelectorType: '' }, claimMappings: { username: { ...USERNAME, expression: '' }, groups: { claim: '' }, uid: { claim: '', expression: '' } } })],
    ['several audiences', sso({ issuer: { audiences: ['a', 'b'], audienceMatchPolicy: 'MatchAny' } })],
    ['a policy for one audience', sso({ issuer: { audienceMatchPolicy: 'MatchAny' } })],
    ['a path, a port, a trailing slash', sso({ issuer: { url: 'https://sso.example.test:8443/realms/corp/' } })],
    ['discovery elsewhere', sso({ issuer: { discoveryURL: 'https://discovery.example.test/.well-known/openid-configuration' } })],
    ['discovery below the issuer', sso({ issuer: { discoveryURL: 'https://sso.example.test/.well-known/openid-configuration' } })],
    ['a CA', sso({ issuer: { certificateAuthority: ca.cert } })],
    ['the file of a CA', sso({ issuer: { certificateAuthorityFile: 'ca.crt' } })],
    ['no network', sso({ jwksFile: 'jwks.json' })],
    ['two issuers', sso(), sso({ issuer: { url: 'https://sso.example.test/' } })],
    ['claims everywhere', sso({ claimValidationRules: [{ claim: 'hd', requiredValue: 'example.test' }, { claim: 'acr', requiredValue: '' }], claimMappings: { groups: { claim: 'groups', prefix: 'sso:' }, uid: { claim: 'oid' } } })],
    ['expressions everywhere', sso({
      claimValidationRules: [{ expression: 'claims.hd == "example.test"', message: 'another domain' }],
      claimMappings: { username: { expression: 'claims.name' }, groups: { expression: 'claims.roles' }, uid: { expression: 'claims.oid' }, extra: [{ key: 'example.test/a.b/c~d', valueExpression: '"x"' }, { key: 'x/%41', valueExpression: 'claims.x' }] },
      userValidationRules: [{ expression: '!user.username.startsWith("system:")', message: 'reserved' }, { expression: 'user.groups.all(group, group != "")' }]
    })],
    ['an address by claim: the provider checks email_verified', sso({ claimMappings: { username: { claim: 'email', prefix: '' } } })],
    ['an address, verified in the username', sso({ claimMappings: { username: { expression: 'claims.email_verified ? claims.email : claims.sub' } } })],
    ['an address, verified in a rule', sso({ claimMappings: { username: { expression: 'claims.email' } }, claimValidationRules: [{ expression: 'claims.?email_verified.orValue(true) == true' }] })],
    ['an address, verified in extra', sso({ claimMappings: { username: { expression: 'claims.email' }, extra: [{ key: 'example.test/verified', valueExpression: 'string(claims.email_verified)' }] } })],
    ['another claim with such a name', sso({ claimMappings: { username: { expression: 'claims.email_alias + claims.profile.email' } } })],
    ['everything of ours', sso({ clockSkew: '0s', maxKeyAge: '168h', onGroupOverage: 'omit' })]
  ] as Array<[string, ...object[]]>) t.strictSame(findingsOf({ issuers }), [], name)
  t.strictSame(findingsOf({ authenticationConfigurationFile: 'authentication.yaml', revocationsFile: 'revocations.yaml' }), [], 'a file')
})

test('what is wrong with', async t => {
  for (const [name, issuer, expected] of [
    ['no URL', { issuer: { url: '' } }, 'issuer.url: must not be empty'],
    ['plain HTTP', { issuer: { url: 'http://sso.example.test' } }, 'issuer.url: must start with https://'],
    ['no scheme', { issuer: { url: 'sso.example.test' } }, 'issuer.url: must start with https://'],
    ['no host', { issuer: { url: 'https://' } }, 'issuer.url: is not a URL such as'],
    ['a line break in a URL', { issuer: { url: 'https://sso.example\n.test' } }, 'issuer.url: is not a URL such as'],
    ['a backslash in a URL', { issuer: { url: 'https://sso.example.test\\x' } }, 'issuer.url: is not a URL such as'],
    ['a user in the URL', { issuer: { url: 'https://alice@sso.example.test' } }, 'issuer.url: must not contain a username or password'],
    ['a password in the URL', { issuer: { url: 'https://:canary@sso.example.test' } }, 'issuer.url: must not contain a username or password'],
    ['a query', { issuer: { url: 'https://sso.example.test?x=1' } }, 'issuer.url: must not contain a query'],
    ['a fragment', { issuer: { url: 'https://sso.example.test#x' } }, 'issuer.url: must not contain a fragment'],
    ['discovery by HTTP', { issuer: { discoveryURL: 'http://x.test' } }, 'issuer.discoveryURL: must start with https://'],
    ['discovery with a query', { issuer: { discoveryURL: 'https://x.test/?x=1' } }, 'issuer.discoveryURL: must not contain a query'],
    ['discovery at the issuer', { issuer: { discoveryURL: 'https://sso.example.test//' } }, 'issuer.discoveryURL: must differ from url'],
    ['no audience', { issuer: { audiences: [] } }, 'issuer.audiences: must not be empty'],
    ['an empty audience', { issuer: { audiences: [''] } }, 'issuer.audiences[0]: must not be empty'],
    ['an audience twice', { issuer: { audiences: ['a', 'b', 'a'], audienceMatchPolicy: 'MatchAny' } }, 'issuer.audiences[2]: is the same as issuers[0].issuer.audiences[0]'],
    ['several audiences without a policy', { issuer: { audiences: ['a', 'b'] } }, 'issuer.audienceMatchPolicy: must be MatchAny when there are several audiences'],
    ['several audiences with an empty policy', { issuer: { audiences: ['a', 'b'], audienceMatchPolicy: '' } }, 'issuer.audienceMatchPolicy: must be MatchAny'],
    ['another policy', { issuer: { audienceMatchPolicy: 'MatchAll' } }, 'issuer.audienceMatchPolicy: is not MatchAny'],
    ['a CA that is none', { issuer: { certificateAuthority: 'ca.crt' } }, 'issuer.certificateAuthority: holds no certificate in PEM form'],
    ['a damaged CA', { issuer: { certificateAuthority: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----' } }, 'issuer.certificateAuthority: holds a damaged certificate'],
    ['the key of a CA', { issuer: { certificateAuthority: ca.cert + ca.key } }, 'issuer.certificateAuthority: holds a private key'],
    ['two CAs', { issuer: { certificateAuthority: ca.cert, certificateAuthorityFile: 'ca.crt' } }, 'issuer.certificateAuthorityFile: can\'t be set together with certificateAuthority'],
    ['another egress selector', { issuer: { egressSelectorType: 'etcd' } }, 'issuer.egressSelectorType: is not controlplane or cluster'],
    ['discovery for keys of a file', { issuer: { discoveryURL: 'https://x.test/d' }, jwksFile: 'jwks.json' }, 'issuer.discoveryURL: has no effect with jwksFile'],
    ['a clock far away', { clockSkew: '10m' }, 'clockSkew: must be at most 5m'],
    ['keys for seconds', { maxKeyAge: '1s' }, 'maxKeyAge: must be at least 1m'],
    ['another way with overage', { onGroupOverage: 'ignore' }, 'onGroupOverage: must be one of deny, omit'],
    ['a field that is none', { jwksFiles: 'x' }, 'jwksFiles: unknown key; did you mean "jwksFile"?'],

    ['a rule about nothing', { claimValidationRules: [{ message: 'x' }] }, 'claimValidationRules[0]: requires claim or expression'],
    ['a rule by claim and expression', { claimValidationRules: [{ claim: 'hd', expression: 'true' }] }, 'claimValidationRules[0]: has claim and expression'],
    ['a message for a claim', { claimValidationRules: [{ claim: 'hd', requiredValue: 'x', message: 'x' }] }, 'claimValidationRules[0].message: is only for a rule with expression'],
    ['a value for an expression', { claimValidationRules: [{ expression: 'true', requiredValue: 'x' }] }, 'claimValidationRules[0].requiredValue: is only for a rule with claim'],
    ['a claim twice', { claimValidationRules: [{ claim: 'hd', requiredValue: 'a' }, { claim: 'hd', requiredValue: 'b' }] }, 'claimValidationRules[1].claim: is the same as issuers[0].claimValidationRules[0].claim'],
    ['a rule twice', { claimValidationRules: [{ expression: 'true' }, { expression: 'true' }] }, 'claimValidationRules[1].expression: is the same as issuers[0].claimValidationRules[0].expression'],
    ['a rule that does not compile', { claimValidationRules: [{ expression: 'claims.hd ==' }] }, 'claimValidationRules[0].expression: '],
    ['a rule that is no condition', { claimValidationRules: [{ expression: '"x"' }] }, 'claimValidationRules[0].expression: must yield a bool'],
    ['a rule about the user', { claimValidationRules: [{ expression: 'user.username == "x"' }] }, 'claimValidationRules[0].expression: '],

    ['no username', { claimMappings: { username: {} } }, 'claimMappings.username: requires claim or expression'],
    ['a username twice', { claimMappings: { username: { ...USERNAME, expression: 'claims.sub' } } }, 'claimMappings.username: has claim and expression'],
    ['a username without a prefix', { claimMappings: { username: { claim: 'sub' } } }, 'claimMappings.username.prefix: is required when claim is set; it may be empty'],
    ['a prefix for an expression', { claimMappings: { username: { expression: 'claims.sub', prefix: '' } } }, 'claimMappings.username.prefix: is only for a mapping with claim'],
    ['a username that is a list', { claimMappings: { username: { expression: '["x"]' } } }, 'claimMappings.username.expression: must yield a string'],
    ['an address that may not be verified', { claimMappings: { username: { expression: 'claims.email' } } }, 'claimMappings.username.expression: uses claims.email, so claims.email_verified must be used'],
    ['an address that is verified elsewhere', { claimMappings: { username: { expression: 'claims.?email.orValue("")' }, groups: { expression: 'claims.email_verified ? ["x"] : []' } } }, 'claimMappings.username.expression: uses claims.email'],
    ['groups twice', { claimMappings: { groups: { claim: 'groups', prefix: '', expression: 'claims.groups' } } }, 'claimMappings.groups: has claim and expression'],
    ['groups without a prefix', { claimMappings: { groups: { claim: 'groups' } } }, 'claimMappings.groups.prefix: is required when claim is set'],
    ['groups with a prefix for an expression', { claimMappings: { groups: { expression: 'claims.groups', prefix: 'x' } } }, 'claimMappings.groups.prefix: is only for a mapping with claim'],
    ['groups that are numbers', { claimMappings: { groups: { expression: '[1]' } } }, 'claimMappings.groups.expression: must yield a string or a list of strings'],
    ['an ID twice', { claimMappings: { uid: { claim: 'sub', expression: 'claims.sub' } } }, 'claimMappings.uid: has claim and expression'],
    ['an ID that is a number', { claimMappings: { uid: { expression: '1' } } }, 'claimMappings.uid.expression: must yield a string'],
    ['a prefix of an ID', { claimMappings: { uid: { claim: 'sub', prefix: '' } } }, 'claimMappings.uid.prefix: unknown key'],
    ['a key without a domain', { claimMappings: { extra: [{ key: 'tenant', valueExpression: '"x"' }] } }, 'claimMappings.extra[0].key: is not a lower-case key with a domain, such as example.com/tenant'],
    ['a key without a path', { claimMappings: { extra: [{ key: 'example.test/', valueExpression: '"x"' }] } }, 'claimMappings.extra[0].key: is not a lower-case key'],
    ['a key of another domain', { claimMappings: { extra: [{ key: '-example.test/x', valueExpression: '"x"' }] } }, 'claimMappings.extra[0].key: is not a lower-case key'],
    ['the URL of the discovery document', { issuer: { url: 'https://sso.example.test/.well-known/openid-configuration' } }, 'issuer.url: is the URL of the discovery document: remove /.well-known'],
    ['a key with a long domain', { claimMappings: { extra: [{ key: `${'a'.repeat(254)}/x`, valueExpression: '"x"' }] } }, 'claimMappings.extra[0].key: has a domain of more than 253 characters'],
    ['a key with a space', { claimMappings: { extra: [{ key: 'example.test/a b', valueExpression: '"x"' }] } }, 'claimMappings.extra[0].key: is not a lower-case key'],
    ['a key with a capital letter', { claimMappings: { extra: [{ key: 'example.test/Tenant', valueExpression: '"x"' }] } }, 'claimMappings.extra[0].key: is not a lower-case key'],
    ['a key twice', { claimMappings: { extra: [{ key: 'example.test/x', valueExpression: '"x"' }, { key: 'example.test/x', valueExpression: '"y"' }] } }, 'claimMappings.extra[1].key: is the same as issuers[0].claimMappings.extra[0].key'],
    ...['kubernetes.io', 'k8s.io', 'authentication.kubernetes.io', 'a.b.k8s.io'].map(domain =>
      [`a key of ${domain}`, { claimMappings: { extra: [{ key: `${domain}/x`, valueExpression: '"x"' }] } }, 'claimMappings.extra[0].key: is reserved: keys under kubernetes.io and k8s.io are for Kubernetes']),
    ['a key without a value', { claimMappings: { extra: [{ key: 'example.test/x', valueExpression: '' }] } }, 'claimMappings.extra[0].valueExpression: must not be empty'],
    ['a value that is a map', { claimMappings: { extra: [{ key: 'example.test/x', valueExpression: 'claims' }] } }, 'claimMappings.extra[0].valueExpression: must yield a string'],

    ['no expression', { userValidationRules: [{ expression: '' }] }, 'userValidationRules[0].expression: must not be empty'],
    ['a user rule twice', { userValidationRules: [{ expression: 'true' }, { expression: 'true' }] }, 'userValidationRules[1].expression: is the same as issuers[0].userValidationRules[0].expression'],
    ['a user rule that is no condition', { userValidationRules: [{ expression: 'user.username' }] }, 'userValidationRules[0].expression: must yield a bool'],
    ['a user rule about claims', { userValidationRules: [{ expression: 'claims.sub == "x"' }] }, 'userValidationRules[0].expression: ']
  ] as Array<[string, Record<string, object | string>, string]>) {
    const findings = findingsOf({ issuers: [sso(issuer)] })
    t.equal(findings.length, 1, `${name}: one finding`, { findings })
    t.ok(findings[0]?.startsWith(`issuers[0].${expected}`), name, { findings, expected })
    t.notMatch(findings.join(), /canary/, `${name}: no password`)
  }
})

test('what is allowed but probably a mistake', async t => {
  t.match(findingsOf({ issuers: [sso({ issuer: { egressSelectorType: 'cluster' } })] }), [/^warning: issuers\[0\].issuer.egressSelectorType: has no effect/])
  t.match(findingsOf({ issuers: [sso({ claimValidationRules: [{ claim: 'hd' }] })] }), [/^warning: issuers\[0\].claimValidationRules\[0\].requiredValue: is not set: as in the API server, the claim must be the empty string/])
})

test('issuers and their discovery URLs are unique', async t => {
  const discovery = (url: string): object => sso({ issuer: { url, discoveryURL: 'https://discovery.example.test' } })
  t.strictSame(findingsOf({ issuers: [sso(), discovery('https://b.test'), sso(), discovery('https://d.test')] }), [
    'issuers[2].issuer.url: is the same as issuers[0].issuer.url',
    'issuers[3].issuer.discoveryURL: is the same as issuers[1].issuer.discoveryURL'
  ])
})

test('issuers come from the config or from a file', async t => {
  t.strictSame(findingsOf({}), [': requires issuers or authenticationConfigurationFile'])
  t.strictSame(findingsOf({ issuers: [sso()], authenticationConfigurationFile: 'a.yaml' }), ['authenticationConfigurationFile: can\'t be set together with issuers: use one of them'])
  t.strictSame(findingsOf({ issuers: [] }), ['issuers: must not be empty'])
  const many = Array.from({ length: 65 }, (_, index) => sso({ issuer: { url: `https://sso-${index}.example.test` } }))
  t.strictSame(findingsOf({ issuers: many }), ['issuers: is too long: at most 64 entries'])
})

test('everything is found at once', async t => {
  t.strictSame(findingsOf({ issuers: [sso({ issuer: { url: 'http://a.test' }, claimMappings: { username: {} } }), sso({ claimMappings: { groups: { claim: 'groups' } } })] }), [
    'issuers[0].issuer.url: must start with https://',
    'issuers[0].claimMappings.username: requires claim or expression',
    'issuers[1].claimMappings.groups.prefix: is required when claim is set; it may be empty'
  ])
})
