/**
 * Watches local files for changes of content. Directories are watched, not the
 * files: editors rename over them, and Kubernetes swaps a symbolic link beside
 * them. Events are hints only; what counts is that the signature of a file has
 * changed. A slow poll finds what events miss (network mounts, exhausted inotify
 * limits, a directory that was absent for a while).
 */
import { statSync, watch, type FSWatcher } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { ProviderLog } from '../authn/provider.js'
import { signatureOf } from './signature.js'

export interface WatchOptions {
  /** Milliseconds without another change before a change counts, so that files are not read half-written. */
  readonly debounce?: number
  /** Milliseconds between checks without an event. */
  readonly poll?: number
  readonly log?: Pick<ProviderLog, 'warn'>
}

/**
 * Calls `onChange` some time after one of the files changed, appeared or
 * disappeared, once for changes that come together. Start it before the first
 * read, or a change between the two is missed. Never keeps the process alive.
 */
export function watchFiles (files: readonly string[], onChange: () => void, options: WatchOptions = {}): { close: () => void } {
  const watcher = new FilesWatcher(files.map((file) => resolve(file)), onChange, options)
  return { close: () => { watcher.close() } }
}

class FilesWatcher {
  readonly #files: readonly string[]
  readonly #onChange: () => void
  readonly #debounce: number
  readonly #log: Pick<ProviderLog, 'warn'> | undefined
  readonly #directories: readonly WatchedDirectory[]
  readonly #poll: NodeJS.Timeout
  #check: NodeJS.Timeout | undefined
  /** The signatures that were reported, and those of the last check; they differ while files are being written. */
  #reported: string
  #last: string

  constructor (files: readonly string[], onChange: () => void, { debounce = 100, poll = 5000, log }: WatchOptions) {
    this.#files = files
    this.#onChange = onChange
    this.#debounce = debounce
    this.#log = log
    this.#reported = this.#last = this.#signatures()
    this.#directories = [...new Set(files.map((file) => dirname(file)))].map(path => ({ path, signature: undefined, events: undefined, warned: false }))
    this.#watchDirectories()
    this.#poll = setInterval(() => { this.#watchDirectories(); this.#checkSoon() }, poll).unref()
  }

  close (): void {
    clearInterval(this.#poll)
    clearTimeout(this.#check)
    for (const { events } of this.#directories) events?.close()
  }

  /** Later events don't postpone a check: a busy directory would postpone it for ever. */
  #checkSoon (): void {
    this.#check ??= setTimeout(() => { this.#compare() }, this.#debounce).unref()
  }

  #compare (): void {
    this.#check = undefined
    const current = this.#signatures()
    const stable = current === this.#last
    this.#last = current
    if (current === this.#reported) return
    if (!stable) return this.#checkSoon()
    this.#reported = current
    this.#onChange()
  }

  #signatures (): string {
    return this.#files.map(signatureOf).join('\n')
  }

  /** Skips directories that are watched already, unless another one is at their path by now. */
  #watchDirectories (): void {
    for (const directory of this.#directories) {
      const signature = directorySignature(directory.path)
      if (directory.events !== undefined && signature === directory.signature) continue
      directory.events?.close()
      directory.signature = signature
      directory.events = signature === undefined ? undefined : this.#listen(directory)
    }
  }

  #listen (directory: WatchedDirectory): FSWatcher | undefined {
    try {
      const events = watch(directory.path, { persistent: false }, () => { this.#checkSoon() })
      events.on('error', (error) => {
        events.close()
        directory.events = undefined
        this.#warn(directory, error)
      })
      return events
    } catch (error) {
      this.#warn(directory, error)
      return undefined
    }
  }

  #warn (directory: WatchedDirectory, error: unknown): void {
    if (directory.warned) return
    directory.warned = true
    this.#log?.warn({ directory: directory.path, code: (error as NodeJS.ErrnoException).code }, 'no change events for this directory; polling its files instead')
  }
}

interface WatchedDirectory {
  readonly path: string
  signature: string | undefined
  events: FSWatcher | undefined
  warned: boolean
}

/** With the time of birth: file systems reuse the inode of a deleted directory. */
function directorySignature (directory: string): string | undefined {
  try {
    const { dev, ino, birthtimeNs } = statSync(directory, { bigint: true })
    return [dev, ino, birthtimeNs].join(' ')
  } catch {
    return undefined
  }
}
