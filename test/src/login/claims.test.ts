import { test } from 'tap'
import { digestPasswordVersion, passwordClaim } from '../../../src/authn/sessions/session-claims.js'
import { accountIdOf } from '../../../src/login/account-id.js'
import { claimsOf } from '../../../src/login/claims.js'
import { alice } from '../../fixtures/people.js'

void test('claims', async t => {
  const person = { accountId: accountIdOf('corp', '1001', '7')!, subject: 'corp:1001', provider: 'corp', user: alice.user, expiresAt: undefined }
  const { jti, pwv, ...claims } = claimsOf(person)
  t.strictSame(claims, { idp: 'corp', preferred_username: 'alice', groups: alice.user.groups })
  t.equal(pwv, passwordClaim(jti as string, digestPasswordVersion('7')))
  t.not(claimsOf(person)['jti'], jti)
  t.notOk('pwv' in claimsOf({ ...person, accountId: accountIdOf('corp', '1001', undefined)! }), 'without a password version')
})
