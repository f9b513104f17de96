import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { test } from 'tap'
import { createLogger } from '../../src/logger.js'

const run = promisify(execFile)

async function written (fields: object): Promise<Record<string, any>> {
  const lines: string[] = []
  const log = await createLogger({ level: 'info', format: 'json', terminal: true, destination: { write (line) { lines.push(line) } } })
  log.info(fields, 'hello')
  return JSON.parse(lines[0]!)
}

test('a line is JSON with its level and time in words', async t => {
  t.match(await written({ provider: 'people' }), { level: 'info', time: /^\d{4}-\d\d-\d\dT.*Z$/, provider: 'people', msg: 'hello' })
})

test('what should never have come here is cut out all the same', async t => {
  const line = JSON.stringify(await written({ token: 'canary', user: { password: 'canary' }, a: { b: { bindPassword: 'canary' } }, passwordHash: 'canary' }))
  t.notMatch(line, 'canary')
  t.match(line, 'redacted')
})

/** pino-pretty writes to the real stdout, so it is run in a process of its own. */
async function onStdout (format: string, terminal: boolean): Promise<string> {
  const code = `
    const { createLogger } = await import('./dist/src/logger.js')
    const log = await createLogger(${JSON.stringify({ level: 'info', format, terminal })})
    log.info({ provider: 'people' }, 'hello')
    log.flush()`
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code], { cwd: fileURLToPath(new URL('../..', import.meta.url)), env: { ...process.env, NO_COLOR: '1' } })
  return stdout
}

const formats: Array<[format: string, terminal: boolean, expected: RegExp]> = [
  ['auto', true, /^\[\d\d:\d\d:\d\d\] INFO: hello\n {4}provider: "people"\n$/],
  ['auto', false, /^\{"level":"info",.*\}\n$/],
  ['text', false, /INFO: hello/],
  ['json', true, /^\{"level":"info"/]
]

for (const [format, terminal, expected] of formats) {
  test(`format ${format} ${terminal ? 'on a terminal' : 'in a pipe'}`, async t => {
    t.match(await onStdout(format, terminal), expected)
  })
}
