/**
 * Sign-ins that failed or were dismissed. For a while, calls in the background
 * fail in the same way instead of opening a browser again: one kubectl command
 * calls the plugin several times, and `watch` never stops.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { SIGN_IN_FAILURES, type SignInFailure } from '../sign-in-error.js'
import { readPrivateFile, writePrivateFile } from './entries.js'

/** Milliseconds for which a failure is remembered. */
export const REMEMBERED = 30_000

export interface Failure {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly failure: SignInFailure
  readonly message: string
}

export async function rememberFailure (directory: string, key: string, failure: Failure): Promise<void> {
  await writePrivateFile(directory, failureFile(directory, key), failure)
}

/** The last failure, unless it is too old. `now`: milliseconds since the epoch. */
export function readFailure (directory: string, key: string, now: number): Failure | undefined {
  const value = readPrivateFile(failureFile(directory, key))
  if (typeof value !== 'object' || value === null) return undefined
  const { at, message, failure } = value as Partial<Failure>
  const isComplete = typeof at === 'number' && typeof message === 'string' && SIGN_IN_FAILURES.some(each => each === failure)
  // a clock that was set back would keep it alive
  return isComplete && Math.abs(now - at) < REMEMBERED ? value as Failure : undefined
}

export function forgetFailure (directory: string, key: string): void {
  rmSync(failureFile(directory, key), { force: true })
}

function failureFile (directory: string, key: string): string {
  return join(directory, `${key}.failed`)
}
