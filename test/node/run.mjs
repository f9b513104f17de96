// Proves the Helm chart on real nodes: kubelet, containerd, scheduler, controllers
// and kube-proxy, all from Debian's packages. From nothing on a Debian machine as root.
//
// usage: npm run test:node -- [--install] [FILE…]
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ARCHIVE, PAUSE_ARCHIVE, PAUSE_IMAGE } from '../chart-install/images.mjs'
import { CGROUPS, isolated, runIsolated, SCRATCH, takeTurn } from '../chart-install/isolation.mjs'
import { buildKubernetes, fail, requirePackages, say, unpackKubectl } from '../e2e/tools.mjs'
import { findLeftovers, takeStock } from './leftovers.mjs'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const LONGEST = ['sign-in.node.ts', 'release.node.ts', 'probes.node.ts', 'lost-node.node.ts', 'users.node.ts', 'placement.node.ts', 'failures.node.ts']
/** Most of the time they wait; but pods get little of a processor that others want, and with more of these at a time handshakes took over ten seconds. */
const AT_A_TIME = 2

const { values: { install }, positionals } = parseArgs({
  allowPositionals: true,
  options: { install: { type: 'boolean', default: process.env.CI === 'true' } }
})
process.chdir(fileURLToPath(new URL('../..', import.meta.url)))
if (process.getuid() !== 0 || !existsSync('/etc/debian_version')) fail('The tests on nodes need root on Debian: they run a kubelet and containerd.')

requirePackages({
  unzip: 'unzip',
  etcd: 'etcd-server',
  containerd: 'containerd',
  podman: 'podman',
  buildah: 'buildah',
  runc: 'runc',
  conmon: 'conmon',
  iptables: 'iptables',
  conntrack: 'conntrack',
  ip: 'iproute2',
  catatonit: 'catatonit',
  newuidmap: 'uidmap',
  mmdebstrap: 'mmdebstrap',
  // in no PATH
  ...!existsSync('/usr/lib/cni/bridge') && { 'cni bridge': 'containernetworking-plugins' }
}, install)

const kubernetes = buildKubernetes(install)
const env = {
  ETCD: 'etcd',
  KUBE_APISERVER: join(kubernetes, 'kube-apiserver'),
  KUBE_CONTROLLER_MANAGER: join(kubernetes, 'kube-controller-manager'),
  KUBE_SCHEDULER: join(kubernetes, 'kube-scheduler'),
  KUBE_PROXY: join(kubernetes, 'kube-proxy'),
  KUBELET: join(kubernetes, 'kubelet'),
  ARCHIVE,
  PAUSE_ARCHIVE,
  PAUSE_IMAGE,
  ...unpackKubectl()
}
const files = positionals.length > 0 ? [...positionals] : everyFile()

/** Then its output comes as it is written. */
const alone = files.length === 1
const before = takeStock()

const endTurn = await takeTurn()
runIsolated({ script: [join(HERE, '../chart-install/images.mjs'), '--archives'], network: 'the machine\'s' })
const passed = await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
  let allPassed = true
  for (let file = files.shift(); file !== undefined; file = files.shift()) allPassed = await runFile(file) && allPassed
  return allPassed
}))
await endTurn()
await expectNothingLeft('the run')
if (positionals.length === 0) await killHalfWay()
if (passed.includes(false)) process.exitCode = 1

/** A run that is killed together with all that it started, once it has nodes and pods. */
async function killHalfWay () {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'test/node/half-way.ts'], { stdio: ['ignore', 'pipe', 'inherit'], detached: true, env: { ...process.env, TAP_REPORTER: 'tap' } })
  for await (const line of createInterface(child.stdout)) if (line.includes('half-way') && !line.includes('Subtest')) break
  process.kill(-child.pid, 'SIGKILL')
  await expectNothingLeft('a run that was killed half-way')
}

async function expectNothingLeft (what) {
  const left = await findLeftovers(before)
  if (left.length > 0) fail(`${what} has left behind:\n${left.join('\n')}`)
  say(`Nothing is left of ${what}`)
}

/** Each in a machine of its own, so that all may have the same addresses. @returns whether it passed */
async function runFile (file) {
  const [command, args] = isolated({ script: ['node_modules/tap/dist/esm/run.mjs', '--disable-coverage', '--timeout=900', file], network: 'its own' })
  const child = spawn(command, args, { stdio: ['ignore', alone ? 'inherit' : 'pipe', 'inherit'], env: { ...process.env, ...env, CGROUP: join(CGROUPS, file.replaceAll('/', '-')), TMPDIR: SCRATCH } })
  const output = alone ? '' : text(child.stdout)
  const code = await new Promise(resolve => { child.once('close', resolve) })
  say(file)
  process.stdout.write(await output)
  return code === 0
}

/** Those first that take the longest: the others run beside them. */
function everyFile () {
  const files = readdirSync(HERE).filter(name => name.endsWith('.node.ts')).sort()
  return [...new Set([...LONGEST, ...files])].map(name => `test/node/${name}`)
}
