/**
 * Checks the users file without holding up reviews: a large one in a thread of
 * its own, which hands over the finished table. A file that would take more
 * memory than is left ends that thread, and is an error like any other.
 */
import { once } from 'node:events'
import { extname } from 'node:path'
import { getHeapStatistics } from 'node:v8'
import { Worker } from 'node:worker_threads'
import type { UsersTable } from './table.js'
import { ValidationError, type FieldError } from '../errors.js'
import { availableHeap } from '../documents/yaml-limits.js'
import { MAX_USERS_BYTES, readVersion, type FileVersion } from '../files/read.js'
import { tabulateFile } from './read.js'

const MIB = 1_048_576
/** What parses needs some, however little is left. */
const MIN_HEAP = 32 * MIB
const YOUNG = 16 * MIB
/** Of what is left of the heap here, which outgrows it meanwhile: the thread has code and buffers too. */
const SHARE = 0.6

/** Bytes that are checked in less time than a thread takes to start; a few milliseconds. */
const SMALL = 64 * 1024

export interface LoadedUsers {
  /** Of the file. */
  readonly digest: string
  /** Absent: the file is the one that is known. */
  readonly table?: UsersTable | undefined
}

export interface Order {
  readonly file: string
  readonly version: FileVersion
  /** Of this thread, which keeps the table. */
  readonly heapLimit: number
  /** Of the thread that checks. */
  readonly maxHeap: number
}

export type Result = { readonly table: UsersTable | undefined } | { readonly errors: readonly FieldError[] }

export interface LoadOptions {
  /** Digest of the file that needs no second check. Absent: nobody is served yet, so the file is checked here, and at once. */
  readonly known: string | undefined
  readonly signal: AbortSignal
  /** Bytes of heap for the thread; for tests. */
  readonly maxHeap?: number
}

/** @throws ValidationError with everything that is wrong with the file */
export async function loadUsers (file: string, options: LoadOptions): Promise<LoadedUsers> {
  const { known, signal, maxHeap = Math.max(MIN_HEAP, Math.floor(availableHeap() * SHARE)) } = options
  const version = await readVersion(file, { maxBytes: MAX_USERS_BYTES })
  if ('error' in version) throw new ValidationError(file, [{ path: '', message: version.error }])
  const { digest, size } = version
  if (digest === known) return { digest }
  const heapLimit = getHeapStatistics().heap_size_limit
  const table = known !== undefined && size > SMALL ? await inThread({ file, version, heapLimit, maxHeap }, signal) : tabulateFile(file, version, heapLimit)
  // it was written to meanwhile
  if (table === undefined) return await loadUsers(file, options)
  return { digest, table }
}

/** Beside this file, whether that is TypeScript, compiled, or in a bundle (scripts/image.mjs). */
const WORKER = new URL(`./worker${extname(import.meta.url)}`, import.meta.url)

async function inThread (order: Order, signal: AbortSignal): Promise<UsersTable | undefined> {
  const worker = new Worker(WORKER, {
    workerData: order,
    resourceLimits: { maxOldGenerationSizeMb: order.maxHeap / MIB, maxYoungGenerationSizeMb: YOUNG / MIB }
  })
  const end = (): void => { worker.terminate().catch(() => {}) }
  signal.addEventListener('abort', end, { once: true })
  try {
    const [result] = await Promise.race([once(worker, 'message', { signal }), ended(worker)]) as [Result]
    if ('errors' in result) throw new ValidationError(order.file, result.errors)
    return result.table
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_OUT_OF_MEMORY') throw error
    throw new ValidationError(order.file, [{ path: '', message: 'holds too many values for the memory of this process; raise the memory limit, or split it up' }])
  } finally {
    signal.removeEventListener('abort', end)
    end()
  }
}

/** Rejects: nobody waits for the end of a thread that has said something. */
async function ended (worker: Worker): Promise<never> {
  const [code] = await once(worker, 'exit')
  throw new Error(`the thread that checks the users file ended with code ${code}`)
}
