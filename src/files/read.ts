/**
 * The one way in which this project reads a local file: a regular file, of a
 * bounded size, in a bounded time. A pipe, a device or a mount that hangs would
 * otherwise block the reader, and every reload behind it, indefinitely.
 */
import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { Deadline } from '../authn/deadline.js'
import { assertReadable, assertSize, describeReadError, ReadProblem } from './problems.js'

/** Plenty for a config, a certificate or a secret. */
export const MAX_BYTES = 1024 * 1024
/** For a file of users: 100,000 with a password and two tokens each. */
export const MAX_USERS_BYTES = 64 * 1024 * 1024
/** Milliseconds for one file. */
const TIMEOUT = 10_000
/** Bytes of one piece. */
const PIECE = 1024 * 1024

export interface ReadOptions {
  readonly maxBytes?: number | undefined
  /** Accepts pipes as well, without a time limit: for paths on the command line, such as `<(…)`. */
  readonly pipes?: boolean | undefined
  /** Milliseconds; for tests. */
  readonly timeout?: number | undefined
  readonly open?: typeof open | undefined
}

/** Why a file can't be read, as the end of a sentence that begins with its path. */
export interface Unreadable { readonly error: string }

export type Read = { readonly bytes: Buffer } | Unreadable

/** Tells one version of a file from another. */
export interface FileVersion {
  /** SHA-256, hexadecimal. */
  readonly digest: string
  /** Bytes. */
  readonly size: number
}

export async function readBytes (file: string, options: ReadOptions = {}): Promise<Read> {
  return await withTimeout(file, options, async () => {
    const pieces: Buffer[] = []
    for await (const piece of readPieces(file, options, allocate)) pieces.push(piece)
    return { bytes: concat(pieces) }
  })
}

/** Reads a file that may be large: it is never in memory as a whole. */
export async function readVersion (file: string, options: ReadOptions = {}): Promise<FileVersion | Unreadable> {
  return await withTimeout(file, options, async () => {
    const hash = createHash('sha256')
    let size = 0
    let buffer: Buffer | undefined
    const sameBuffer = (claimed: number): Buffer => {
      buffer ??= allocate(Math.min(claimed, PIECE))
      return buffer
    }
    for await (const piece of readPieces(file, options, sameBuffer)) {
      hash.update(piece)
      size += piece.length
    }
    return { digest: hash.digest('hex'), size }
  })
}

/** Reads a file synchronously and without a time limit; for secrets, which are read where they are used. */
export function readBytesSync (file: string, options: Pick<ReadOptions, 'maxBytes'> = {}): Read {
  const pieces: Buffer[] = []
  for (const read of readPiecesSync(file, options)) {
    if ('error' in read) return read
    pieces.push(read.bytes)
  }
  return { bytes: concat(pieces) }
}

/** Yields a file piece by piece; an error is the last. */
export function * readPiecesSync (file: string, { maxBytes = MAX_BYTES }: Pick<ReadOptions, 'maxBytes'> = {}): Generator<Read, void> {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, NON_BLOCKING)
    const stats = fstatSync(descriptor)
    assertReadable(stats, maxBytes)
    for (let length = 0; ;) {
      const buffer = allocate(Math.min(stats.size, PIECE))
      const count = readSync(descriptor, buffer)
      if (count === 0) return
      length += count
      assertSize(length, maxBytes)
      yield { bytes: buffer.subarray(0, count) }
    }
  } catch (error) {
    yield { error: describeReadError(error) }
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** Files with a read that timed out and has not ended: each occupies a thread of the pool. */
const hanging = new Set<string>()

async function withTimeout<T> (file: string, { pipes = false, timeout = TIMEOUT }: ReadOptions, read: () => Promise<T>): Promise<T | Unreadable> {
  if (!pipes && hanging.has(file)) return { error: "can't be read: an earlier read of it still hangs" }
  try {
    const reading = read()
    if (pipes) return await reading
    return await new Deadline(timeout).race(reading, () => {
      hanging.add(file)
      const forget = (): void => { hanging.delete(file) }
      reading.then(forget, forget)
      throw new ReadProblem(`can't be read: it took longer than ${timeout / 1000} s`)
    })
  } catch (error) {
    return { error: describeReadError(error) }
  }
}

/** @param nextBuffer gets the size that the file claims: it may be wrong, and that of a pipe is 0 */
async function * readPieces (file: string, { maxBytes = MAX_BYTES, pipes = false, open: openFile = open }: ReadOptions, nextBuffer: (size: number) => Buffer): AsyncGenerator<Buffer, void> {
  let handle: FileHandle | undefined
  try {
    handle = await openFile(file, pipes ? constants.O_RDONLY : NON_BLOCKING)
    const stats = await handle.stat()
    assertReadable(stats, maxBytes, pipes)
    for (let length = 0; ;) {
      const buffer = nextBuffer(stats.size - length)
      const { bytesRead } = await handle.read(buffer)
      if (bytesRead === 0) return
      length += bytesRead
      assertSize(length, maxBytes)
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await handle?.close()
  }
}

/** Opening a pipe without a writer would block otherwise. */
const NON_BLOCKING = constants.O_RDONLY | constants.O_NONBLOCK

/** A byte more than is expected: a file that fits is in one piece, and read to its end. */
function allocate (size: number): Buffer {
  return Buffer.allocUnsafeSlow(Math.max(size + 1, 4096))
}

/** Without a copy of a single piece. */
function concat (pieces: readonly Buffer[]): Buffer {
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
}
