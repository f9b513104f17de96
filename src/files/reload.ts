/**
 * A value that is read from local files, and read again when one of them
 * changes. Reads follow one another, the first one included: a slow read of an
 * older version never replaces a newer one. What can't be read leaves the last
 * good value.
 */
import type { ProviderLog } from '../authn/provider.js'
import { watchFiles } from './watch.js'

export interface WatchedOptions<T> {
  readonly files: readonly string[]
  readonly log: Pick<ProviderLog, 'warn'>
  readonly read: () => Promise<T>
  /** After a reload; the next read waits for it. */
  readonly onReload: (next: T, previous: T) => void | Promise<void>
  /** A reload failed; `current` is the last good value. */
  readonly onError: (error: unknown) => void
}

export interface Watched<T> {
  readonly current: T
  /** Ends the watch at once; resolves when a read that is under way has ended, whose result is dropped. */
  close: () => Promise<void>
}

/** Rejects with what the first read throws. */
export async function openWatched<T> (options: WatchedOptions<T>): Promise<Watched<T>> {
  const watched = new WatchedFiles(options)
  await watched.open()
  return watched
}

class WatchedFiles<T> implements Watched<T> {
  readonly #options: WatchedOptions<T>
  readonly #watch: { close: () => void }
  #current: T | undefined
  /** The reads so far, one after another. */
  #reads: Promise<void> = Promise.resolve()
  /** A read is queued that has not begun: it sees every change so far. */
  #queued = false
  #closed = false

  constructor (options: WatchedOptions<T>) {
    this.#options = options
    // before the first read: nothing that changes meanwhile is missed
    this.#watch = watchFiles(options.files, () => { this.#queue() }, { log: options.log })
  }

  get current (): T {
    return this.#current!
  }

  async open (): Promise<void> {
    const first = this.#options.read()
    const opened = first.then(value => { this.#current = value })
    this.#reads = opened.catch(() => {})
    try {
      await opened
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async close (): Promise<void> {
    this.#closed = true
    this.#watch.close()
    await this.#reads
  }

  #queue (): void {
    if (this.#queued || this.#closed) return
    this.#queued = true
    this.#reads = this.#reads.then(async () => {
      this.#queued = false
      await this.#reload()
    })
  }

  async #reload (): Promise<void> {
    if (this.#closed) return
    const { read, onReload, onError } = this.#options
    try {
      const next = await read()
      if (this.#closed) return
      const previous = this.current
      this.#current = next
      await onReload(next, previous)
    } catch (error) {
      if (!this.#closed) onError(error)
    }
  }
}
