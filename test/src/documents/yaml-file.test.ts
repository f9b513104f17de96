import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { UsersFile } from '../../../schemas/users.js'
import { ValidationError, MAX_ERRORS, type FieldError } from '../../../src/errors.js'
import { validateDocument, validationError, parseDocument, readDocument } from '../../../src/documents/yaml-file.js'
import { MAX_INDICATORS } from '../../../src/documents/yaml-limits.js'
import { findErrors } from '../../../src/documents/schema-errors.js'
import { closestWord } from '../../../src/documents/spelling.js'
import { joinPath } from '../../../src/documents/yaml-positions.js'

const CANARY = 'hunter2'

/** A schema with everything that our own and third parties' schemas may say. */
const Shop = {
  type: 'object',
  required: ['name'],
  additionalProperties: false,
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 8 },
    open: { type: 'boolean' },
    port: { type: 'integer', minimum: 1, maximum: 65535, default: 80 },
    ratio: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
    patience: { type: 'string', pattern: '^[0-9]+s$', expected: 'a duration such as 10s' },
    code: { type: 'string', pattern: '^[0-9]{4}$', expected: 'four digits' },
    plain: { type: 'string', pattern: '^x' },
    colour: { enum: ['red', 'green'] },
    version: { const: 'v1' },
    size: { anyOf: [{ const: 'small' }, { const: 'large' }] },
    secret: { 'x-secret': true, expected: 'a string or {file: PATH}', anyOf: [{ type: 'string' }, { type: 'object', required: ['file'], additionalProperties: false }] },
    either: { oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
    tags: { type: 'array', minItems: 1, maxItems: 3, uniqueItems: true, items: { type: 'string' } },
    pair: { type: 'array', minItems: 2 },
    word: { type: 'string', minLength: 3 },
    labels: { type: 'object', additionalProperties: { type: 'string' }, propertyNames: { pattern: '^[a-z./]+$', expected: 'a lower-case key' } },
    door: { type: 'object', additionalProperties: false, properties: { locked: { type: 'boolean' }, key: { type: 'string' } }, if: { properties: { locked: { const: true } }, required: ['locked'] }, then: { required: ['key'] } },
    count: { type: ['string', 'integer'] }
  }
}

function errorsIn (text: string, schema: object = Shop): readonly FieldError[] {
  try {
    parseDocument(text, { file: 'shop.yaml', schema })
    return []
  } catch (error) {
    if (error instanceof ValidationError) return error.errors
    throw error
  }
}

test('a document that is right', async (t) => {
  const text = 'name: corner\ntags:\n  - a\n  - b\nlabels: { "example.com/x": y }\n'
  const document = parseDocument<{ port: number, tags: string[] }>(text, { file: 'shop.yaml', schema: Shop })

  t.equal(document.file, 'shop.yaml')
  t.strictSame(document.value, { name: 'corner', tags: ['a', 'b'], labels: { 'example.com/x': 'y' }, port: 80 }, 'defaults are filled in')

  t.test('knows the lines of paths', async (t) => {
    for (const [path, line] of [
      ['', 1],
      ['name', 1],
      ['tags', 2],
      ['tags[1]', 4],
      ['labels["example.com/x"]', 5],
      ['tags[7]', 2],
      ['labels["example.com/z"].deeper', 5],
      ['absent', 1],
      ['port', 1]
    ] as const) t.equal(document.lineOf(path), line, path || 'the whole')
  })

  t.test('may be JSON, have a byte order mark, and other line ends', async (t) => {
    t.strictSame(errorsIn('{"name": "corner"}'), [])
    t.strictSame(errorsIn('\uFEFFname: corner\n'), [])
    t.match(errorsIn('name: corner\r\ncolour: blue\r\n')[0], { line: 2 })
    t.match(errorsIn('name: corner\r# comment\rcolour: blue\r')[0], { line: 3 })
  })

  t.test('timestamps stay strings, and aliases are followed', async (t) => {
    const { value, lineOf } = parseDocument<any>('name: &n 2027-01-01\nworker: *n\nboss: { of: *n }\n', { file: 'x', schema: {} })
    t.strictSame(value, { name: '2027-01-01', worker: '2027-01-01', boss: { of: '2027-01-01' } })
    t.equal(lineOf('boss.of'), 3)
  })

  t.test('a value that is missing in the text has the line of its key', async (t) => {
    const { lineOf } = parseDocument<any>('a:\nlist:\n  -\n  - x\n', { file: 'x', schema: {} })
    t.equal(lineOf('a'), 1)
    t.equal(lineOf('list[0]'), 3)
    t.equal(lineOf('list[1]'), 4)
  })
})

