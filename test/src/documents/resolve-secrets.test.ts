import { inspect } from 'node:util'
import { test } from 'tap'
import { Type } from '@sinclair/typebox'
import { Secret } from '../../../schemas/primitives.js'
import { findErrors } from '../../../src/documents/schema-errors.js'
import { resolveSecrets } from '../../../src/documents/resolve-secrets.js'

const CANARY = 'canary-of-a-secret'

test('references are resolved wherever a schema marks them', async (t) => {
  const dir = t.testdir({ key: CANARY })
  const schema = Type.Object({
    plain: Type.String(),
    key: Secret,
    nested: Type.Object({ list: Type.Array(Type.Object({ key: Type.Optional(Secret) })) }),
    byName: Type.Record(Type.String(), Secret),
    either: Type.Union([Type.Object({ token: Secret }), Type.Null()]),
    open: Type.Unsafe<any>({ type: 'object', additionalProperties: { 'x-secret': true }, properties: { name: true } }),
    anything: Type.Unknown()
  })

  t.test('and nowhere else', async (t) => {
    const value: any = {
      plain: 'text',
      key: { file: 'key' },
      nested: { list: [{ key: 'inline' }, {}] },
      byName: { 'a/b': { env: 'KEY' } },
      either: { token: 'inline' },
      open: { name: 'text', key: 'inline' },
      anything: { file: 'key' },
      unknown: { file: 'key' }
    }
    t.strictSame(resolveSecrets(value, schema, 'config', dir, { env: { KEY: 'of-env' } }), [])
    t.equal(value.plain, 'text')
    t.equal(value.key.reveal(), CANARY)
    t.equal(value.nested.list[0].key.reveal(), 'inline')
    t.strictSame(value.nested.list[1], {})
    t.equal(value.byName['a/b'].reveal(), 'of-env')
    t.equal(value.either.token.reveal(), 'inline')
    t.equal(value.open.name, 'text')
    t.equal(value.open.key.reveal(), 'inline')
    t.strictSame(value.anything, { file: 'key' })
    t.strictSame(value.unknown, { file: 'key' })
    t.strictSame(resolveSecrets(value, schema, 'config', dir), [], 'a second time changes nothing')
  })

  t.test('with the path of each that leads nowhere', async (t) => {
    const value = { key: { file: 'absent' }, nested: { list: [{}, { key: { env: 'ABSENT' } }] }, byName: { 'a/b': 17 }, either: null, open: [] }
    t.match(resolveSecrets(value, schema, 'identityProviders[1].config', dir, { env: {} }), [
      { path: 'identityProviders[1].config.key', message: /does not exist/ },
      { path: 'identityProviders[1].config.nested.list[1].key', message: /is not set/ },
      { path: 'identityProviders[1].config.byName["a/b"]', message: /must be a string, {file: PATH}/ }
    ])
  })
})

