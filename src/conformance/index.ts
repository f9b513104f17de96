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
  answersImmediately, deniesRefused, givesUsers, keepsQuestionsApart, leavesForeign, looksUp,
  recognizesItsOwn, refusesNearMisses, sharesNoAnswer, survivesOddTokens
} from './answers.js'
import { closesAlone, definitionFollowsContract, opensAgain, opensAsProvider, releases, saysReloaded } from './life.js'
import { cannotTell, givesUp, givesUpWaiting, keepsSecrets } from './outages.js'
import { attemptsUnderCanonicalName, attemptsUnknownNames, passesRejection, refusesEmptyPassword, takesVerdict } from './passwords.js'
import { labelledPasswords, type ConformanceSubject } from './subject.js'

export { ODD_TOKENS } from './odd-tokens.js'
export type { ConformanceSubject, Presented, RefusedCredential, ValidCredential } from './subject.js'

export interface ConformanceCase {
  readonly name: string
  /** Rejects with an `AssertionError` that says what is wrong. */
  readonly run: () => Promise<void>
}

/** The cases that apply to a subject. */
export function conformanceCases (subject: ConformanceSubject): ConformanceCase[] {
  assert.ok(subject.valid.length > 0, 'the subject needs at least one valid credential')
  const cases: Array<[name: string, check: (subject: ConformanceSubject) => Promise<void>]> = [
    ['its definition follows the contract', definitionFollowsContract],
    ['it opens as a provider of the contract', opensAsProvider],
    ['it gives each credential its user', givesUsers]
  ]
  if (given(subject.refused)) cases.push(['it denies what it refuses, with the reason', deniesRefused])
  if (given(subject.foreign)) cases.push(['it leaves the credentials of others to the next provider', leavesForeign])
  cases.push(['it survives odd tokens', survivesOddTokens])
  if (subject.anyToken !== true) {
    cases.push(['it lets nobody in with a credential that is nearly right', refusesNearMisses])
  }
  cases.push(
    ['it gives every caller an answer of its own', sharesNoAnswer],
    ['it keeps concurrent questions apart', keepsQuestionsApart],
    ['it recognizes its own credentials, synchronously', recognizesItsOwn],
    ['it answers from memory what it calls synchronous', answersImmediately],
    ['it looks users up as it authenticates them', looksUp]
  )
  if (labelledPasswords(subject).length > 0) {
    cases.push(
      ['it tests a password in ctx.attempt, once, under the name of the account', attemptsUnderCanonicalName],
      ['it takes as long for a name that no account has, by ctx.attemptUnknown', attemptsUnknownNames],
      ['it takes the verdict of ctx.attempt', takesVerdict],
      ['it lets a rejection of ctx.attempt and ctx.attemptUnknown pass', passesRejection],
      ['it never takes an empty password', refusesEmptyPassword]
    )
  }
  cases.push(
    ['it writes no secret into log, answer or error', keepsSecrets],
    ['it gives up, or answers rightly, when nobody waits any more', givesUp]
  )
  if (subject.silent !== undefined) cases.push(['it gives up waiting for its source when nobody waits any more', givesUpWaiting])
  if (subject.unreachable !== undefined) cases.push(['it opens with its source out of reach, and then cannot tell', cannotTell])
  if (subject.reload !== undefined) cases.push(['it says so when it has reloaded', saysReloaded])
  cases.push(
    ['it opens again after it was closed', opensAgain],
    ['it leaves another open one alone when it closes', closesAlone],
    ['it releases what it took', releases]
  )
  return cases.map(([name, check]) => ({ name, run: async () => { await check(subject) } }))
}

function given (credentials: readonly unknown[] = []): boolean {
  return credentials.length > 0
}