test('each error says what to do', async (t) => {
  for (const [text, path, message] of [
    ['naem: x', 'naem', 'unknown key; did you mean "name"?'],
    ['name: x\nqqqqqq: 1', 'qqqqqq', 'unknown key'],
    ['open: true', 'name', 'is missing'],
    ['name: ""', 'name', 'must not be empty'],
    ['name: 123456789a', 'name', 'is too long: at most 8 characters'],
    ['name: x\nword: ab', 'word', 'is too short: at least 3 characters'],
    ['name: 1001', 'name', 'must be a string; got a number: quote it'],
    ['name: true', 'name', 'must be a string; got a boolean: quote it'],
    ['name:', 'name', 'has no value; must be a string'],
    ['name: [x]', 'name', 'must be a string; got a list'],
    ['name: x\nopen: no', 'open', 'must be true or false; got a string: without quotes'],
    ['name: x\nport: "80"', 'port', 'must be a whole number; got a string: remove the quotes'],
    ['name: x\nport: http', 'port', 'must be a whole number; got a string'],
    ['name: x\nport: 80.5', 'port', 'must be a whole number; got a number'],
    ['name: x\nport: 0', 'port', 'must be at least 1'],
    ['name: x\nport: 70000', 'port', 'must be at most 65535'],
    ['name: x\nratio: 0', 'ratio', 'must be more than 0'],
    ['name: x\nratio: 1', 'ratio', 'must be less than 1'],
    ['name: x\npatience: soon', 'patience', 'is not a duration such as 10s'],
    ['name: x\npatience: 8', 'patience', 'must be a duration such as 10s; got a number'],
    ['name: x\ncode: 1234', 'code', 'must be four digits; got a number: quote it'],
    ['name: x\nplain: y', 'plain', 'must match pattern "^x"'],
    ['name: x\ncolour: blue', 'colour', 'must be one of red, green'],
    ['name: x\nversion: v2', 'version', 'must be "v1"'],
    ['name: x\nsize: medium', 'size', 'must be one of small, large'],
    ['name: x\nsecret: { fil: x }', 'secret', 'must be a string or {file: PATH}'],
    ['name: x\neither: [1]', 'either', 'has none of the allowed forms'],
    ['name: x\ntags: a', 'tags', 'must be a list; got a string: write it as a list, [value]'],
    ['name: x\ntags: []', 'tags', 'must not be empty'],
    ['name: x\ntags: [a, b, c, d]', 'tags', 'is too long: at most 3 entries'],
    ['name: x\npair: [a]', 'pair', 'is too short: at least 2 entries'],
    ['name: x\ntags: [a, a]', 'tags', 'must NOT have duplicate items (items ## 1 and 0 are identical)'],
    ['name: x\ntags: [a, 2]', 'tags[1]', 'must be a string; got a number: quote it'],
    ['name: x\nlabels: [a]', 'labels', 'must be a mapping of keys to values; got a list'],
    ['name: x\nlabels: { a/b: 1 }', 'labels["a/b"]', 'must be a string; got a number: quote it'],
    ['name: x\nlabels: { A: b }', 'labels.A', 'is not a lower-case key'],
    ['name: x\ndoor: { locked: true }', 'door.key', 'is missing'],
    ['name: x\ncount: []', 'count', 'must be a string or a whole number; got a list'],
    ['null', '', 'has no value; must be a mapping of keys to values'],
    ['- a', '', 'must be a mapping of keys to values; got a list'],
    ['just words', '', 'must be a mapping of keys to values; got a string']
  ] as const) {
    const errors = errorsIn(text)
    t.strictSame(errors.map(({ path, message }) => [path, message]).filter(([at]) => at !== 'name' || path === 'name'), [[path, message]], text)
  }
})

