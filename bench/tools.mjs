// What is measured with, found or made: h2load, the Go peer, a Node.js 24.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'authn-webhook')
const GO_SOURCE = fileURLToPath(new URL('peers/go/main.go', import.meta.url))

/**
 * Debian's packages for these commands, where a command is missing.
 * @throws Error that says what to type
 */
export function requirePackages (packages, install) {
  const missing = [...new Set(Object.entries(packages).filter(([command]) => !onPath(command)).map(([, name]) => name))]
  if (missing.length === 0) return
  const debian = existsSync('/etc/debian_version')
  if (!install || !debian || process.getuid() !== 0) {
    throw new Error(`Packages are missing: ${missing.join(', ')}. ${debian
      ? `Type this, or give --install to root:\n\n  sudo apt-get install --no-install-recommends ${missing.join(' ')}\n`
      : 'This machine is no Debian: bring your own h2load and go on the PATH.'}`)
  }
  say(`Installing ${missing.join(', ')}`)
  run('apt-get', ['-qq', 'update'])
  run('apt-get', ['-qq', '--yes', '--no-install-recommends', 'install', ...missing], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, stdio: ['ignore', 'ignore', 'inherit'] })
}

/** Once for each version of the source and the compiler; @returns `{ path, version }` */
export function buildGoPeer () {
  const version = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' }).stdout.trim()
  const digest = createHash('sha256').update(version).update(readFileSync(GO_SOURCE)).digest('hex').slice(0, 12)
  const path = join(CACHE, `bench-go-${digest}`, 'webhook')
  if (!existsSync(path)) {
    say('Building the Go peer')
    mkdirSync(dirname(path), { recursive: true })
    run('go', ['build', '-o', `${path}.${process.pid}`, GO_SOURCE], { cwd: dirname(path) })
    renameSync(`${path}.${process.pid}`, path)
  }
  return { path, version }
}

/**
 * This process's own Node.js where its version fits, else the one that an npm
 * package carries; it stays out of the project's own dependencies.
 * @returns `{ path, version }`
 */
export function findNode (major) {
  if (process.versions.node.startsWith(`${major}.`)) return { path: process.execPath, version: process.version }
  const name = `node-linux-${process.arch}`
  const folder = join(CACHE, `node-${major}`)
  const path = join(folder, 'node_modules', name, 'bin/node')
  if (!existsSync(path)) {
    say(`Fetching Node.js ${major}`)
    mkdirSync(folder, { recursive: true })
    run('npm', ['install', '--prefix', folder, '--no-save', '--ignore-scripts', '--loglevel=error', `${name}@${major}`], { stdio: ['ignore', 'ignore', 'inherit'] })
  }
  return { path, version: spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout.trim() }
}

function onPath (command) {
  return (process.env.PATH ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function run (command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options })
  if (error) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with code ${status}`)
}

function say (what) {
  console.error(`== ${what}`)
}
