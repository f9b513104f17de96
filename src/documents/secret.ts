/**
 * Secrets that files write as text, `{ file: PATH }` or `{ env: NAME }`. The
 * text is behind `reveal()`: what is logged, printed or inspected by accident
 * says `[secret]`.
 */
import { resolve } from 'node:path'
import { inspect } from 'node:util'
import { Secret as SecretSchema, type Secret } from '../../schemas/primitives.js'
import { signatureOf } from '../files/signature.js'
import { readTextSync } from './text.js'

export type SecretReference = string | { readonly file: string } | { readonly env: string }

export interface SecretSurroundings {
  readonly env?: NodeJS.ProcessEnv | undefined
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number
}

/** How long a secret of a file is taken as current without a look at the file. */
const LOOK_INTERVAL = 1000

/**
 * A relative path is relative to `baseDir`. Files are read again when they
 * have changed; one that is gone or empty by then leaves the last good text.
 * @throws Error where the file or variable is missing or empty
 */
export function secretFrom (reference: SecretReference, baseDir: string, { env = process.env, now = () => performance.now() }: SecretSurroundings = {}): Secret {
  if (!isReference(reference)) throw new Error(`must be ${SecretSchema.expected}`)
  if (typeof reference === 'string') return new HiddenText(() => reference)
  if ('env' in reference) {
    const text = env[reference.env]
    const name = VARIABLE.test(reference.env) ? `the environment variable ${reference.env}` : 'the environment variable that is named here'
    if (text === undefined) throw new Error(`${name} is not set`)
    if (text === '') throw new Error(`${name} is empty`)
    return new HiddenText(() => text)
  }
  return new HiddenText(fileReader(resolve(baseDir, reference.file), now))
}

/** What POSIX calls a variable of a program; the secret itself, typed in place of its name, is hardly one. */
const VARIABLE = /^[A-Z][A-Z0-9_]*$/

/** A third party's schema may say `x-secret` and nothing else. */
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
  // the identity is taken before the text: a write between the two is seen next time
  let identity = signatureOf(file)
  let text = readSecret(file)
  let looked = now()
  return () => {
    if (now() - looked < LOOK_INTERVAL) return text
    looked = now()
    const current = signatureOf(file)
    if (current === identity) return text
    try {
      text = readSecret(file)
      identity = current
    } catch {
      // being replaced just now, or lost; who uses the text learns whether it is still good
    }
    return text
  }
}

function readSecret (file: string): string {
  const read = readTextSync(file)
  if (read.error !== undefined) throw new Error(`the file ${file} ${read.error}`)
  // editors and `echo` end the line
  const text = read.text.replace(/\r?\n$/, '')
  if (text === '') throw new Error(`the file ${file} is empty`)
  return text
}
