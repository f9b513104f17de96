/**
 * Every reload there is, with a first read that ends after a second one has
 * been asked for: the last version wins. How files are watched is the matter
 * of watch.test.ts; here, a change is what a test says it is.
 */
import { X509Certificate } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import type * as TlsFiles from '../../../plugins/providers/ldap/connection/tls-files.js'
import type * as Tls from '../../../plugins/tls.js'
import type * as Reloadable from '../../../src/files/reloadable.js'
import { parseUsers } from '../../../src/users-file/read.js'
import type * as UsersFile from '../../../src/users-file/reload.js'
import { createCA, issueServing } from '../../../src/certificates/issue.js'
import { alice, bob } from '../../fixtures/people.js'

/** A watcher that sees what it is told to see. */
class FakeWatch {
  readonly closed: boolean[] = []
  change: () => void = () => {}

  /** The module under test on top of it. Mocks reach what a module imports itself, and nothing deeper. */
  async reloadable (t: Test): Promise<typeof Reloadable> {
    return await t.mockImport<typeof Reloadable>('../../../src/files/reloadable.js', {
      '../../../src/files/watch.js': {
        watchFiles: (_files: readonly string[], onChange: () => void) => {
          this.change = onChange
          return { close: () => { this.closed.push(true) } }
        }
      }
    })
  }
}

/** Reads of which the first one takes until `finish` is called; each gives what the file held when it began. */
class SlowFirst<T> {
  readonly #read: (file: string) => T
  readonly #gate = new EventEmitter()
  begun = 0

  constructor (read: (file: string) => T) {
    this.#read = read
  }

  readonly read = async (file: string): Promise<T> => {
    const first = this.begun++ === 0
    // at once, so that a second read that is not queued has ended before the first
    const result = this.#read(file)
    if (first) await new Promise<void>(resolve => { this.#gate.once('open', resolve) })
    return result
  }

  finish (): void {
    this.#gate.emit('open')
  }
}

async function turns (t: Test, condition: () => boolean): Promise<void> {
  const end = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > end) throw new Error(`in vain: ${t.name}`)
    await new Promise(resolve => { setImmediate(resolve) })
  }
}

/** As many turns as a read that were under way would need. */
async function settle (): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await new Promise(resolve => { setImmediate(resolve) })
}

const log = { debug () {}, info () {}, warn () {}, error () {} }

test('the TLS files of a directory', async t => {
  const [older, newer] = await Promise.all(['older', 'newer'].map(async commonName => await createCA({ commonName, days: 1 })))
  const file = join(t.testdir({ 'ca.crt': older!.cert }), 'ca.crt')
  const watch = new FakeWatch()
  const slow = new SlowFirst(path => ({ certificates: [new X509Certificate(readFileSync(path))] }))
  const { openTlsFiles } = await t.mockImport<typeof TlsFiles>('../../../plugins/providers/ldap/connection/tls-files.js', {
    '../../../src/files/reloadable.js': await watch.reloadable(t),
    '../../../src/certificates/pem.js': { readCertificates: slow.read, readPrivateKey () {}, assertKeyMatches () {} }
  })
  let reloads = 0
  const opening = openTlsFiles({ caFile: file }, { log, reportReload: () => { reloads++ }, resolvePath: path => path })
  await turns(t, () => slow.begun === 1)
  writeFileSync(file, newer!.cert)
  watch.change()
  await settle()
  slow.finish()
  const files = await opening
  await turns(t, () => reloads === 1)
  t.match(new X509Certificate(files.current().ca!).subject, 'CN=newer')
  files.close()
})

test('the serving certificate and the client CA', async t => {
  const authority = await createCA({ commonName: 'CA', days: 1 })
  const [older, newer] = await Promise.all(['older.test', 'newer.test'].map(async name => await issueServing(authority, { names: [name], days: 1 })))
  const certFile = join(t.testdir({ 'tls.crt': older!.cert }), 'tls.crt')
  const watch = new FakeWatch()
  const slow = new SlowFirst(() => ({ secureOptions: { cert: readFileSync(certFile, 'utf8') }, subject: '', names: 'x', validFrom: new Date(0), validTo: new Date(), clientCA: undefined }))
  const { default: tls } = await t.mockImport<typeof Tls>('../../../plugins/tls.js', {
    '../../../src/files/reloadable.js': await watch.reloadable(t),
    '../../../src/certificates/serving-certificate.js': { readServingCertificate: async () => await slow.read(certFile), findCertificateProblems: () => [] }
  })
  const served: unknown[] = []
  let reloads = 0
  // as much of an app as the plugin asks for
  const app = { server: { setSecureContext: ({ cert }: { cert: string }) => { served.push(cert) } }, addHook () {}, decorate () {}, decorateRequest () {} }
  const registering = tls(app as never, { config: { certFile, keyFile: certFile, clientNames: [], minVersion: 'TLSv1.3' }, log: log as never, observer: { reloaded: () => { reloads++ } } as never })
  await turns(t, () => slow.begun === 1)
  writeFileSync(certFile, newer!.cert)
  watch.change()
  await settle()
  slow.finish()
  await registering
  await turns(t, () => reloads === 1)
  t.equal(served.at(-1), newer!.cert)
})

