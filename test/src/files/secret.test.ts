import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { format, inspect } from 'node:util'
import { test } from 'tap'
import { Type } from '@sinclair/typebox'
import { Secret } from '../../../schemas/primitives.js'
import { resolveSecrets, secretFrom } from '../../../src/files/secret.js'

const CANARY = 'correct-horse'

test('where the text of a secret comes from', async (t) => {
  const dir = t.testdir({ plain: CANARY, newline: `${CANARY}\n`, windows: `${CANARY}\r\n`, lines: `${CANARY}\n\n`, empty: '', blank: '\n', folder: {} })
  await writeFile(join(dir, 'latin1'), Buffer.from('caf\xe9', 'latin1'))
  const env = { SECRET: `${CANARY}\n`, EMPTY: '' }

  for (const [reference, text] of [
    [CANARY, CANARY],
    [{ file: 'plain' }, CANARY],
    [{ file: join(dir, 'plain') }, CANARY],
    [{ file: 'newline' }, CANARY],
    [{ file: 'windows' }, CANARY],
    [{ file: 'lines' }, `${CANARY}\n`],
    [{ env: 'SECRET' }, `${CANARY}\n`]
  ] as const) t.equal(secretFrom(reference, dir, { env }).reveal(), text, inspect(reference))

  for (const [reference, message] of [
    [{ env: 'ABSENT' }, 'the environment variable ABSENT is not set'],
    [{ env: 'EMPTY' }, 'the environment variable EMPTY is empty'],
    [{ file: 'absent' }, `the file ${join(dir, 'absent')} does not exist`],
    [{ file: 'folder' }, `the file ${join(dir, 'folder')} is a directory, not a file`],
    [{ file: 'empty' }, `the file ${join(dir, 'empty')} is empty`],
    [{ file: 'blank' }, `the file ${join(dir, 'blank')} is empty`],
    [{ file: 'latin1' }, `the file ${join(dir, 'latin1')} is not UTF-8 text`],
    ['', 'must be a string, {file: PATH} or {env: NAME}'],
    [17 as any, 'must be a string, {file: PATH} or {env: NAME}'],
    [null as any, 'must be a string, {file: PATH} or {env: NAME}']
  ] as const) t.throws(() => secretFrom(reference, dir, { env }), { message }, message)
})

test('a secret does not show by accident', async (t) => {
  const dir = t.testdir({ file: CANARY })
  for (const secret of [secretFrom(CANARY, dir), secretFrom({ file: 'file' }, dir)]) {
    for (const shown of [String(secret), `${secret as any}`, JSON.stringify({ secret }), inspect({ secret }, { depth: 9, showHidden: true }), format('%s %o %j', secret, secret, secret)]) {
      t.match(shown, '[secret]')
      t.notMatch(shown, CANARY)
    }
    t.strictSame(Object.keys(secret), [])
    t.equal(secret.reveal(), CANARY)
  }
})

test('a secret of a file follows the file', async (t) => {
  const dir = t.testdir({ password: 'first\n' })
  const file = join(dir, 'password')
  let time = 0
  const secret = secretFrom({ file }, '/', { now: () => time })

  await replace('second')
  t.equal(secret.reveal(), 'first', 'is looked at once a second at most')
  time += 1000
  t.equal(secret.reveal(), 'second')

  await rm(file)
  time += 1000
  t.equal(secret.reveal(), 'second', 'the last good text stays while the file is away')
  await replace('')
  time += 1000
  t.equal(secret.reveal(), 'second', 'and while it is empty')
  await replace('third')
  t.equal(secret.reveal(), 'second')
  time += 1000
  t.equal(secret.reveal(), 'third')
  time += 1000
  t.equal(secret.reveal(), 'third')

  async function replace (text: string): Promise<void> {
    await writeFile(`${file}.new`, text)
    await rename(`${file}.new`, file)
  }
})

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
