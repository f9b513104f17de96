/** What an answer has to be. A label says which credential of the subject it answers; never the credential itself. */
import assert from 'node:assert/strict'
import { isDenial, PROVIDER_DENIAL_REASONS, type Answer, type Authentication, type Denial, type ProviderDenialReason, type UserInfo } from '../authn/provider.js'
import type { ValidCredential } from './subject.js'

export function expectUser (answer: Answer, expected: ValidCredential, label: string): asserts answer is Authentication {
  expectShape(answer, label)
  assert.ok(answer !== null && !isDenial(answer), `${label}: the answer is an Authentication, not ${JSON.stringify(answer)}`)
  expectSameUser(answer.user, expected.user, `${label}: its own user, and nothing else`)
  if (expected.audiences !== undefined) assert.deepEqual(answer.audiences, expected.audiences, `${label}: its audiences`)
  if (expected.expiresAt !== undefined) assert.deepEqual(answer.expiresAt, expected.expiresAt, `${label}: its expiry`)
}

/** The same on the wire, where a key without a value is no key. */
export function expectSameUser (user: UserInfo | null | undefined, expected: UserInfo, message: string): asserts user is UserInfo {
  assert.deepEqual(JSON.parse(JSON.stringify(user ?? null)), JSON.parse(JSON.stringify(expected)), message)
}

export function expectDenial (answer: Answer, reason: ProviderDenialReason, label: string): void {
  expectShape(answer, label)
  assert.equal(answer !== null && isDenial(answer) && answer.denied, reason, `${label}: the answer is { denied: '${reason}' }`)
}

export function expectNotAuthenticated (answer: Answer, label: string): void {
  expectShape(answer, label)
  assert.ok(answer === null || isDenial(answer), `${label}: must not be authenticated`)
}

/** An answer is made of what the contract knows and of nothing else: a misspelt `expiresAt` would be lost silently. */
export function expectShape (answer: Answer, label: string): void {
  if (answer === null) return
  assert.equal(typeof answer, 'object', `${label}: the answer is an object or null`)
  if (isDenial(answer)) expectDenialShape(answer, label)
  else expectAuthenticationShape(answer, label)
}

function expectDenialShape (denial: Denial, label: string): void {
  expectKeys(denial, ['denied', 'username'], label)
  assert.ok(PROVIDER_DENIAL_REASONS.includes(denial.denied), `${label}: "denied" is one of ${PROVIDER_DENIAL_REASONS.join(', ')}`)
  assert.ok(['string', 'undefined'].includes(typeof denial.username), `${label}: "username" is a string`)
}

function expectAuthenticationShape (answer: Authentication, label: string): void {
  expectKeys(answer, ['user', 'audiences', 'expiresAt', 'cacheable', 'passwordVersion'], label)
  const { user, audiences, expiresAt, cacheable, passwordVersion } = answer
  assert.ok(user !== null && typeof user === 'object', `${label}: "user" is a UserInfo`)
  expectUserInfo(user, label)
  expectStrings(audiences, `${label}: "audiences"`)
  assert.ok(expiresAt === undefined || (expiresAt instanceof Date && expiresAt.getTime() > Date.now()), `${label}: "expiresAt" is a Date that is still to come`)
  assert.ok(['boolean', 'undefined'].includes(typeof cacheable), `${label}: "cacheable" is true or false`)
  assert.ok(['string', 'undefined'].includes(typeof passwordVersion), `${label}: "passwordVersion" is a string`)
}

function expectUserInfo (user: UserInfo, label: string): void {
  expectKeys(user, ['username', 'uid', 'groups', 'extra'], label)
  assert.ok(typeof user.username === 'string' && user.username !== '', `${label}: "username" is a non-empty string`)
  assert.ok(['string', 'undefined'].includes(typeof user.uid), `${label}: "uid" is a string`)
  expectStrings(user.groups, `${label}: "groups"`)
  for (const [key, values] of Object.entries(user.extra ?? {})) expectStrings(values, `${label}: "extra" under ${key}`)
}

function expectKeys (value: object, known: readonly string[], label: string): void {
  for (const key of Object.keys(value)) assert.ok(known.includes(key), `${label}: "${key}" is none of ${known.join(', ')}`)
}

function expectStrings (value: unknown, label: string): void {
  const strings = Array.isArray(value) && value.every(item => typeof item === 'string')
  assert.ok(value === undefined || strings, `${label} is an array of strings`)
}
