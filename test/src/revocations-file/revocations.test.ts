/** The revocations file: which tokens it revokes, what is wrong with it, how it is reloaded. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers'
import { test } from 'tap'
import { ValidationError } from '../../../src/errors.js'
import { parseRevocations, readRevocations } from '../../../src/revocations-file/read.js'
import { openRevocations } from '../../../src/revocations-file/reload.js'
import type { TokenClaims } from '../../../src/revocations-file/revocations.js'
import { fileContext } from '../../fixtures/file-context.js'
import { until } from '../../fixtures/waiting.js'

const HEAD = 'apiVersion: authn-webhook/v1\nrevocations:\n'
const SSO = 'https://sso.example.test'
const NOON = Date.parse('2027-01-01T12:00:00Z') / 1000

const ALICE: TokenClaims = { issuer: SSO, subject: 'alice', jti: 'a1', issuedAt: NOON }

async function parse (entries: string): Promise<(token: TokenClaims) => boolean> {
  const table = await parseRevocations(Buffer.from(HEAD + entries), 'revocations.yaml')
  return token => table.isRevoked(token)
}

/** `line: path: message` */
async function errorsOf (text: string): Promise<string[]> {
  try {
    await parseRevocations(Buffer.from(text), 'revocations.yaml')
    return []
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error
    return error.errors.map(({ line, path, message }) => `${line}: ${path}: ${message}`)
  }
}

test('a token is revoked', async t => {
  for (const [name, entries, token, expected] of [
    ['by its ID', '- jti: a1', ALICE, true],
    ['not by the ID of another one', '- jti: a2', ALICE, false],
    ['not by an ID in another case', '- jti: A1', ALICE, false],
    ['not by an ID that it does not have', '- jti: a1', { ...ALICE, jti: undefined }, false],
    ['not by an ID that is its subject', '- jti: alice', ALICE, false],
    ['by its ID and issuer', `- { jti: a1, issuer: "${SSO}" }`, ALICE, true],
    ['not by its ID and another issuer', `- { jti: a1, issuer: "${SSO}/" }`, ALICE, false],
    ['by its subject', '- subject: alice', ALICE, true],
    ['by its subject, without any other claim', '- subject: alice', { issuer: SSO, subject: 'alice' }, true],
    ['not by another subject', '- subject: bob', ALICE, false],
    ['by its subject and issuer', `- { subject: alice, issuer: "${SSO}" }`, ALICE, true],
    ['not by its subject and another issuer', '- { subject: alice, issuer: "https://other.test" }', ALICE, false],
    ['if it was issued before', '- { subject: alice, before: 2027-01-01T12:00:01Z }', ALICE, true],
    ['if it was issued a moment before', '- { subject: alice, before: 2027-01-01T12:00:00.001Z }', ALICE, true],
    ['not if it was issued then', '- { subject: alice, before: 2027-01-01T12:00:00Z }', ALICE, false],
    ['not if it was issued later', '- { subject: alice, before: 2027-01-01T11:59:59Z }', ALICE, false],
    ['before a time in another zone', '- { subject: alice, before: 2027-01-01T13:00:00+02:00 }', ALICE, false],
    ['if it does not say when it was issued', '- { subject: alice, before: 2000-01-01T00:00:00Z }', { ...ALICE, issuedAt: undefined }, true],
    ['by the latest of several times', '- { subject: alice, before: 2027-01-01T13:00:00Z }\n- { subject: alice, before: 2027-01-01T11:00:00Z }', ALICE, true],
    ['by an entry without a time, beside one with a time', '- subject: alice\n- { subject: alice, before: 2027-01-01T11:00:00Z }', ALICE, true],
    ['by one of several entries', `- { subject: alice, issuer: "${SSO}", before: 2027-01-01T11:00:00Z }\n- { jti: a1, issuer: "${SSO}" }`, ALICE, true],
    ['by its username at the sign-in', '- username: corp:alice', { ...ALICE, usernames: ['corp:alice'] }, true],
    ['by one of its usernames', '- username: corp:alice', { ...ALICE, usernames: ['corp:alice.miller', 'corp:alice'] }, true],
    ['by its username and issuer', `- { username: corp:alice, issuer: "${SSO}" }`, { ...ALICE, usernames: ['corp:alice'] }, true],
    ['not by another username', '- username: corp:bob', { ...ALICE, usernames: ['corp:alice'] }, false],
    ['not by a username in another case', '- username: corp:Alice', { ...ALICE, usernames: ['corp:alice'] }, false],
    ['by a username in another form of Unicode', '- username: corp:zoe\u0308', { ...ALICE, usernames: ['corp:zo\u00eb'] }, true],
    ['not by a username if it has none', '- username: alice', ALICE, false],
    ['not by its username as a subject', '- subject: corp:alice', { ...ALICE, usernames: ['corp:alice'] }, false],
    ['by its username, if it was issued before', '- { username: corp:alice, before: 2027-01-01T12:00:01Z }', { ...ALICE, usernames: ['corp:alice'] }, true],
    ['not by its username if it was issued then', '- { username: corp:alice, before: 2027-01-01T12:00:00Z }', { ...ALICE, usernames: ['corp:alice'] }, false],
    ['also by an entry that may be removed', '- { jti: a1, expires: 2000-01-01T00:00:00Z }', ALICE, true],
    ['with a subject that is a name of JavaScript', '- subject: alice', { ...ALICE, subject: '__proto__' }, false],
    ['not by an empty list', '[]', ALICE, false]
  ] as Array<[string, string, TokenClaims, boolean]>) {
    const isRevoked = await parse(entries === '[]' ? '  []' : entries)
    t.equal(isRevoked(token), expected, name)
  }
})

