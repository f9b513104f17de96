import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { format, inspect } from 'node:util'
import { test } from 'tap'
import { secretFrom } from '../../../src/documents/secret.js'

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
    [{ env: CANARY }, 'this environment variable is not set'],
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
