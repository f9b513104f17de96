/** Files that are replaced as a whole: a reader sees the old text or the new one, and a crash leaves one of them. */
import { randomBytes } from 'node:crypto'
import { renameSync } from 'node:fs'
import { open, readlink, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { FileWriteError } from '../errors.js'
import { withLock } from './lock.js'
import { whyUnwritable } from './unwritable.js'

export interface WriteOptions {
  /** Of the new file, before `umask` if there was none; without it, that of the old one. */
  readonly mode?: number
  /** Asked right before the file is replaced, while no other process that asks may replace it: whether to do so. */
  readonly onlyIf?: () => boolean
}

/**
 * Writes `text` to a file beside `file` and renames it over. Keeps the mode of
 * the file that was there, and its owner where the process may give files
 * away; a symbolic link stays, its target is replaced.
 * @returns whether it was written: `false` only if `onlyIf` says so
 * @throws FileWriteError where the file can't be written
 */
export async function writeFileAtomic (file: string, text: string, options: WriteOptions = {}): Promise<boolean> {
  try {
    return await replace(await targetOf(file), text, options)
  } catch (error) {
    if (error instanceof FileWriteError) throw error
    throw new FileWriteError(`${file}: ${whyUnwritable(error, file)}`, { cause: error })
  }
}

async function replace (target: string, text: string, { mode, onlyIf }: WriteOptions): Promise<boolean> {
  const old = await stat(target).catch(whenAbsent)
  const draft = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`)
  try {
    // nobody else may read it before it has its final owner and mode
    const handle = await open(draft, 'wx', old === undefined ? mode ?? 0o666 : 0o600)
    try {
      await handle.writeFile(text)
      if (old !== undefined) await handle.chown(old.uid, old.gid).catch(whenNotPermitted)
      const finalMode = mode ?? (old && old.mode & 0o7777)
      if (finalMode !== undefined) await handle.chmod(finalMode)
      await handle.sync()
    } finally {
      await handle.close()
    }
    if (onlyIf === undefined) await rename(draft, target)
    else if (!await renameOnlyIf(onlyIf, draft, target)) return false
  } finally {
    // after the rename there is none
    await rm(draft, { force: true })
  }
  await syncDirectory(dirname(target))
  return true
}

async function renameOnlyIf (condition: () => boolean, draft: string, target: string): Promise<boolean> {
  return await withLock(target, () => {
    if (!condition()) return false
    renameSync(draft, target)
    return true
  })
}

/** The file that a chain of symbolic links ends at, whether it exists or not. */
async function targetOf (file: string): Promise<string> {
  const real = await realpath(file).catch(whenAbsent)
  if (real !== undefined) return real
  const link = await readlink(file).catch(whenAbsent)
  return link === undefined ? resolve(file) : await targetOf(resolve(dirname(file), link))
}

/** The rename itself is lost in a power failure until its directory is written. */
async function syncDirectory (directory: string): Promise<void> {
  let handle: FileHandle | undefined
  try {
    handle = await open(directory)
    await handle.sync()
  } catch {
    // some file systems can't; the file is in place all the same
  } finally {
    await handle?.close()
  }
}

function whenAbsent (error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'EINVAL') throw error
}

function whenNotPermitted (error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPERM') throw error
}
