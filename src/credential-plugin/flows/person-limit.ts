/** How long a person may take to sign in: other commands wait behind this one. */
import { SignInError } from '../sign-in-error.js'

/** Milliseconds. */
const LIMIT = 5 * 60_000

/**
 * Runs `work` with a signal that ends it when time is up, or with `signal`.
 * @throws SignInError when time is up
 */
export async function limitPerson<T> (signal: AbortSignal, limit: number | undefined = LIMIT, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const expiry = AbortSignal.timeout(limit)
  try {
    return await work(AbortSignal.any([signal, expiry]))
  } catch (error) {
    if (expiry.aborted && !signal.aborted) throw new SignInError('not-signed-in', `nobody signed in within ${Math.round(limit / 60_000)} min: run the command again`)
    throw error
  }
}
