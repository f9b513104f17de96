// What is measured with, found or made: the Go peer, a Node.js 24.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CACHE, run, say } from '../test/e2e/tools.mjs'

const GO_SOURCE = fileURLToPath(new URL('peers/go/main.go', import.meta.url))

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
