/**
 * Secrets, which a file writes as text, `{ file: PATH }` or `{ env: NAME }`.
 * Only `reveal()` returns the text; one that is logged or printed by accident
 * shows `[secret]`.
 */
import { resolve } from 'node:path'
import { inspect } from 'node:util'
import { Secret as SecretSchema, type Secret } from '../../schemas/primitives.js'
import { signatureOf } from '../files/signature.js'
import { readTextSync } from './text.js'

export type SecretReference = string | { readonly file: string } | { readonly env: string }

export interface SecretSurroundings {
  readonly env?: NodeJS.ProcessEnv | undefined
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number
}

/** How long the secret of a file is used before the file is examined again, in milliseconds. */
const MAX_AGE = 1000

/**
 * A file is read again when it changes; while it is missing or empty, the
 * previous text remains. A relative path is relative to `baseDir`.
 * @throws Error if the file or variable is missing or empty
 */
export function secretFrom (reference: SecretReference, baseDir: string, { env = process.env, now = () => performance.now() }: SecretSurroundings = {}): Secret {
  if (!isReference(reference)) throw new Error(`must be ${SecretSchema.expected}`)
  if (typeof reference === 'string') return new HiddenText(() => reference)
  if ('env' in reference) {
    const text = env[reference.env]
    const name = VARIABLE.test(reference.env) ? `the environment variable ${reference.env}` : 'this environment variable'
    if (text === undefined) throw new Error(`${name} is not set`)
    if (text === '') throw new Error(`${name} is empty`)
    return new HiddenText(() => text)
  }
  return new HiddenText(fileReader(resolve(baseDir, reference.file), now))
}

/** POSIX names of variables. People may type the secret itself in place of a name; it hardly looks like one. */
const VARIABLE = /^[A-Z][A-Z0-9_]*$/

/** A third party's schema may say only `x-secret`. */
function isReference (value: unknown): value is SecretReference {
  if (typeof value === 'string') return value !== ''
  if (value === null || typeof value !== 'object') return false
  const [[key, text] = [], ...others] = Object.entries(value)
  return (key === 'file' || key === 'env') && typeof text === 'string' && text !== '' && others.length === 0
}

export class HiddenText implements Secret {
  readonly #read: () => string

  constructor (read: () => string) {
    this.#read = read
  }

  reveal (): string {
    return this.#read()
  }

  toString (): string {
    return '[secret]'
  }

  toJSON (): string {
    return '[secret]'
  }

  [inspect.custom] (): string {
    return '[secret]'
  }
}

function fileReader (file: string, now: () => number): () => string {
  // before the text, so that a write between the two is noticed next time
  let signature = signatureOf(file)
  let text = readSecret(file)
  let examinedAt = now()
  return () => {
    if (now() - examinedAt < MAX_AGE) return text
    examinedAt = now()
    const current = signatureOf(file)
    if (current === signature) return text
    try {
      text = readSecret(file)
      signature = current
    } catch {
      // the file is being replaced, or lost: whether the previous text still works shows when it is used
    }
    return text
  }
}

function readSecret (file: string): string {
  const read = readTextSync(file)
  if (read.error !== undefined) throw new Error(`the file ${file} ${read.error}`)
  // editors and `echo` add a line break
  const text = read.text.replace(/\r?\n$/, '')
  if (text === '') throw new Error(`the file ${file} is empty`)
  return text
}
