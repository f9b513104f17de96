/** Large users files: cut into parts, checked in a thread of their own, and told of as small ones are. */
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { hashPassword } from '../../../src/authn/password-hash.js'
import { digestToken } from '../../../src/authn/token-digest.js'
import type { Users } from '../../../src/users-file/users.js'
import { ValidationError } from '../../../src/errors.js'
import { loadUsers } from '../../../src/users-file/reload.js'
import { readVersion, type FileVersion } from '../../../src/files/read.js'
import { splitList } from '../../../src/documents/list-parts.js'
import { parseUsers, readUsers, tabulateFile, tabulateUsers } from '../../../src/users-file/read.js'
import { alice, bob } from '../../fixtures/people.js'

const HEAD = 'apiVersion: authn-webhook/v1\nusers:\n'
const SCRYPT = await hashPassword(alice.password, { ln: 10 })
/** After a first load, with another text. */
const LATER = { previous: { digest: 'of another text', users: parseUsers('apiVersion: authn-webhook/v1\nusers: []\n', 'users.yaml') }, signal: new AbortController().signal }

const ALICE = `\
  - username: ${alice.user.username}
    uid: "1001"
    groups: [developers, "größe"]
    extra: { example.com/team: [platform], __proto__: [x] }
    expiresAt: 2099-01-01T00:00:00Z
    passwordHash: ${SCRYPT}
    tokens:
      - { name: laptop, hash: "${digestToken(alice.token)}", audiences: ["\\ud83d\\ude00"] }
      - { name: phone, hash: "${digestToken('phone-of-alice')}", expiresAt: 2098-01-01T00:00:00Z }
`
const BOB = `  - { username: ${bob.user.username}, disabled: true, tokens: [{ name: laptop, hash: "${digestToken(bob.token)}" }] }\n`

/** Three lines and some 60 bytes each. */
function crowd (count: number): string {
  return Array.from({ length: count }, (_, index) => `  - username: user-${index}\n    uid: "${index}"\n    groups: [developers] # ${index}\n`).join('')
}

/** Enough for several parts. */
const COUNT = 12_000
const CROWD = crowd(COUNT)

async function load (t: Test, text: string): Promise<Users> {
  const file = join(t.testdir({ 'users.yaml': '' }), 'users.yaml')
  await writeFile(file, text)
  return (await loadUsers(file, LATER)).users
}

/** `line: path: message`, without the path of the file. */
function errorsOf (text: string | Buffer): string[] {
  try {
    tabulateUsers(Buffer.from(text), 'users.yaml')
    return []
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error
    return error.errors.map(({ line, path, message }) => `${line}: ${path}: ${message}`)
  }
}

test('users of a large file are those of a small one', async t => {
  const large = await load(t, HEAD + ALICE + CROWD + BOB)
  const small = parseUsers(HEAD + ALICE + BOB, 'users.yaml')
  t.equal(large.size, COUNT + 2)
  for (const { user: { username }, token } of [alice, bob]) {
    const [one, other] = [large.byName(username)!, small.byName(username)!]
    t.strictSame([one.info, one.disabled, one.expiresAt, one.tokens], [other.info, other.disabled, other.expiresAt, other.tokens], username)
    t.equal(large.byToken(token)!.user, one, 'one object, however it is asked for')
    t.equal(large.byToken(token)!.token, one.tokens[0])
  }
  t.equal(await large.byName('alice')!.passwordHash!.verify(alice.password), true)
  t.equal(large.byToken('phone-of-alice')!.token.name, 'phone')
  t.strictSame([large.costs, large.decoy?.cost], [small.costs, small.decoy?.cost])
  t.equal(large.byName(`user-${COUNT - 1}`)!.info.uid, String(COUNT - 1))
  for (const name of [`user-${COUNT}`, 'nobody', '']) t.equal(large.byName(name), undefined, name)
  t.equal([...large].length, large.size)
  t.strictSame([...large].map(({ info }) => info.username).slice(0, 2), ['alice', 'user-0'], 'in their order')
})

