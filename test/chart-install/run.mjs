// Proves the Helm chart and the image: with helm, against a real API server,
// and with podman for a kubelet. From nothing on a Debian machine as root.
//
// usage: npm run test:chart -- [--install] [FILE…]
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildKubernetes, CACHE, fail, requirePackages, run, say, unpackKubectl } from '../e2e/tools.mjs'
import { IMAGE, podmanSettings } from './images.mjs'
import { runIsolated, SCRATCH, takeTurn } from './isolation.mjs'

const HERE = fileURLToPath(new URL('.', import.meta.url))

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
const kubernetes = buildKubernetes(install)
const tools = {
  KUBE_APISERVER: process.env.KUBE_APISERVER || join(kubernetes, 'kube-apiserver'),
  KUBE_SCHEDULER: process.env.KUBE_SCHEDULER || join(kubernetes, 'kube-scheduler'),
  ETCD: process.env.ETCD || 'etcd',
  PROMTOOL: process.env.PROMTOOL || unpackPromtool(),
  ...unpackKubectl()
}
const endTurn = await takeTurn()
runIsolated({ script: [join(HERE, 'images.mjs'), ...files.some(file => file.includes('image.chart')) ? ['--twice'] : []], network: 'the machine\'s' })
runIsolated({
  script: ['node_modules/tap/dist/esm/run.mjs', '--disable-coverage', '--timeout=300', '--jobs=1', ...files],
  env: { ...tools, ...podmanSettings(SCRATCH), IMAGE },
  network: 'its own'
})
await endTurn()

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
