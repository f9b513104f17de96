// A machine within the machine, for tests that run containers: gone with all that
// was in it when the process that made it is, however that ends.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { CACHE, say } from '../e2e/tools.mjs'

/** Files that are to be forgotten, in memory. */
export const SCRATCH = join(CACHE, 'scratch')
/** Parent of all control groups that a kubelet of a test makes. */
export const CGROUPS = 'authn-webhook-test'

/**
 * What outlives its processes, and belongs to no namespace: control groups. The
 * process that holds the turn removes them when nothing runs in them any more, in
 * a session of its own, so that neither ^C nor a kill of the run reaches it.
 */
const HOLD = `
echo
cat > /dev/null
for second in $(seq 60); do
  find /sys/fs/cgroup -depth -type d -path "*/${CGROUPS}*" -exec rmdir {} + 2> /dev/null && break
  sleep 1
done`

/** Two runs would build over each other's image: the second waits. @returns a function that ends the turn, and resolves once all is removed */
export async function takeTurn () {
  mkdirSync(CACHE, { recursive: true })
  const holder = spawn('flock', [join(CACHE, 'chart.lock'), 'bash', '-c', HOLD], { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
  const patience = setTimeout(() => { say('Waiting for another run to end') }, 1000)
  await once(holder.stdout, 'data')
  clearTimeout(patience)
  return async () => {
    holder.stdin.end()
    await once(holder, 'exit')
  }
}

/**
 * The command that runs a script of Node there: with processes, mounts and files
 * of its own, and, where the network is its own, addresses, ports and rules of a
 * firewall. What a kubelet sets for the whole machine it sets in copies.
 */
export function isolated ({ script, network }) {
  mkdirSync(SCRATCH, { recursive: true })
  return ['setpriv', [
    '--pdeathsig', 'KILL',
    'unshare', '--pid', '--fork', '--kill-child', '--mount', '--mount-proc', ...network === 'its own' ? ['--net'] : [],
    'catatonit', '--',
    'bash', '-euc', PREPARE, 'bash',
    process.execPath, ...script
  ]]
}

const PREPARE = `
for folder in /run /dev/shm "$TMPDIR"; do mount -t tmpfs tmpfs "$folder"; done
for name in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
  mkdir -p "/run/sysctl/$(dirname "$name")"
  cat "/proc/sys/$name" > "/run/sysctl/$name"
  mount --bind "/run/sysctl/$name" "/proc/sys/$name"
done
ip link set lo up
exec "$@"`

/** Runs a script there, and ends this process where it fails. */
export function runIsolated ({ script, env, network }) {
  const [command, args] = isolated({ script, network })
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env, TMPDIR: SCRATCH } })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}
