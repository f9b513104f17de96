/** What a clone needs before `npm start` and `npm test` can run. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SETUP = join(ROOT, 'scripts/setup.mjs')

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

test('tools of a folder are its own, locked, and installed by the command that runs them', async t => {
  const read = (file: string): any => JSON.parse(readFileSync(join(ROOT, file), 'utf8'))
  const { scripts, dependencies, devDependencies } = read('package.json')
  for (const [folder, script] of [['test/e2e', 'e2e'], ['test/e2e', 'test:chart'], ['test/chart-install', 'test:chart'], ['bench', 'bench'], ['test/mutation', 'mutation']] as const) {
    const manifest = read(`${folder}/package.json`)
    t.match(scripts[script], new RegExp(`^node scripts/setup\\.mjs [^&]*\\b${folder}\\b`), `npm run ${script} installs those of ${folder}`)
    t.strictSame(read(`${folder}/package-lock.json`).packages[''].dependencies, manifest.dependencies, 'the lock file is up to date')
    t.equal(manifest.type, 'module', 'our files beside it stay modules')
    t.strictSame(Object.keys(manifest.dependencies).filter(name => name in { ...dependencies, ...devDependencies }), [], 'npm ci at the root installs none of them')
  }
})
