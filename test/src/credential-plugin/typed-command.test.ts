/** Which commands a person has typed, by the process that runs them. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { test, type Test } from 'tap'
import { isTypedAfter } from '../../../src/credential-plugin/typed-command.js'

/** Milliseconds: the precision of `ps`. */
const PRECISION = 2_000

/** @param leader of a process group of its own, as an interactive shell makes it */
async function start (t: Test, leader: boolean): Promise<ChildProcess> {
  const child = spawn('sleep', ['600'], { detached: leader, stdio: 'ignore' })
  t.teardown(() => { child.kill('SIGKILL') })
  await once(child, 'spawn')
  return child
}

void test('a command of an interactive shell that began since is typed', async t => {
  const began = Date.now()
  const { pid } = await start(t, true)
  const started = Date.now()
  t.equal(isTypedAfter(began - PRECISION, pid!), true)
  t.equal(isTypedAfter(started + PRECISION, pid!), false, 'it was there before')
})

void test('one process of many of a script is not typed', async t => {
  const began = Date.now()
  const { pid } = await start(t, false)
  t.equal(isTypedAfter(began - PRECISION, pid!), false)
})

void test('a process that is gone', async t => {
  const child = await start(t, true)
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.equal(isTypedAfter(0, child.pid!), false)
})
