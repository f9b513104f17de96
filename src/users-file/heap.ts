/** Whether the users of a file fit into the memory of this process. */
import { ValidationError } from '../errors.js'

/** The new table and the previous one, which are outside of the heap. */
const COPIES = 2
/** Bytes for reading it. */
const READER = 80 * 1024 * 1024

/**
 * Assumes that the container's memory is about twice the limit of the heap.
 * @throws ValidationError
 */
export function assertFitsHeap (length: number, file: string, heap: number): void {
  const need = COPIES * length + READER
  if (need <= heap) return
  throw new ValidationError(file, [{ path: '', message: `is too large for the memory of this process: it needs a heap of about ${mebibytes(need)} MiB, and ${mebibytes(heap)} is the limit; raise the memory limit` }])
}

function mebibytes (bytes: number): number {
  return Math.ceil(bytes / 1_048_576)
}
