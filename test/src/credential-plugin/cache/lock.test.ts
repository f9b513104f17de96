/** The lock of a sign-in: held by one, and free once that one has ended. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { acquireOrWait } from '../../../../src/credential-plugin/cache/lock.js'

const options = { signal: new AbortController().signal, onWait () {} }

void test('others wait until it is released, and then find no lock', async t => {
  const directory = t.testdir()
  const file = join(directory, 'alice.lock')
  const lock = await acquireOrWait(directory, 'alice', options)
  t.equal((statSync(file).mode & 0o777).toString(8), '600')
  let waiting: () => void = () => {}
  const waits = new Promise<void>(resolve => { waiting = resolve })
  const waited = acquireOrWait(directory, 'alice', { ...options, onWait () { waiting() } })
  await waits
  const other = await acquireOrWait(directory, 'bob', options)
  t.ok(other, 'another account is free')
  await other?.release()
  await lock?.release()
  t.equal(await waited, undefined)
  t.notOk(existsSync(file))
  const next = await acquireOrWait(directory, 'alice', options)
  t.ok(next)
  await next?.release()
})

void test('of many that come at once, one has it', async t => {
  const directory = t.testdir()
  let held = 0
  const results = await Promise.all(Array.from({ length: 10 }, async () => {
    const lock = await acquireOrWait(directory, 'alice', options)
    if (lock === undefined) return 0
    t.equal(++held, 1)
    await new Promise(resolve => { setImmediate(resolve) })
    held--
    await lock.release()
    return 1
  }))
  t.ok(results.includes(1))
})

void test('its signal ends the wait', async t => {
  const directory = t.testdir()
  const lock = await acquireOrWait(directory, 'alice', options)
  const controller = new AbortController()
  await t.rejects(acquireOrWait(directory, 'alice', { signal: controller.signal, onWait () { controller.abort(new Error('interrupted')) } }), { message: 'interrupted' })
  t.ok(existsSync(join(directory, 'alice.lock')), 'the holder keeps it')
  await lock?.release()
})

/** Another program that has the port of a holder that was killed. */
async function stranger (t: Test, greeting: string): Promise<number> {
  const server: Server = createServer(socket => { socket.on('error', () => {}).write(greeting) }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  return (server.address() as AddressInfo).port
}

void test('another program on the port of a killed holder is no holder', async t => {
  for (const greeting of ['220 mail.example.com\r\n', 'the-nonce-of-another\n', 'the-nonce-and-more\n', '']) {
    const directory = t.testdir()
    writeFileSync(join(directory, 'alice.lock'), JSON.stringify({ address: '127.0.0.1', port: await stranger(t, greeting), nonce: 'the-nonce' }), { mode: 0o600 })
    const lock = await acquireOrWait(directory, 'alice', { ...options, patience: 100, onWait () { t.fail('waits for it') } })
    t.ok(lock, JSON.stringify(greeting))
    await lock?.release()
  }
})

void test('a file that a killed holder has not completed is free', async t => {
  for (const text of ['', '{"port":', 'null', '"text"', '{"port":1,"nonce":"n"}', '{"address":"localhost","port":1,"nonce":"n"}', ...['0', '65536', '1.5', '"1"'].map(port => `{"address":"127.0.0.1","port":${port},"nonce":"n"}`), '{"address":"127.0.0.1","port":1}']) {
    const directory = t.testdir()
    writeFileSync(join(directory, 'alice.lock'), text, { mode: 0o600 })
    const lock = await acquireOrWait(directory, 'alice', { ...options, onWait () { t.fail('waits for it') } })
    t.ok(lock, text)
    await lock?.release()
    t.notOk(existsSync(join(directory, 'alice.lock')))
  }
})

void test('what others could have written is refused, and a pipe does not hang', async t => {
  const cases: ReadonlyArray<readonly [name: string, make: (file: string) => void, message: RegExp]> = [
    ['a pipe', file => { execFileSync('mkfifo', ['-m', '600', file]) }, /alice\.lock is not a regular file: remove it/],
    ['a symbolic link', file => { symlinkSync('/nonexistent', file) }, /alice\.lock is a symbolic link: remove it/],
    ['a file that others can write', file => { writeFileSync(file, ''); chmodSync(file, 0o666) }, /alice\.lock is accessible to other users \(mode 666\)/]
  ]
  for (const [name, make, message] of cases) {
    const directory = t.testdir()
    make(join(directory, 'alice.lock'))
    await t.rejects(acquireOrWait(directory, 'alice', options), { code: 'AUTHN_SIGN_IN', failure: 'invalid', message }, name)
  }
})

void test('the lock of another one is not removed', async t => {
  const directory = t.testdir()
  const file = join(directory, 'alice.lock')
  const lock = await acquireOrWait(directory, 'alice', options)
  const other = JSON.stringify({ address: '127.0.0.1', port: 1, nonce: 'of another' })
  writeFileSync(file, other, { mode: 0o600 })
  await lock?.release()
  t.equal(readFileSync(file, 'utf8'), other)
})
