/** The version of this release: the one in package.json, whether this runs from the sources or from dist. */
import { existsSync, readFileSync } from 'node:fs'

export const version: string = readVersion(new URL('.', import.meta.url))

function readVersion (directory: URL): string {
  const file = new URL('package.json', directory)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : readVersion(new URL('..', directory))
}