test('all errors come at once, in the order of lines, one a path', async (t) => {
  const text = `apiVersion: authn-webhook/v1
users:
  - username: alice
    uid: 1001
    passwordHash: plain
  - usrname: bob
    tokens:
      - hash: nonsense
        expiresAt: tomorrow
`
  t.throws(() => parseDocument(text, { file: 'users.yaml', schema: UsersFile }), {
    name: 'ValidationError',
    file: 'users.yaml',
    message: `users.yaml:4: users[0].uid: must be a string; got a number: quote it
users.yaml:5: users[0].passwordHash: is not a $scrypt$ or bcrypt hash, as \`authn-webhook hash password\` prints
users.yaml:6: users[1].username: is missing
users.yaml:6: users[1].usrname: unknown key; did you mean "username"?
users.yaml:8: users[1].tokens[0].name: is missing
users.yaml:8: users[1].tokens[0].hash: is not sha256: and 64 lower-case hexadecimal digits, as \`authn-webhook hash token\` prints
users.yaml:9: users[1].tokens[0].expiresAt: is not a time such as 2027-01-01T00:00:00Z`
  })
})

test('what is no document', async (t) => {
  for (const [name, text, line, message] of [
    ['an empty file', '', undefined, 'is empty'],
    ['comments alone', '# nothing\n', undefined, 'is empty'],
    ['a bracket that stays open', 'name: x\ntags: [a\n', 3, /^is not valid YAML: /],
    ['a tab as indentation', 'door:\n\tlocked: true\n', 2, /^is not valid YAML: .*tab/],
    ['two documents', '---\n# first\nname: x\n---\nname: y\n', 4, 'has more than one YAML document: remove the "---" between them'],
    ['two documents without a first marker', 'name: x\n---\nname: y\n', 2, /more than one/],
    ['a mapping as a key', '? {a: 1}\n: x\n', 1, /^is not valid YAML: .*complex keys/],
    ['an alias of nothing', `name: *${CANARY}\n`, 1, 'is not valid YAML: an alias without an anchor; quote a value that starts with "*"'],
    ['an unknown tag', `name: !${CANARY} x\n`, 1, 'is not valid YAML: an unknown tag; quote a value that starts with "!"'],
    ['a null byte', 'name: a\0b\n', 1, /^is not valid YAML: null byte/]
  ] as const) {
    const [error, ...others] = errorsIn(text)
    t.match(error, { path: '', message }, name)
    t.equal(error?.line, line, name)
    t.equal(others.length, 0, name)
  }
})

test('keys that are there twice are errors beside the others', async (t) => {
  t.strictSame(errorsIn('name: x\nport: 1\ndoor: { locked: false, locked: false }\nname: y\ntags: [{ a: 1, a: 2 }]\n'), [
    { path: 'door.locked', line: 3, message: 'is a duplicate key' },
    { path: 'name', line: 4, message: 'is a duplicate key' },
    { path: 'tags[0].a', line: 5, message: 'is a duplicate key' },
    { path: 'tags[0]', line: 5, message: 'must be a string; got a mapping of keys to values' }
  ])
})

test('a key that may be part of a value is not repeated', async (t) => {
  const hidden = (what: string): string => `has ${what}, not shown because it may be part of a secret: quote values that contain a comma`
  for (const [name, text, path, line, what] of [
    ['of a split value', `{ name: x, secret: pa,${CANARY} }`, '', 1, 'an unknown key'],
    ['of a split value that spells a key', '{ name: x, secret: pa,prot }', '', 1, 'an unknown key'],
    ['of a value over several lines', `{ name: x,\n  secret: pa,\n  ${CANARY} }`, '', 3, 'an unknown key'],
    ['of a value without a comma behind it', '{ name: x, secret: pa,se/cr3t\n  prot: 1 }', '', 1, 'an unknown key'],
    ['with digits', 'name: x\nhunter2: 1', '', 2, 'an unknown key'],
    ['deeper', `{ name: x, door: { locked: true, key: pa,${CANARY} } }`, 'door', 1, 'an unknown key'],
    ['where every key is allowed', `{ name: x, labels: { a: b,${CANARY} } }`, 'labels', 1, 'a key without a value'],
    ['twice', `{ name: x, labels: { a: b,${CANARY}: c,${CANARY}: d } }`, undefined, 1, 'a duplicate key']
  ] as const) {
    const errors = errorsIn(text)
    if (path !== undefined) t.strictSame(errors, [{ path, line, message: hidden(what) }], name)
    else t.match(errors, [{ path: 'labels', line, message: hidden(what) }], name)
    t.notMatch(JSON.stringify(errors[0]), /CANARY|canary|hunter2|cr3t/, name)
  }
  t.equal(errorsIn('{ name: x, secret: pa,a1,b2,c3 }').length, 1, 'pieces in one line are one error')
})

