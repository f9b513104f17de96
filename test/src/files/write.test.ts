import { mkdirSync, promises, readFileSync, statSync, symlinkSync } from 'node:fs'
import { chmod, chown, readFile, readdir, readlink, stat, symlink } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { test } from 'tap'
import { createFile, makeDirectory, writeFileAtomic } from '../../../src/files/write.js'

const isRoot = process.getuid?.() === 0
const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o7777

test('writes a file as a whole', async (t) => {
  const dir = t.testdir({ 'users.yaml': 'old' })
  const file = join(dir, 'users.yaml')
  const before = await stat(file)
  await writeFileAtomic(file, 'new')
  t.equal(await readFile(file, 'utf8'), 'new')
  t.not((await stat(file)).ino, before.ino, 'by another file in its place: a reader of the old one reads on')
  t.strictSame(await readdir(dir), ['users.yaml'], 'and leaves nothing else')
})

test('the mode', async (t) => {
  const dir = t.testdir({ old: 'old' })
  const old = join(dir, 'old')
  for (const mode of [0o600, 0o640, 0o666]) {
    await chmod(old, mode)
    await writeFileAtomic(old, 'new')
    t.equal(await modeOf(old), mode, `of the old file stays: ${mode.toString(8)}`)
  }
  await writeFileAtomic(old, 'new', { mode: 0o600 })
  t.equal(await modeOf(old), 0o600, 'unless another is asked for')

  await writeFileAtomic(join(dir, 'secret'), 'x', { mode: 0o600 })
  t.equal(await modeOf(join(dir, 'secret')), 0o600)
  await writeFileAtomic(join(dir, 'plain'), 'x')
  t.equal(await modeOf(join(dir, 'plain')), 0o666 & ~process.umask())
})

test('the owner stays', { skip: !isRoot && 'only root gives files away' }, async (t) => {
  const file = join(t.testdir({ file: 'old' }), 'file')
  await chown(file, 65532, 65533)
  await writeFileAtomic(file, 'new')
  const { uid, gid } = await stat(file)
  t.strictSame([uid, gid], [65532, 65533])
})

test('a symbolic link stays, its target is replaced', async (t) => {
  const dir = t.testdir({ data: { 'users.yaml': 'old' } })
  await symlink('data/users.yaml', join(dir, 'near'))
  await symlink('near', join(dir, 'far'))
  await writeFileAtomic(join(dir, 'far'), 'new')
  t.equal(await readFile(join(dir, 'data/users.yaml'), 'utf8'), 'new')
  t.equal(await readlink(join(dir, 'far')), 'near')
  t.equal(await readlink(join(dir, 'near')), 'data/users.yaml')

  await symlink('data/later.yaml', join(dir, 'dangling'))
  await writeFileAtomic(join(dir, 'dangling'), 'made')
  t.equal(await readFile(join(dir, 'data/later.yaml'), 'utf8'), 'made')
})

test('what can not be written says why, and leaves no trace', async (t) => {
  const dir = t.testdir({ folder: { inner: '' }, file: 'old' })
  await symlink('loop', join(dir, 'loop'))
  for (const [name, reason] of [
    ['absent/users.yaml', `can't be written: the directory ${join(dir, 'absent')} does not exist`],
    ['folder', 'is a directory, not a file'],
    ['loop', 'is a symbolic link that leads to itself'],
    ['file/x', "can't be written: a part of its path is not a directory"]
  ] as const) {
    await t.rejects(writeFileAtomic(join(dir, name), 'new'), { code: 'AUTHN_FILE_NOT_WRITABLE', message: `${join(dir, name)}: ${reason}` }, reason)
  }
  t.strictSame((await readdir(dir)).sort(), ['file', 'folder', 'loop'])
  t.equal(await readFile(join(dir, 'file'), 'utf8'), 'old')
})

test('what only some machines refuse', async (t) => {
  const dir = t.testdir({ file: 'old' })
  const file = join(dir, 'file')
  const { rename } = promises
  t.teardown(() => { promises.rename = rename; syncBuiltinESMExports() })
  for (const [code, reason] of [
    ['EACCES', `can't be written: this user can't create files in ${dir}`],
    ['EPERM', `can't be written: this user can't create files in ${dir}`],
    ['EROFS', "can't be written: the file system is read-only"],
    ['EBUSY', "can't be replaced: it is a mount point; mount its directory instead"],
    ['ENOSPC', "can't be written: no space is left on the device"],
    ['EIO', "can't be written: EIO"]
  ] as const) {
    promises.rename = async () => { throw Object.assign(new Error('refused'), { code }) }
    syncBuiltinESMExports()
    const error: unknown = await writeFileAtomic(file, 'new').catch((error: unknown) => error)
    t.match(error, { code: 'AUTHN_FILE_NOT_WRITABLE', message: `${file}: ${reason}`, cause: { code } }, code)
  }
  t.strictSame(await readdir(dir), ['file'], 'the temporary file is gone')
  t.equal(await readFile(file, 'utf8'), 'old')
})

test('an owner that this process can not give, and a directory that can not be synced, stop nothing', async (t) => {
  const file = join(t.testdir({ file: 'old' }), 'file')
  const { open } = promises
  t.teardown(() => { promises.open = open; syncBuiltinESMExports() })
  promises.open = async (...args) => {
    const handle = await open(...args)
    handle.chown = async () => { throw Object.assign(new Error('refused'), { code: 'EPERM' }) }
    if ((await handle.stat()).isDirectory()) handle.sync = async () => { throw Object.assign(new Error('refused'), { code: 'EINVAL' }) }
    return handle
  }
  syncBuiltinESMExports()
  await writeFileAtomic(file, 'new')
  t.equal(await readFile(file, 'utf8'), 'new')
})

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
    await t.rejects(makeDirectory(path), { code: 'AUTHN_FILE_NOT_WRITABLE', message }, path)
  }
})

test('a file that is there is not replaced', async (t) => {
  const dir = t.testdir({ file: 'old' })
  await t.rejects(createFile(join(dir, 'file'), 'new'), { code: 'AUTHN_FILE_NOT_WRITABLE', message: `${join(dir, 'file')}: can't be created: another process has just created it; run the command again` })
  t.equal(readFileSync(join(dir, 'file'), 'utf8'), 'old')
  await createFile(join(dir, 'secret'), 'x', { mode: 0o600 })
  t.equal(statSync(join(dir, 'secret')).mode & 0o777, 0o600)
  await t.rejects(createFile(join(dir, 'absent', 'x'), ''), { message: /the directory .*absent does not exist/ })
})
