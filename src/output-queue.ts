/**
 * stdout or stderr of a service, which must outlive a full disk and a reader
 * that stops or goes away: lines wait in a queue of bounded size, and lines
 * that do not fit are dropped and counted. Nothing here blocks the event loop,
 * and at most one write is in flight, since each occupies a thread of the pool.
 */
import { constants, fstatSync, openSync, write, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { DestinationStream } from 'pino'

/** Bytes that are queued at most: about 3,000 audit lines. */
const CAPACITY = 1_048_576
/** Bytes that are written at once, and milliseconds that lines wait for each other. */
const BATCH = 131_072
const PATIENCE = 10
/** Of a UTF-16 unit in UTF-8. */
const MOST_BYTES = 3
/** Milliseconds before the next try: of a full pipe, first and last; after any other error. */
const FIRST_PAUSE = 1
const LAST_PAUSE = 100
const ERROR_PAUSE = 1_000

export interface OutputQueueOptions {
  readonly fd: 1 | 2
  /** Bytes. */
  readonly capacity?: number
  /** Lines can't be written, or are dropped because nobody reads them. Called once until they are written again. */
  readonly onStall?: (reason: string) => void
  /** The queue is empty again, after lines were dropped. */
  readonly onRecover?: (dropped: number) => void
}

export class OutputQueue implements DestinationStream {
  readonly #options: OutputQueueOptions
  readonly #capacity: number
  readonly #fd: number
  /** Lines become bytes at once: strings in pieces, all put together at the end, cost 2 µs each. */
  readonly #batch: Buffer
  #length = 0
  #timer: NodeJS.Timeout | undefined
  /** Full batches, the first of which is being written; and their bytes. */
  readonly #queue: Buffer[] = []
  #queued = 0
  /** From the first write until the queue is empty, pauses between tries included. */
  #busy = false
  #pause = FIRST_PAUSE
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
    const most = line.length * MOST_BYTES
    if (this.#queued + this.#length + most > this.#capacity) return this.#drop()
    if (this.#length + most > this.#batch.length) this.#seal()
    if (most > this.#batch.length) return this.#enqueue(Buffer.from(line))
    this.#length += this.#batch.write(line, this.#length)
    this.#timer ??= setTimeout(() => { this.#expire() }, PATIENCE)
  }

  /** @param done called when everything is written, which may never be */
  flush (done?: () => void): void {
    this.#seal()
    if (done === undefined) return
    if (this.#busy) this.#flushed.push(done)
    else done()
  }

  /** For the end of the process: writes what can be written without waiting. */
  flushSync (): void {
    // a write that is under way in another thread must not be overtaken
    if (this.#busy) return
    if (this.#length > 0) this.#push(this.#take())
    try {
      while (this.#queue.length > 0) this.#advance(writeSync(this.#fd, this.#queue[0]!))
    } catch {
      // what is left is written later, if there is a later
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
    // while it is busy, lines are worth collecting
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
    this.#busy = true
    write(this.#fd, this.#queue[0]!, (error, written) => {
      if (error !== null) return this.#retry(error)
      this.#pause = FIRST_PAUSE
      this.#advance(written)
      if (this.#queue.length > 0) this.#start()
      else this.#settle()
    })
  }

  /** Takes what has been written off the queue. */
  #advance (written: number): void {
    const bytes = this.#queue[0]!
    this.#queued -= written
    if (written < bytes.length) this.#queue[0] = bytes.subarray(written)
    else this.#queue.shift()
  }

  #retry (error: NodeJS.ErrnoException): void {
    let pause = ERROR_PAUSE
    if (error.code === 'EAGAIN') {
      pause = this.#pause
      this.#pause = Math.min(2 * pause, LAST_PAUSE)
      if (this.#unreported > 0) this.#stall('it is not read fast enough')
    } else {
      this.#stall(error.message)
    }
    // a process that has nothing else to do does not wait for its output
    setTimeout(() => { this.#start() }, pause).unref()
  }

  /** Everything is written. */
  #settle (): void {
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
 * A descriptor on which a write never waits. A thread that waits in write(2)
 * can't be called back, and the process can't end before it.
 */
function openNonBlocking (fd: 1 | 2): number {
  try {
    // an open file description of our own: the flags of `fd` are shared with all processes that inherited it
    if (fstatSync(fd).isFIFO() || isatty(fd)) {
      return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    }
  } catch {
    // no /proc, another user's, or a pipe without a reader
  }
  // a socket can't be opened again; Node.js makes it non-blocking when it creates this stream
  return fd === 1 ? process.stdout.fd : process.stderr.fd
}
