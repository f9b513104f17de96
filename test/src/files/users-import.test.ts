import { test } from 'tap'
import { digestToken } from '../../../src/authn/token-digest.js'
import { FaultsError, formatFault } from '../../../src/errors.js'
import { parseCsv } from '../../../src/files/csv.js'
import { importUsers, type ImportFormat } from '../../../src/files/users-import.js'
import { parseUsers } from '../../../src/files/users.js'

const NOBODY = parseUsers('apiVersion: authn-webhook/v1\nusers: []\n', 'users.yaml')
const BCRYPT = '$2y$05$abcdefghijklmnopqrstuuFAGEq0vIZCNVvqmDKFhbdDXkRzr3ZNu'
const [LAPTOP, PHONE, PIPELINE] = ['1', '2', '3'].map((digit) => digit.repeat(32)) as [string, string, string]

function importText (text: string, format: ImportFormat, { existing = NOBODY, groups = [] as string[] } = {}) {
  return importUsers(text, { format, file: 'old', groups, existing })
}

function faultsOf (text: string, format: ImportFormat, existing = NOBODY): string[] {
  try {
    importText(text, format, { existing })
    return []
  } catch (error) {
    if (!(error instanceof FaultsError)) throw error
    return error.message.split('\n')
  }
}

test('CSV as RFC 4180 writes it', (t) => {
  const cases: Array<[name: string, text: string, records: Array<[line: number, ...fields: string[]]>, faultLines?: number[]]> = [
    ['fields', 'a,b,c\n', [[1, 'a', 'b', 'c']]],
    ['no line break at the end', 'a,b', [[1, 'a', 'b']]],
    ['line breaks of Windows', 'a,b\r\nc,d\r\n', [[1, 'a', 'b'], [2, 'c', 'd']]],
    ['empty fields', ',a,,\n', [[1, '', 'a', '', '']]],
    ['an empty field at the end of the text', 'a,', [[1, 'a', '']]],
    ['empty lines are skipped', '\na\n\nb\n', [[2, 'a'], [4, 'b']]],
    ['commas in quotes', 'a,"b,c"\n', [[1, 'a', 'b,c']]],
    ['doubled quotes', '"a ""b"""\n', [[1, 'a "b"']]],
    ['line breaks in quotes', '"a\nb",c\nd\n', [[1, 'a\nb', 'c'], [3, 'd']]],
    ['a quote inside a field', 'a\nb"c\nd\n', [[1, 'a'], [3, 'd']], [2]],
    ['text behind a quote', '"a"b\nc\n', [[2, 'c']], [1]],
    ['a quote that is not closed', 'a\n"b\nc\n', [[1, 'a'], [3, 'c']], [2]],
    ['nothing', '', []]
  ]
  for (const [name, text, expected, faultLines = []] of cases) {
    const { records, faults } = parseCsv(text)
    t.same(records.map(({ line, fields }) => [line, ...fields]), expected, name)
    t.same(faults.map(({ line }) => line), faultLines, `${name}: faults`)
  }
  t.end()
})