test('the users file', async t => {
  const text = (user: string): string => `apiVersion: authn-webhook/v1\nusers: [{ username: ${user} }]\n`
  const file = join(t.testdir({ 'users.yaml': text(alice.user.username) }), 'users.yaml')
  const watch = new FakeWatch()
  const slow = new SlowFirst(path => ({ digest: readFileSync(path, 'utf8'), users: parseUsers(readFileSync(path, 'utf8'), path) }))
  const { openUsers } = await t.mockImport<typeof UsersFile>('../../../src/users-file/reload.js', { '../../../src/files/reloadable.js': await watch.reloadable(t) })
  let reloads = 0
  const ctx = { log, signal: new AbortController().signal, resolvePath: (path: string) => path, invalidate () {}, reportReload: () => { reloads++ }, countEvent () {}, allowMock: false }
  const opening = openUsers(file, ctx, slow.read)
  await turns(t, () => slow.begun === 1)
  writeFileSync(file, text(bob.user.username))
  watch.change()
  await settle()
  slow.finish()
  const users = await opening
  await turns(t, () => reloads === 1)
  t.strictSame([alice, bob].map(({ user }) => users.current.byName(user.username) !== undefined), [false, true])
  users.close()
})

test('what all of them share', async t => {
  const watch = new FakeWatch()
  const { openReloadable } = await watch.reloadable(t)
  const gates: Array<(result: number | Error) => void> = []
  const read = async (): Promise<number> => await new Promise((resolve, reject) => {
    gates.push(result => { if (result instanceof Error) reject(result); else resolve(result) })
  })
  const seen: unknown[] = []
  const logged: unknown[] = []
  const options = {
    name: 'test file',
    files: ['file'],
    fields: { file: 'file' },
    read,
    log: { ...log, info: (...line: unknown[]) => { logged.push(line) }, error: (...line: unknown[]) => { logged.push(line) } },
    onReload: (next: number, previous: number) => { seen.push([previous, next]) },
    reportReload: (error?: unknown) => { seen.push(error === undefined ? 'success' : (error as Error).message) }
  }
  const opening = openReloadable(options)
  await settle()
  watch.change()
  watch.change()
  await settle()
  t.equal(gates.length, 1, 'no second read before the first has ended')
  gates[0]!(1)
  const reloadable = await opening
  await settle()
  t.equal(reloadable.current, 1)
  t.strictSame(seen, [], 'the first read is no reload')
  t.equal(gates.length, 2, 'changes that wait together are read once')
  watch.change()
  const damaged = new Error('damaged')
  gates[1]!(damaged)
  await settle()
  t.strictSame([reloadable.current, seen.splice(0)], [1, ['damaged']], 'what can\'t be read leaves the last good one')
  t.strictSame(logged.splice(0), [[{ file: 'file', err: damaged }, 'test file not reloaded; keeping the previous version']])
  gates[2]!(1)
  await settle()
  t.strictSame([reloadable.current, seen.splice(0)], [1, ['success']], 'the same value again is no change')
  t.strictSame(logged.splice(0), [[{ file: 'file' }, 'test file is valid again, with the content of the active version']])
  watch.change()
  await settle()
  gates[3]!(3)
  await settle()
  t.strictSame([reloadable.current, seen.splice(0)], [3, [[1, 3], 'success']], 'and a failure does not end the queue')

  watch.change()
  await settle()
  let closed = false
  const closing = reloadable.close().then(() => { closed = true })
  await settle()
  t.equal(closed, false, 'close waits for the read in flight')
  gates[4]!(4)
  await closing
  t.strictSame([reloadable.current, seen, watch.closed], [3, [], [true]], 'whose result is dropped')
  watch.change()
  await settle()
  t.equal(gates.length, 5)

  const failing = openReloadable({ ...options, read: async () => { throw new Error('absent') } })
  await t.rejects(failing, { message: 'absent' })
  t.strictSame([watch.closed, seen], [[true, true], []])
})

test('a change between the first read and its end is not missed', async t => {
  const watch = new FakeWatch()
  const { openReloadable } = await watch.reloadable(t)
  let version = 1
  const reloadable = await openReloadable({
    name: 'test file',
    files: ['file'],
    log,
    read: async () => {
      const read = version
      if (read === 1) {
        version = 2
        watch.change()
      }
      return read
    },
    onReload () {},
    reportReload () {}
  })
  await turns(t, () => reloadable.current === 2)
  await reloadable.close()
})
