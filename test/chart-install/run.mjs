// Proves the Helm chart and the image: with helm, against a real API server,
// and with podman for a kubelet. From nothing on a Debian machine as root.
//
// usage: npm run test:chart -- [--install] [FILE…]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildApiServer, CACHE, fail, requirePackages, run, say, unpackKubectl } from '../e2e/tools.mjs'
import { IMAGE, podmanSettings } from './images.mjs'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const SCRATCH = join(CACHE, 'scratch')

const { values: { install }, positionals } = parseArgs({
  allowPositionals: true,
  options: { install: { type: 'boolean', default: process.env.CI === 'true' } }
})
process.chdir(fileURLToPath(new URL('../..', import.meta.url)))
if (process.getuid() !== 0) fail('The tests of the chart need root: they run containers, and give the loopback interface an address of the Service range.')

requirePackages({
  unzip: 'unzip',
  etcd: process.env.ETCD ? undefined : 'etcd-server',
  podman: 'podman',
  buildah: 'buildah',
  runc: 'runc',
  conmon: 'conmon',
  iptables: 'iptables',
  nft: 'nftables',
  ip: 'iproute2',
  catatonit: 'catatonit',
  newuidmap: 'uidmap',
  mmdebstrap: 'mmdebstrap',
  // a plug-in of podman, in no PATH
  ...!existsSync('/usr/lib/podman/netavark') && { netavark: 'netavark' }
}, install)

const files = positionals.length > 0 ? positionals : readdirSync(HERE).filter(name => name.endsWith('.chart.ts')).sort().map(name => `test/chart-install/${name}`)
const tools = {
  KUBE_APISERVER: process.env.KUBE_APISERVER || buildApiServer(install),
  ETCD: process.env.ETCD || 'etcd',
  PROMTOOL: process.env.PROMTOOL || unpackPromtool(),
  ...unpackKubectl()
}
const turn = await takeTurn()
runIsolated({ script: [join(HERE, 'images.mjs'), ...files.some(file => file.includes('image.chart')) ? ['--twice'] : []], network: 'the machine\'s' })
runIsolated({
  script: ['node_modules/tap/dist/esm/run.mjs', '--disable-coverage', '--timeout=300', '--jobs=1', ...files],
  env: { ...tools, ...podmanSettings(SCRATCH), IMAGE },
  network: 'its own'
})
turn.stdin.end()

/** Two runs would build over each other's image: the second waits. The lock goes when this process does. */
async function takeTurn () {
  mkdirSync(CACHE, { recursive: true })
  const holder = spawn('flock', [join(CACHE, 'chart.lock'), 'sh', '-c', 'echo; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const patience = setTimeout(() => { say('Waiting for another run to end') }, 1000)
  await once(holder.stdout, 'data')
  clearTimeout(patience)
  return holder
}

/**
 * Runs a script of Node in a machine within the machine, which is gone with all
 * that was in it when this process is, however it ends: processes, mounts, files,
 * and, where the network is its own, addresses, ports and rules of a firewall.
 */
function runIsolated ({ script, env, network }) {
  mkdirSync(SCRATCH, { recursive: true })
  run('setpriv', [
    '--pdeathsig', 'KILL',
    'unshare', '--pid', '--fork', '--kill-child', '--mount', '--mount-proc', ...network === 'its own' ? ['--net'] : [],
    'catatonit', '--',
    'bash', '-euc', 'for folder in /run /dev/shm "$TMPDIR"; do mount -t tmpfs tmpfs "$folder"; done; ip link set lo up; exec "$@"', 'bash',
    process.execPath, ...script
  ], { env: { ...process.env, ...env, TMPDIR: SCRATCH } })
}

/** Out of Debian's package, which would start a service if it were installed. */
function unpackPromtool () {
  const folder = join(CACHE, 'prometheus')
  const promtool = join(folder, 'usr/bin/promtool')
  if (existsSync(promtool)) return promtool
  if (!install) fail(`promtool is missing. Give --install, name one by PROMTOOL, or type:\n\n  apt-get download prometheus && dpkg -x prometheus_*.deb ${folder}\n`)
  say(`Unpacking promtool to ${folder}`)
  run('apt-get', ['-qq', 'update'])
  run('bash', ['-c', 'set -e; rm -rf "$1.half"; mkdir -p "$1.half"; cd "$1.half"; apt-get -qq download prometheus; dpkg -x prometheus_*.deb .; rm prometheus_*.deb; mv "$1.half" "$1"', 'unpack', folder])
  return promtool
}
