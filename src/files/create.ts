/** Creates directories and files that do not exist yet. */
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { FileWriteError } from '../errors.js'
import { whyUnwritable } from './unwritable.js'

/**
 * Makes a directory and those above it that are missing. Not by the
 * `recursive` of Node.js, which never ends below `/proc`, where what does not
 * exist can't be made either.
 * @throws FileWriteError
 */
export async function makeDirectory (path: string, { mode = 0o777 }: { mode?: number } = {}): Promise<void> {
  const missing: string[] = []
  let there = resolve(path)
  while (!await isDirectory(there)) {
    missing.unshift(there)
    there = dirname(there)
  }
  for (const directory of missing) {
    await mkdir(directory, { mode }).catch(async (error: NodeJS.ErrnoException) => {
      // another process made it
      if (error.code === 'EEXIST' && await isDirectory(directory)) return
      throw new FileWriteError(`${directory}: ${whyNotMade(error, directory)}`, { cause: error })
    })
  }
}

function whyNotMade (error: NodeJS.ErrnoException, directory: string): string {
  switch (error.code) {
    case 'EEXIST': return 'is not a directory'
    // the one above is there
    case 'ENOENT': return `can't be created: the file system of ${dirname(directory)} takes no directories`
    default: return whyUnwritable(error, directory)
  }
}

/**
 * Writes a file that must not exist yet: of two processes that start at once,
 * one fails instead of replacing the other's.
 * @throws FileWriteError
 */
export async function createFile (file: string, text: string, { mode = 0o666 }: { mode?: number } = {}): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx', mode })
  } catch (error) {
    throw new FileWriteError(`${file}: ${whyUnwritable(error, file)}`, { cause: error })
  }
}

async function isDirectory (path: string): Promise<boolean> {
  return await stat(path).then((stats) => stats.isDirectory(), () => false)
}
