/** Replaces files atomically, and creates files and directories. */
import { randomBytes } from 'node:crypto'
import { renameSync } from 'node:fs'
import { mkdir, open, readlink, realpath, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { FileLockedError, FileWriteError, codeOf } from '../errors.js'
import { withLock } from './lock.js'
import { describeWriteError } from './problems.js'

export interface WriteOptions {
  /** Of the file; if absent, a replaced file keeps its mode. */
  readonly mode?: number
  /** Called right before the file is replaced, under a lock that other processes with a condition take too. */
  readonly onlyIf?: () => boolean
  /** Instead of that lock, one that other programs take too. @param target the file, with its symbolic links resolved */
  readonly lock?: (target: string, work: () => boolean) => Promise<boolean>
}

/**
 * Replaces a file atomically, also if the process crashes: writes a temporary
 * file beside it and renames that. Keeps the mode of an existing file, and its
 * owner if the process may change owners; replaces the target of a symbolic link.
 * @returns `false` if `onlyIf` returned false, and nothing was written
 * @throws FileWriteError
 */
export async function writeFileAtomic (file: string, text: string, options: WriteOptions = {}): Promise<boolean> {
  try {
    return await replace(await targetOf(file), text, options)
  } catch (error) {
    throw error instanceof FileLockedError ? error : writeError(error, file)
  }
}

/**
 * Creates a file, and fails if it exists: of two processes that start at once,
 * one fails instead of replacing the file of the other.
 * @throws FileWriteError
 */
export async function createFile (file: string, text: string, { mode = 0o666 }: { mode?: number } = {}): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx', mode })
  } catch (error) {
    throw writeError(error, file)
  }
}

/**
 * Creates a directory and its missing parents, without the `recursive` option
 * of Node.js, which loops endlessly below `/proc`.
 * @throws FileWriteError
 */
export async function makeDirectory (path: string, { mode = 0o777 }: { mode?: number } = {}): Promise<void> {
  const missing: string[] = []
  let parent = resolve(path)
  while (!await isDirectory(parent)) {
    missing.unshift(parent)
    parent = dirname(parent)
  }
  for (const directory of missing) {
    await mkdir(directory, { mode }).catch(async (error: NodeJS.ErrnoException) => {
      // another process may have created it meanwhile
      if (error.code === 'EEXIST' && await isDirectory(directory)) return
      throw writeError(error, directory, describeDirectoryError)
    })
  }
}

function writeError (error: unknown, path: string, describe = describeWriteError): Error {
  return new FileWriteError(`${path}: ${describe(error, path)}`, { cause: error })
}

function describeDirectoryError (error: unknown, directory: string): string {
  switch (codeOf(error)) {
    case 'EEXIST': return 'is not a directory'
    // its parent exists
    case 'ENOENT': return `can't be created: the file system of ${dirname(directory)} does not support directories`
    default: return describeWriteError(error, directory)
  }
}

async function isDirectory (path: string): Promise<boolean> {
  return await stat(path).then((stats) => stats.isDirectory(), () => false)
}

async function replace (target: string, text: string, { mode, onlyIf, lock = withLock }: WriteOptions): Promise<boolean> {
  const old = await stat(target).catch(ignoreAbsent)
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`)
  try {
    // not readable to others until it has its final owner and mode
    const handle = await open(temporary, 'wx', old === undefined ? mode ?? 0o666 : 0o600)
    try {
      await handle.writeFile(text)
      if (old !== undefined) await handle.chown(old.uid, old.gid).catch(ignoreNotPermitted)
      const finalMode = mode ?? (old && old.mode & 0o7777)
      if (finalMode !== undefined) await handle.chmod(finalMode)
      await handle.sync()
    } finally {
      await handle.close()
    }
    if (onlyIf === undefined) await rename(temporary, target)
    else if (!await lock(target, () => renameIf(onlyIf, temporary, target))) return false
  } finally {
    await rm(temporary, { force: true })
  }
  await syncDirectory(dirname(target))
  return true
}

function renameIf (condition: () => boolean, temporary: string, target: string): boolean {
  if (!condition()) return false
  renameSync(temporary, target)
  return true
}

/** Follows symbolic links, also to a file that does not exist. */
async function targetOf (file: string): Promise<string> {
  const real = await realpath(file).catch(ignoreAbsent)
  if (real !== undefined) return real
  const link = await readlink(file).catch(ignoreAbsent)
  return link === undefined ? resolve(file) : await targetOf(resolve(dirname(file), link))
}

/** A power failure can undo the rename until its directory is synced. */
async function syncDirectory (directory: string): Promise<void> {
  let handle: FileHandle | undefined
  try {
    handle = await open(directory)
    await handle.sync()
  } catch {
    // some file systems can't; the file is in place nevertheless
  } finally {
    await handle?.close()
  }
}

function ignoreAbsent (error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'EINVAL') throw error
}

function ignoreNotPermitted (error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPERM') throw error
}
