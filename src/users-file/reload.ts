/**
 * How a users file is reloaded. A change is noticed by `openReloadable`. A
 * digest tells whether the content differs; if so, the file is checked, a large
 * one in a thread (worker.ts), and its users replace the previous ones as a
 * whole. A file with errors replaces nothing and is reported.
 */
import { once } from 'node:events'
import { extname } from 'node:path'
import { getHeapStatistics } from 'node:v8'
import { Worker } from 'node:worker_threads'
import type { OpenContext } from '../authn/provider.js'
import { availableHeap } from '../documents/yaml-limits.js'
import { ValidationError, codeOf } from '../errors.js'
import { MAX_USERS_BYTES, readVersion } from '../files/read.js'
import { openReloadable } from '../files/reloadable.js'
import { tabulateFile } from './read.js'
import type { UsersTable } from './table.js'
import { Users } from './users.js'
import type { WorkerInput, WorkerOutput } from './worker.js'

export interface WatchedUsers {
  /** Those of the last valid file. */
  readonly current: Users
  close: () => void
}

/** The users of one version of the file. */
export interface LoadedUsers {
  readonly users: Users
  readonly digest: string
}

export interface LoadOptions {
  /** Kept if the file has the same content. Absent at the start, when no review waits: the file is checked in this thread. */
  readonly previous: LoadedUsers | undefined
  readonly signal: AbortSignal
  /** Bytes of heap for the thread; for tests. */
  readonly maxHeap?: number
}

/** @throws ValidationError with every error of the file */
export async function openUsers (file: string, ctx: OpenContext, load = loadUsers): Promise<WatchedUsers> {
  const closing = new AbortController()
  const fields = { file }
  const logUsers = ({ users: { size, costs } }: LoadedUsers, message: string): void => {
    ctx.log.info({ ...fields, users: size }, message)
    if (size === 0) ctx.log.warn(fields, 'the users file is empty: this provider authenticates nobody')
    if (costs.length > 1) ctx.log.warn({ ...fields, costs }, 'password hashes of different costs: response times can reveal whether a name exists; use one cost, with "authn-webhook hash password"')
  }
  const reloadable = await openReloadable<LoadedUsers>({
    name: 'users file',
    files: [file],
    log: ctx.log,
    fields,
    read: async previous => await load(file, { previous, signal: closing.signal }),
    onReload (next) {
      ctx.invalidate()
      logUsers(next, 'reloaded users file')
    },
    reportReload: ctx.reportReload
  })
  const close = (): void => {
    closing.abort()
    reloadable.close().catch(() => {})
  }
  if (ctx.signal.aborted) {
    close()
    throw ctx.signal.reason
  }
  logUsers(reloadable.current, 'loaded users file')
  return { get current () { return reloadable.current.users }, close }
}

const MIB = 1_048_576
/** Parsing needs some, however little is left. */
const MIN_HEAP = 32 * MIB
const YOUNG_GENERATION = 16 * MIB
/** Share of the heap that is left, which also grows meanwhile: the thread has code and buffers too. */
const HEAP_SHARE = 0.6

/** Bytes that are checked in less time than a thread takes to start: a few milliseconds. */
const SMALL = 64 * 1024

/** @throws ValidationError with every error of the file */
export async function loadUsers (file: string, options: LoadOptions): Promise<LoadedUsers> {
  const { previous, signal, maxHeap = Math.max(MIN_HEAP, Math.floor(availableHeap() * HEAP_SHARE)) } = options
  const version = await readVersion(file, { maxBytes: MAX_USERS_BYTES })
  if ('error' in version) throw new ValidationError(file, [{ path: '', message: version.error }])
  const { digest, size } = version
  if (digest === previous?.digest) return previous
  const heapLimit = getHeapStatistics().heap_size_limit
  const inThread = previous !== undefined && size > SMALL
  const table = inThread ? await tabulateInThread({ file, version, heapLimit, maxHeap }, signal) : tabulateFile(file, version, heapLimit)
  // undefined: the file was written to meanwhile
  return table === undefined ? await loadUsers(file, options) : { users: new Users(table), digest }
}

/** Beside this file, whether that is TypeScript, compiled, or in a bundle (scripts/image.mjs). */
const WORKER = new URL(`./worker${extname(import.meta.url)}`, import.meta.url)

async function tabulateInThread (input: WorkerInput, signal: AbortSignal): Promise<UsersTable | undefined> {
  const worker = new Worker(WORKER, {
    workerData: input,
    resourceLimits: { maxOldGenerationSizeMb: input.maxHeap / MIB, maxYoungGenerationSizeMb: YOUNG_GENERATION / MIB }
  })
  const end = (): void => { worker.terminate().catch(() => {}) }
  signal.addEventListener('abort', end, { once: true })
  try {
    const [output] = await Promise.race([once(worker, 'message', { signal }), exited(worker)]) as [WorkerOutput]
    if ('errors' in output) throw new ValidationError(input.file, output.errors)
    return output.table
  } catch (error) {
    if (codeOf(error) !== 'ERR_WORKER_OUT_OF_MEMORY') throw error
    throw new ValidationError(input.file, [{ path: '', message: 'holds too many values for the memory of this process; raise the memory limit, or split it up' }])
  } finally {
    signal.removeEventListener('abort', end)
    end()
  }
}

/** Rejects; not awaited after a message. */
async function exited (worker: Worker): Promise<never> {
  const [code] = await once(worker, 'exit')
  throw new Error(`the thread that checks the users file ended with code ${code}`)
}
