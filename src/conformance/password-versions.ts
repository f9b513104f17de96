/** Cases about `passwordVersion`, by which session tokens from before a change of the password are denied. */
import assert from 'node:assert/strict'
import type { LookupQuery } from '../authn/provider.js'
import { expectUser } from './expectations.js'
import { ask, eventually, using, within, type Opened } from './opened.js'
import { labelledPasswords, type ConformanceSubject, type ValidPassword } from './subject.js'

export async function agreeOnPasswordVersion (subject: ConformanceSubject): Promise<void> {
  await using(subject, async (opened) => {
    if (opened.provider.lookup === undefined) return
    for (const [label, valid] of labelledPasswords(subject)) await expectSameVersion(opened, label, valid)
  })
}

export async function changesPasswordVersion (subject: ConformanceSubject): Promise<void> {
  const { changePassword } = subject
  await using(subject, async (opened) => {
    for (const [label, valid] of labelledPasswords(subject)) {
      const { credential, credential: { username, password } } = valid
      const before = await versionOf(opened, label, valid)
      assert.ok(before !== undefined, `${label}: the answer to a password has a "passwordVersion"`)
      const changed = { ...valid, credential: { username, password: `${password}-changed` } }
      await within(subject, async () => { await changePassword?.(credential, changed.credential.password) })
      try {
        const hasChanged = await eventually(subject, async () => await lookedUpVersionOf(opened, label, valid, { username: valid.user.username }) !== before)
        assert.ok(hasChanged, `${label}: "passwordVersion" changes when the password changes`)
        await expectSameVersion(opened, label, changed)
      } finally {
        await within(subject, async () => { await changePassword?.(credential, password) })
      }
    }
  })
}

async function expectSameVersion (opened: Opened, label: string, valid: ValidPassword): Promise<void> {
  const { username, uid } = valid.user
  const version = await versionOf(opened, label, valid)
  for (const query of [{ username }, ...uid === undefined ? [] : [{ uid }]]) {
    const found = await lookedUpVersionOf(opened, label, valid, query)
    // a report must not hold what the version is
    assert.ok(found === version, `${label}: the answers to the password and to a lookup by ${Object.keys(query).join()} have the same "passwordVersion"`)
  }
}

async function versionOf (opened: Opened, label: string, valid: ValidPassword): Promise<string | undefined> {
  const answer = await ask(opened, valid.credential)
  expectUser(answer, valid, label)
  return answer.passwordVersion
}

async function lookedUpVersionOf ({ subject, provider, context }: Opened, label: string, { credential, user }: ValidPassword, query: LookupQuery): Promise<string | undefined> {
  const answer = await within(subject, async () => await provider.lookup?.(query, context()) ?? null)
  expectUser(answer, { credential, user }, `${label}: "lookup"`)
  return answer.passwordVersion
}
