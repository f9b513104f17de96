/** What a clone needs before `npm start` and `npm test` can run. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'

const SETUP = join(fileURLToPath(new URL('../..', import.meta.url)), 'scripts/setup.mjs')

/** `process` as another machine has it. */
function setUpWith (name: string, value: unknown): { status: number | null, stderr: string } {
  const preload = `Object.defineProperty(process, ${JSON.stringify(name)}, { value: ${JSON.stringify(value)} })`
  return spawnSync(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(preload)}`, SETUP], { encoding: 'utf8' })
}

for (const [what, name, value, message] of [
  ['Windows', 'platform', 'win32', 'authn-webhook runs on Linux and macOS; on Windows, clone it in WSL and run the command there\n'],
  ['an old Node.js', 'versions', { node: '20.18.3' }, `authn-webhook needs Node.js 20.19 or newer; this is ${process.version}\n`]
] as const) {
  test(`${what} is told what is missing`, async t => {
    t.match(setUpWith(name, value), { status: 1, stderr: message })
  })
}