test('forms that can\'t be cut, and lines that look like an end of a user', t => {
  for (const [name, text, size] of [
    ['a list in one line', `${HEAD.trimEnd()} [${Array.from({ length: COUNT }, (_, index) => `{ username: user-${index} }`).join(',')}]`, COUNT],
    ['JSON', JSON.stringify({ apiVersion: 'authn-webhook/v1', users: Array.from({ length: COUNT }, (_, index) => ({ username: `user-${index}` })) }), COUNT],
    ['the version at the end', `users:\n${CROWD}apiVersion: authn-webhook/v1\n`, COUNT],
    ['without indentation', `${HEAD}${CROWD.replace(/^ {2}/gm, '')}`, COUNT],
    ['with the line ends of Windows', (HEAD + CROWD).replaceAll('\n', '\r\n'), COUNT],
    ['with a byte order mark and comments', `\ufeff# of the people\n---\n${HEAD}\n  # first\n${CROWD}  # last\n`, COUNT],
    ['with anchors', `${HEAD}  - { username: alice, groups: &team [developers] }\n${CROWD}  - { username: bob, groups: *team }\n`, COUNT + 2],
    ['a dash in a text of several lines', `${HEAD}${CROWD}  - username: alice\n    extra: { note: ["a\n      - b"] }\n`, COUNT + 1],
    ['a document end', `${HEAD}${CROWD}...\n`, COUNT]
  ] as const) t.equal(parseUsers(text, 'users.yaml').size, size, name)
  t.end()
})

test('what is wrong is told with its line, wherever it is', t => {
  const twins = `${HEAD}${ALICE}${CROWD}${BOB}${ALICE}`
  const line = (text: string): number => text.split('\n').length
  const again = line(HEAD + ALICE + CROWD + BOB)
  t.strictSame(errorsOf(twins), [
    `${again}: users[${COUNT + 2}].username: the same name as users[0].username; names are compared in Unicode's normal form NFC`,
    `${again + 7}: users[${COUNT + 2}].tokens[0].hash: the same token as users[0].tokens[0].hash; a token belongs to one user, and is listed once`,
    `${again + 8}: users[${COUNT + 2}].tokens[1].hash: the same token as users[0].tokens[1].hash; a token belongs to one user, and is listed once`
  ])
  t.strictSame(errorsOf(`${HEAD}  - usrname: x\n${CROWD}  - { username: alice, uid: 1 }\n`), [
    '3: users[0].username: is missing',
    '3: users[0].usrname: unknown key; did you mean "username"?',
    `${3 * COUNT + 4}: users[${COUNT + 1}].uid: must be a string; got a number: quote it`
  ])
  t.match(errorsOf(`${HEAD}${CROWD}  - username: "alice\n`), [new RegExp(`^${3 * COUNT + 4}: : is not valid YAML: `)])
  t.match(errorsOf(`users:\n${CROWD}`), [/apiVersion: is missing/])
  t.strictSame(errorsOf(Buffer.concat([Buffer.from(HEAD + CROWD + '  - username: '), Buffer.from([0xff, 0x0a])])), ['undefined: : is not UTF-8 text'])
  const many = errorsOf(`${HEAD}${'  - { username: 1 }\n'.repeat(COUNT)}`)
  t.equal(many.length, 1001)
  t.match(many.at(-1), /more than 1000 errors/)
  t.end()
})

test('parts end before a user, however the file is read', t => {
  const bytes = Buffer.from(HEAD + ALICE + CROWD + BOB)
  for (const size of [129, 200, 500, bytes.length].map(kibibytes => kibibytes * 1024)) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size))
    const parts = [...splitList(pieces, 'users')!].map(part => ({ text: part.bytes.toString(), line: part.line }))
    t.ok(parts.length > 3 && parts.every(({ text }) => text.length < 200 * 1024), `${size} bytes: ${parts.length} parts`)
    for (const { text, line } of parts.slice(1)) t.ok(text.startsWith(`${HEAD}  - `) && line > 0, `line ${line}`)
    t.equal(parts.map(({ text }, index) => index === 0 ? text : text.slice(HEAD.length)).join(''), bytes.toString())
    let line = 1
    for (const [index, part] of parts.entries()) {
      t.equal(part.line, index === 0 ? 1 : line - 2)
      line += part.text.split('\n').length - (index === 0 ? 1 : 3)
    }
  }
  t.end()
})

