import { test, type Test } from 'tap'
import { ValidationError, MAX_ERRORS } from '../../../src/errors.js'
import { hashPassword } from '../../../src/authn/password-hash.js'
import { digestToken } from '../../../src/authn/token-digest.js'
import { parseUsers, readUsers } from '../../../src/users-file/read.js'

const HEAD = 'apiVersion: authn-webhook/v1\nusers:\n'
const LAPTOP = digestToken('a-token-of-alice')
const SCRYPT = await hashPassword('correct horse', { ln: 10 })

/** `line: path: message` of every error of a list of users. */
function errorsOf (t: Test, users: string): string[] {
  try {
    parseUsers(HEAD + users, 'users.yaml')
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error
    t.equal(error.file, 'users.yaml')
    return error.errors.map(({ line, path, message }) => `${line}: ${path}: ${message}`)
  }
  return []
}

test('a users file', async (t) => {
  const users = parseUsers(`${HEAD}\
  - username: alice
    uid: "1001"
    groups: [developers, on-call]
    extra: { example.com/team: [platform] }
    expiresAt: 2037-01-01T00:00:00+01:00
    passwordHash: ${SCRYPT}
    tokens:
      - { name: laptop, hash: "${LAPTOP}", expiresAt: 2036-01-01T00:00:00Z, audiences: [https://kubernetes.default.svc] }
      - { name: ci, hash: "${digestToken('another-token-of-alice')}" }
  - username: bob
    disabled: true
`, 'users.yaml')

  t.equal(users.size, 2)
  const alice = users.byName('alice')!
  t.strictSame(alice.info, { username: 'alice', uid: '1001', groups: ['developers', 'on-call'], extra: { 'example.com/team': ['platform'] } })
  t.equal(alice.disabled, false)
  t.strictSame(alice.expiresAt, new Date('2036-12-31T23:00:00Z'))
  t.equal(await alice.passwordHash!.verify('correct horse'), true)

  const found = users.byToken('a-token-of-alice')!
  t.equal(found.user, alice)
  t.strictSame(found.token, { name: 'laptop', digest: LAPTOP, expiresAt: new Date('2036-01-01T00:00:00Z'), audiences: ['https://kubernetes.default.svc'] })
  t.equal(users.byToken('another-token-of-alice')!.user, alice)
  t.equal(users.byToken('a-token-of-nobody'), undefined)
  t.equal(users.byToken(LAPTOP), undefined, 'the digest is no token')

  t.strictSame(users.byName('bob')!.info, { username: 'bob' })
  t.equal(users.byName('bob')!.disabled, true)
  for (const name of ['Alice', 'alice ', '', '__proto__', 'constructor']) t.equal(users.byName(name), undefined, name)
})

test('what answers are made of is frozen through and through', async (t) => {
  const { info } = parseUsers(`${HEAD}  - { username: alice, groups: [developers], extra: { team: [platform] } }\n`, 'users.yaml').byName('alice')!
  for (const part of [info, info.groups, info.extra, info.extra!.team]) t.ok(Object.isFrozen(part))
})

test('names are compared and given in NFC', async (t) => {
  const users = parseUsers(`${HEAD}  - { username: "zoe\u0308", groups: ["cafe\u0301"], extra: { "cle\u0301": [x] } }\n`, 'users.yaml')
  for (const name of ['zo\u00eb', 'zoe\u0308']) {
    t.strictSame(users.byName(name)!.info, { username: 'zo\u00eb', groups: ['caf\u00e9'], extra: { cl\u00e9: ['x'] } })
  }
})

test('keys and names that mean something to JavaScript mean nothing here', async (t) => {
  const { info } = parseUsers(`${HEAD}  - { username: __proto__, extra: { constructor: [x] } }\n`, 'users.yaml').byName('__proto__')!
  t.strictSame(Object.entries(info.extra!), [['constructor', ['x']]])
})

test('an empty uid is none', async (t) => {
  t.strictSame(parseUsers(`${HEAD}  - { username: alice, uid: "" }\n`, 'users.yaml').byName('alice')!.info, { username: 'alice' })
})

