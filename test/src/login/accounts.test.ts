import { test } from 'tap'
import { accountIdOf, claimsOf, subjectOfAccount } from '../../../src/login/accounts.js'
import { digestPasswordVersion, passwordClaim } from '../../../src/authn/sessions/session-claims.js'
import { alice } from '../../fixtures/people.js'

const IDS: ReadonlyArray<readonly [uid: string | undefined, version: string | undefined, subject: string | undefined]> = [
  ['1001', '1', 'corp:1001'],
  ['1001', undefined, 'corp:1001'],
  ['a~b', '1', 'corp:a~b'],
  ['~', undefined, 'corp:~'],
  ['ü/é', '2026', 'corp:%C3%BC%2F%C3%A9'],
  [undefined, '1', undefined],
  ['', '1', undefined],
  ['x'.repeat(300), '1', undefined]
]

void test('the ID of an account is its subject and a digest of the password version', async t => {
  for (const [uid, version, subject] of IDS) {
    const id = accountIdOf('corp', uid, version)
    t.equal(id === undefined ? undefined : subjectOfAccount(id), subject)
    if (version !== undefined && id !== undefined) t.ok(id.endsWith(`~${digestPasswordVersion(version)}`))
  }
  t.not(accountIdOf('corp', '1001', '1'), accountIdOf('corp', '1001', '2'))
  t.not(accountIdOf('corp', '1001', '1'), accountIdOf('other', '1001', '1'))
})

void test('claims', async t => {
  const person = { accountId: accountIdOf('corp', '1001', '7')!, subject: 'corp:1001', provider: 'corp', user: alice.user, expiresAt: undefined }
  const { jti, pwv, ...claims } = claimsOf(person)
  t.strictSame(claims, { idp: 'corp', preferred_username: 'alice', groups: alice.user.groups })
  t.equal(pwv, passwordClaim(jti as string, digestPasswordVersion('7')))
  t.not(claimsOf(person)['jti'], jti)
  t.notOk('pwv' in claimsOf({ ...person, accountId: accountIdOf('corp', '1001', undefined)! }), 'without a password version')
})
