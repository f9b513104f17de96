/** Tells a command that a person types from one that a program repeats. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * Whether a person has typed the command that started this process, rather than
 * a loop, a prompt or a dashboard: an interactive shell makes what is typed a
 * process group of its own, whose leader is `caller`.
 */
export function isTyped (caller: number): boolean {
  return processGroupOf(caller) === caller
}

function processGroupOf (pid: number): number | undefined {
  try {
    // `pid (name) state ppid pgrp …`, where the name may hold anything
    if (process.platform === 'linux') return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, '').trim().split(' ')[2])
    return Number(execFileSync('ps', ['-o', 'pgid=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  } catch {
    return undefined
  }
}
