import { promises } from 'node:fs'
import { chmod, chown, readFile, readdir, readlink, stat, symlink } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { test } from 'tap'
import { writeFileAtomic } from '../../../src/files/atomic.js'

const isRoot = process.getuid?.() === 0
const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o7777

test('writes a file as a whole', async (t) => {
  const dir = t.testdir({ 'users.yaml': 'old' })
  const file = join(dir, 'users.yaml')
  const before = await stat(file)
  await writeFileAtomic(file, 'new')
  t.equal(await readFile(file, 'utf8'), 'new')
  t.not((await stat(file)).ino, before.ino, 'by another file in its place: whoever reads the old one reads on')
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
    await t.rejects(writeFileAtomic(join(dir, name), 'new'), { name: 'CommandError', message: `${join(dir, name)}: ${reason}`, exitCode: 2 }, reason)
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
    ['EACCES', `can't be written: this user may not create files in ${dir}`],
    ['EPERM', `can't be written: this user may not create files in ${dir}`],
    ['EROFS', "can't be written: the file system is read-only"],
    ['EBUSY', "can't be replaced: it is a mount point of its own; mount its directory instead"],
    ['ENOSPC', "can't be written: no space is left on the device"],
    ['EIO', "can't be written: EIO"]
  ] as const) {
    promises.rename = async () => { throw Object.assign(new Error('refused'), { code }) }
    syncBuiltinESMExports()
    const error: unknown = await writeFileAtomic(file, 'new').catch((error: unknown) => error)
    t.match(error, { name: 'CommandError', message: `${file}: ${reason}`, cause: { code } }, code)
  }
  t.strictSame(await readdir(dir), ['file'], 'the draft is gone')
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
