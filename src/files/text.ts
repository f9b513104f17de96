/** The text of a local file, or the reason in words why there is none. */
import { readFile } from 'node:fs/promises'
import { FaultsError } from '../errors.js'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** @throws FaultsError where the file can't be read or isn't UTF-8 */
export async function readText (file: string): Promise<string> {
  let bytes: Buffer
  try {
    bytes = await readFile(file)
  } catch (error) {
    throw new FaultsError(file, [{ path: '', message: whyUnreadable(error) }])
  }
  try {
    return utf8.decode(bytes)
  } catch {
    throw new FaultsError(file, [{ path: '', message: 'is not UTF-8 text' }])
  }
}

const REASONS: Record<string, string> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist: a part of its path is not a directory',
  EISDIR: 'is a directory, not a file',
  ELOOP: 'is a symbolic link that leads to itself',
  EACCES: 'may not be read by the user that this process runs as',
  EPERM: 'may not be read by the user that this process runs as'
}

/** Why a file could not be opened or read, as the end of a sentence that begins with its path. */
export function whyUnreadable (error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? 'an unknown error'
  return REASONS[code] ?? `can't be read: ${code}`
}
