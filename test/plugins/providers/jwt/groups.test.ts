/** Groups that are in the token, or elsewhere. */
import { test } from 'tap'
import { ISSUER, issuerWith, makeKey, openJwt, signed } from '../../../fixtures/jwt.js'
import { groupsIn, startClaimSource } from '../../../fixtures/claim-source.js'

const key = await makeKey('ES256', 'ec')
const overage = { groups: undefined, _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph.microsoft.com/v1.0/users/1/getMemberObjects' } } }
const expression = { claimMappings: { username: { claim: 'sub', prefix: '' }, groups: { expression: 'claims.groups' } } }

test('the claim is a string or a list', async t => {
  const { ask } = await openJwt(t, { issuers: [issuerWith(t, [key])] })
  for (const [groups, expected] of [
    ['developers', ['developers']],
    [['a', 'b'], ['a', 'b']],
    [[], undefined],
    ['', undefined],
    [undefined, undefined],
    [null, undefined]
  ] as const) t.strictSame(groupsIn(await ask(await signed(key, { groups }))), expected, JSON.stringify(groups))
  for (const groups of [1, { a: 1 }, ['a', 1], [['a']], true]) {
    t.match(await ask(await signed(key, { groups })), { denied: 'wrong-credential', username: undefined }, JSON.stringify(groups))
  }
})

test('a prefix is put before each', async t => {
  const { ask } = await openJwt(t, { issuers: [issuerWith(t, [key], { claimMappings: { username: { claim: 'sub', prefix: 'sso:' }, groups: { claim: 'groups', prefix: 'sso-' } } })] })
  t.match(await ask(await signed(key, { groups: ['a', 'b'] })), { user: { username: 'sso:alice', groups: ['sso-a', 'sso-b'] } })
})

test('group overage is denied, logged and counted', async t => {
  for (const fields of [{}, expression]) {
    const { ask, events, logged } = await openJwt(t, { issuers: [issuerWith(t, [key], fields)] })
    for (const claims of [overage, { groups: undefined, hasgroups: true }, { groups: undefined, hasgroups: 'true' }]) {
      events.length = 0
      t.match(await ask(await signed(key, claims)), { denied: 'not-member' })
      t.strictSame(events, [`group-overage ${ISSUER}`])
      t.match(logged.at(-1), /group overage/)
    }
  }
})

test('with onGroupOverage: omit, the user has no groups', async t => {
  const { ask, events, logged } = await openJwt(t, { issuers: [issuerWith(t, [key], { onGroupOverage: 'omit' })] })
  t.strictSame(await ask(await signed(key, overage)).then(answer => answer !== null && 'user' in answer && answer.user), { username: 'alice' })
  t.strictSame(events, [`group-overage ${ISSUER}`, `authenticated ${ISSUER}`])
  t.ok(logged.some(line => line.startsWith('warn: group overage')))
})

test('without a mapping for groups there is no overage', async t => {
  const { ask } = await openJwt(t, { issuers: [issuerWith(t, [key], { claimMappings: { username: { claim: 'sub', prefix: '' } } })] })
  t.match(await ask(await signed(key, overage)), { user: { username: 'alice' } })
})

test('groups in the token come before those elsewhere', async t => {
  const { ask } = await openJwt(t, { issuers: [issuerWith(t, [key])] })
  t.strictSame(groupsIn(await ask(await signed(key, { ...overage, groups: ['here'] }))), ['here'])
})

test('a claim source that answers with a JWT', async t => {
  const source = await startClaimSource(t, async () => await signed(key, { groups: ['far', 'away'] }))
  const { ask, logged } = await openJwt(t, { issuers: [issuerWith(t, [key], { issuer: { url: ISSUER, audiences: ['kubernetes'], certificateAuthority: source.ca } })] })
  const claims = (fields: object = {}): Record<string, unknown> => ({ groups: undefined, _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: source.url, access_token: 'canary-access-token', ...fields } } })
  t.strictSame(groupsIn(await ask(await signed(key, claims()))), ['far', 'away'])
  t.equal(source.authorization(), 'Bearer canary-access-token')
  t.notMatch(logged.join('\n'), /canary/)
  t.strictSame(groupsIn(await ask(await signed(key, { groups: undefined, _claim_names: { groups: 's' }, _claim_sources: { s: { JWT: await signed(key, { groups: ['inside'] }) } } }))), ['inside'], 'within the token')
})

test('a claim source that can not be believed', async t => {
  const stranger = await makeKey('ES256', 'ec')
  let answer = async (): Promise<string> => ''
  const source = await startClaimSource(t, async () => await answer())
  const { ask, logged } = await openJwt(t, { issuers: [issuerWith(t, [key], { issuer: { url: ISSUER, audiences: ['kubernetes'], certificateAuthority: source.ca } })] })
  const token = await signed(key, { groups: undefined, _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: source.url } } })
  for (const [what, jwt] of [
    ['signed by a stranger', async () => await signed(stranger, { groups: ['admins'] })],
    ['of another issuer', async () => await signed(key, { iss: 'https://other.example.test', groups: ['admins'] })],
    ['for another audience', async () => await signed(key, { aud: 'other', groups: ['admins'] })],
    ['expired', async () => await signed(key, { exp: 1, groups: ['admins'] })],
    ['without the claim', async () => await signed(key, { groups: undefined })],
    ['no JWT', async () => 'admins']
  ] as const) {
    answer = jwt
    t.match(await ask(token), { denied: 'wrong-credential' }, what)
  }
  for (const [what, sources] of Object.entries({
    'a source that is not described': { other: {} },
    'no endpoint': { src1: {} },
    'an endpoint that is a number': { src1: { endpoint: 5 } },
    'an endpoint without TLS': { src1: { endpoint: 'http://127.0.0.1/claims' } },
    'a file': { src1: { endpoint: 'file:///etc/passwd' } },
    'an endpoint with a password': { src1: { endpoint: 'https://user:canary-password@127.0.0.1/claims' } },
    'an access token that no header can carry': { src1: { endpoint: source.url, access_token: 'canary-access\ntoken' } },
    'an access token that is a number': { src1: { endpoint: source.url, access_token: 1 } }
  })) t.match(await ask(await signed(key, { groups: undefined, _claim_names: { groups: 'src1' }, _claim_sources: sources })), { denied: 'wrong-credential' }, what)
  t.notMatch(logged.join('\n'), /canary/)
})

test('a claim source that is down is an outage', async t => {
  const source = await startClaimSource(t, async () => '')
  source.close()
  const { ask } = await openJwt(t, { issuers: [issuerWith(t, [key], { issuer: { url: ISSUER, audiences: ['kubernetes'], certificateAuthority: source.ca } })] })
  await t.rejects(ask(await signed(key, { groups: undefined, _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: source.url } } })), { reason: 'source-down', cause: { message: /ECONNREFUSED/ } })
})
