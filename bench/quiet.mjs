// Who else used the two processors. A measurement is worth as much as the machine
// was quiet; where it was not, it is worth repeating.
import { readFileSync } from 'node:fs'
import * as cores from './cores.mjs'

/** Of /proc; Linux shows it as 100 everywhere. */
const TICKS_PER_SECOND = 100
/** Of the two processors: what repeats a measurement. */
const TOO_MUCH = 0.04

/** Milliseconds of processor time of a process, all its threads; with those of the children that it has waited for. */
function processorTime (pid) {
  // the second field, the name, may hold spaces
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ').map(Number)
  const [user, system, ofChildren, systemOfChildren] = fields.slice(11, 15)
  const own = (user + system) * 1000 / TICKS_PER_SECOND
  return { own, withChildren: own + (ofChildren + systemOfChildren) * 1000 / TICKS_PER_SECOND }
}

/**
 * Measures again while somebody else uses the processors, as long as there is time
 * to spare.
 * @param spare `{ seconds }` of the whole run for repetitions
 * @param server undefined where `measure` starts and stops it: a child that has ended counts as the bench's own
 * @param measure gives figures
 * @returns the figures, with `processorTime` and `busy` of the server where they
 *   count requests, and `foreign`: the part of both processors that others took
 */
export async function quietly (spare, server, measure) {
  for (;;) {
    const before = look(server)
    const figures = await measure()
    const after = look(server)
    const elapsed = after.at - before.at
    const foreign = Math.max(0, (after.machine - before.machine - (after.server - before.server) - (after.bench - before.bench)) / (2 * elapsed))
    const sample = { ...figures, ...work(figures, after.server - before.server), foreign: round(foreign, 3) }
    if (foreign <= TOO_MUCH || spare.seconds <= 0) return sample
    spare.seconds -= elapsed / 1000
  }
}

function look (server) {
  return { at: performance.now(), machine: machineTime(), server: server === undefined ? 0 : processorTime(server.pid).own, bench: processorTime('self').withChildren }
}

/** Milliseconds that both processors computed or were lent to other machines; what the network takes is ours. */
function machineTime () {
  const lines = readFileSync('/proc/stat', 'utf8').split('\n')
  const ticks = [cores.SERVER, cores.LOAD].map(core => {
    const [user, nice, system, , , , , steal] = lines.find(line => line.startsWith(`cpu${core} `)).split(' ').slice(1).map(Number)
    return user + nice + system + steal
  })
  return (ticks[0] + ticks[1]) * 1000 / TICKS_PER_SECOND
}

/** Of what counts requests over a time: reviews a second, microseconds of the processor for each, and the part of one that the server used. */
function work ({ requests, seconds }, milliseconds) {
  if (requests === undefined || seconds === undefined) return {}
  const processorTime = milliseconds * 1000 / requests
  return { perSecond: round(requests / seconds, 1), processorTime: round(processorTime, 2), speed: round(1e6 / processorTime, 1), busy: round(milliseconds / 1000 / seconds, 3) }
}

function round (value, digits) {
  return Number(value.toFixed(digits))
}
