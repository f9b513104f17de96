/** Why a file can't be read or written, as the end of a sentence that begins with its path. */
import type { Stats } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf } from '../errors.js'

/** A reason of our own, beside those of the operating system. */
export class ReadProblem extends Error {}

/** @throws ReadProblem; `stats` are those of the open file, since another file may be at its path by now */
export function assertReadable (stats: Stats, maxBytes: number, pipes = false): void {
  if (stats.isDirectory()) throw new ReadProblem(BOTH['EISDIR'])
  if (!stats.isFile() && !pipes) throw new ReadProblem(NOT_REGULAR)
  if (stats.isFile()) assertSize(stats.size, maxBytes)
}

/** @throws ReadProblem */
export function assertSize (bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) throw new ReadProblem(`is too large: more than ${maxBytes / 1024 / 1024} MiB`)
}

const UNKNOWN = 'an unknown error'
const NOT_REGULAR = 'is not a regular file'

const BOTH: Record<string, string> = {
  EISDIR: 'is a directory, not a file',
  ELOOP: 'is a symbolic link that leads to itself'
}

const READ: Record<string, string> = {
  ...BOTH,
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist: a part of its path is not a directory',
  EACCES: "can't be read by the user that this process runs as",
  EPERM: "can't be read by the user that this process runs as",
  // a socket, or a device that does not exist
  ENXIO: NOT_REGULAR,
  ENODEV: NOT_REGULAR,
  // files of the kernel without data yet
  EAGAIN: NOT_REGULAR
}

const WRITE: Record<string, string> = {
  ...BOTH,
  EROFS: "can't be written: the file system is read-only",
  ENOSPC: "can't be written: no space is left on the device",
  EDQUOT: "can't be written: the disk quota is exceeded",
  EBUSY: "can't be replaced: it is a mount point; mount its directory instead",
  EEXIST: "can't be created: another process has just created it; run the command again",
  ENOTDIR: "can't be written: a part of its path is not a directory",
  ENAMETOOLONG: "can't be written: its name is too long"
}

export function describeReadError (error: unknown): string {
  if (error instanceof ReadProblem) return error.message
  const code = codeOf(error) ?? UNKNOWN
  return READ[code] ?? `can't be read: ${code}`
}

export function describeWriteError (error: unknown, path: string): string {
  const code = codeOf(error) ?? UNKNOWN
  switch (code) {
    case 'ENOENT': return `can't be written: the directory ${dirname(path)} does not exist`
    case 'EACCES':
    case 'EPERM': return `can't be written: this user can't create files in ${dirname(path)}`
    default: return WRITE[code] ?? `can't be written: ${code}`
  }
}
