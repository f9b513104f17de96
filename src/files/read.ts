/**
 * The one way in which this project reads a local file: a regular file, of a
 * bounded size, in a bounded time. A pipe, a device or a mount that hangs would
 * otherwise hold the reader for ever, and every reload behind it.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

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

/** What the file holds; or why it can't be read, as the end of a sentence that begins with its path. */
export type Read = { readonly bytes: Buffer } | { readonly fault: string }

/** Files of which a read has run out of time and not ended: each holds a thread, so nobody waits for another. */
const hanging = new Set<string>()

export async function readBytes (file: string, options: ReadOptions = {}): Promise<Read> {
  const { pipes = false, patience = PATIENCE } = options
  if (pipes) return await attempt(file, options)
  if (hanging.has(file)) return { fault: "can't be read: an earlier read of it still hangs" }
  let timer: NodeJS.Timeout | undefined
  const reading = attempt(file, options)
  const late = new Promise<Read>((resolve) => {
    timer = setTimeout(() => {
      hanging.add(file)
      const forget = (): void => { hanging.delete(file) }
      reading.then(forget, forget)
      resolve({ fault: `can't be read: it took longer than ${patience / 1000} s` })
    }, patience)
  })
  try {
    return await Promise.race([reading, late])
  } finally {
    clearTimeout(timer)
  }
}

async function attempt (file: string, { maxBytes = MAX_BYTES, pipes = false, open: openFile = open }: ReadOptions): Promise<Read> {
  let handle: FileHandle | undefined
  try {
    // opening a pipe to which nobody writes waits for a writer, unless told not to
    handle = await openFile(file, pipes ? constants.O_RDONLY : NOT_BLOCKING)
    const stats = await handle.stat()
    const unfit = whyUnfit(stats, maxBytes, pipes)
    if (unfit !== undefined) return { fault: unfit }
    const content = new Content(stats.size, maxBytes)
    while (content.take((await handle.read(content.room, 0, content.room.length, null)).bytesRead));
    return content.read
  } catch (error) {
    return { fault: whyUnreadable(error) }
  } finally {
    await handle?.close()
  }
}

/** The same at once, for secrets, which are read where they are used; without a limit of time. */
export function readBytesSync (file: string, { maxBytes = MAX_BYTES }: Pick<ReadOptions, 'maxBytes'> = {}): Read {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, NOT_BLOCKING)
    const stats = fstatSync(descriptor)
    const unfit = whyUnfit(stats, maxBytes, false)
    if (unfit !== undefined) return { fault: unfit }
    const content = new Content(stats.size, maxBytes)
    while (content.take(readSync(descriptor, content.room)));
    return content.read
  } catch (error) {
    return { fault: whyUnreadable(error) }
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

const NOT_BLOCKING = constants.O_RDONLY | constants.O_NONBLOCK

/** Of the open file: what lies at a path may be another one by now. */
function whyUnfit (stats: Stats, maxBytes: number, pipes: boolean): string | undefined {
  if (stats.isDirectory()) return REASONS['EISDIR']
  if (!stats.isFile()) return pipes ? undefined : NOT_REGULAR
  return stats.size > maxBytes ? tooLarge(maxBytes) : undefined
}

/** What is read piece by piece; the size that a file claims is no promise, and that of a pipe is 0. */
class Content {
  readonly #maxBytes: number
  /** As large as the file, so that nothing is copied, and a byte more, for the end to be seen. */
  #bytes: Buffer
  #length = 0

  constructor (size: number, maxBytes: number) {
    this.#maxBytes = maxBytes
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(Math.min(size, maxBytes) + 1, 4096))
  }

  /** Where the next piece goes; never empty. */
  get room (): Buffer {
    if (this.#length === this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], this.#length * 2)
    return this.#bytes.subarray(this.#length, this.#length + PIECE)
  }

  /** Whether there may be more to come. */
  take (count: number): boolean {
    this.#length += count
    return count > 0 && this.#length <= this.#maxBytes
  }

  get read (): Read {
    return this.#length > this.#maxBytes ? { fault: tooLarge(this.#maxBytes) } : { bytes: this.#bytes.subarray(0, this.#length) }
  }
}

/** Bytes of one read. */
const PIECE = 1024 * 1024

function tooLarge (maxBytes: number): string {
  return `is too large: more than ${maxBytes / 1024 / 1024} MiB`
}

const NOT_REGULAR = 'is not a regular file'

const REASONS: Record<string, string> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist: a part of its path is not a directory',
  EISDIR: 'is a directory, not a file',
  ELOOP: 'is a symbolic link that leads to itself',
  EACCES: 'may not be read by the user that this process runs as',
  EPERM: 'may not be read by the user that this process runs as',
  // a socket, or a device that is not there
  ENXIO: NOT_REGULAR,
  ENODEV: NOT_REGULAR,
  // files of the kernel that have nothing to give yet
  EAGAIN: NOT_REGULAR
}

/** Why a file could not be opened or read. */
function whyUnreadable (error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? 'an unknown error'
  return REASONS[code] ?? `can't be read: ${code}`
}