test('no error repeats a value, however odd the place it was typed into', async (t) => {
  const wrong = [
    ...Object.keys(Shop.properties).map((key) => `name: x\n${key === 'name' ? 'secret' : key}: [${CANARY}, {${CANARY}1: ${CANARY}}]`).filter((text) => !/labels|either|pair/.test(text)),
    ...['open', 'port', 'ratio', 'patience', 'code', 'plain', 'colour', 'version', 'size', 'labels', 'tags', 'door'].map((key) => `name: x\n${key}: ${CANARY}`),
    `name: "${CANARY}`, `name: '${CANARY}`, `${CANARY}`, `name: @${CANARY}`, `name: %${CANARY}`, `name: \`${CANARY}`, `name: x: ${CANARY}`, `name: [${CANARY}`,
    `name: !<${CANARY} x`, `name: !a!${CANARY} x`, `name: !!${CANARY} x`, `%TAG ! ${CANARY}`, `%TAG ${CANARY}`, `%YAML ${CANARY}`, `name: |${CANARY}`, `name: "\\${CANARY}"`, `name: &${CANARY} &${CANARY} x`
  ]
  for (const text of wrong) {
    const errors = errorsIn(text)
    t.ok(errors.length > 0, text)
    t.notMatch(JSON.stringify(errors.map(({ message }) => message)), CANARY, text)
  }
})

test('readers with rules of their own', async (t) => {
  const draft = validateDocument<any>('port: 0\nname: x\n', { file: 'shop.yaml', schema: Shop })
  t.match(draft.errors, [{ path: 'port' }])
  const error = validationError(draft, [{ path: 'name', message: 'is taken' }, ...draft.errors])
  t.equal(error.message, 'shop.yaml:1: port: must be at least 1\nshop.yaml:2: name: is taken')
})

test('a schema that is wrong is no error of the file', async (t) => {
  t.throws(() => findErrors({}, { type: 'objekt' }), /type must be JSONType.*objekt/)
  t.throws(() => parseDocument('a: 1', { file: 'x', schema: { typo: 1 } }), /unknown keyword/)
})

test('paths', async (t) => {
  t.equal(joinPath('', 'users'), 'users')
  t.equal(joinPath('users', 3), 'users[3]')
  t.equal(joinPath('users[3]', 'uid'), 'users[3].uid')
  t.equal(joinPath('extra', 'example.com/team'), 'extra["example.com/team"]')
  const { lineOf } = parseDocument<any>('a:\n  "q\\"]uote": 1\n  "": 2\n  __proto__: 3\n', { file: 'x', schema: {} })
  t.equal(lineOf(joinPath('a', 'q"]uote')), 2)
  t.equal(lineOf(joinPath('a', '')), 3)
  t.equal(lineOf('a.__proto__'), 4)
  t.equal(lineOf('a.constructor'), 1)
  t.doesNotThrow(() => lineOf(joinPath('a', '"x'.repeat(10_000_000))), 'a key of megabytes')
})

test('aliases', async (t) => {
  const laughs = ['a: &a0 [x, x]', ...Array.from({ length: 40 }, (_, level) => `b${level}: &a${level + 1} [*a${level}, *a${level}]`)].join('\n')
  const list = `list: &l [${Array(5000).fill('x').join(', ')}]`
  for (const [what, text, line] of [
    ['each of which doubles', laughs, 18],
    ['of a long list, again and again', `${list}\nuses:\n${'  - *l\n'.repeat(5000)}`, 202],
    ['of a list of such lists', `${list}\nlists: &ll [${Array(100).fill('*l').join(', ')}]\nuses: [*ll, *ll]\n`, 3],
    ['of a long text', `text: &t ${'x'.repeat(640_000)}\nuses: [${Array(200).fill('*t').join(', ')}]\n`, 2],
    ['as keys', `list: &l [${Array(5000).fill('x').join(', ')}]\nuses:\n${Array.from({ length: 5000 }, () => '  - ? *l\n    : 1\n').join('')}`, 401]
  ] as const) {
    t.strictSame(errorsIn(text, {}), [{ path: '', line, message: 'aliases up to here expand to more than 1000000 values: use fewer aliases, or shorter lists' }], what)
  }
  t.strictSame(errorsIn('a: 1\nlist: &l\n  - x\n  - { of: *l }\n', {}), [{ path: '', line: 4, message: 'an alias inside the value of its own anchor' }], 'without an end')
  t.strictSame(errorsIn(`${list}\nuses:\n${'  - *l\n'.repeat(190)}`, {}), [], 'as many as may be meant')
  t.match(errorsIn('a: &a x\na: *b\n', {}), [{ line: 2, message: /an alias without an anchor/ }])
  const { value } = parseDocument<any>('a: &a [1]\nb: &a [2, 3]\nc: *a\n', { file: 'x', schema: {} })
  t.strictSame(value.c, [2, 3], 'an anchor may be given again')
})

