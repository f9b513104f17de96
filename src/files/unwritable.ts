/** Why a file or a directory can't be written, in words. */
import { dirname } from 'node:path'

const REASONS: Record<string, string> = {
  EROFS: "can't be written: the file system is read-only",
  ENOSPC: "can't be written: no space is left on the device",
  EDQUOT: "can't be written: the disk quota is used up",
  EBUSY: "can't be replaced: it is a mount point of its own; mount its directory instead",
  EEXIST: "can't be created: another process has just done so; run the command again",
  EISDIR: 'is a directory, not a file',
  ELOOP: 'is a symbolic link that leads to itself',
  ENOTDIR: "can't be written: a part of its path is not a directory",
  ENAMETOOLONG: "can't be written: its name is too long"
}

/** As the end of a sentence that begins with the path. */
export function whyUnwritable (error: unknown, path: string): string {
  const { code } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT': return `can't be written: the directory ${dirname(path)} does not exist`
    case 'EACCES':
    case 'EPERM': return `can't be written: this user may not create files in ${dirname(path)}`
    default: return REASONS[code ?? ''] ?? `can't be written: ${code ?? 'an unknown error'}`
  }
}
