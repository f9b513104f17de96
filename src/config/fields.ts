/** Which field of a config names a file. */
import { resolve } from 'node:path'
import { joinPath } from '../documents/yaml-positions.js'

/** The path of the first one in `value`, which is at `at`; `dir` is where relative paths start. */
export function fieldOf (file: string, value: unknown, at: string, dir: string): string | undefined {
  if (typeof value === 'string') return resolve(dir, value) === file ? at : undefined
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, child] of Object.entries(value)) {
    const found = fieldOf(file, child, joinPath(at, Array.isArray(value) ? Number(key) : key), dir)
    if (found !== undefined) return found
  }
  return undefined
}
