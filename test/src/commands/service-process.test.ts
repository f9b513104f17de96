import { test } from 'tap'
import { linesOf, serveWith } from '../../fixtures/processes.js'

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
    t.match(log.lines.at(-1), { level: 'info', signal, msg: 'stopping' })
  })
}

test('SIGHUP leaves the service running', async t => {
  const served = await serveWith(t)
  const log = linesOf(served.child.stdout!)
  served.child.kill('SIGHUP')
  await log.until(({ signal }) => signal === 'SIGHUP')
  t.equal(await served.review(1), 1)
  served.child.kill('SIGTERM')
  t.strictSame(await served.ended, { code: 0, signal: null })
  t.match(log.lines.find(({ signal }) => signal === 'SIGHUP'), { level: 'info', msg: /ignored/ })
})
