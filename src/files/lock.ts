/**
 * One process at a time, by a file that only one of them can create. Node.js
 * has no lock that the kernel releases, so a lock can be left behind; it is
 * held for a moment only, hence one that stays the same for seconds is stale.
 */
import { closeSync, openSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { FileLockedError } from '../errors.js'
import { signatureOf } from './signature.js'

/** Milliseconds between two tries, at least; up to twice as many, so that processes that wait don't meet again. */
const PAUSE = 20
/** Milliseconds after which an unchanged lock is stale, on the clock of who waits: those of other machines may differ. */
const STALE = 5_000

export interface LockOptions {
  /** For tests. */
  readonly stale?: number
}

/**
 * Runs `work` while no other process runs its own for the same file.
 * @param file with its symbolic links resolved; the lock lies beside it
 * @param work short and synchronous, so that nothing of this process can hold it up
 */
export async function withLock<T> (file: string, work: () => T, { stale = STALE }: LockOptions = {}): Promise<T> {
  const lock = join(dirname(file), `.${basename(file)}.lock`)
  await take(lock, stale)
  try {
    return work()
  } finally {
    rmSync(lock, { force: true })
  }
}

async function take (lock: string, stale: number): Promise<void> {
  let seen = ''
  let since = 0
  while (!create(lock)) {
    const now = performance.now()
    const identity = signatureOf(lock)
    if (identity !== seen) {
      seen = identity
      since = now
    } else if (now - since >= stale) {
      removeStale(lock)
      continue
    }
    await sleep(PAUSE * (1 + Math.random()))
  }
}

function create (lock: string): boolean {
  try {
    closeSync(openSync(lock, 'wx', 0o600))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  }
}

function removeStale (lock: string): void {
  try {
    rmSync(lock, { force: true })
  } catch (error) {
    throw new FileLockedError(`${lock} was left behind by a command that was killed, and this user may not remove it: remove it as its owner`, { cause: error })
  }
}