test('nesting that is too deep', async (t) => {
  for (const text of ['['.repeat(100_000), '- '.repeat(100_000), '{a: '.repeat(100_000), '? '.repeat(100_000)]) {
    t.strictSame(errorsIn(text, {}), [{ path: '', line: 1, message: 'is not valid YAML: more than 100 levels of nesting' }], text.slice(0, 8))
  }
})

test('a text of too many values', async (t) => {
  t.strictSame(errorsIn(`[${'1,'.repeat(MAX_INDICATORS)}]`, {}), [{ path: '', message: 'holds too many values; split it up' }])
})

test('very many errors', async (t) => {
  const list = (items: object): object => ({ type: 'object', properties: { list: { type: 'array', items } } })
  for (const [what, entry, items, message] of [
    ['values of a wrong type', '1', { type: 'string' }, /must be a string/],
    ['unknown keys', '{ nmae: x }', { type: 'object', properties: { name: {} }, additionalProperties: false }, /unknown key/],
    ['branches of unions', '{ file: 1, x: 2 }', (Shop.properties as Record<string, object>)['secret']!, /must be a string or/]
  ] as const) {
    const errors = errorsIn(`list:\n${`  - ${entry}\n`.repeat(100_000)}`, list(items))
    t.equal(errors.length, MAX_ERRORS + 1, what)
    t.match(errors[0], { path: /^list\[0\]/, line: 2, message })
    t.match(errors[MAX_ERRORS - 1], { line: MAX_ERRORS + 1, message })
    t.strictSame(errors[MAX_ERRORS], { path: '', message: 'more than 1000 errors; fix these first' })
  }
})

test('the nearest word', async (t) => {
  const words = ['username', 'usernamePrefix', 'uid', 'groups', 'port', 'host']
  for (const [typed, meant] of [
    ['user_name', 'username'], ['UserName', 'username'], ['username-prefix', 'usernamePrefix'], ['usernam', 'username'],
    ['prot', 'port'], ['grops', 'groups'], ['id', 'uid'], ['hots', 'host'],
    ['x', undefined], ['', undefined], ['certificate', undefined]
  ] as const) t.equal(closestWord(typed, words), meant, typed)
})

test('a file', async (t) => {
  const dir = t.testdir({ 'good.yaml': 'name: corner\n', folder: {} })

  t.test('is read', async (t) => {
    const { value, file } = await readDocument<{ name: string }>(join(dir, 'good.yaml'), Shop)
    t.equal(value.name, 'corner')
    t.equal(file, join(dir, 'good.yaml'))
  })

  t.test('or the reason is told, with its path', async (t) => {
    await writeFile(join(dir, 'latin1.yaml'), Buffer.from('name: caf\xe9\n', 'latin1'))
    await symlink('loop.yaml', join(dir, 'loop.yaml'))
    for (const [name, reason] of [
      ['absent.yaml', 'does not exist'],
      ['good.yaml/x', 'does not exist: a part of its path is not a directory'],
      ['folder', 'is a directory, not a file'],
      ['latin1.yaml', 'is not UTF-8 text'],
      ['loop.yaml', 'is a symbolic link that leads to itself'],
      ['n'.repeat(300), "can't be read: ENAMETOOLONG"]
    ] as const) await t.rejects(readDocument(join(dir, name), Shop), { name: 'ValidationError', message: `${join(dir, name)}: ${reason}` }, reason)
  })

  t.test('that may not be read', { skip: process.getuid?.() === 0 && 'root reads everything' }, async (t) => {
    await mkdir(join(dir, 'closed'))
    await writeFile(join(dir, 'closed/x.yaml'), 'name: x')
    await chmod(join(dir, 'closed/x.yaml'), 0)
    await t.rejects(readDocument(join(dir, 'closed/x.yaml'), Shop), /may not be read/)
  })
})