test('what is wrong with', async t => {
  const either = 'must be a mapping with one of jti, subject and username'
  for (const [name, text, ...expected] of [
    ['an empty file', '', 'undefined: : is empty'],
    ['no list', 'apiVersion: authn-webhook/v1\n', '1: revocations: is missing'],
    ['another version', HEAD.replace('v1', 'v2') + '- jti: a', '1: apiVersion: must be "authn-webhook/v1"'],
    ['an entry that revokes nothing', `${HEAD}- issuer: x\n`, `3: revocations[0]: ${either}`],
    ['an entry that is none', `${HEAD}- a1\n- null\n`, `3: revocations[0]: ${either}`, `4: revocations[1]: ${either}`],
    ['an ID and a subject', `${HEAD}- jti: a\n- { jti: a, subject: b }\n`, `4: revocations[1]: ${either}`],
    ['a time of a single token', `${HEAD}- { jti: a, before: 2027-01-01T00:00:00Z }\n`, '3: revocations[0]: must be a mapping with subject or username beside before'],
    ['an end that is no date', `${HEAD}- { jti: a, expires: 2027-02-30T00:00:00Z }\n`, '3: revocations[0].expires: no such date or time'],
    ['an empty ID', `${HEAD}- jti: ""\n`, '3: revocations[0].jti: must not be empty'],
    ['a long ID', `${HEAD}- jti: ${'x'.repeat(1025)}\n`, '3: revocations[0].jti: is too long: at most 1024 characters'],
    ['a number', `${HEAD}- subject: 1001\n`, '3: revocations[0].subject: must be a string; got a number: quote it'],
    ['a date', `${HEAD}- { subject: a, before: 2027-01-01 }\n`, '3: revocations[0].before: is not a time such as 2027-01-01T00:00:00Z'],
    ['a day that is none', `${HEAD}- { subject: a, before: 2027-02-30T00:00:00Z }\n- { subject: a, since: x }\n`, '3: revocations[0].before: no such date or time', '4: revocations[1].since: unknown key'],
    ['a field that is mistyped', `${HEAD}- { subjct: a }\n`, `3: revocations[0]: ${either}`, '3: revocations[0].subjct: unknown key; did you mean "subject"?']
  ] as Array<[string, string, ...string[]]>) t.strictSame((await errorsOf(text)).sort(), [...expected].sort(), name)
})

