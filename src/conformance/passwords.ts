/** Cases about the one step that tests a password. */
import assert from 'node:assert/strict'
import { expectDenial, expectNotAuthenticated, expectUser } from './expectations.js'
import { ask, using, within, type Opened } from './opened.js'
import { labelledPasswords, type ConformanceSubject } from './subject.js'

/** Every spelling of one account shares one budget of failures, two accounts share none, and names that don't exist are no accounts. */
export async function attemptsUnderCanonicalName (subject: ConformanceSubject): Promise<void> {
  await using(subject, async (opened) => {
    const owners = new Map<string, string>()
    for (const [label, valid] of labelledPasswords(subject)) {
      const identities = new Set<string>()
      for (const [index, username] of [valid.credential.username, ...valid.spellings ?? []].entries()) {
        const password = valid.credential.password
        // another one each time: a provider may remember what it refused
        const wrong = password + 'x'.repeat(index + 1)
        expectUser(await askOnce(opened, username, password, identities, label), valid, label)
        expectDenial(await askOnce(opened, username, wrong, identities, label), 'wrong-credential', `${label} with a wrong password`)
      }
      assert.equal(identities.size, 1, `${label}: ctx.attempt must be called under one name, however the username is written`)
      const [identity = ''] = identities
      const owner = owners.get(identity) ?? valid.user.username
      assert.equal(owner, valid.user.username, `${label}: ctx.attempt is called under the name of another account`)
      owners.set(identity, owner)
    }
    opened.attempts.length = 0
    await ask(opened, UNKNOWN)
    assert.ok(opened.attempts.every(identity => !/nobody/i.test(identity)), 'an unknown name must not be passed to ctx.attempt')
  })
}

const UNKNOWN = { username: 'Nobody-Of-This-Name', password: 'some password' }

/** Or time, and the first attempt that is throttled, would tell which names exist. */
export async function attemptsUnknownNames (subject: ConformanceSubject): Promise<void> {
  await using(subject, async (opened) => {
    assert.equal(await ask(opened, UNKNOWN), null, 'the answer for an unknown name must be null')
    const [name] = opened.unknown
    assert.equal(opened.unknown.length, 1, 'ctx.attemptUnknown must be called once for an unknown name')
    assert.match(name ?? '', /nobody-of-this-name/i, 'ctx.attemptUnknown is called with the name that was typed')

    for (const [label, { credential: { username }, spellings = [] }] of labelledPasswords(subject)) {
      // each counts against the account, in ctx.attempt
      opened.unknown.length = 0
      await ask(opened, { username, password: 'some password' })
      assert.deepEqual(opened.unknown, [], `${label} is an account: ctx.attemptUnknown is not called`)
      if (!spellings.some(spelling => spelling !== username && spelling.toLowerCase() === username.toLowerCase())) continue
      await ask(opened, { ...UNKNOWN, username: UNKNOWN.username.toUpperCase(), password: 'another password' })
      assert.deepEqual(opened.unknown, [name], `${label} may be written in upper or lower case: so may the name in ctx.attemptUnknown`)
    }
  })
}

async function askOnce (opened: Opened, username: string, password: string, identities: Set<string>, label: string) {
  opened.attempts.length = 0
  const answer = await ask(opened, { username, password })
  assert.equal(opened.attempts.length, 1, `${label}: ctx.attempt must be called once for a request`)
  for (const identity of opened.attempts) identities.add(identity)
  return answer
}

export async function followsAttempt (subject: ConformanceSubject): Promise<void> {
  await using(subject, async (opened) => {
    for (const [label, { credential }] of labelledPasswords(subject)) {
      const answer = await ask(opened, credential, { attempt: async () => 'incorrect' })
      expectDenial(answer, 'wrong-credential', `${label}, although ctx.attempt returned "incorrect"`)
    }
  })
}

export async function passesRejection (subject: ConformanceSubject): Promise<void> {
  const throttled = new Error('throttled')
  await using(subject, async (opened) => {
    for (const [label, { credential }] of labelledPasswords(subject)) {
      const request = ask(opened, credential, { attempt: async () => { throw throttled } })
      await assert.rejects(request, error => error === throttled, `${label}: the request must reject with the error of ctx.attempt`)
    }
    const request = ask(opened, UNKNOWN, { attemptUnknown: async () => { throw throttled } })
    await assert.rejects(request, error => error === throttled, 'a request with an unknown name must reject with the error of ctx.attemptUnknown')
  })
}

/**
 * A directory takes a name with an empty password for an anonymous bind, and
 * says yes: RFC 4513, 5.1.2. No empty password gets as far as a provider, but
 * this would be too costly to rely on it.
 */
export async function refusesEmptyPassword (subject: ConformanceSubject): Promise<void> {
  await using(subject, async ({ provider, context }) => {
    for (const [label, { credential: { username } }] of labelledPasswords(subject)) {
      const answer = await within(subject, async () => await provider.authenticatePassword?.({ username, password: '' }, context())).catch(() => null)
      expectNotAuthenticated(answer ?? null, `${label} with an empty password`)
    }
  })
}
