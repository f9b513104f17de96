/** The thread that checks one large users file, posts the result, and ends; see reload.ts. */
import { platform, setPriority } from 'node:os'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { limitHeap } from '../documents/yaml-limits.js'
import { ValidationError, type FieldError } from '../errors.js'
import type { FileVersion } from '../files/read.js'
import { tabulateFile } from './read.js'
import { buffersOf, type UsersTable } from './table.js'

export interface WorkerInput {
  readonly file: string
  readonly version: FileVersion
  /** Bytes of heap of the thread that keeps the table. */
  readonly heapLimit: number
  /** Bytes of heap of this thread. */
  readonly maxHeap: number
}

export type WorkerOutput = { readonly table: UsersTable | undefined } | { readonly errors: readonly FieldError[] }

/** A tenth of a busy CPU; all of an idle one. */
const PRIORITY = 10

if (!isMainThread) check(workerData as WorkerInput)

function check ({ file, version, heapLimit, maxHeap }: WorkerInput): void {
  limitHeap(maxHeap)
  // Linux sets that of this thread only, so that reviews go first if both share a CPU
  if (platform() === 'linux') setPriority(PRIORITY)
  const post = (output: WorkerOutput, buffers: ArrayBuffer[] = []): void => { parentPort!.postMessage(output, buffers) }
  try {
    const table = tabulateFile(file, version, heapLimit)
    post({ table }, table && buffersOf(table))
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error
    post({ errors: error.errors })
  }
}