/** Many entries, each of them different. */
const CROWD = Array.from({ length: 100_000 }, (_, index) =>
  `- ${index % 2 === 0 ? `jti: id-${index}` : `{ subject: user-${index}, issuer: "${SSO}", before: 2027-01-01T12:00:00Z }`}\n`).join('')

test('100,000 entries are read in parts, between which others run', async t => {
  let turns = 0
  let reading = true
  const count = (): void => {
    turns++
    if (reading) setImmediate(count)
  }
  count()
  const table = await parseRevocations(Buffer.from(HEAD + CROWD), 'revocations.yaml')
  reading = false
  t.ok(turns > 10, 'not in one go', { turns })
  t.equal(table.size, 100_000)
  t.ok(table.isRevoked({ ...ALICE, jti: 'id-99998' }))
  t.ok(table.isRevoked({ ...ALICE, subject: 'user-99999', issuedAt: NOON - 1 }))
  t.notOk(table.isRevoked({ ...ALICE, subject: 'user-99999' }))
  t.notOk(table.isRevoked({ ...ALICE, jti: 'id-99999' }))
})

test('errors of a large file have their places in the whole file', async t => {
  t.strictSame(await errorsOf(`${HEAD}${CROWD}- { subject: a, before: 2027-02-30T00:00:00Z }\n- issuer: x\n`), [
    '100003: revocations[100000].before: no such date or time',
    '100004: revocations[100001]: must be a mapping with one of jti, subject and username'
  ])
  const many = await errorsOf(`${HEAD}${'- issuer: some-issuer\n'.repeat(20_000)}`)
  t.equal(many.length, 1001)
  t.match(many.at(-1), /more than 1000 errors/)
})

test('a large file that can\'t be cut is read as a whole', async t => {
  const table = await parseRevocations(Buffer.from(`${HEAD}- &first { jti: a }\n${'- { jti: some-id }\n'.repeat(10_000)}- *first\n`), 'revocations.yaml')
  t.equal(table.size, 10_002)
})

test('a file is reloaded, and one with errors changes nothing', async t => {
  const file = join(t.testdir({ 'revocations.yaml': `${HEAD}- jti: a1\n` }), 'revocations.yaml')
  const context = fileContext()
  const revocations = await openRevocations(file, context)
  t.teardown(() => { revocations.close() })
  t.ok(revocations.isRevoked(ALICE))
  t.strictSame(context.events.splice(0), ['info: loaded revocations file'])

  writeFileSync(file, `${HEAD}- jti: [a2]\n`)
  await until('a report', () => context.events.includes('failed'))
  t.ok(revocations.isRevoked(ALICE))
  t.strictSame(context.events.splice(0), ['error: revocations file not reloaded; keeping the previous version', 'failed'])

  writeFileSync(file, `${HEAD}- jti: a2\n`)
  await until('a reload', () => context.events.includes('reloaded'))
  t.notOk(revocations.isRevoked(ALICE))
  t.ok(revocations.isRevoked({ ...ALICE, jti: 'a2' }))
  t.strictSame(context.events.splice(0), ['invalidated', 'info: reloaded revocations file', 'reloaded'], 'a cached answer may be about a token that is revoked now')
  t.match(context.fields.at(-1), { file, revocations: 1 })
})

test('a file that can\'t be read is not opened', async t => {
  const dir = t.testdir({ 'empty.yaml': '', 'valid.yaml': `${HEAD}- jti: a\n` })
  await t.rejects(openRevocations(join(dir, 'none.yaml'), fileContext()), { message: /none.yaml: does not exist/ })
  await t.rejects(readRevocations(join(dir, 'empty.yaml')), { message: /empty.yaml: is empty/ })
  await t.rejects(openRevocations(join(dir, 'valid.yaml'), fileContext(AbortSignal.abort(new Error('stopped')))), { message: 'stopped' })
})
