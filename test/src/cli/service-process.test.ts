import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { EXECUTABLE } from '../../fixtures/command.js'
import { linesOf, serveWith } from '../../fixtures/processes.js'
import { until, within } from '../../fixtures/waiting.js'

for (const [token, blocked] of [['throw', false], ['reject', false], ['throw', true]] as const) {
  test(`an unexpected error (${token}) ends the process at once${blocked ? ', though nobody reads the log' : ''}`, async t => {
    const served = await serveWith(t, { config: { server: { shutdownDelay: '1h' } }, ...blocked && { bytes: 20_000 } })
    // more than queue and socket hold
    if (blocked) await served.review(200)
    const log = blocked ? undefined : linesOf(served.child.stdout!)
    const cut = t.rejects(served.review(1, 'hang'), 'what is in flight is not waited for')
    served.review(1, token).catch(() => {})
    t.strictSame(await served.ended, { code: 70, signal: null })
    await cut
    if (log === undefined) return
    await log.ended
    t.match(log.lines.filter(({ level }) => level === 'fatal'), [{ err: { message: 'out of the blue', stack: /provider\.mjs/ } }])
  })
}

for (const signal of ['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP', 'SIGABRT'] as const) {
  test(`${signal} ends the process by that signal`, async t => {
    const served = await serveWith(t)
    served.child.kill(signal)
    t.strictSame(await served.ended, { code: null, signal })
  })
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGUSR2'] as const) {
  test(`${signal} stops the service`, async t => {
    const served = await serveWith(t)
    const log = linesOf(served.child.stdout!)
    served.child.kill(signal)
    t.strictSame(await served.ended, { code: 0, signal: null })
    await log.ended
    t.match(log.lines.slice(-2), [{ level: 'info', signal, msg: 'stopping' }, { level: 'info', msg: 'stopped' }])
  })
}

test('SIGHUP leaves a service without a terminal running', async t => {
  const served = await serveWith(t)
  const log = linesOf(served.child.stdout!)
  served.child.kill('SIGHUP')
  await log.until(({ signal }) => signal === 'SIGHUP')
  t.equal(await served.review(1), 1)
  served.child.kill('SIGTERM')
  t.strictSame(await served.ended, { code: 0, signal: null })
  t.match(log.lines.find(({ signal }) => signal === 'SIGHUP'), { level: 'info', msg: /ignored/ })
})

/** As an interactive shell does: hands the signal on to its job, and here keeps its exit code. */
const SHELL = `
trap 'kill -HUP $job; wait $job; echo $? > code.new; mv code.new code' HUP
"$NODE" "$CLI" serve --demo --port 0 &
job=$!
wait $job
`

test('the service ends with its terminal', { skip: spawnSync('script', ['--version']).status === 0 ? false : 'script (util-linux) is not installed' }, async t => {
  const cwd = t.testdir({ 'shell.sh': SHELL })
  // the terminal of this process: it closes when script is killed
  const terminal = spawn('script', ['--quiet', '--flush', '--command', 'exec bash shell.sh', '/dev/null'], { cwd, env: { ...process.env, NODE: process.execPath, CLI: EXECUTABLE, NODE_OPTIONS: undefined, NODE_V8_COVERAGE: undefined } })
  let screen = ''
  while (!screen.includes('Ctrl-C')) screen += String((await within(() => `Ctrl-C on the screen: ${screen}`, once(terminal.stdout, 'data')))[0])
  terminal.kill('SIGKILL')
  await until('the exit code', () => existsSync(join(cwd, 'code')))
  t.equal(readFileSync(join(cwd, 'code'), 'utf8'), '129\n', 'by SIGHUP, and not by a crash')
})
