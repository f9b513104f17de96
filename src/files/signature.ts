/** Which file is there now? */
import { realpathSync, statSync } from 'node:fs'

/**
 * A word that differs as soon as a file's content may differ: after a rename
 * over it, a swapped link, a write; by the change time also after a write of
 * the same size and after new permissions. For an absent file, the error's code.
 */
export function signatureOf (file: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true })
    return [realpathSync.native(file), dev, ino, size, mtimeNs, ctimeNs].join(' ')
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown'
  }
}
