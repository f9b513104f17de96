/** Tells a command that a person types from one that a program repeats. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

interface ProcessFacts {
  /** Its ID. */
  readonly group: number
  /** Milliseconds since the epoch, rounded down. */
  readonly start: number
}

/**
 * Whether a person has typed the command that started this process, rather than
 * a loop, a prompt or a dashboard, and has done so after `time`: an interactive
 * shell makes what is typed a process group of its own, whose leader is `caller`.
 * @param time milliseconds since the epoch
 */
export function isTypedAfter (time: number, caller: number): boolean {
  const facts = factsOf(caller)
  return facts?.group === caller && facts.start >= time
}

function factsOf (pid: number): ProcessFacts | undefined {
  try {
    return process.platform === 'linux' ? factsOfProc(pid) : factsOfPs(pid)
  } catch {
    return undefined
  }
}

/** Linux gives times in hundredths of a second to programs, whatever its own clock does. */
const TICK = 10

/** `pid (name) state ppid pgrp …`, where the name may hold anything: see proc_pid_stat(5) */
function factsOfProc (pid: number): ProcessFacts {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, '').trim().split(' ').map(Number)
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000
  return { group: fields[2]!, start: Date.now() - uptime + fields[19]! * TICK }
}

/** `pgid [[days-]hours:]minutes:seconds` */
function factsOfPs (pid: number): ProcessFacts {
  const [group, elapsed = ''] = execFileSync('ps', ['-o', 'pgid=,etime=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim().split(/\s+/)
  const [seconds = NaN, minutes = NaN, hours = 0, days = 0] = elapsed.split(/[-:]/).map(Number).reverse()
  return { group: Number(group), start: Date.now() - ((((days * 24 + hours) * 60 + minutes) * 60) + seconds + 1) * 1000 }
}
