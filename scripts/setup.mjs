// Makes a clone runnable: installs from the lock file and builds, each only
// when needed, and says so. `npm start`, `npm test` and tap run it first, so that
// no test runs a stale build, and npm itself when it packs or installs a clone.
//
// usage: node scripts/setup.mjs [FOLDER…]      folders with tools of their own, such as test/e2e
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)

if (process.platform === 'win32') {
  console.error('authn-webhook runs on Linux and macOS; on Windows, clone it in WSL and run the command there')
  process.exit(1)
}
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`authn-webhook needs Node.js 20.19 or newer; this is ${process.version}`)
  process.exit(1)
}

for (const folder of ['.', ...process.argv.slice(2)]) install(folder)
if (olderThan('dist/.tsbuildinfo', ['src', 'plugins', 'schemas', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json', 'scripts/bundle.mjs']) || !existsSync('dist/bin')) {
  run('Building …', process.execPath, ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.build.json'])
  run('Bundling the executables …', process.execPath, ['scripts/bundle.mjs'])
}

function install (folder) {
  const lock = join(folder, 'package-lock.json')
  if (!olderThan(join(folder, 'node_modules/.package-lock.json'), [lock])) return
  run(`Installing dependencies from ${lock} …`, 'npm', ['ci', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])
}

/** Is `output` missing, or older than one of the files in `inputs`? */
function olderThan (output, inputs) {
  if (!existsSync(output)) return true
  const built = statSync(output).mtimeMs
  return inputs.flatMap(files).some(file => statSync(file).mtimeMs > built)
}

function files (path) {
  if (!existsSync(path)) return []
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath ?? entry.path, entry.name))
}

function run (what, command, args) {
  console.error(what)
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}
