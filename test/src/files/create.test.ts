import { mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { createFile, makeDirectory } from '../../../src/files/create.js'

test('a directory with those above it', async (t) => {
  const dir = t.testdir()
  const path = join(dir, 'a', 'b', 'c')
  await makeDirectory(path, { mode: 0o700 })
  for (const made of ['a', 'a/b', 'a/b/c']) t.equal(statSync(join(dir, made)).mode & 0o777, 0o700, made)
  await makeDirectory(path)
  t.equal(statSync(path).mode & 0o777, 0o700, 'one that is there stays as it is')
  symlinkSync('a', join(dir, 'link'))
  await makeDirectory(join(dir, 'link', 'd'))
  t.ok(statSync(join(dir, 'a', 'd')).isDirectory(), 'through a symbolic link')
})

test('two processes make the same one', async (t) => {
  const path = join(t.testdir(), 'a', 'b')
  await Promise.all([makeDirectory(path), makeDirectory(path)])
  t.ok(statSync(path).isDirectory())
})

test('what can not be made says why', async (t) => {
  const dir = t.testdir({ file: 'text' })
  symlinkSync('nowhere', join(dir, 'dangling'))
  mkdirSync(join(dir, 'there'))
  for (const [path, message] of [
    [join(dir, 'file'), `${join(dir, 'file')}: is not a directory`],
    [join(dir, 'file', 'x'), `${join(dir, 'file')}: is not a directory`],
    [join(dir, 'dangling'), `${join(dir, 'dangling')}: is not a directory`],
    ['/dev/null/x', '/dev/null: is not a directory'],
    // where the recursive mkdir of Node.js never ends
    ['/proc/x', /^\/proc\/x: can't be (?:created|written): /]
  ] as const) {
    await t.rejects(makeDirectory(path), { name: 'CommandError', message, exitCode: 2 }, path)
  }
})

test('a file that is there is not replaced', async (t) => {
  const dir = t.testdir({ file: 'old' })
  await t.rejects(createFile(join(dir, 'file'), 'new'), { name: 'CommandError', message: `${join(dir, 'file')}: can't be created: another process has just done so; run the command again` })
  t.equal(readFileSync(join(dir, 'file'), 'utf8'), 'old')
  await createFile(join(dir, 'secret'), 'x', { mode: 0o600 })
  t.equal(statSync(join(dir, 'secret')).mode & 0o777, 0o600)
  await t.rejects(createFile(join(dir, 'absent', 'x'), ''), { message: /the directory .*absent does not exist/ })
})
