/**
 * The proof of the provider contract: named cases that every identity provider
 * passes, ours and third parties'. Any test runner can run them.
 *
 * Its author describes a provider with credentials that it knows, refuses, and
 * leaves to others:
 *
 * @example
 * ```js
 * import { test } from 'node:test'
 * import { conformanceCases } from 'authn-webhook/conformance'
 * import definition from './my-provider.mjs'
 *
 * const cases = conformanceCases({
 *   definition,
 *   config: { token: 'a-token-of-alice' },
 *   valid: [{ credential: 'a-token-of-alice', user: { username: 'alice' } }],
 *   foreign: ['a-token-of-somebody-else']
 * })
 * for (const { name, run } of cases) test(name, run)
 * ```
 *
 * Cases are listed where they apply: those about passwords for a subject that
 * has some, those about an outage where `unreachable` is given. They are to run
 * one after another; each opens the provider anew and closes it.
 */
import assert from 'node:assert/strict'
import {
  answersImmediately, deniesRefused, givesUsers, keepsQuestionsApart, leavesForeign,
  recognizesItsOwn, refusesNearMisses, sharesNoAnswer, survivesOddTokens
} from './answers.js'
import { closesAlone, definitionFollowsContract, opensAgain, opensAsProvider, releases, invalidatesOnReload } from './life.js'
import { deniesAccounts, looksUp } from './lookups.js'
import { rejectsWhileUnreachable, rejectsWhenAborted, stopsWaiting, keepsSecrets } from './outages.js'
import { agreeOnPasswordVersion, changesPasswordVersion } from './password-versions.js'
import { attemptsUnderCanonicalName, attemptsUnknownNames, passesRejection, refusesEmptyPassword, followsAttempt } from './passwords.js'
import { labelledPasswords, type ConformanceSubject } from './subject.js'

export { ODD_TOKENS } from './odd-tokens.js'
export type { ConformanceSubject, DeniedAccount, Presented, RefusedCredential, ValidCredential } from './subject.js'

export interface ConformanceCase {
  readonly name: string
  /** Rejects with an `AssertionError` that says what is wrong. */
  readonly run: () => Promise<void>
}

/** The cases that apply to a subject. */
export function conformanceCases (subject: ConformanceSubject): ConformanceCase[] {
  assert.ok(subject.valid.length > 0, 'the subject needs at least one valid credential')
  const cases: Array<[name: string, check: (subject: ConformanceSubject) => Promise<void>]> = [
    ['the definition follows the contract', definitionFollowsContract],
    ['open returns a provider that follows the contract', opensAsProvider],
    ['valid credentials are authenticated as their users', givesUsers]
  ]
  if (given(subject.refused)) cases.push(['refused credentials are denied with their reasons', deniesRefused])
  if (given(subject.foreign)) cases.push(['foreign credentials are left to the next provider', leavesForeign])
  cases.push(['malformed tokens cause no error', survivesOddTokens])
  if (subject.anyToken !== true) {
    cases.push(['almost valid credentials are not authenticated', refusesNearMisses])
  }
  cases.push(
    ['answers share no mutable state', sharesNoAnswer],
    ['concurrent requests do not affect each other', keepsQuestionsApart],
    ['recognizes is synchronous, and true for valid credentials', recognizesItsOwn],
    ['credential types declared synchronous are answered without a promise', answersImmediately],
    ['lookup returns the users that are authenticated', looksUp]
  )
  if (given(subject.deniedAccounts)) cases.push(['lookup denies accounts with their reasons', deniesAccounts])
  if (labelledPasswords(subject).length > 0) {
    cases.push(
      ['a password is checked once, in ctx.attempt, under the name of the account', attemptsUnderCanonicalName],
      ['an unknown name takes as long, in ctx.attemptUnknown', attemptsUnknownNames],
      ['the result of ctx.attempt decides', followsAttempt],
      ['rejections of ctx.attempt and ctx.attemptUnknown are propagated', passesRejection],
      ['empty passwords are not authenticated', refusesEmptyPassword],
      ['passwords and lookups give the same password version', agreeOnPasswordVersion]
    )
    if (subject.changePassword !== undefined) cases.push(['a change of the password changes the password version', changesPasswordVersion])
  }
  cases.push(
    ['logs, answers and errors contain no secret', keepsSecrets],
    ['an aborted request rejects or is answered correctly', rejectsWhenAborted]
  )
  if (subject.silent !== undefined) cases.push(['an aborted request stops waiting for the source', stopsWaiting])
  if (subject.unreachable !== undefined) cases.push(['it opens with an unreachable source, and requests reject', rejectsWhileUnreachable])
  if (subject.reload !== undefined) cases.push(['a reload calls invalidate', invalidatesOnReload])
  cases.push(
    ['it can be opened again after close', opensAgain],
    ['close does not affect another open provider', closesAlone],
    ['close releases all resources', releases]
  )
  return cases.map(([name, check]) => ({ name, run: async () => { await check(subject) } }))
}

function given (credentials: readonly unknown[] = []): boolean {
  return credentials.length > 0
}
