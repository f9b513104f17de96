import { execFile, spawn } from 'node:child_process'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { mkdtemp, open, rename, rmdir, symlink, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { test, type Test } from 'tap'
import { MAX_BYTES, readBytes, readBytesSync, readVersion, type Read } from '../../../src/files/read.js'
import { until } from '../../fixtures/waiting.js'

const run = promisify(execFile)

/** The text, or the error. */
function shown (read: Read): string {
  return 'bytes' in read ? read.bytes.toString() : read.error
}

/** A folder with one of everything that a path can lead to. */
async function everything (t: Test): Promise<string> {
  const dir = t.testdir({ plain: 'good\n', empty: '', folder: {}, large: '' })
  await run('mkfifo', [join(dir, 'pipe')])
  await symlink('plain', join(dir, 'link'))
  await symlink('pipe', join(dir, 'link-to-pipe'))
  await truncate(join(dir, 'large'), MAX_BYTES + 1)
  // the name of a socket may have 107 bytes, and the folder's is longer on some machines
  const short = await mkdtemp(join(tmpdir(), 's-'))
  const server = createServer().listen(join(short, 'socket'))
  await once(server, 'listening')
  await rename(join(short, 'socket'), join(dir, 'socket'))
  await rmdir(short)
  t.teardown(() => { server.close() })
  return dir
}

const NOT_REGULAR = 'is not a regular file'

const files: Array<[path: string, expected: string | RegExp]> = [
  ['plain', 'good\n'],
  ['link', 'good\n'],
  ['empty', ''],
  ['/proc/self/status', /^Name:/],
  ['pipe', NOT_REGULAR],
  ['link-to-pipe', NOT_REGULAR],
  ['socket', NOT_REGULAR],
  ['/dev/zero', NOT_REGULAR],
  ['/dev/null', NOT_REGULAR],
  ['folder', 'is a directory, not a file'],
  ['absent', 'does not exist'],
  ['large', 'is too large: more than 1 MiB']
]

test('regular files are read, and nothing else', async t => {
  const dir = await everything(t)
  for (const [path, expected] of files) {
    const file = path.startsWith('/') ? path : join(dir, path)
    t.match(shown(await readBytes(file)), expected, path)
    t.match(shown(readBytesSync(file)), expected, `${path}, at once`)
  }
})

test('which version of a file there is', async t => {
  const dir = await everything(t)
  for (const [path, expected] of files) {
    const file = path.startsWith('/') ? path : join(dir, path)
    const version = await readVersion(file)
    if ('error' in version) t.match(version.error, expected, path)
    else if (typeof expected === 'string') t.strictSame(version, { digest: hash('sha256', expected), size: expected.length }, path)
  }
  const large = 'x'.repeat(3 * MAX_BYTES)
  await writeFile(join(dir, 'large'), large)
  t.strictSame(await readVersion(join(dir, 'large'), { maxBytes: large.length }), { digest: hash('sha256', large), size: large.length })
  t.strictSame(await readVersion(join(dir, 'large'), { maxBytes: large.length - 1 }), { error: `is too large: more than ${(large.length - 1) / 1024 / 1024} MiB` })
  t.equal(shown(readBytesSync(join(dir, 'large'), { maxBytes: large.length })), large)
})

test('a size is what is read, not what the file claims', async t => {
  // files of the kernel claim to be empty
  t.equal(shown(await readBytes('/proc/self/status', { maxBytes: 16 })), `is too large: more than ${16 / 1024 / 1024} MiB`)
  t.equal(shown(readBytesSync('/proc/self/status', { maxBytes: 16 })), `is too large: more than ${16 / 1024 / 1024} MiB`)
  const dir = t.testdir({ whole: 'x'.repeat(200_000) })
  t.equal(shown(await readBytes(join(dir, 'whole'), { maxBytes: 200_000 })).length, 200_000, 'as large as it may be')
})

test('what a person names may be a pipe', async t => {
  const dir = await everything(t)
  const pipe = join(dir, 'pipe')
  const writing = run('sh', ['-c', 'printf late > "$0"', pipe])
  t.equal(shown(await readBytes(pipe, { pipes: true })), 'late')
  await writing
  t.equal(shown(await readBytes(join(dir, 'plain'), { pipes: true })), 'good\n')
  t.equal(shown(await readBytes('/dev/null', { pipes: true })), '')
  t.equal(shown(await readBytes(join(dir, 'folder'), { pipes: true })), 'is a directory, not a file')

  t.test('of a bounded size', async t => {
    const ended = once(spawn('sh', ['-c', 'exec cat /dev/zero > "$0"', pipe]), 'exit')
    t.equal(shown(await readBytes(pipe, { pipes: true })), 'is too large: more than 1 MiB')
    await ended
  })
})

test('a read that hangs ends, holds nobody up, and is not tried again until it has ended', async t => {
  const dir = t.testdir({ slow: 'slow', other: 'other' })
  let release = (): void => {}
  const released = new Promise<void>(resolve => { release = resolve })
  let opened = 0
  // as on a mount whose server is away
  const hangingOpen: typeof open = async (...args) => {
    opened++
    await released
    return await open(...args)
  }
  const file = join(dir, 'slow')
  t.equal(shown(await readBytes(file, { timeout: 20, open: hangingOpen })), "can't be read: it took longer than 0.02 s")
  t.equal(shown(await readBytes(file, { open: hangingOpen })), "can't be read: an earlier read of it still hangs")
  t.equal(opened, 1)
  t.equal(shown(await readBytes(join(dir, 'other'))), 'other')

  release()
  await until('the read that hung to end', async () => shown(await readBytes(file)) === 'slow')
})

test('no descriptor stays open', async t => {
  const dir = await everything(t)
  const open = (): string[] => readdirSync('/proc/self/fd').map(descriptor => { try { return readlinkSync(`/proc/self/fd/${descriptor}`) } catch { return '' } }).filter(path => path.startsWith(dir) || path === '/dev/zero')
  for (const file of [...['plain', 'pipe', 'folder', 'large'].map(name => join(dir, name)), '/dev/zero']) {
    await readBytes(file)
    readBytesSync(file)
  }
  t.strictSame(open(), [])
})
