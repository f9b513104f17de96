/**
 * A lock between processes: a file that only one of them can create. Node.js
 * has no lock that the kernel releases, so a killed process leaves its lock
 * behind. Locks are held for milliseconds; one that is unchanged for seconds is stale.
 */
import { closeSync, openSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { FileLockedError, codeOf } from '../errors.js'
import { signatureOf } from './signature.js'

/** Milliseconds between two attempts, plus jitter. */
const PAUSE = 20
/** Milliseconds after which an unchanged lock is stale, on the clock of this process: those of other machines may differ. */
const STALE = 5_000

/**
 * Runs `work` while no other process runs its own for the same file.
 * @param file with its symbolic links resolved; the lock is beside it
 * @param work short and synchronous, so that nothing else in this process can delay it
 * @param stale for tests
 */
export async function withLock<T> (file: string, work: () => T, { stale = STALE } = {}): Promise<T> {
  const lock = join(dirname(file), `.${basename(file)}.lock`)
  await acquire(lock, stale)
  try {
    return work()
  } finally {
    rmSync(lock, { force: true })
  }
}

/** Milliseconds to wait for a lock that another program takes too: none holds it for long. */
const PATIENCE = 5_000

/**
 * The same for a file that other programs change under locks of their own, and
 * never take over one that is left behind: nor does this.
 * @param locks files that exist while a program changes `file`
 * @param patience for tests
 * @throws FileLockedError if one of them stays
 */
export async function withLockFiles<T> (file: string, locks: readonly string[], work: () => T, { patience = PATIENCE } = {}): Promise<T> {
  const deadline = performance.now() + patience
  for (let taken = createAll(locks); taken !== undefined; taken = createAll(locks)) {
    if (performance.now() >= deadline) throw new FileLockedError(`${taken} exists: another program is changing ${file}, or was killed while it did; if no program is, remove ${taken}`)
    await sleep(PAUSE * (1 + Math.random()))
  }
  try {
    return work()
  } finally {
    for (const lock of locks) rmSync(lock, { force: true })
  }
}

/** All or none, so that a process that is killed while it waits leaves none behind. @returns one that exists already */
function createAll (locks: readonly string[]): string | undefined {
  const created: string[] = []
  try {
    for (const lock of locks) {
      if (!create(lock)) return lock
      created.push(lock)
    }
    created.length = 0
    return undefined
  } finally {
    for (const lock of created) rmSync(lock, { force: true })
  }
}

async function acquire (lock: string, stale: number): Promise<void> {
  let signature = ''
  let since = 0
  while (!create(lock)) {
    const now = performance.now()
    const current = signatureOf(lock)
    if (current !== signature) {
      signature = current
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
    if (codeOf(error) !== 'EEXIST') throw error
    return false
  }
}

function removeStale (lock: string): void {
  try {
    rmSync(lock, { force: true })
  } catch (error) {
    throw new FileLockedError(`${lock} was left behind by a killed process, and this user can't remove it: remove it as its owner`, { cause: error })
  }
}
