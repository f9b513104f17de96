/** What the `keys` commands share. */
import { milliseconds } from '../../../authn/duration.js'
import type { Command } from 'commander'

export interface DirectoryOptions {
  readonly dir: string
}

export function addDirectoryOption (command: Command): Command {
  return command.requiredOption('--dir <dir>', 'directory of the keys')
}

const MINUTE = 60_000

/** `3d`, `5h`, `0m`. @param span milliseconds */
export function formatAge (span: number): string {
  const minutes = Math.max(0, Math.floor(span / MINUTE))
  if (minutes < 120) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`
}

/** When the last token has expired that is issued now. @param ttl a duration */
export function lastExpiry (ttl: string, now: number = Date.now()): Date {
  return new Date(now + milliseconds(ttl))
}
