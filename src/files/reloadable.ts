/**
 * A value that is read from local files, and read again when one of them
 * changes. One read at a time, the first one included: a slow read of an older
 * version never replaces a newer one. A failed read leaves the last good value.
 */
import { batched } from '../authn/batched.js'
import type { ProviderLog } from '../authn/provider.js'
import { ValidationError, linesOf } from '../errors.js'
import { watchFiles } from './watch.js'

export interface ReloadableOptions<T> {
  /** What the files are, for the log: `users file`. */
  readonly name: string
  readonly files: readonly string[]
  readonly log: Pick<ProviderLog, 'info' | 'warn' | 'error'>
  /** Fields of the log lines about reloads. */
  readonly fields?: object
  /** @param previous to be returned again if the content is the same; absent at the first read */
  readonly read: (previous: T | undefined) => Promise<T>
  /** Puts a new value to use; the next read waits for it. */
  readonly onReload: (next: T, previous: T) => void | Promise<void>
  /** Called after each reload, with the error if it failed; for metrics. */
  readonly reportReload: (error?: unknown) => void
}

export interface Reloadable<T> {
  readonly current: T
  /** Ends the watch at once; resolves when a read in flight, whose result is dropped, has ended. */
  close: () => Promise<void>
}

/** Rejects if the first read does. */
export async function openReloadable<T> (options: ReloadableOptions<T>): Promise<Reloadable<T>> {
  const reloadable = new ReloadableFiles(options)
  try {
    await reloadable.open()
    return reloadable
  } catch (error) {
    await reloadable.close()
    throw error
  }
}

class ReloadableFiles<T> implements Reloadable<T> {
  readonly #options: ReloadableOptions<T>
  readonly #watch: { close: () => void }
  readonly #read = batched(async () => { await this.#readOnce() })
  #current: T | undefined
  #opened = false
  #failed = false
  #closed = false

  constructor (options: ReloadableOptions<T>) {
    this.#options = options
    // before the first read, so that no change in between is missed
    this.#watch = watchFiles(options.files, () => { this.#read().catch(() => {}) }, { log: options.log })
  }

  get current (): T {
    return this.#current!
  }

  async open (): Promise<void> {
    await this.#read()
  }

  async close (): Promise<void> {
    this.#closed = true
    this.#watch.close()
    await this.#read()
  }

  async #readOnce (): Promise<void> {
    if (this.#closed) return
    if (this.#opened) return await this.#reload()
    this.#current = await this.#options.read(undefined)
    this.#opened = true
  }

  async #reload (): Promise<void> {
    const { name, log, fields, read, onReload, reportReload } = this.#options
    try {
      const previous = this.current
      const next = await read(previous)
      if (this.#closed) return
      this.#current = next
      if (next !== previous) await onReload(next, previous)
      else if (this.#failed) log.info({ ...fields }, `${name} is valid again, with the content of the active version`)
      this.#failed = false
      reportReload()
    } catch (error) {
      if (this.#closed) return
      this.#failed = true
      log.error({ ...fields, ...describeError(error) }, `${name} not reloaded; keeping the previous version`)
      reportReload(error)
    }
  }
}

/** Errors of a file in the log line; `validate` shows all of them. */
const MAX_LOGGED = 10

/** What is wrong with a file needs no stack. */
function describeError (error: unknown): object {
  if (!(error instanceof ValidationError)) return { err: error }
  const lines = linesOf(error)
  return { count: lines.length, errors: lines.slice(0, MAX_LOGGED) }
}