test('secrets are found by whatever way the schema of a third party leads to them', (t) => {
  const secret = { 'x-secret': true }
  const byKind = { if: { properties: { kind: { const: 'token' } } }, then: { properties: { value: secret } }, else: { properties: { value: { type: 'string' } } } }
  const cases: Array<[name: string, schema: object, config: object]> = [
    ['a reference to a definition', { $defs: { 'a/b': secret }, properties: { key: { $ref: '#/$defs/a~1b' } } }, { key: CANARY }],
    ['a reference to a reference', { definitions: { a: { $ref: '#/definitions/b' }, b: { properties: { key: secret } } }, properties: { in: { $ref: '#/definitions/a' } } }, { in: { key: CANARY } }],
    ['a reference to an $id', { $defs: { x: { $id: 'Key', ...secret } }, properties: { key: { $ref: 'Key' } } }, { key: CANARY }],
    ['a reference to itself', { $ref: '#/$defs/node', $defs: { node: { properties: { key: secret, next: { $ref: '#/$defs/node' } } } } }, { next: { next: { key: CANARY } } }],
    ['then', byKind, { kind: 'token', value: CANARY }],
    ['not else', byKind, { kind: 'name', value: 'alice' }],
    ['a condition on a secret', { properties: { key: secret }, if: { properties: { key: { type: 'string' } } }, then: { properties: { other: secret } } }, { key: CANARY, other: CANARY }],
    ['a condition with a reference', { $defs: { t: { const: 'token' } }, if: { properties: { kind: { $ref: '#/$defs/t' } } }, then: { properties: { value: secret } } }, { kind: 'token', value: CANARY }],
    ['a tuple', { properties: { list: { type: 'array', items: [true, secret] } } }, { list: ['open', CANARY] }],
    ['what follows a tuple', { properties: { list: { type: 'array', items: [{ type: 'string' }], additionalItems: secret } } }, { list: ['open', CANARY, CANARY] }],
    ['a dependency', { dependencies: { user: { properties: { key: secret } }, key: ['user'] } }, { user: 'alice', key: CANARY }],
    ['a pattern beside a property', { properties: { key: { minLength: 1 } }, patternProperties: { '^k': secret } }, { key: CANARY }],
    ['every branch of a union', { anyOf: [{ type: 'object' }, { properties: { key: secret } }] }, { key: CANARY }],
    ['a branch behind two that exclude each other', { anyOf: [{ oneOf: [{}, {}, { properties: { key: secret } }] }, {}] }, { key: CANARY }],
    ['a branch that does not match', { anyOf: [{ properties: { key: secret, kind: { const: 'a' } } }, { properties: { key: { type: 'string' }, kind: { const: 'b' } } }] }, { key: CANARY, kind: 'b' }],
    ['all items of a list that contains one', { properties: { list: { contains: { properties: { key: secret } } } } }, { list: [{ key: CANARY }, { key: CANARY }] }],
    ['beside a list that is validated in parts', { properties: { key: secret, list: { items: { type: 'string' } } } }, { list: Array(5000).fill('x'), key: CANARY }]
  ]
  for (const [name, schema, config] of cases) {
    t.strictSame(findErrors(config, schema), [], `${name}: the schema is one that can be used`)
    t.strictSame(resolveSecrets(config, schema, 'config', '/'), [], name)
    t.notMatch(inspect(config, { depth: 9 }) + JSON.stringify(config), CANARY, name)
    t.strictSame(resolveSecrets(config, schema, 'config', '/'), [], `${name}: a second time changes nothing`)
  }
  const plain = { kind: 'name', value: 'alice' }
  resolveSecrets(plain, byKind, 'config', '/')
  t.strictSame(plain, { kind: 'name', value: 'alice' }, 'what is no secret stays what it is')
  t.end()
})

test('a schema that ajv can\'t follow is refused, and hides no secret', (t) => {
  const loop = { $defs: { a: { anyOf: [{ $ref: '#/$defs/a' }, { 'x-secret': true }] } }, properties: { key: { $ref: '#/$defs/a' } } }
  for (const [schema, message] of [
    ...['#/$defs/gone', 'https://example.com/schema.json', '#gone'].map(reference => [{ properties: { key: { $ref: reference } } }, `can't resolve reference ${reference} from id `] as const),
    [loop, 'Maximum call stack size exceeded'],
    // a keyword of a later draft
    [{ properties: { key: { prefixItems: [{ 'x-secret': true }] } } }, 'strict mode: unknown keyword: "prefixItems"']
  ] as const) {
    for (const refuse of [() => findErrors({ key: CANARY }, schema), () => resolveSecrets({ key: CANARY }, schema, 'config', '/')]) {
      t.throws(refuse, { message: new RegExp(message.replace(/[$.]/g, '\\$&')) }, message)
    }
  }
  t.end()
})

test('a key without a value among secrets is a piece of one, and is not told', (t) => {
  t.strictSame(resolveSecrets({ keys: { a: 'pa', [CANARY]: null } }, { properties: { keys: { additionalProperties: { 'x-secret': true } } } }, 'config', '/'),
    [{ path: 'config.keys', message: 'has a key without a value, not shown because it may be part of a secret: quote values that contain a comma' }])
  t.end()
})
