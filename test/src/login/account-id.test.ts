import { test } from 'tap'
import { digestPasswordVersion } from '../../../src/authn/sessions/session-claims.js'
import { accountIdOf, passwordDigestOf, subjectOfAccount } from '../../../src/login/account-id.js'

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
    if (id !== undefined) t.equal(passwordDigestOf(id), version === undefined ? undefined : digestPasswordVersion(version))
  }
  t.not(accountIdOf('corp', '1001', '1'), accountIdOf('corp', '1001', '2'))
  t.not(accountIdOf('corp', '1001', '1'), accountIdOf('other', '1001', '1'))
})
