/** Tells whether a file has changed. */
import { realpathSync, statSync } from 'node:fs'
import { codeOf } from '../errors.js'

/**
 * Differs whenever the content of the file may differ: after a rename over it, a
 * swapped link, a write (of the same size too, by the change time) and after new
 * permissions. For an absent file, the code of the error.
 */
export function signatureOf (file: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true })
    return [realpathSync.native(file), dev, ino, size, mtimeNs, ctimeNs].join(' ')
  } catch (error) {
    return codeOf(error) ?? 'unknown'
  }
}
