import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { withLock, withLockFiles } from '../../../src/files/lock.js'

const LOCK = fileURLToPath(new URL('../../../dist/src/files/lock.js', import.meta.url))

/** Adds 1 to the number in a file, as often as it is told. */
const ADDER = `
import { readFileSync, writeFileSync } from 'node:fs'
import { withLock, withLockFiles } from '${LOCK}'
const [, file, times] = process.argv
for (let i = 0; i < Number(times); i++) await withLock(file, () => { writeFileSync(file, String(Number(readFileSync(file, 'utf8')) + 1)) })
`

test('one process at a time', async (t) => {
  const dir = t.testdir({ count: '0' })
  const adders = Array.from({ length: 3 }, () => spawn(process.execPath, ['--input-type=module', '-e', ADDER, join(dir, 'count'), '50'], { stdio: 'inherit' }))
  const codes = await Promise.all(adders.map(async (adder) => await once(adder, 'exit')))
  t.strictSame(codes, adders.map(() => [0, null]))
  t.equal(readFileSync(join(dir, 'count'), 'utf8'), '150')
  t.strictSame(readdirSync(dir), ['count'])
})

test('gives what the work gives, and is released when the work fails', async (t) => {
  const dir = t.testdir()
  const file = join(dir, 'file')
  t.equal(await withLock(file, () => 5), 5)
  await t.rejects(withLock(file, () => { throw new Error('boom') }), { message: 'boom' })
  t.strictSame(readdirSync(dir), [])
})

test('a lock that a killed process left behind is taken over', async (t) => {
  const dir = t.testdir({ '.file.lock': '' })
  t.equal(await withLock(join(dir, 'file'), () => 'done', { stale: 100 }), 'done')
  t.strictSame(readdirSync(dir), [])
})

test('a lock that can not be removed is named', async (t) => {
  const dir = t.testdir()
  mkdirSync(join(dir, '.file.lock'))
  await t.rejects(withLock(join(dir, 'file'), () => {}, { stale: 50 }), { code: 'AUTHN_FILE_LOCKED', message: /\.file\.lock was left behind .*: remove it/ })
})

test('a directory that is not there', async (t) => {
  await t.rejects(withLock(join(t.testdir(), 'absent', 'file'), () => {}), { code: 'ENOENT' })
})

test('locks of other programs are waited for, and never taken over', async (t) => {
  const dir = t.testdir({ second: '' })
  const [first, second] = [join(dir, 'first'), join(dir, 'second')]
  await t.rejects(withLockFiles('config', [first, second], () => {}, { patience: 50 }), { code: 'AUTHN_FILE_LOCKED', message: `${second} exists: another program is changing config, or was killed while it did; if no program is, remove ${second}` })
  t.strictSame(readdirSync(dir), ['second'], 'the other one is released')
  const waiting = withLockFiles('config', [first, second], () => readdirSync(dir).sort(), { patience: 60_000 })
  rmSync(second)
  t.strictSame(await waiting, ['first', 'second'])
  t.strictSame(readdirSync(dir), [])
  await t.rejects(withLockFiles('config', [first], () => { throw new Error('boom') }), { message: 'boom' })
  t.strictSame(readdirSync(dir), [])
})
