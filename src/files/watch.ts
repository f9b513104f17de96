/**
 * Watches local files for change of content. Directories are watched, not the
 * files: editors rename over them, and Kubernetes swaps a symbolic link beside
 * them. Events are hints; what counts is that a file's identity differs from
 * what it was. A slow poll finds what events miss (network mounts, exhausted
 * inotify limits, a directory that was away for a while).
 */
import { statSync, watch, type FSWatcher } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { ProviderLog } from '../authn/provider.js'
import { signatureOf } from './signature.js'

export interface WatchOptions {
  /** Milliseconds of quiet before a change counts, so that files are not read half-written. */
  readonly debounce?: number
  /** Milliseconds between looks without an event. */
  readonly poll?: number
  readonly log?: Pick<ProviderLog, 'warn'>
}

/**
 * Calls `onChange` some time after one of the files changed, appeared or went
 * away, once for changes that come together. Start it before the first read,
 * or a change between the two is missed. Never keeps the process alive.
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
  readonly #directories = new Map<string, WatchedDirectory>()
  readonly #poll: NodeJS.Timeout
  #check: NodeJS.Timeout | undefined
  /** What was last told, and what was last seen; they differ while a change settles. */
  #told: string
  #seen: string

  constructor (files: readonly string[], onChange: () => void, { debounce = 100, poll = 5000, log }: WatchOptions) {
    this.#files = files
    this.#onChange = onChange
    this.#debounce = debounce
    this.#log = log
    this.#told = this.#seen = this.#identity()
    for (const directory of new Set(files.map((file) => dirname(file)))) this.#directories.set(directory, { path: directory, identity: undefined, events: undefined, warned: false })
    this.#watchDirectories()
    this.#poll = setInterval(() => { this.#watchDirectories(); this.#checkSoon() }, poll).unref()
  }

  close (): void {
    clearInterval(this.#poll)
    clearTimeout(this.#check)
    for (const { events } of this.#directories.values()) events?.close()
  }

  /** Later events don't put a check off: a busy directory would put it off for ever. */
  #checkSoon (): void {
    this.#check ??= setTimeout(() => { this.#compare() }, this.#debounce).unref()
  }

  #compare (): void {
    this.#check = undefined
    const now = this.#identity()
    const settled = now === this.#seen
    this.#seen = now
    if (now === this.#told) return
    if (!settled) return this.#checkSoon()
    this.#told = now
    this.#onChange()
  }

  #identity (): string {
    return this.#files.map(signatureOf).join('\n')
  }

  /** Once more for directories that are not watched yet, or are other ones by now. */
  #watchDirectories (): void {
    for (const directory of this.#directories.values()) {
      const identity = directoryIdentity(directory.path)
      if (directory.events !== undefined && identity === directory.identity) continue
      directory.events?.close()
      directory.identity = identity
      directory.events = identity === undefined ? undefined : this.#listen(directory)
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
    this.#log?.warn({ directory: directory.path, code: (error as NodeJS.ErrnoException).code }, 'no change events for this directory; looking every few seconds instead')
  }
}

interface WatchedDirectory {
  readonly path: string
  identity: string | undefined
  events: FSWatcher | undefined
  warned: boolean
}

/** With its time of birth: file systems give the inode of a deleted directory to the next one. */
function directoryIdentity (directory: string): string | undefined {
  try {
    const { dev, ino, birthtimeNs } = statSync(directory, { bigint: true })
    return [dev, ino, birthtimeNs].join(' ')
  } catch {
    return undefined
  }
}