test('one error', async (t) => {
  const cases: Array<[string, string, RegExp]> = [
    ['an unquoted number as uid', '  - username: alice\n    uid: 1001\n', /^4: users\[0\]\.uid: .*quote it/],
    ['an unquoted number as username', '  - username: 1001\n', /^3: users\[0\]\.username: .*quote it/],
    ['an unknown key', '  - username: alice\n    group: [developers]\n', /^4: users\[0\]\.group: unknown key.*groups/],
    ['a hash that its commas cut', `  - { username: alice, passwordHash: ${SCRYPT} }\n`, /^3: users\[0\]: has an unknown key, not shown because it may be part of a secret: quote values that contain a comma$/],
    ['no username', '  - groups: [developers]\n', /^3: users\[0\]\.username: is missing/],
    ['an entry that is none', '  - alice\n', /^3: users\[0\]: /],
    ['a plain password', '  - username: alice\n    passwordHash: hunter2hunter2\n', /^4: users\[0\]\.passwordHash: .*authn-webhook hash password/],
    ['a plain token', '  - username: alice\n    tokens: [{ name: ci, hash: hunter2hunter2 }]\n', /^4: users\[0\]\.tokens\[0\]\.hash: .*authn-webhook hash token/],
    ['a hash of 128 MiB', `  - username: alice\n    passwordHash: ${SCRYPT.replace('ln=10', 'ln=17')}\n`, /^4: users\[0\]\.passwordHash: .*more than 64 MiB/],
    ['bcrypt of cost 15', `  - username: alice\n    passwordHash: $2y$15$${'x'.repeat(53)}\n`, /^4: users\[0\]\.passwordHash: bcrypt with cost 15/],
    ['the same name twice', '  - username: alice\n  - username: bob\n  - username: alice\n', /^5: users\[2\]\.username: the same name as users\[0\]\.username/],
    ['the same name after NFC', '  - username: "zo\u00eb"\n  - username: "zoe\u0308"\n', /^4: users\[1\]\.username: the same name as users\[0\]\.username.*NFC/],
    ['a token of two users', `  - username: alice\n    tokens: [{ name: a, hash: "${LAPTOP}" }]\n  - username: bob\n    tokens: [{ name: b, hash: "${LAPTOP}" }]\n`, /^6: users\[1\]\.tokens\[0\]\.hash: the same token as users\[0\]\.tokens\[0\]\.hash/],
    ['a token twice at one user', `  - username: alice\n    tokens:\n      - { name: a, hash: "${LAPTOP}" }\n      - { name: b, hash: "${LAPTOP}" }\n`, /^6: users\[0\]\.tokens\[1\]\.hash: the same token/],
    ['a name with a control character', '  - username: "ali\\u0007ce"\n', /^3: users\[0\]\.username: contains a control character or a line break: remove it$/],
    ['a name with a line break', '  - username: "ali\\u2028ce"\n', /^3: users\[0\]\.username: contains a control character or a line break/],
    ['a name with half a character', '  - username: "ali\\ud83dce"\n', /^3: users\[0\]\.username: contains half a character/],
    ['a name with an invisible character', '  - username: "ali\u200bce"\n', /^3: users\[0\]\.username: contains an invisible character: retype the name$/],
    ['a name with outer white space', '  - username: "alice "\n', /^3: users\[0\]\.username: begins or ends with white space: remove it$/],
    ['a name of more than 256 bytes', `  - username: ${'\u00eb'.repeat(129)}\n`, /^3: users\[0\]\.username: is longer than 256 bytes of UTF-8: shorten it$/],
    ['a group that is no name', '  - username: alice\n    groups: [developers, " admins"]\n', /^4: users\[0\]\.groups\[1\]: .*white space/],
    ['a uid that is no name', '  - username: alice\n    uid: "1001\\n"\n', /^4: users\[0\]\.uid: begins or ends with white space/],
    ['a name with a filler that nobody sees', '  - username: "ali\u3164ce"\n', /^3: users\[0\]\.username: contains an invisible/],
    ['a group that begins with a combining mark', '  - { username: alice, groups: ["\u0301tat"] }\n', /^3: users\[0\]\.groups\[0\]: begins with a combining mark/],
    ['two spellings of one extra key', '  - username: alice\n    extra:\n      "cl\u00e9": [a]\n      "cle\u0301": [b]\n', /^6: users\[0\]\.extra.*: the same key as another one/],
    ['an extra key that is no name', '  - username: alice\n    extra:\n      "te\u200bam": [platform]\n', /^5: users\[0\]\.extra.*: contains an invisible/],
    ['half a character in a value', '  - username: alice\n    extra:\n      team: [platform, "half \\ud83d"]\n', /^5: users\[0\]\.extra\.team\[1\]: half a character/],
    ['an extra key in capitals', '  - username: alice\n    extra:\n      Team: [platform]\n', /^5: users\[0\]\.extra\.Team: keys must be lower-case/],
    ['an extra key of Kubernetes', '  - username: alice\n    extra:\n      authentication.kubernetes.io/node-name: [a]\n', /^5: users\[0\]\.extra.*reserved for Kubernetes/],
    ['a token name that is none', `  - username: alice\n    tokens: [{ name: "\\e[2J", hash: "${LAPTOP}" }]\n`, /^4: users\[0\]\.tokens\[0\]\.name: contains a control/],
    ['a name with a colon and a password', `  - username: team:alice\n    passwordHash: ${SCRYPT}\n`, /^3: users\[0\]\.username: .*colon.*token/],
    ['a user until a month that is none', '  - username: alice\n    expiresAt: 2027-13-01T00:00:00Z\n', /^4: users\[0\]\.expiresAt: no such date/],
    ['a user until a day that is none', '  - username: alice\n    expiresAt: 2027-02-30T00:00:00Z\n', /^4: users\[0\]\.expiresAt: no such date/],
    ['a user until 24:00', '  - username: alice\n    expiresAt: 2027-02-03T24:00:00Z\n', /^4: users\[0\]\.expiresAt: no such date/],
    ['a user until a zone that is none', '  - username: alice\n    expiresAt: 2027-02-03T00:00:00+25:00\n', /^4: users\[0\]\.expiresAt: no such date/],
    ['a token until a day alone', `  - username: alice\n    tokens: [{ name: a, hash: "${LAPTOP}", expiresAt: 2027-02-03 }]\n`, /^4: users\[0\]\.tokens\[0\]\.expiresAt: .*2027-01-01T00:00:00Z/]
  ]
  for (const [what, users, expected] of cases) {
    t.test(what, async (t) => {
      const errors = errorsOf(t, users)
      t.equal(errors.length, 1)
      t.match(errors[0], expected)
      for (const input of ['hunter2', '\u001b']) t.notOk(errors[0]!.includes(input), 'secrets and terminal sequences are not repeated')
    })
  }
})

