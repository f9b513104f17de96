import { test } from 'tap'
import type { IdentityProvider } from '../../../src/authn/provider.js'
import { loginProviders } from '../../../src/login/providers.js'
import { openTestProviders } from '../../fixtures/open-providers.js'

const authenticatePassword: NonNullable<IdentityProvider['authenticatePassword']> = async () => null
const lookup: NonNullable<IdentityProvider['lookup']> = async () => null
const authenticateToken: NonNullable<IdentityProvider['authenticateToken']> = async () => null

test('which providers people sign in with', async t => {
  const { open } = await openTestProviders(t, {
    people: { provider: { authenticatePassword, lookup } },
    robots: { provider: { authenticateToken } },
    old: { provider: { authenticatePassword } },
    corp: { provider: { authenticatePassword, lookup } }
  })
  for (const [name, providers, chosen] of [
    ['all that can, by default', undefined, ['people', 'corp']],
    ['one', ['corp'], ['corp']],
    ['several, in the order of the chain', ['corp', 'people'], ['people', 'corp']]
  ] as const) {
    t.strictSame(loginProviders({ ...providers && { providers: [...providers] } }, open).map(({ name }) => name), chosen, name)
  }
  for (const [name, providers, message] of [
    ['one that does neither', ['people', 'robots'], /^login\.providers: "robots" \(kind test\) can't check passwords, and can't look up users without a credential: its users can't sign in; remove it from the list$/],
    ['one without lookup', ['old'], /^login\.providers: "old" \(kind test\) can't look up users without a credential:/],
    ['one that is not there', ['nobody'], /^login\.providers: no identity provider is named "nobody"$/]
  ] as const) {
    t.throws(() => loginProviders({ providers: [...providers] }, open), { code: 'AUTHN_LOGIN_PROVIDER', message }, name)
  }
  t.throws(() => loginProviders({}, open.filter(({ name }) => name === 'robots')), { code: 'AUTHN_LOGIN_PROVIDER', message: /^login: no identity provider can both check passwords and look up users/ })
})
