/**
 * The limit of open files, of which each connection takes one. A process that
 * reaches it can neither accept, nor read a file, nor ask a directory, so the
 * number of connections stays below it.
 */
import { readFileSync } from 'node:fs'

/** Files kept for everything that is not a connection of a client: the log, listeners, reloads, directories. */
export const RESERVED_FILES = 64
/** Connections that are accepted however low the limit is. */
const MIN_CONNECTIONS = 16

/** The soft limit of this process; undefined where it is unlimited or unknown. Node.js raises it to the hard limit when it starts. */
export function openFilesLimit (limits = '/proc/self/limits'): number | undefined {
  try {
    const [, soft] = /^Max open files +(\d+) /m.exec(readFileSync(limits, 'utf8')) ?? []
    return soft === undefined ? undefined : Number(soft)
  } catch {
    // not Linux, or /proc is not mounted
    return undefined
  }
}

/** @param listeners each of which accepts up to `max` connections */
export function maxConnectionsFor (configured: number, openFiles: number | undefined, listeners = 1): { max: number, lowered: boolean } {
  if (openFiles === undefined) return { max: configured, lowered: false }
  const bearable = Math.max(MIN_CONNECTIONS, Math.floor((openFiles - RESERVED_FILES) / listeners))
  return { max: Math.min(configured, bearable), lowered: bearable < configured }
}