test('names and tokens that are there several times', (t) => {
  const [laptop, phone] = [`{ name: x, hash: "${LAPTOP}" }`, `{ name: y, hash: "${digestToken('phone')}" }`]
  t.strictSame(errorsOf(t, `\
  - { username: alice, tokens: [${laptop}, ${laptop}, ${phone}] }
  - username: alice
  - 7
  - username: bob
  - { username: bob, tokens: [${phone}] }
`).map(error => error.replace(/;.*/, '')), [
    '3: users[0].tokens[1].hash: the same token as users[0].tokens[0].hash',
    '4: users[1].username: the same name as users[0].username',
    '5: users[2]: must be a mapping of keys to values',
    '7: users[4].username: the same name as users[3].username',
    '7: users[4].tokens[0].hash: the same token as users[0].tokens[2].hash'
  ])
  t.end()
})

test('an entry with an error is compared with the others all the same', (t) => {
  const token = `{ name: x, hash: "${LAPTOP}" }`
  t.strictSame(errorsOf(t, `\
  - { username: alice, grops: [a], tokens: [${token}] }
  - { username: alice, groups: a, expiresAt: 2027-13-01T00:00:00Z, tokens: [${token}] }
`).map(error => error.replace(/;.*/, '')), [
    '3: users[0].grops: unknown key',
    '4: users[1].groups: must be a list',
    '4: users[1].expiresAt: no such date or time',
    '4: users[1].username: the same name as users[0].username',
    '4: users[1].tokens[0].hash: the same token as users[0].tokens[0].hash'
  ])
  t.end()
})

test('the values of any key are checked, even of one with a line break', (t) => {
  for (const key of ['team', 'a\\nb', 'a\\u2028b', '', '__proto__']) {
    t.match(errorsOf(t, `  - { username: alice, extra: { "${key}": 5 } }\n`).join(), /^3: users\[0\]\.extra[^]*: must be a list/, key)
  }
  t.end()
})

