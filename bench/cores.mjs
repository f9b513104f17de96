// Which processor does what: servers have one to themselves, whatever loads them
// another. Node.js and Go start threads beside the one that answers; pinning keeps
// those too on the server's processor, so none of its time is lent.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const [, list] = readFileSync('/proc/self/status', 'utf8').match(/^Cpus_allowed_list:\s*(\S+)$/m)
const allowed = list.split(',').flatMap(range => {
  const [from, to = from] = range.split('-').map(Number)
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
})
if (allowed.length < 2) throw new Error('two processors are needed: one for the server, one for the load')

export const SERVER = String(allowed[0])
export const LOAD = String(allowed.at(-1))
/** For what may use two; it shares one with the load. */
export const BOTH = `${SERVER},${LOAD}`

/** A command line that runs on these processors alone; the process keeps its id. */
export function pinned (cores, command, args) {
  return ['taskset', ['--cpu-list', cores, command, ...args]]
}

/** This process measures start-ups, so it stays away from the servers too. */
export function pinThisProcess () {
  spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', LOAD, String(process.pid)])
}
