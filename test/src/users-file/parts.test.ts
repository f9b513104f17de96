/** A large users file is read in parts, and means what it means when it is read whole. */
import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import { test } from 'tap'
import { digestToken } from '../../../src/authn/token-digest.js'
import { recordOf } from '../../../src/users-file/table.js'
import { ValidationError } from '../../../src/errors.js'
import { tabulateUsers } from '../../../src/users-file/read.js'
import { splitList } from '../../../src/documents/list-parts.js'
import { holds } from '../../fixtures/property.js'

const HEAD = 'apiVersion: authn-webhook/v1\nusers:\n'
/** More comments than a part may have. */
const PADDING = `${' '.repeat(12)}# ${'x'.repeat(1_000)}\n`.repeat(140)
const PADDING_LINES = 140

type Outcome = { readonly users: object[] } | { readonly errors: string[] }

function outcomeOf (text: string): Outcome {
  try {
    const table = tabulateUsers(Buffer.from(text), 'users.yaml')
    return { users: Array.from({ length: table.size }, (_, user) => recordOf(table, user)) }
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error
    return { errors: error.errors.map(({ line, path, message }) => `${line}: ${path}: ${message}`) }
  }
}

/** A head that begins with an indented comment is not cut. */
function wholeOutcomeOf (text: string): Outcome {
  const whole = text.replace(/^\ufeff?/, '$& # read as a whole\n')
  assert.equal(splitList([Buffer.from(whole)], 'users'), undefined)
  return outcomeOf(whole)
}

test('a document that ends between users', t => {
  for (const [what, marker, expected] of [
    ['with dots', '...', /^\d+: : has more than one YAML document/],
    ['with dashes', '---', /^\d+: : has more than one YAML document/]
  ] as const) {
    for (const users of [`  - username: alice\n${PADDING}${marker}\n  - username: bob\n`, `  - username: alice\n${marker}\n${PADDING}  - username: bob\n`, `  - username: alice\n${PADDING}  - username: bob\n${marker}\n  - username: carol\n`]) {
      t.match(outcomeOf(HEAD + users), { errors: [expected] }, what)
    }
  }
  t.match(outcomeOf(`---\n${HEAD}  - username: alice\n${PADDING}  - username: bob\n...\n`), { users: [{ info: { username: 'alice' } }, { info: { username: 'bob' } }] })
  t.end()
})

test('a line break that only YAML knows', t => {
  const text = `${HEAD.trimEnd()} # c\r  - username: alice\r    tokens:\n    - { name: a, hash: "${digestToken('a')}" }\n${PADDING}    - username: admin\n`
  t.match(outcomeOf(text), { errors: [/users\[0\]\.tokens\[1\]\.name: is missing/, /hash: is missing/, /username: unknown key/] })
  t.end()
})

test('the line of an entry without a value', t => {
  for (const [padding, line] of [['', 4], [PADDING, 4 + PADDING_LINES]] as const) {
    const outcome = outcomeOf(`${HEAD}  - username: alice\n${padding}  -\n  - username: bob\n  - # nobody\n  - &nobody\n`)
    t.match(outcome, { errors: [`${line}: users[1]: has no value`, `${line + 2}: users[3]: has no value`, `${line + 3}: users[4]: has no value`] })
  }
  t.end()
})

/** Lines of a users file; `@` becomes a number, `§` the padding. */
const usual = fc.constantFrom(
  '  - username: u@', '  - username: u@\n    groups: [a, b]', '  - { username: u@ }', '  - username: "u@\n      two"', "  - username: 'u@\n\n      two'", '  - username: u@\n      two', '  - username: >-\n      u@',
  '  - username: u@\n    extra:\n      k:\n        - |\n          - username: x\n          # no comment', '  - username: u@\n    groups:\n    - a\n    - b', '  -\n    username: u@', '  - ? username\n    : u@', '  - groups: [a,\n      b]\n    username: u@',
  '    disabled: true', '    # comment', '# comment', '', '   '
)
const rare = fc.constantFrom(
  '...', '---', '--- # c', '...  ', '  ...', '%YAML 1.2', '  -', '  - # c', '  - &a', '  - &a { username: u@ }', '    groups: &g [a]', '    groups: *g', '  - *a', '    - username: u@', '- username: u@', '   - username: u@', '    tokens:', '    - { name: t@, hash: "sha256:' + 'a'.repeat(64) + '" }',
  '  - username: "u@', '  - username: |', '    extra: {', '}', '"', 'users:', 'apiVersion: authn-webhook/v1', 'other: 1', '  - - username: u@', '\t- username: u@', '  -\tusername: u@', '\ufeff  - username: u@', '  - username: u@\u2028  - username: x', '  - username: u@\u0085', '  - !!map { username: u@ }', '  - !x y', '  - <<: { username: u@ }'
)
const lineBreak = fc.oneof({ weight: 40, arbitrary: fc.constant('\n') }, { weight: 4, arbitrary: fc.constant('\r\n') }, { weight: 1, arbitrary: fc.constant('\r') })
const line = fc.tuple(fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: rare }, { weight: 3, arbitrary: fc.constant('§') }), lineBreak).map(parts => parts.join(''))
const head = fc.oneof({ weight: 4, arbitrary: fc.constant(HEAD) }, { weight: 3, arbitrary: fc.constantFrom(`---\n${HEAD}`, `\ufeff${HEAD}`, `# c\n\n${HEAD}# c\n\n`, HEAD.replaceAll('\n', '\r\n'), HEAD.replace('users:', 'users: # c') + '    # c\n', HEAD.replace('users:', '---\nusers:'), `---\n---\n${HEAD}`, `...\n${HEAD}`, `# c\r${HEAD}`, HEAD.trimEnd() + ' # c\r  - username: u@\r    tokens:\n') })
const file = fc.tuple(head, fc.array(line, { maxLength: 8 }), fc.array(line, { maxLength: 8 })).map(([top, before, after]) => {
  let number = 0
  return [top, '  - username: u@\n', ...before, '§\n', ...after].join('').replaceAll('@', () => String(number++))
})

test('in parts and as a whole, a file has the same users, or errors both times', t => {
  const seen = { users: 0, errors: 0, parts: 0 }
  holds(t, fc.property(file, short => {
    const text = short.replaceAll('§', () => PADDING.trimEnd())
    const parts = outcomeOf(text)
    const whole = wholeOutcomeOf(text)
    if (splitList([Buffer.from(text)], 'users') !== undefined) seen.parts++
    const invalid = 'errors' in parts && 'errors' in whole
    seen[invalid ? 'errors' : 'users']++
    if (!invalid) assert.deepEqual(parts, whole)
  }), Number(process.env['RUNS'] ?? 200))
  t.comment(JSON.stringify(seen))
  t.ok(seen.users > 10 && seen.errors > 10 && seen.parts > 50, JSON.stringify(seen))
  t.end()
})
