import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { freePort } from '../fixtures/child.js'
import { linesOf, openFull, openPipe, serveWith, type Served, type ServeOptions } from '../fixtures/processes.js'
import { until } from '../fixtures/waiting.js'

/** Log lines of 40 MB in all: more than the queue holds, and a pipe or a socket besides. */
const LINES = { bytes: 20_000, lines: 4 }
const REVIEWS = 500
/** So many that a process that keeps them stands out from what Node.js collects late. */
const MANY_LINES = { bytes: 20_000, lines: 6 }
/** Kilobytes. */
const LOGGED = REVIEWS * MANY_LINES.lines * MANY_LINES.bytes / 1_024
/** The test runner writes small files from within the process. */
const FILE_SIZE = 1_048_576

interface Sink extends ServeOptions {
  /** Once it serves. */
  readonly then?: (served: Served) => void
}

const sinks: Array<[name: string, open: (t: Test) => Sink, reason: RegExp]> = [
  ['a full disk', t => ({ stdio: ['ignore', openFull(t), 'pipe'] }), /ENOSPC/],
  ['a file at its size limit', t => ({ stdio: ['ignore', openFile(t).fd, 'pipe'], by: ['prlimit', `--fsize=${FILE_SIZE}`] }), /EFBIG/],
  ['a pipe that nobody reads', unreadPipe, /not read fast enough/],
  ['a socket that nobody reads', () => ({}), /not read fast enough/],
  ['a pipe whose reader is gone', t => {
    const { writer, reader } = openPipe(t)
    return { stdio: ['ignore', writer, 'pipe'], then () { closeSync(writer); reader.destroy() } }
  }, /EPIPE/],
  ['a socket whose reader is gone', () => ({ then ({ child }) { child.stdout!.destroy() } }), /EPIPE/],
  ['a full disk, format text', t => ({ stdio: ['ignore', openFull(t), 'pipe'], config: { log: { format: 'text' } } }), /ENOSPC/],
  ['a pipe that nobody reads, format text', t => ({ ...unreadPipe(t), config: { log: { format: 'text' } } }), /not read fast enough/]
]

for (const [name, open, reason] of sinks) {
  test(`stdout is ${name}: reviews and the end go on`, async t => {
    const { then, ...options } = open(t)
    const served = await serveWith(t, { ...options, ...MANY_LINES })
    then?.(served)
    t.equal(await served.review(REVIEWS), REVIEWS)
    const before = served.residentSize()
    const dropped = await served.droppedLines()
    t.ok(dropped > 0, 'lines are dropped and counted')
    t.equal(await served.review(REVIEWS), REVIEWS)
    t.ok(await served.droppedLines() >= dropped + REVIEWS * MANY_LINES.lines, 'the count goes on')
    const grown = served.residentSize() - before
    t.ok(grown < LOGGED / 2, `memory is bounded: it grew by ${grown} kB while ${LOGGED} kB were logged`)
    t.equal(await served.get('/livez'), 'ok')
    served.child.kill('SIGTERM')
    t.strictSame(await served.ended, { code: 0, signal: null })
    const said = served.stderr().split('\n').filter(line => line.includes('cannot write the log'))
    t.equal(said.length, 1, said.join('\n'))
    t.match(said[0], reason)
  })
}

test('stderr is as broken as stdout', async t => {
  const full = openFull(t)
  const { writer } = openPipe(t)
  for (const options of [
    { stdio: ['ignore', full, full] },
    { stdio: ['ignore', writer, writer] },
    { by: ['sh', '-c', 'exec "$@" >&- 2>&-', 'sh'] }
  ] satisfies ServeOptions[]) {
    const served = await serveWith(t, { ...options, ...LINES })
    t.equal(await served.review(100), 100)
    t.equal(await served.get('/livez'), 'ok')
    served.child.kill('SIGTERM')
    t.strictSame(await served.ended, { code: 0, signal: null })
  }
  closeSync(writer)
})

test('another process makes the pipe blocking again', async t => {
  const { writer } = openPipe(t)
  // at its end Node.js gives stdout the flags back that it had at the start
  const other = spawn(process.execPath, ['--eval', 'process.stdout; process.stdin.resume(); console.error("ready")'], { stdio: ['pipe', writer, 'pipe'] })
  await once(other.stderr!, 'data')
  const served = await serveWith(t, { stdio: ['ignore', writer, 'pipe'], ...LINES })
  closeSync(writer)
  other.stdin!.end()
  await once(other, 'exit')
  t.equal(await served.review(REVIEWS), REVIEWS)
  t.ok(await served.droppedLines() > 0)
  served.child.kill('SIGTERM')
  t.strictSame(await served.ended, { code: 0, signal: null })
})

test('--demo prints to a full disk', async t => {
  // its sign-in service listens too
  const port = await freePort()
  const served = await serveWith(t, { stdio: ['ignore', openFull(t), 'pipe'], args: ['--demo', '--port', `${port}`], port })
  served.child.kill('SIGTERM')
  t.strictSame(await served.ended, { code: 0, signal: null })
})

test('a reader that goes on reading gets whole lines, and how many are missing', async t => {
  const { writer, reader } = openPipe(t)
  const served = await serveWith(t, { stdio: ['ignore', writer, 'pipe'], ...LINES })
  closeSync(writer)
  await served.review(REVIEWS)
  const log = linesOf(reader)
  await log.until(() => isComplete(log.lines))
  t.equal(await served.droppedLines(), sumOf(log.lines))
  const known = log.lines.length
  await served.review(1)
  await log.until(({ audit }, index) => index >= known && audit === 'TokenReview')
  t.match(served.stderr(), /cannot write the log/)
})

test('a file that may grow again gets whole lines, and how many are missing', async t => {
  const { fd, path } = openFile(t)
  const served = await serveWith(t, { stdio: ['ignore', fd, 'pipe'], by: ['prlimit', `--fsize=${FILE_SIZE}:unlimited`], ...LINES })
  await served.review(REVIEWS)
  execFileSync('prlimit', ['--pid', String(served.child.pid), '--fsize=unlimited'])
  const written = (): Array<Record<string, any>> => readFileSync(path, 'utf8').split('\n').slice(0, -1).map(line => JSON.parse(line))
  await until('every line, or a count of it', () => isComplete(written()))
  t.equal(await served.droppedLines(), sumOf(written()))
})

/** Is every line written, or counted in one that is? */
function isComplete (lines: Array<Record<string, any>>): boolean {
  return lines.filter(({ msg }) => msg === 'asked' || msg === 'review').length + sumOf(lines) === REVIEWS * (LINES.lines + 1)
}

function sumOf (lines: Array<Record<string, any>>): number {
  return lines.reduce((sum, { dropped = 0 }) => sum + dropped, 0)
}

function unreadPipe (t: Test): Sink {
  const { writer } = openPipe(t)
  return { stdio: ['ignore', writer, 'pipe'], then () { closeSync(writer) } }
}

function openFile (t: Test): { fd: number, path: string } {
  const directory = mkdtempSync(join(tmpdir(), 'authn-webhook-'))
  const path = join(directory, 'log')
  const fd = openSync(path, 'w')
  t.teardown(() => {
    closeSync(fd)
    rmSync(directory, { recursive: true })
  })
  return { fd, path }
}
