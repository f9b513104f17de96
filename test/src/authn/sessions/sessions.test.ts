/** Which provider a session token is routed to. */
import { test } from 'tap'
import { parseCredential } from '../../../../src/authn/credential.js'
import { subjectOf } from '../../../../src/authn/sessions/session-claims.js'
import { createSessions } from '../../../../src/authn/sessions/sessions.js'
import { signed, makeKey } from '../../../fixtures/jwt.js'
import { openTestProviders } from '../../../fixtures/open-providers.js'
import { alice, basicToken, bob } from '../../../fixtures/people.js'
import { CLIENT, KEY, LOGIN, openSessions, sessionToken, TestKeys } from '../../../fixtures/sessions.js'

test('a token goes to the provider that it names', async t => {
  const lookup = (username: string) => () => ({ user: { username, uid: alice.user.uid! } })
  const { open } = await openTestProviders(t, {
    corp: { provider: { authenticateToken: () => null, lookup: lookup('alice') } },
    partners: { provider: { authenticateToken: () => null, lookup: lookup('bob') } },
    robots: { provider: { authenticateToken: () => null } }
  })
  const sessions = createSessions({ issuer: LOGIN, audiences: [CLIENT], keys: new TestKeys(KEY), providers: open })
  for (const [what, token, expected] of [
    ['of corp', await sessionToken(), ['corp']],
    ['of partners', await sessionToken({ idp: 'partners', sub: subjectOf('partners', alice.user.uid!) }), ['partners']],
    ['of a provider that looks up nobody', await sessionToken({ idp: 'robots', sub: subjectOf('robots', '1') }), []],
    ['of an unknown provider', await sessionToken({ idp: 'gone' }), []],
    ['of no provider', await sessionToken({ idp: undefined }), []],
    ['of a name of JavaScript', await sessionToken({ idp: '__proto__' }), []],
    ['of a list of providers', await sessionToken({ idp: ['corp'] }), []],
    ['of another issuer', await signed(await makeKey('ES256', 'sso')), undefined],
    ['an opaque token', alice.token, undefined],
    ['a password', basicToken('bob', bob.password), undefined]
  ] as const) {
    const chain = sessions.chainFor(parseCredential(token))
    t.strictSame(chain?.map(({ provider, credentialType }) => `${provider} ${credentialType}`), expected?.map(name => `${name} session`), what)
  }
})

test('a token of no provider here is denied, and no provider sees it', async t => {
  const { review, seen, queries } = await openSessions(t)
  for (const idp of ['gone', undefined, 'first']) {
    t.match(await review(await sessionToken({ idp, ...idp !== undefined && { sub: subjectOf(idp, alice.user.uid!) } })), { outcome: 'denied', provider: undefined, reason: 'unknown', status: { authenticated: false, error: undefined } })
  }
  t.strictSame([seen, queries], [[], []])
})

test('other tokens are asked about as without sessions', async t => {
  const { review, seen } = await openSessions(t)
  await review(alice.token)
  await review(basicToken('bob', bob.password))
  t.strictSame(seen.slice(0, 3), [alice.token, alice.token, alice.token])
  t.ok(seen.includes(`bob:${bob.password}`))
})

test('many bad tokens take no memory, and leave what was verified', async t => {
  const { review, queries } = await openSessions(t)
  const token = await sessionToken()
  await review(token)
  const stranger = await makeKey('ES256', KEY.kid)
  for (let number = 0; number < 2_000; number++) await review(await sessionToken({ jti: String(number) }, {}, stranger))
  t.match(await review(token), { outcome: 'authenticated' })
  t.equal(queries.length, 1)
})
