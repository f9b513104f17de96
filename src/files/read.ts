/**
 * The one way in which this project reads a local file: a regular file, of a
 * bounded size, in a bounded time. A pipe, a device or a mount that hangs would
 * otherwise hold the reader for ever, and every reload behind it.
 */
import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { tooLarge, whyUnfit, whyUnreadable } from './unreadable.js'

/** Plenty for a config, a certificate or a secret. */
export const MAX_BYTES = 1024 * 1024
/** For a file of users: 100,000 with a password and two tokens each. */
export const MAX_USERS_BYTES = 64 * 1024 * 1024
/** Milliseconds for one file. */
const PATIENCE = 10_000

export interface ReadOptions {
  readonly maxBytes?: number | undefined
  /** Takes pipes as well, for as long as they stay open: for what a person names on the command line, such as `<(…)`. */
  readonly pipes?: boolean | undefined
  /** For tests. */
  readonly patience?: number | undefined
  readonly open?: typeof open | undefined
}

/** Why a file can't be read, as the end of a sentence that begins with its path. */
export interface Unreadable { readonly error: string }

/** What the file holds, or why it can't be read. */
export type Read = { readonly bytes: Buffer } | Unreadable

/** Tells one version of a file from another. */
export interface FileVersion {
  /** SHA-256, hexadecimal. */
  readonly digest: string
  /** Bytes. */
  readonly size: number
}

/** Files of which a read has run out of time and not ended: each holds a thread, so nobody waits for another. */
const hanging = new Set<string>()

export async function readBytes (file: string, options: ReadOptions = {}): Promise<Read> {
  return await readInto(Content, file, options)
}

/** Of a file that may be large: it is never in memory as a whole. */
export async function readVersion (file: string, options: ReadOptions = {}): Promise<FileVersion | Unreadable> {
  return await readInto(Version, file, options)
}

async function readInto<T> (Sink: SinkOf<T>, file: string, options: ReadOptions): Promise<T | Unreadable> {
  const { pipes = false, patience = PATIENCE } = options
  if (pipes) return await attempt(Sink, file, options)
  if (hanging.has(file)) return { error: "can't be read: an earlier read of it still hangs" }
  let timer: NodeJS.Timeout | undefined
  const reading = attempt(Sink, file, options)
  const late = new Promise<Unreadable>((resolve) => {
    timer = setTimeout(() => {
      hanging.add(file)
      const forget = (): void => { hanging.delete(file) }
      reading.then(forget, forget)
      resolve({ error: `can't be read: it took longer than ${patience / 1000} s` })
    }, patience)
  })
  try {
    return await Promise.race([reading, late])
  } finally {
    clearTimeout(timer)
  }
}

async function attempt<T> (Sink: SinkOf<T>, file: string, { maxBytes = MAX_BYTES, pipes = false, open: openFile = open }: ReadOptions): Promise<T | Unreadable> {
  let handle: FileHandle | undefined
  try {
    // opening a pipe to which nobody writes waits for a writer, unless told not to
    handle = await openFile(file, pipes ? constants.O_RDONLY : NOT_BLOCKING)
    const stats = await handle.stat()
    const unfit = whyUnfit(stats, maxBytes, pipes)
    if (unfit !== undefined) return { error: unfit }
    const sink = new Sink(stats.size, maxBytes)
    while (sink.take((await handle.read(sink.room, 0, sink.room.length, null)).bytesRead));
    return sink.length > maxBytes ? { error: tooLarge(maxBytes) } : sink.result
  } catch (error) {
    return { error: whyUnreadable(error) }
  } finally {
    await handle?.close()
  }
}

/** The same at once, for secrets, which are read where they are used; without a limit of time. */
export function readBytesSync (file: string, options: Pick<ReadOptions, 'maxBytes'> = {}): Read {
  const pieces: Buffer[] = []
  for (const read of readPiecesSync(file, options)) {
    if ('error' in read) return read
    pieces.push(read.bytes)
  }
  return { bytes: Buffer.concat(pieces) }
}

/** Piece by piece; an error is the last. */
export function * readPiecesSync (file: string, { maxBytes = MAX_BYTES }: Pick<ReadOptions, 'maxBytes'> = {}): Generator<Read, void> {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, NOT_BLOCKING)
    const stats = fstatSync(descriptor)
    const unfit = whyUnfit(stats, maxBytes, false)
    if (unfit !== undefined) return yield { error: unfit }
    for (let length = 0; ;) {
      const room = Buffer.allocUnsafeSlow(roomFor(Math.min(stats.size, PIECE)))
      const count = readSync(descriptor, room)
      length += count
      if (length > maxBytes) return yield { error: tooLarge(maxBytes) }
      if (count === 0) return
      yield { bytes: room.subarray(0, count) }
    }
  } catch (error) {
    yield { error: whyUnreadable(error) }
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

const NOT_BLOCKING = constants.O_RDONLY | constants.O_NONBLOCK

/** What takes a file piece by piece. */
interface Sink<T> {
  /** Where the next piece goes; never empty. */
  readonly room: Buffer
  /** Whether there may be more to come. */
  take: (count: number) => boolean
  /** Bytes so far. */
  readonly length: number
  readonly result: T
}

/** The size that a file claims is no promise, and that of a pipe is 0. */
type SinkOf<T> = new (size: number, maxBytes: number) => Sink<T>

class Content implements Sink<{ bytes: Buffer }> {
  readonly #maxBytes: number
  #bytes: Buffer
  length = 0

  constructor (size: number, maxBytes: number) {
    this.#maxBytes = maxBytes
    this.#bytes = Buffer.allocUnsafeSlow(roomFor(Math.min(size, maxBytes)))
  }

  get room (): Buffer {
    if (this.length === this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], this.length * 2)
    return this.#bytes.subarray(this.length, this.length + PIECE)
  }

  take (count: number): boolean {
    this.length += count
    return count > 0 && this.length <= this.#maxBytes
  }

  get result (): { bytes: Buffer } {
    return { bytes: this.#bytes.subarray(0, this.length) }
  }
}

class Version implements Sink<FileVersion> {
  readonly #maxBytes: number
  readonly #hash = createHash('sha256')
  readonly room: Buffer
  length = 0

  constructor (size: number, maxBytes: number) {
    this.#maxBytes = maxBytes
    this.room = Buffer.allocUnsafeSlow(roomFor(Math.min(size, PIECE)))
  }

  take (count: number): boolean {
    this.length += count
    this.#hash.update(this.room.subarray(0, count))
    return count > 0 && this.length <= this.#maxBytes
  }

  get result (): FileVersion {
    return { digest: this.#hash.digest('hex'), size: this.length }
  }
}

/** As large as what is read, so that nothing is copied, and a byte more, for the end to be seen. */
function roomFor (size: number): number {
  return Math.max(size + 1, 4096)
}

/** Bytes of one read. */
const PIECE = 1024 * 1024
