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
import type * as UsersSource from '../../../plugins/providers/static/users-source.js'
import type * as Tls from '../../../plugins/tls.js'
import type * as Reload from '../../../src/files/reload.js'
import { tabulateUsers } from '../../../src/users-file/read.js'
import { createAuthority, issueServing } from '../../../src/certificates/issue.js'
import { alice, bob } from '../../fixtures/people.js'

/** A watcher that sees what it is told to see. */
class FakeWatch {
  readonly closed: boolean[] = []
  change: () => void = () => {}

  readonly module = {
    watchFiles: (_files: readonly string[], onChange: () => void) => {
      this.change = onChange
      return { close: () => { this.closed.push(true) } }
    }
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
  const end = performance.now() + 20_000
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
  const [older, newer] = await Promise.all(['older', 'newer'].map(async commonName => await createAuthority({ commonName, days: 1 })))
  const file = join(t.testdir({ 'ca.crt': older!.cert }), 'ca.crt')
  const watch = new FakeWatch()
  const slow = new SlowFirst(path => ({ certificates: [new X509Certificate(readFileSync(path))] }))
  const { openTlsFiles } = await t.mockImport('../../../plugins/providers/ldap/connection/tls-files.js', {
    '../../../src/files/watch.js': watch.module,
    '../../../src/certificates/pem.js': { readCertificates: slow.read, readPrivateKey () {}, refuseMismatch () {} }
  }) as typeof TlsFiles
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
  const authority = await createAuthority({ commonName: 'CA', days: 1 })
  const [older, newer] = await Promise.all(['older.test', 'newer.test'].map(async name => await issueServing(authority, { names: [name], days: 1 })))
  const certFile = join(t.testdir({ 'tls.crt': older!.cert }), 'tls.crt')
  const watch = new FakeWatch()
  const slow = new SlowFirst(() => ({ secureOptions: { cert: readFileSync(certFile, 'utf8') }, subject: '', names: 'x', validFrom: new Date(0), validTo: new Date(), clientCA: undefined }))
  const { default: tls } = await t.mockImport('../../../plugins/tls.js', {
    '../../../src/files/watch.js': watch.module,
    '../../../src/certificates/serving-certificate.js': { readServingCertificate: async () => await slow.read(certFile), findCertificateProblems: () => [] }
  }) as typeof Tls
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
  const slow = new SlowFirst(path => ({ digest: readFileSync(path, 'utf8'), table: tabulateUsers(readFileSync(path), path) }))
  const { openUsersSource } = await t.mockImport('../../../plugins/providers/static/users-source.js', {
    '../../../src/files/watch.js': watch.module,
    '../../../src/users-file/load.js': { loadUsers: slow.read }
  }) as typeof UsersSource
  let reloads = 0
  const ctx = { log, signal: new AbortController().signal, resolvePath: (path: string) => path, invalidate () {}, reportReload: () => { reloads++ }, countEvent () {}, allowMock: false }
  const opening = openUsersSource(file, ctx)
  await turns(t, () => slow.begun === 1)
  writeFileSync(file, text(bob.user.username))
  watch.change()
  await settle()
  slow.finish()
  const source = await opening
  await turns(t, () => reloads === 1)
  t.strictSame([alice, bob].map(({ user }) => source.users.byName(user.username) !== undefined), [false, true])
  source.close()
})

test('what all of them share', async t => {
  const watch = new FakeWatch()
  const { openWatched } = await t.mockImport('../../../src/files/reload.js', { '../../../src/files/watch.js': watch.module }) as typeof Reload
  const gates: Array<(result: number | Error) => void> = []
  const read = async (): Promise<number> => await new Promise((resolve, reject) => {
    gates.push(result => { if (result instanceof Error) reject(result); else resolve(result) })
  })
  const seen: unknown[] = []
  const options = { files: ['file'], read, log, onReload: (next: number, previous: number) => { seen.push([previous, next]) }, onError: (error: unknown) => { seen.push((error as Error).message) } }
  const opening = openWatched(options)
  watch.change()
  watch.change()
  await settle()
  t.equal(gates.length, 1, 'no second read before the first has ended')
  gates[0]!(1)
  const watched = await opening
  await settle()
  t.equal(watched.current, 1)
  t.equal(gates.length, 2, 'changes that wait together are read once')
  watch.change()
  gates[1]!(new Error('damaged'))
  await settle()
  t.strictSame([watched.current, seen], [1, ['damaged']], 'what can\'t be read leaves the last good one')
  gates[2]!(3)
  await settle()
  t.strictSame([watched.current, seen.slice(1)], [3, [[1, 3]]], 'and does not end the queue')
  watch.change()
  await settle()
  const closing = watched.close()
  gates[3]!(4)
  await closing
  t.strictSame([watched.current, seen.length, watch.closed], [3, 2, [true]], 'what was under way at the end is dropped')
  watch.change()
  await settle()
  t.equal(gates.length, 4)

  const failing = openWatched({ ...options, read: async () => { throw new Error('absent') } })
  await t.rejects(failing, { message: 'absent' })
  t.strictSame(watch.closed, [true, true])
})