test('a file that is written to while it is checked is read again', async t => {
  const dir = t.testdir({ 'users.yaml': HEAD + CROWD, 'anchors.yaml': `${HEAD}${CROWD}  - { username: bob, groups: &team [developers] }\n` })
  for (const name of ['users.yaml', 'anchors.yaml']) {
    const file = join(dir, name)
    const version = await readVersion(file) as FileVersion
    t.equal(tabulateFile(file, version)!.size, name === 'users.yaml' ? COUNT : COUNT + 1)
    await appendFile(file, ALICE)
    t.equal(tabulateFile(file, version), undefined, 'another version')
    t.equal((await loadUsers(file, { ...LATER, previous: { ...LATER.previous, digest: version.digest } })).users.size, name === 'users.yaml' ? COUNT + 1 : COUNT + 2)
  }
})

test('the same text again is not checked again', async t => {
  const file = join(t.testdir({ 'users.yaml': HEAD + CROWD }), 'users.yaml')
  const previous = await loadUsers(file, LATER)
  t.equal(await loadUsers(file, { ...LATER, previous }), previous)
  await appendFile(file, BOB)
  t.equal((await loadUsers(file, { ...LATER, previous })).users.size, COUNT + 1)
})

test('commands read it the same way', async t => {
  const file = join(t.testdir({ 'users.yaml': HEAD + CROWD }), 'users.yaml')
  t.equal((await readUsers(file)).size, COUNT)
  await appendFile(file, '  - { username: user-7 }\n')
  await t.rejects(readUsers(file), { code: 'AUTHN_VALIDATION', errors: [{ line: 3 * COUNT + 3, path: `users[${COUNT}].username` }] })
})

test('an end of the service ends the thread', async t => {
  const file = join(t.testdir({ 'users.yaml': HEAD + CROWD }), 'users.yaml')
  const abort = new AbortController()
  const loading = loadUsers(file, { ...LATER, signal: abort.signal })
  abort.abort(new Error('closing'))
  await t.rejects(loading)
})

test('errors of a thread are those of the file', async t => {
  const file = join(t.testdir({ 'users.yaml': `${HEAD}${CROWD}  - { username: user-7 }\n` }), 'users.yaml')
  await t.rejects(loadUsers(file, LATER), { code: 'AUTHN_VALIDATION', file, errors: [{ line: 3 * COUNT + 3, path: `users[${COUNT}].username` }] })
})

test('a file that takes more memory than there is ends the thread, and nothing else', async t => {
  const file = join(t.testdir({ 'users.yaml': HEAD + CROWD }), 'users.yaml')
  await t.rejects(loadUsers(file, { ...LATER, maxHeap: 4 * 1024 * 1024 }), { code: 'AUTHN_VALIDATION', errors: [{ message: /too many values for the memory of this process/ }] })
  const version = await readVersion(file) as FileVersion
  await t.rejects(async () => tabulateFile(file, version, 48 * 1024 * 1024), { code: 'AUTHN_VALIDATION', errors: [{ message: /^is too large for the memory of this process: it needs a heap of about \d+ MiB, and 48 is the limit; raise the memory limit$/ }] })
})

test('a large file holds up nothing else', async t => {
  const file = join(t.testdir({ 'users.yaml': HEAD + CROWD }), 'users.yaml')
  let turns = 0
  const turn = (): void => {
    turns++
    next = setImmediate(turn)
  }
  let next = setImmediate(turn)
  await loadUsers(file, LATER)
  clearImmediate(next)
  t.ok(turns > 100, `${turns} turns of the event loop while it was checked`)
})