test('a static token file', (t) => {
  t.test('becomes users with digests of their tokens', (t) => {
    const text = `\uFEFF${LAPTOP},alice,1001,"developers, on-call"\n${PIPELINE},ci,\n${PHONE},alice,1001,"developers, on-call"\n`
    const { users, warnings } = importText(text, 'csv', { groups: ['imported'] })
    t.same(users, [
      { username: 'alice', uid: '1001', groups: ['developers', 'on-call', 'imported'], tokens: [{ name: 'imported', hash: digestToken(LAPTOP) }, { name: 'imported-2', hash: digestToken(PHONE) }] },
      { username: 'ci', groups: ['imported'], tokens: [{ name: 'imported', hash: digestToken(PIPELINE) }] }
    ])
    // 32 decimal digits
    t.equal(warnings.length, 3)
    t.end()
  })

  t.test('warns of tokens that may be guessed, and names none', (t) => {
    const { users, warnings } = importText(`open-sesame,alice,1001\n${'0123456789abcdef'.repeat(2)},bob,1002`, 'csv')
    t.equal(users.length, 2)
    t.equal(warnings.length, 1)
    t.match(formatFault('old', warnings[0]!), /^old:1: the token of "alice" has 51 bits at most, 128 are safe/)
    t.end()
  })

  t.test('says everything that is wrong at once', (t) => {
    const text = [
      `${LAPTOP},alice,1001,"developers"`,
      'secret-a',
      'secret-b,bob,1002,developers,on-call',
      'secret c,carol,1003',
      ',carol,1003',
      `${PHONE},alice,1009`,
      `${LAPTOP},carol,1003`,
      'secret"d,carol,1003',
      `${PIPELINE},"  dave",1004`
    ].join('\n')
    const faults = faultsOf(text, 'csv')
    const expected = [
      /^old:2: 1 columns; expected token,user,uid/,
      /^old:3: 5 columns; put several groups between quotes/,
      /^old:4: the token contains white space/,
      /^old:5: the token is empty/,
      /^old:6: "alice" has another uid or other groups than on line 1/,
      /^old:7: the same token as on line 1/,
      /^old:8: a quote is not closed/,
      /^old:9: username: .*outer white space/
    ]
    t.equal(faults.length, expected.length)
    for (const [index, pattern] of expected.entries()) t.match(faults[index], pattern)
    t.notMatch(faults.join(), /secret/)
    t.end()
  })
  t.end()
})

test('an htpasswd file', (t) => {
  t.test('keeps bcrypt hashes', (t) => {
    const { users, warnings } = importText(`# people\n\nalice:${BCRYPT}\r\nbob:${BCRYPT.replace('$2y$', '$2b$')}\n`, 'htpasswd', { groups: ['developers'] })
    t.same(users, [
      { username: 'alice', groups: ['developers'], passwordHash: BCRYPT },
      { username: 'bob', groups: ['developers'], passwordHash: BCRYPT.replace('$2y$', '$2b$') }
    ])
    t.same(warnings, [])
    t.end()
  })

  t.test('says everything that is wrong at once', (t) => {
    const lines = [
      `alice:${BCRYPT}`,
      'bob:$apr1$salt$secret',
      'carol:{SHA}secret',
      'dave:secret',
      'erin',
      `alice:${BCRYPT}`,
      `frank:${BCRYPT.replace('$05$', '$19$')}`,
      `grace:${BCRYPT.slice(0, 20)}`
    ]
    const faults = faultsOf(lines.join('\n'), 'htpasswd')
    const expected = [
      /^old:2: the password of "bob" is kept as an MD5 hash, .*htpasswd -B/,
      /^old:3: the password of "carol" is kept as a SHA-1 hash/,
      /^old:4: the password of "dave" is kept as a crypt hash or as plain text/,
      /^old:5: expected user:hash/,
      /^old:6: "alice" is on line 1 already/,
      /^old:7: passwordHash: bcrypt with cost 19/,
      /^old:8: passwordHash: a malformed bcrypt hash/
    ]
    t.equal(faults.length, expected.length)
    for (const [index, pattern] of expected.entries()) t.match(faults[index], pattern)
    t.notMatch(faults.join(), /secret/)
    t.end()
  })
  t.end()
})

test('users who are there already are faults, as is a file with nobody', (t) => {
  const existing = parseUsers('apiVersion: authn-webhook/v1\nusers: [{ username: älice }]\n', 'users.yaml')
  t.match(faultsOf(`${LAPTOP},bob,1\n${PHONE},a\u0308lice,2\n`, 'csv', existing), [/^old:2: ".*lice" is in the users file already/])
  t.same(faultsOf('# nobody\n', 'htpasswd'), ['old: holds no users'])
  t.end()
})
