/**
 * The directory of the cache: only its user can read it. Tokens are as good as
 * passwords while they last, so whatever others could have written or can read is
 * refused instead of repaired.
 */
import { lstatSync, type Stats } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import envPaths from 'env-paths'
import { codeOf, FileWriteError } from '../../errors.js'
import { describeWriteError } from '../../files/problems.js'
import { SignInError } from '../sign-in-error.js'

/** `undefined` on Windows, where the profile of a user is private. */
const uid = process.getuid?.()

/**
 * Below the user's cache directory; XDG_CACHE_HOME moves it on Linux.
 * @throws SignInError if it is relative: tokens would be written wherever one is
 */
export function cacheDirectory (): string {
  const directory = join(envPaths('authn-webhook', { suffix: '' }).cache, 'login')
  if (!isAbsolute(directory)) throw refused(directory, 'is not an absolute path', 'set HOME or XDG_CACHE_HOME to one')
  return directory
}

/**
 * `false` if it does not exist.
 * @throws SignInError if others can change or read it
 */
export function assertPrivateDirectory (directory: string): boolean {
  const stats = statsOf(directory)
  if (stats === undefined) return false
  if (!stats.isDirectory()) throw refused(directory, 'is not a directory', `remove it: rm ${directory}`)
  assertPrivate(directory, stats)
  return true
}

/** @throws SignInError if the file or directory belongs to another user, or if others have rights */
export function assertPrivate (path: string, stats: Stats): void {
  if (uid === undefined) return
  if (stats.uid !== uid) throw refused(path, 'belongs to another user', 'remove it; with sudo, use "sudo -H" or set XDG_CACHE_HOME')
  if ((stats.mode & 0o077) !== 0) {
    const mode = stats.isDirectory() ? '700' : '600'
    throw refused(path, `is accessible to other users (mode ${(stats.mode & 0o777).toString(8)})`, `they may have copied the tokens: run "authn-webhook logout --all" after "chmod ${mode} ${path}"`)
  }
}

export function refused (path: string, problem: string, advice: string): SignInError {
  return new SignInError('invalid', `${path} ${problem}: ${advice}`)
}

const UNWRITABLE = ['EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EDQUOT']

/**
 * What a sign-in fails with: without a cache there is no lock, and every command
 * of a script would open a browser.
 */
export function describeCacheError (error: unknown, directory: string): unknown {
  const cause = error instanceof FileWriteError ? error.cause : error
  return UNWRITABLE.includes(codeOf(cause) ?? '') ? refused(directory, describeWriteError(cause, join(directory, 'tokens')), 'set XDG_CACHE_HOME to a directory in which tokens can be cached') : error
}

function statsOf (path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
