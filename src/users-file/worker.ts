/** A thread that checks one large users file, posts what it made of it, and ends; see load.ts. */
import { platform, setPriority } from 'node:os'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { buffersOf } from './table.js'
import { ValidationError } from '../errors.js'
import { limitHeap } from '../documents/yaml-limits.js'
import type { Order, Result } from './load.js'
import { tabulateFile } from './read.js'

/** A tenth of a processor that is busy otherwise; all of one that isn't. */
const PRIORITY = 10

if (!isMainThread) check(workerData as Order)

function check ({ file, version, heapLimit, maxHeap }: Order): void {
  limitHeap(maxHeap)
  // of this thread alone, which other systems can't: reviews go first where both share a processor
  if (platform() === 'linux') setPriority(PRIORITY)
  try {
    const table = tabulateFile(file, version, heapLimit)
    post({ table }, table && buffersOf(table))
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error
    post({ errors: error.errors })
  }
}

function post (result: Result, buffers: ArrayBuffer[] = []): void {
  parentPort!.postMessage(result, buffers)
}
