/**
 * Keeps the number of connections below the limit of open files: a process that
 * reaches it can neither accept connections, nor read files, nor connect to a
 * directory.
 */
import { readFileSync } from 'node:fs'

/** Files reserved for the log, listeners, reloads and directories. */
export const RESERVED_FILES = 64
/** Connections that are accepted even if the limit is lower. */
const MIN_CONNECTIONS = 16

/** @returns the soft limit of this process, which Node.js raises to the hard limit when it starts; `undefined`: unlimited or unknown */
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
  const available = Math.max(MIN_CONNECTIONS, Math.floor((openFiles - RESERVED_FILES) / listeners))
  return { max: Math.min(configured, available), lowered: available < configured }
}