test('all errors at once, in the order of lines, those of the schema and ours', async (t) => {
  const errors = errorsOf(t, `\
  - username: alice
    expiresAt: 2027-02-30T00:00:00Z
    tokens: [{ name: laptop, hash: "${LAPTOP}" }]
  - username: bob
    uid: 1002
  - username: alice
    passwordHash: $2b$31$${'x'.repeat(53)}
    tokens: [{ name: stolen, hash: "${LAPTOP}" }]
`)
  t.strictSame(errors.map((error) => error.split(': ', 2).join(' ')), [
    '4 users[0].expiresAt', '7 users[1].uid', '8 users[2].username', '9 users[2].passwordHash', '10 users[2].tokens[0].hash'
  ])
})

test('names that the config may allow are left to the guard', async (t) => {
  t.strictSame(errorsOf(t, '  - username: system:node:a\n    groups: [system:nodes]\n'), [])
})

test('a document that is no users file', async (t) => {
  for (const text of ['', 'users: []\n', 'apiVersion: authn-webhook/v1\nusers: {}\n', 'apiVersion: authn-webhook/v1\n', 'null\n', '- alice\n', 'users: [\n']) {
    t.throws(() => parseUsers(text, 'users.yaml'), { code: 'AUTHN_VALIDATION' }, JSON.stringify(text))
  }
})

test('reading', async (t) => {
  const dir = t.testdir({ 'users.yaml': `${HEAD}  - username: alice\n` })
  t.equal((await readUsers(`${dir}/users.yaml`)).size, 1)
  await t.rejects(readUsers(`${dir}/missing.yaml`), { code: 'AUTHN_VALIDATION', message: /missing\.yaml: does not exist/ })
})

test('the decoy for unknown names costs what most hashes cost', async (t) => {
  const bcrypt = '$2y$04$P1zQOQBcXjRtD9vRAQLtK.9d2zs3UPmZDoS0a9H4x3T0mQAbvvUDG'
  const people = (...hashes: string[]) => HEAD + hashes.map((hash, index) => `  - { username: user-${index}, passwordHash: "${hash}" }\n`).join('')
  const mixed = parseUsers(people(bcrypt, SCRYPT, SCRYPT), 'users.yaml')
  t.strictSame(mixed.costs, ['$scrypt$ln=10,r=8,p=1', '$2b$04'])
  t.equal(mixed.decoy!.cost, '$scrypt$ln=10,r=8,p=1')
  t.equal(parseUsers(people(SCRYPT, bcrypt, bcrypt), 'users.yaml').decoy!.cost, '$2b$04')
  const none = parseUsers(`${HEAD}  - username: alice\n`, 'users.yaml')
  t.equal(none.decoy, undefined)
  t.strictSame(none.costs, [])
})

test('many users: everybody is found, by name and by token', async (t) => {
  const size = 5_000
  const people = Array.from({ length: size }, (_, index) => `\
  - username: user-${index}
    tokens: [{ name: laptop, hash: "${digestToken(`token-${index}`)}" }]
`)
  const users = parseUsers(HEAD + people.join(''), 'users.yaml')
  t.equal(users.size, size)
  const missing = people.map((_, index) => index).filter(index =>
    users.byName(`user-${index}`)?.info.username !== `user-${index}` || users.byToken(`token-${index}`)?.user.info.username !== `user-${index}`)
  t.strictSame(missing, [])
})

test('of very many errors the first ones are told', async (t) => {
  for (const [what, users, message] of [
    ['of the form', '  -\n'.repeat(50_000), /must be a mapping/],
    ['of names', '  - username: "ali\\u0007ce"\n'.repeat(50_000), /contains a control character/],
    ['of one entry', `  - username: alice\n    extra:\n${'      k: [v]\n'.repeat(200_000)}`, /is a duplicate key/]
  ] as const) {
    const errors = errorsOf(t, users)
    t.equal(errors.length, MAX_ERRORS + 1, what)
    t.match(errors[0], message)
    t.equal(errors[MAX_ERRORS], 'undefined: : more than 1000 errors; fix these first')
  }
})

test('users who share a list by an alias', async (t) => {
  const users = parseUsers(`${HEAD}  - { username: alice, groups: &team [developers, on-call] }\n  - { username: bob, groups: *team }\n`, 'users.yaml')
  t.strictSame(users.byName('bob')!.info.groups, ['developers', 'on-call'])
})
