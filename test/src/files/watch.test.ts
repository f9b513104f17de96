import { EventEmitter, once } from 'node:events'
import { spawn } from 'node:child_process'
import { appendFile, mkdir, rename, rm, symlink, unlink, writeFile, chmod } from 'node:fs/promises'
import fs, { existsSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { test, type Test } from 'tap'
import { watchFiles, type WatchOptions } from '../../../src/files/watch.js'
import { within } from '../../fixtures/waiting.js'

/** By events alone: a poll would come too late for the test. */
const BY_EVENTS = { debounce: 10, poll: 60_000 }
/** By the poll alone where events fail. */
const BY_POLL = { debounce: 5, poll: 20 }

interface Watching {
  calls: number
  /** The next call, or one that was not awaited yet. */
  changed: () => Promise<void>
}

function watching (t: Test, files: string[], options: WatchOptions): Watching {
  const events = new EventEmitter()
  let awaited = 0
  const watching: Watching = {
    calls: 0,
    async changed () {
      awaited++
      while (watching.calls < awaited) await within(() => `change ${awaited} of ${files.join(', ')}`, once(events, 'change'))
    }
  }
  const watch = watchFiles(files, () => { watching.calls++; events.emit('change') }, options)
  // a watch keeps no process alive, and this test wants to live on
  const alive = setInterval(() => {}, 1000)
  t.teardown(() => { watch.close(); clearInterval(alive) })
  return watching
}

test('every way in which a file changes is noticed', async (t) => {
  for (const [name, change] of [
    ['a write in place', async (file) => { await writeFile(file, 'new text') }],
    ['a write of the same size', async (file) => { await writeFile(file, 'OLD') }],
    ['an append', async (file) => { await appendFile(file, '!') }],
    ['a rename over it', async (file) => { await writeFile(`${file}.tmp`, 'new'); await rename(`${file}.tmp`, file) }],
    ['its deletion', async (file) => { await unlink(file) }],
    ['other permissions', async (file) => { await chmod(file, 0o600) }]
  ] as Array<[string, (file: string) => Promise<void>]>) {
    t.test(name, async (t) => {
      const file = join(t.testdir({ file: 'old' }), 'file')
      const watch = watching(t, [file], BY_EVENTS)
      await change(file)
      await watch.changed()
      t.equal(watch.calls, 1)
    })
  }

  t.test('that it goes away and comes back', async (t) => {
    const file = join(t.testdir({ file: 'old' }), 'file')
    const watch = watching(t, [file], BY_EVENTS)
    await unlink(file)
    await watch.changed()
    await writeFile(file, 'new')
    await watch.changed()
    t.equal(watch.calls, 2)
  })

  t.test('that it comes into being', async (t) => {
    const file = join(t.testdir({}), 'file')
    const watch = watching(t, [file], BY_EVENTS)
    await writeFile(file, 'new')
    await watch.changed()
    t.equal(watch.calls, 1)
  })

  t.test('the swapped link of a mounted Secret', async (t) => {
    const dir = t.testdir({ '..1': { 'tls.crt': 'old', 'tls.key': 'old' }, '..2': { 'tls.crt': 'new', 'tls.key': 'new' } })
    await symlink('..1', join(dir, '..data'))
    for (const name of ['tls.crt', 'tls.key']) await symlink(`..data/${name}`, join(dir, name))
    const watch = watching(t, [join(dir, 'tls.crt'), join(dir, 'tls.key')], BY_EVENTS)
    await symlink('..2', join(dir, '..data_tmp'))
    await rename(join(dir, '..data_tmp'), join(dir, '..data'))
    await watch.changed()
    t.equal(watch.calls, 1, 'both files are one change')
  })

  t.test('in each of several directories', async (t) => {
    const dir = t.testdir({ a: { file: 'old' }, b: { file: 'old' } })
    const watch = watching(t, [join(dir, 'a/file'), join(dir, 'b/file')], BY_EVENTS)
    await writeFile(join(dir, 'a/file'), 'new text')
    await watch.changed()
    await writeFile(join(dir, 'b/file'), 'new text')
    await watch.changed()
    t.equal(watch.calls, 2)
  })
})

test('what changes no file is no change', async (t) => {
  const dir = t.testdir({ file: 'text', neighbour: 'x' })
  const file = join(dir, 'file')
  const watch = watching(t, [file], BY_EVENTS)
  const neighbour = watching(t, [join(dir, 'neighbour')], BY_EVENTS)
  await writeFile(join(dir, 'neighbour'), 'busy')
  await fs.promises.readFile(file)
  await neighbour.changed()
  t.equal(watch.calls, 0)
  await writeFile(file, 'new text')
  await watch.changed()
  t.equal(watch.calls, 1)
})

test('a busy neighbour puts nothing off', async (t) => {
  const dir = t.testdir({ file: 'text' })
  const watch = watching(t, [join(dir, 'file')], { debounce: 20, poll: 60_000 })
  const busy = new AbortController()
  const neighbour = (async () => { while (!busy.signal.aborted) { await writeFile(join(dir, 'log'), String(Math.random())); await delay(1) } })()
  await writeFile(join(dir, 'file'), 'new text')
  await watch.changed()
  busy.abort()
  await neighbour
  t.equal(watch.calls, 1)
})

test('a file that is still being written is told when it is done', async (t) => {
  const file = join(t.testdir({ file: '' }), 'file')
  const watch = watching(t, [file], { debounce: 400, poll: 60_000 })
  for (let part = 0; part < 10; part++) {
    await appendFile(file, 'part ')
    await delay(10)
  }
  t.equal(watch.calls, 0)
  await watch.changed()
  t.equal(watch.calls, 1)
})

test('a directory that goes away and comes back is watched again', async (t) => {
  const dir = t.testdir({ mount: { file: 'old' } })
  const file = join(dir, 'mount/file')
  const watch = watching(t, [file], BY_POLL)
  await rm(join(dir, 'mount'), { recursive: true })
  await watch.changed()
  await mkdir(join(dir, 'mount'))
  await writeFile(file, 'new')
  await watch.changed()
  await writeFile(file, 'newer text')
  await watch.changed()
  t.equal(watch.calls, 3)
})

test('without events the poll finds changes, and says so once', async (t) => {
  const { watch: original } = fs
  t.teardown(() => { fs.watch = original; syncBuiltinESMExports() })
  const warnings: object[] = []
  const log = { warn (fields: object) { warnings.push(fields) } }

  t.test('where no watch can be had', async (t) => {
    // as Linux does when inotify is exhausted
    fs.watch = () => { throw Object.assign(new Error('no space'), { code: 'ENOSPC' }) }
    syncBuiltinESMExports()
    const dir = t.testdir({ file: 'old' })
    const watch = watching(t, [join(dir, 'file')], { ...BY_POLL, log })
    await writeFile(join(dir, 'file'), 'new text')
    await watch.changed()
    t.strictSame(warnings.splice(0), [{ directory: dir, code: 'ENOSPC' }])
  })

  t.test('where a watch breaks', async (t) => {
    const broken: EventEmitter[] = []
    fs.watch = (() => {
      const watcher = Object.assign(new EventEmitter(), { close () {} })
      broken.push(watcher)
      return watcher
    }) as any
    syncBuiltinESMExports()
    const dir = t.testdir({ file: 'old' })
    const watch = watching(t, [join(dir, 'file')], { ...BY_POLL, log })
    broken[0]!.emit('error', Object.assign(new Error('gone'), { code: 'EIO' }))
    await writeFile(join(dir, 'file'), 'new text')
    await watch.changed()
    t.ok(broken.length > 1, 'and tries again')
    t.strictSame(warnings, [{ directory: dir, code: 'EIO' }])
  })
})

test('after close nothing is told', async (t) => {
  const dir = t.testdir({ file: 'old' })
  const file = join(dir, 'file')
  let calls = 0
  const closed = watchFiles([file], () => { calls++ }, BY_EVENTS)
  const other = watching(t, [file], BY_EVENTS)
  closed.close()
  closed.close()
  await writeFile(file, 'new text')
  await other.changed()
  t.equal(calls, 0)
})

test('a watch keeps no process alive', async (t) => {
  const source = fileURLToPath(new URL('../../../dist/src/files/watch.js', import.meta.url))
  t.ok(existsSync(source), 'built before the tests')
  const script = `import { watchFiles } from ${JSON.stringify(source)}; watchFiles(['/etc/hostname', '/absent/x'], () => {}); console.log('done')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [code] = await once(child, 'exit')
  t.equal(code, 0)
})
