import { test } from 'tap'
import { digestToken } from '../../../src/authn/token-digest.js'
import { ValidationError, formatFieldError } from '../../../src/errors.js'
import { importUsers, type ImportFormat } from '../../../src/users-file/import.js'
import { parseUsers } from '../../../src/users-file/read.js'
import { parseCsv } from '../../../src/users-file/token-csv.js'

const NOBODY = parseUsers('apiVersion: authn-webhook/v1\nusers: []\n', 'users.yaml')
const BCRYPT = '$2y$10$abcdefghijklmnopqrstuuFAGEq0vIZCNVvqmDKFhbdDXkRzr3ZNu'
const HEX = '0123456789abcdef'.repeat(2)
const [LAPTOP, PHONE, PIPELINE] = ['1', '2', '3'].map((digit) => digit.repeat(32)) as [string, string, string]

function importText (text: string, format: ImportFormat, { existing = NOBODY, groups = [] as string[] } = {}) {
  return importUsers(text, { format, file: 'old', groups, existing })
}

function errorsOf (text: string, format: ImportFormat, existing = NOBODY): string[] {
  try {
    importText(text, format, { existing })
    return []
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error
    return error.message.split('\n')
  }
}

test('CSV as RFC 4180 writes it', (t) => {
  const cases: Array<[name: string, text: string, records: Array<[line: number, ...fields: string[]]>, errorLines?: number[]]> = [
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
  for (const [name, text, expected, errorLines = []] of cases) {
    const { records, errors } = parseCsv(text)
    t.same(records.map(({ line, fields }) => [line, ...fields]), expected, name)
    t.same(errors.map(({ line }) => line), errorLines, `${name}: errors`)
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
    // 32 decimal digits, and white space around groups
    t.equal(warnings.length, 5)
    t.end()
  })

  t.test('warns of tokens that may be guessed, and names none', (t) => {
    const { users, warnings } = importText(`open-sesame,alice,1001\n${HEX},bob,1002`, 'csv')
    t.equal(users.length, 2)
    t.equal(warnings.length, 1)
    t.match(formatFieldError('old', warnings[0]!), /^old:1: the token has at most 51 bits of entropy, fewer than 128/)
    t.end()
  })

  t.test('is read as Kubernetes reads it', (t) => {
    const cases: Array<[name: string, line: string, groups: string[] | undefined, warnings: RegExp[]]> = [
      ['columns after the fourth', `${HEX},bob,1002,developers,secret-group,secret-comment`, ['developers'], [/^old:1: ignored the columns after the fourth, as Kubernetes does; .*"group1,group2"$/]],
      ['empty columns after the fourth', `${HEX},bob,1002,"developers,on-call",,`, ['developers', 'on-call'], []],
      ['a fourth column that is empty', `${HEX},bob,1002,,x`, undefined, [/ignored the columns after the fourth/]],
      ['empty groups', `${HEX},bob,1002,",developers,"`, ['developers'], []],
      ['white space around groups', `${HEX},bob,1002,"developers, on-call"`, ['developers', 'on-call'], [/^old:1: removed white space around groups; Kubernetes does not/]],
      ['a line without a token', `${HEX},bob,1002\n,carol,1003,secret`, undefined, [/^old:2: skipped, as Kubernetes does: the token is empty$/]],
      ['the commonest of all lines', `${HEX},bob,1002,"system:masters"`, ['system:masters'], [/^old:1: the group "system:masters" is reserved for Kubernetes: it is dropped unless the provider has a groupPrefix or lists it in reserved\.allowGroups$/]]
    ]
    for (const [name, text, groups, expected] of cases) {
      const { users, warnings } = importText(text, 'csv')
      t.strictSame(users, [{ username: 'bob', uid: '1002', ...groups && { groups }, tokens: [{ name: 'imported', hash: digestToken(HEX) }] }], name)
      const lines = warnings.map((warning) => formatFieldError('old', warning))
      t.equal(lines.length, expected.length, name)
      expected.forEach((pattern, index) => { t.match(lines[index], pattern, name) })
      t.notMatch(lines.join(), /secret/)
    }
    const { warnings } = importText(`${HEX},system:admin,1`, 'csv', { groups: ['ｓystem:masters'] })
    t.match(warnings.map(({ message }) => message), [/^the name "system:admin" is reserved for Kubernetes: the user is denied unless .* usernamePrefix .* reserved\.allowUsers$/, /^the group "ｓystem:masters" is reserved/])
    t.end()
  })

  t.test('reads fields of megabytes', (t) => {
    const field = 'x""'.repeat(10_000_000)
    const { records, errors } = parseCsv(`"${field}",u,1\n"${field}`)
    t.equal(records[0]?.fields[0]?.length, 20_000_000)
    t.match(errors, [{ line: 2, message: /an unterminated quote/ }])
    t.end()
  })

  t.test('says everything that is wrong at once', (t) => {
    const text = [
      `${LAPTOP},alice,1001,"developers"`,
      'secret-a',
      'secret c,carol,1003',
      `${PHONE},alice,1009`,
      `${LAPTOP},carol,1003`,
      'secret"d,carol,1003',
      `${PIPELINE},"  dave",1004`
    ].join('\n')
    const errors = errorsOf(text, 'csv')
    const expected = [
      /^old:2: 1 column; expected token,user,uid/,
      /^old:3: the token contains white space/,
      /^old:4: the same user as on line 1, with another uid or other groups$/,
      /^old:5: the same token as on line 1/,
      /^old:6: an unterminated quote/,
      /^old:7: username: begins or ends with white space: remove it$/
    ]
    t.equal(errors.length, expected.length)
    for (const [index, pattern] of expected.entries()) t.match(errors[index], pattern)
    t.notMatch(errors.join(), /secret/)
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

  t.test('warns of hashes that are quick to guess', (t) => {
    const { users, warnings } = importText(`alice:${BCRYPT}\nbob:${BCRYPT.replace('$10$', '$09$')}\n`, 'htpasswd')
    t.equal(users.length, 2)
    t.strictSame(warnings.map((warning) => formatFieldError('old', warning)), ['old:2: bcrypt with cost 9 is quick to guess: set the password again with "authn-webhook users set-password", or with "htpasswd -B -C 12"'])
    t.end()
  })

  t.test('is read as the programs that use it read it', (t) => {
    const scrypt = '$scrypt$ln=14,r=8,p=1$MtnaFonOI7tiHmGjxF/FKQ$7S6qSM0dU6ULnUOVUEnyEjT0n2TpT+Xw7GrOgCMS1CM'
    for (const [name, line, passwordHash = BCRYPT] of [
      ['a comment behind a second colon', `alice:${BCRYPT}:Alice Liddell`],
      ['the fields of Dovecot', `alice:${BCRYPT}:1001:1001::/home/alice::`],
      ['white space around', `  alice:${BCRYPT}  \t`],
      ['white space beside the colon', `alice : ${BCRYPT}`],
      ['Docker Compose doubles each $', `alice:${BCRYPT.replaceAll('$', '$$$$')}`],
      ['the scheme of Dovecot', `alice:{BLF-CRYPT}${BCRYPT}`],
      ['the scheme of LDAP', `alice:{CRYPT}${BCRYPT}`],
      ['a scheme in lower case', `alice:{blf-crypt}${BCRYPT}`],
      ['a hash of ours', `alice:${scrypt}`, scrypt]
    ] as const) {
      t.strictSame(importText(line, 'htpasswd').users, [{ username: 'alice', passwordHash }], name)
    }
    t.end()
  })

  t.test('every other kind of hash is named, and called weak only if it is', (t) => {
    // what "htpasswd -nb" and "doveadm pw" print for the password "secret"
    for (const [hash, expected] of [
      ['$apr1$FeslWOiZ$3cQei.Er3Q15wg69o7xX..', 'an MD5 hash, which is too easy to guess'],
      ['$$apr1$$FeslWOiZ$$3cQei.Er3Q15wg69o7xX..', 'an MD5 hash, which is too easy to guess'],
      ['{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=', 'a SHA-1 hash, which is too easy to guess'],
      ['2.XXa3H7LOymA', 'a DES crypt hash, which is too easy to guess'],
      ['$5$5QRCTMGVXGs7lvIb$Ge3lyim.XDZeMUqTfyr6WaWxOQ66wqnsX5WHIsH.xs1', 'a SHA-256 crypt hash, which is not supported'],
      ['$6$jPwsAq8ZdQmRPuff$Jys1Cz58wkljqyy1/MwzZuqilkCMTXAL67Ms00LIkDAMj0qDt69CGbTkQdkfsdHSX0F6tNUdX/5dc/gfxj26U1', 'a SHA-512 crypt hash, which is not supported'],
      ['{SHA512-CRYPT}$6$vjA9M4Z30r5HV/lW$ruqXmu7OhvQnX7pJzx2VHM', 'a SHA-512 crypt hash, which is not supported'],
      ['{MD5-CRYPT}$1$M7z58NoD$OthwV7K6TZGhl1etXkWqL/', 'an MD5 hash, which is too easy to guess'],
      ['{DES-CRYPT}ZGbF7RFB0vxIg', 'a DES crypt hash, which is too easy to guess'],
      ['{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$mKLxYaXPcVuYDuwIBMWdHg$7MOkEIi21WtL3MPRt9HqGs1p5J', 'an Argon2 hash, which is not supported'],
      ['{PBKDF2}$1$QiKhsYMY5COoctZE$5000$ec62980b8c90a29352d969b6d5aaf255671cfa06', 'a PBKDF2 hash, which is not supported'],
      ['{SCRAM-SHA-256}4096,5sMlEXCX1vsU2kZu3C8msA==,Zbu5SE7WzcS6apfe/ERD1kJ5oP7RoaHl29AdA9Y3iG8=,', 'a SCRAM verifier, which is not supported'],
      ['{SSHA}XgGo0AxtYbuRrqn9itUyCSdq74iM6EfU', 'a salted SHA-1 hash, which is too easy to guess'],
      ['{SSHA256.b64}2hxXtTbkua7G1SYo8jCUAt6wIAx7eu3sVjYKGgFSBp08mQFz', 'a fast SHA-2 hash, which is too easy to guess'],
      ['{CRAM-MD5}cd3ba7deaad6e5ca23448ba42e379747', 'an MD5 or MD4 hash, which is too easy to guess'],
      ['{PLAIN}secret', 'plain text, which anyone who sees the file can read'],
      ['$y$j9T$x$y', 'a yescrypt hash, which is not supported'],
      ['$2x$05$abcdefghijklmnopqrstuuFAGEq0vIZCNVvqmDKFhbdDXkRzr3ZNu', 'a bcrypt hash of the flawed type $2x$, which is not supported'],
      ['secret', 'plain text or an unknown type of hash, which is not supported'],
      ['{secret}secret', 'plain text or an unknown type of hash, which is not supported']
    ]) {
      t.strictSame(errorsOf(`bob:${hash}`, 'htpasswd'), [`old:1: the password is stored as ${expected}; set it again with "htpasswd -B -C 12", or remove the line and use "authn-webhook users add"`])
    }
    t.end()
  })

  t.test('says everything that is wrong at once', (t) => {
    const lines = [
      `alice:${BCRYPT}`,
      'dave:secret',
      'erin',
      ':secret',
      'erin:',
      `alice:${BCRYPT}`,
      `frank:${BCRYPT.replace('$10$', '$19$')}`,
      `grace:${BCRYPT.slice(0, 20)}`
    ]
    const errors = errorsOf(lines.join('\n'), 'htpasswd')
    const expected = [
      /^old:2: the password is stored as plain text or an unknown type/,
      /^old:3: expected user:hash/,
      /^old:4: expected user:hash/,
      /^old:5: expected user:hash/,
      /^old:6: the same user as on line 1$/,
      /^old:7: passwordHash: bcrypt with cost 19/,
      /^old:8: passwordHash: a malformed bcrypt hash/
    ]
    t.equal(errors.length, expected.length)
    for (const [index, pattern] of expected.entries()) t.match(errors[index], pattern)
    t.notMatch(errors.join(), /secret/)
    t.end()
  })
  t.end()
})

test('a line of another format is refused, and nothing of it is told', (t) => {
  const UUID = '31ada4fd-adec-460c-809a-9e56ceb75269'
  const AWT = `awt_${HEX}${HEX}`
  const SWAPPED = 'old:1: the user name looks like a token; expected token,user,uid in this order'
  for (const [name, format, text, expected] of [
    ['a token file', 'htpasswd', `${UUID},admin,admin,"system:masters"`, 'old:1: looks like a line of a CSV token file; use --format csv'],
    ['a token file without groups', 'htpasswd', `${UUID},admin,1001`, 'old:1: looks like a line of a CSV token file; use --format csv'],
    ['columns with colons', 'htpasswd', `${AWT}:alice:1:g`, 'old:1: the password is stored as plain text or an unknown type of hash, which is not supported; set it again with "htpasswd -B -C 12", or remove the line and use "authn-webhook users add"'],
    ['our hash in htpasswd', 'csv', 'alice:$scrypt$ln=14,r=8,p=1$MtnaFonOI7tiHmGjxF/FKQ$7S6qSM0dU6ULnUOVUEnyEjT0n2TpT+Xw7GrOgCMS1CM', 'old:1: looks like a line of an htpasswd file; use --format htpasswd'],
    ['columns swapped', 'csv', `alice,${UUID},1001,"dev"`, SWAPPED],
    ['columns swapped, a token of od', 'csv', `alice,${HEX},1001`, SWAPPED],
    ['columns swapped, a token of ours', 'csv', `alice,${AWT},1001`, SWAPPED],
    ['a header', 'csv', `token,user,uid,groups\n${HEX},alice,1`, 'old:1: looks like a header, but token files have none: Kubernetes reads it as a user and a token; remove the line'],
    ['a header in other words', 'csv', '"Token",User name,UID\n', 'old:1: looks like a header, but token files have none: Kubernetes reads it as a user and a token; remove the line']
  ] as const) t.strictSame(errorsOf(text, format), [expected], name)
  t.strictSame(errorsOf(`${HEX},${UUID},1001`, 'csv'), [], 'a user may be called like a UUID')
  const { warnings } = importText('alice,Zm9vYmFyYmF6cXV4,1001,"system:masters"', 'csv')
  t.equal(warnings.length, 2)
  t.notMatch(warnings.map(({ message }) => message).join(), /alice|Zm9v/, 'nor does a warning repeat a user name, which may be a token')
  t.end()
})

test('a file of 150,000 lines has all of its errors told, however many', (t) => {
  const lines = (line: (index: number) => string): string => Array.from({ length: 150_000 }, (_, index) => line(index)).join('\n')
  const everybody = parseUsers(`apiVersion: authn-webhook/v1\nusers:\n${lines((index) => `- username: u${index}`)}`, 'users.yaml')
  for (const [name, text] of [
    ['quotes that are not closed', lines((index) => `${index},"u,1`)],
    ['users who are there already', lines((index) => `${index},u${index},1`)]
  ] as const) {
    const errors = errorsOf(text, 'csv', everybody)
    t.equal(errors.length, 1001, name)
    t.match(errors.at(-1), /more than 1000 errors/)
  }
  t.end()
})

test('users who are there already are errors, as is a file with nobody', (t) => {
  const existing = parseUsers('apiVersion: authn-webhook/v1\nusers: [{ username: älice }]\n', 'users.yaml')
  t.match(errorsOf(`${LAPTOP},bob,1\n${PHONE},a\u0308lice,2\n`, 'csv', existing), [/^old:2: ".*lice" is in the users file already/])
  t.same(errorsOf('# nobody\n', 'htpasswd'), ['old: holds no users'])
  t.end()
})
