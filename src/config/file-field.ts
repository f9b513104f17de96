import { resolve } from 'node:path'
import { joinPath } from '../documents/yaml-positions.js'

/** Finds the first field of `value`, at `path` of the config, that names `file`; relative paths start at `dir`. */
export function findFileField (file: string, value: unknown, path: string, dir: string): string | undefined {
  if (typeof value === 'string') return resolve(dir, value) === file ? path : undefined
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, child] of Object.entries(value)) {
    const found = findFileField(file, child, joinPath(path, Array.isArray(value) ? Number(key) : key), dir)
    if (found !== undefined) return found
  }
  return undefined
}
