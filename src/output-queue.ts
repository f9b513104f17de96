/**
 * Writes stdout or stderr of a service, which must survive a full disk and a
 * reader that stops or exits: lines wait in a bounded queue, and lines that do
 * not fit are dropped and counted. Nothing here blocks the event loop, and at
 * most one write is in flight, since each occupies a thread of the pool.
 */
import { constants, fstatSync, openSync, write, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { DestinationStream } from 'pino'

/** Bytes in the queue: about 3,000 audit lines. */
const CAPACITY = 1_048_576
/** Bytes of a batch, and milliseconds that lines wait for each other. */
const BATCH = 131_072
const BATCH_DELAY = 10
/** UTF-8 bytes of a UTF-16 code unit. */
const MAX_UNIT_BYTES = 3
/** Milliseconds before a retry: of a full pipe, first and longest; after any other error. */
const FIRST_DELAY = 1
const LONGEST_DELAY = 100
const ERROR_DELAY = 1_000

export interface OutputQueueOptions {
  readonly fd: 1 | 2
  /** Bytes. */
  readonly capacity?: number
  /** Called once when lines can't be written, or are dropped because they are not read fast enough; then again after a recovery. */
  readonly onStall?: (reason: string) => void
  /** Called when the queue is empty again after lines were dropped. */
  readonly onRecover?: (dropped: number) => void
}

export class OutputQueue implements DestinationStream {
  readonly #options: OutputQueueOptions
  readonly #capacity: number
  readonly #fd: number
  /** Lines are encoded at once: joining strings later takes 2 µs a line. */
  readonly #batch: Buffer
  #length = 0
  #timer: NodeJS.Timeout | undefined
  /** Batches, the first of which is being written, and their bytes. */
  readonly #queue: Buffer[] = []
  #queued = 0
  /** From the first write until the queue is empty, including delays between retries. */
  #busy = false
  #retryDelay = FIRST_DELAY
  #stalled = false
  #dropped = 0
  #unreported = 0
  #flushed: Array<() => void> = []

  constructor (options: OutputQueueOptions) {
    this.#options = options
    this.#capacity = options.capacity ?? CAPACITY
    this.#fd = openNonBlocking(options.fd)
    this.#batch = Buffer.allocUnsafeSlow(Math.min(BATCH, this.#capacity))
  }

  /** Lines dropped since the start. */
  get dropped (): number {
    return this.#dropped
  }

  write (line: string): void {
    const maxBytes = line.length * MAX_UNIT_BYTES
    if (this.#queued + this.#length + maxBytes > this.#capacity) return this.#drop()
    if (this.#length + maxBytes > this.#batch.length) this.#seal()
    if (maxBytes > this.#batch.length) return this.#enqueue(Buffer.from(line))
    this.#length += this.#batch.write(line, this.#length)
    this.#timer ??= setTimeout(() => { this.#expire() }, BATCH_DELAY)
  }

  /** @param done called when everything is written, which may never happen */
  flush (done?: () => void): void {
    this.#seal()
    if (done === undefined) return
    if (this.#busy) this.#flushed.push(done)
    else done()
  }

  /** Writes as much as possible without waiting, when the process exits. */
  flushSync (): void {
    // must not overtake a write in another thread
    if (this.#busy) return
    if (this.#length > 0) this.#push(this.#take())
    try {
      for (let [bytes] = this.#queue; bytes !== undefined; [bytes] = this.#queue) this.#advance(bytes, writeSync(this.#fd, bytes))
    } catch {
      // the rest is written later, if the process goes on
      if (this.#queue.length > 0) this.#start()
    }
  }

  #drop (): void {
    this.#dropped++
    this.#unreported++
  }

  #stall (reason: string): void {
    if (this.#stalled) return
    this.#stalled = true
    this.#options.onStall?.(reason)
  }

  #expire (): void {
    this.#timer = undefined
    // while it is busy, lines are batched
    if (!this.#busy) this.#seal()
  }

  #seal (): void {
    if (this.#length > 0) this.#enqueue(this.#take())
  }

  #take (): Buffer {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const bytes = Buffer.from(this.#batch.subarray(0, this.#length))
    this.#length = 0
    return bytes
  }

  #enqueue (bytes: Buffer): void {
    this.#push(bytes)
    if (!this.#busy) this.#start()
  }

  #push (bytes: Buffer): void {
    this.#queue.push(bytes)
    this.#queued += bytes.length
  }

  #start (): void {
    const [bytes] = this.#queue
    if (bytes === undefined) return this.#written()
    this.#busy = true
    write(this.#fd, bytes, (error, written) => {
      if (error !== null) return this.#retry(error)
      this.#retryDelay = FIRST_DELAY
      this.#advance(bytes, written)
      this.#start()
    })
  }

  /** Removes written bytes from the queue, which begins with `bytes`. */
  #advance (bytes: Buffer, written: number): void {
    this.#queued -= written
    if (written < bytes.length) this.#queue[0] = bytes.subarray(written)
    else this.#queue.shift()
  }

  #retry (error: NodeJS.ErrnoException): void {
    let delay = ERROR_DELAY
    if (error.code === 'EAGAIN') {
      delay = this.#retryDelay
      this.#retryDelay = Math.min(2 * delay, LONGEST_DELAY)
      if (this.#unreported > 0) this.#stall('it is not read fast enough')
    } else {
      this.#stall(error.message)
    }
    // the process does not wait for its output if it has nothing else to do
    setTimeout(() => { this.#start() }, delay).unref()
  }

  #written (): void {
    this.#busy = false
    this.#stalled = false
    if (this.#unreported > 0) {
      const dropped = this.#unreported
      this.#unreported = 0
      this.#options.onRecover?.(dropped)
    }
    if (this.#timer === undefined || this.#flushed.length > 0) this.#seal()
    if (!this.#busy) for (const done of this.#flushed.splice(0)) done()
  }
}

/**
 * Returns a descriptor on which writes do not block: a thread that waits in
 * write(2) can't be interrupted, and the process can't exit before it returns.
 */
function openNonBlocking (fd: 1 | 2): number {
  try {
    // opened again, since the flags of `fd` are shared with all processes that inherited it
    if (fstatSync(fd).isFIFO() || isatty(fd)) {
      return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    }
  } catch {
    // no /proc, a file of another user, or a pipe without a reader
  }
  // a socket can't be opened again, but Node.js makes it non-blocking when it creates this stream
  return fd === 1 ? process.stdout.fd : process.stderr.fd
}
