/** Why a local file can't be read, in words that end a sentence beginning with its path. */
import type { Stats } from 'node:fs'

/** Of the open file: what lies at a path may be another one by now. */
export function whyUnfit (stats: Stats, maxBytes: number, pipes: boolean): string | undefined {
  if (stats.isDirectory()) return REASONS['EISDIR']
  if (!stats.isFile()) return pipes ? undefined : NOT_REGULAR
  return stats.size > maxBytes ? tooLarge(maxBytes) : undefined
}

export function tooLarge (maxBytes: number): string {
  return `is too large: more than ${maxBytes / 1024 / 1024} MiB`
}

const NOT_REGULAR = 'is not a regular file'

const REASONS: Record<string, string> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist: a part of its path is not a directory',
  EISDIR: 'is a directory, not a file',
  ELOOP: 'is a symbolic link that leads to itself',
  EACCES: 'may not be read by the user that this process runs as',
  EPERM: 'may not be read by the user that this process runs as',
  // a socket, or a device that is not there
  ENXIO: NOT_REGULAR,
  ENODEV: NOT_REGULAR,
  // files of the kernel that have nothing to give yet
  EAGAIN: NOT_REGULAR
}

/** Why a file could not be opened or read. */
export function whyUnreadable (error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? 'an unknown error'
  return REASONS[code] ?? `can't be read: ${code}`
}
