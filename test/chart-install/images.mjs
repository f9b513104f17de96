// The image, built from the Dockerfile by podman. No registry with base images
// is in reach of a test, so stand-ins of the same names are made of Debian's
// packages and Node's binary: what a base image is to the Dockerfile, a libc,
// a `node`, and, to build with, a shell and npm. They carry others' names, so
// they are kept apart from the images of this machine.
//
// usage: node test/chart-install/images.mjs [--twice] [--archives]      as root
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CACHE, fail, run, say } from '../e2e/tools.mjs'

export const IMAGE = 'localhost/authn-webhook:test'
/** As `docker save` writes it, by the name that the chart has by default. */
export const ARCHIVE = join(CACHE, 'images', 'authn-webhook.tar')
/** What holds the namespaces of a pod. */
export const PAUSE_ARCHIVE = join(CACHE, 'images', 'pause.tar')
export const PAUSE_IMAGE = 'localhost/pause:test'

const IMAGES = join(CACHE, 'images')
const NODE_PACKAGE = `node-linux-${process.arch}`
const RUNTIME = ['libc6', 'libstdc++6', 'libgcc-s1', 'ca-certificates', 'tzdata']
const BUILD = [...RUNTIME, 'base-files', 'dash', 'coreutils', 'findutils', 'grep', 'sed']
/** In a sandbox without its own user namespace, offline but for npm. */
const BUILD_COMMAND = ['build', '--isolation', 'chroot', '--network', 'host', '--pull=never', '--timestamp', '0', '--quiet']

/** Runs as root without systemd, and where the kernel is a micro machine's. */
const ENGINE = `
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_config_dir = "/run/authn-webhook/networks"
`

/**
 * @param folder for containers and what else is to be forgotten
 * @returns the environment in which podman finds its settings, and the images beside those of `folder`
 */
export function podmanSettings (folder) {
  return {
    CONTAINERS_CONF: write('containers.conf', ENGINE),
    CONTAINERS_STORAGE_CONF: write('containers-storage.conf', storage(join(folder, 'containers'), `additionalimagestores = ["${IMAGES}"]`))
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildImage({ twice: process.argv.includes('--twice'), archives: process.argv.includes('--archives') })

/**
 * Builds it, in seconds where nothing has changed. Stand-ins stay for the next run.
 * @param twice once more from nothing as `IMAGE-again`, to compare
 * @param archives for containerd, too
 */
function buildImage ({ twice, archives }) {
  Object.assign(process.env, { CONTAINERS_CONF: write('containers.conf', ENGINE), CONTAINERS_STORAGE_CONF: write('images-storage.conf', storage(IMAGES)) })
  const names = Object.fromEntries([...readFileSync('Dockerfile', 'utf8').matchAll(/^ARG (NODE_\w+)=(\S+)$/gm)].map(([, key, value]) => [key, value]))
  if (!imageExists(names.NODE_RUNTIME)) {
    importStandIn(names.NODE_RUNTIME, RUNTIME, root => { copyNode(join(root, 'nodejs/bin')) }, ['ENV PATH=/usr/bin:/bin'])
  }
  if (!imageExists(names.NODE_BUILD)) {
    importStandIn(names.NODE_BUILD, BUILD, root => {
      copyNode(join(root, 'usr/local/bin'))
      copyNpm(join(root, 'usr/local'))
      // whatever registry this machine trusts
      cpSync('/etc/ssl/certs/ca-certificates.crt', join(root, 'etc/ssl/certs/ca-certificates.crt'), { dereference: true })
    }, ['ENV PATH=/usr/local/bin:/usr/bin:/bin', 'ENV npm_config_cafile=/etc/ssl/certs/ca-certificates.crt', 'ENV npm_config_update_notifier=false'])
  }
  say(`Building ${IMAGE}`)
  // with a name, the first stage is kept for the next build
  build('--target', 'build', '--tag', `${IMAGE}-stage`)
  build('--tag', IMAGE)
  if (twice) build('--no-cache', '--tag', `${IMAGE}-again`)
  if (archives) saveArchives()
  podman('image', 'prune', '--force')
}

function saveArchives () {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  save(IMAGE, `docker.io/library/authn-webhook:${version}`, ARCHIVE)
  if (existsSync(PAUSE_ARCHIVE)) return
  // a static binary, and nothing else
  run('bash', ['-o', 'pipefail', '-c', 'tar --create --directory /usr/bin catatonit | podman import --quiet --change \'ENTRYPOINT ["/catatonit", "-P"]\' - "$1" > /dev/null', 'import', PAUSE_IMAGE])
  save(PAUSE_IMAGE, PAUSE_IMAGE, PAUSE_ARCHIVE)
}

function save (image, name, archive) {
  if (image !== name) podman('tag', image, name)
  rmSync(archive, { force: true })
  podman('save', '--quiet', '--output', archive, name)
}

function build (...options) {
  podman(...BUILD_COMMAND, ...options, '.')
}

function podman (...args) {
  run('podman', args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

function imageExists (name) {
  return spawnSync('podman', ['image', 'exists', name]).status === 0
}

function storage (folder, options = '') {
  return `
[storage]
driver = "overlay"
graphroot = "${folder}"
runroot = "/run/authn-webhook/containers"
[storage.options]
${options}
`
}

function write (name, text) {
  const file = join(CACHE, name)
  mkdirSync(CACHE, { recursive: true })
  writeFileSync(file, text)
  return file
}

function importStandIn (name, packages, complete, changes) {
  say(`Making a stand-in for ${name}`)
  const root = mkdtempSync(join(tmpdir(), 'authn-webhook-image-'))
  try {
    run('mmdebstrap', ['--quiet', '--variant=extract', `--include=${packages.join(',')}`, '--format=directory', debianRelease(), join(root, 'fs')])
    complete(join(root, 'fs'))
    run('bash', ['-o', 'pipefail', '-c', 'cd "$1"; shift; tar --create . | podman import --quiet "$@" >/dev/null', 'import', join(root, 'fs'), ...changes.flatMap(change => ['--change', change]), '-', name])
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

function debianRelease () {
  return /^VERSION_CODENAME=(\S+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? fail('/etc/os-release names no Debian release')
}

/** Node 24, whatever runs here. */
function copyNode (to) {
  const prefix = join(CACHE, 'node-24')
  const binary = join(prefix, 'node_modules', NODE_PACKAGE, 'bin/node')
  if (!existsSync(binary)) {
    say('Fetching the binary of Node 24')
    run('npm', ['install', '--prefix', prefix, '--no-save', '--ignore-scripts', '--loglevel=error', `${NODE_PACKAGE}@24`], { stdio: ['ignore', 'ignore', 'inherit'] })
  }
  mkdirSync(to, { recursive: true })
  cpSync(binary, join(to, 'node'))
}

/** The npm that runs this. */
function copyNpm (to) {
  const cli = process.env.npm_execpath ?? fail('run this by npm, which goes into the stand-in')
  cpSync(dirname(dirname(cli)), join(to, 'lib/node_modules/npm'), { recursive: true })
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(to, 'bin/npm'))
}
