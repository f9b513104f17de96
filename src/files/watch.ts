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
import { codeOf } from '../errors.js'
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
export function watchFiles (files: readonly string[], onChange: () => void, { debounce = 100, poll = 5000, log }: WatchOptions = {}): { close: () => void } {
  const paths = files.map((file) => resolve(file))
  const signatures = (): string => paths.map(signatureOf).join('\n')
  // those that were reported, and those of the last check; they differ while files are being written
  let reported = signatures()
  let last = reported
  let check: NodeJS.Timeout | undefined

  // later events don't postpone a check: a busy directory would postpone it indefinitely
  const checkSoon = (): void => { check ??= setTimeout(compare, debounce).unref() }
  const compare = (): void => {
    check = undefined
    const current = signatures()
    const stable = current === last
    last = current
    if (current === reported) return
    if (!stable) return checkSoon()
    reported = current
    onChange()
  }

  const directories = [...new Set(paths.map((path) => dirname(path)))].map((path) => new WatchedDirectory(path, checkSoon, log))
  const timer = setInterval(() => {
    for (const directory of directories) directory.watch()
    checkSoon()
  }, poll).unref()
  return {
    close () {
      clearInterval(timer)
      clearTimeout(check)
      for (const directory of directories) directory.close()
    }
  }
}

class WatchedDirectory {
  #signature: string | undefined
  #events: FSWatcher | undefined
  #warned = false

  constructor (readonly path: string, readonly onEvent: () => void, readonly log: WatchOptions['log']) {
    this.watch()
  }

  /** Does nothing if the directory is watched already, unless another one is at its path by now. */
  watch (): void {
    const signature = directorySignature(this.path)
    if (this.#events !== undefined && signature === this.#signature) return
    this.close()
    this.#signature = signature
    if (signature === undefined) return
    try {
      const events = watch(this.path, { persistent: false }, () => { this.onEvent() })
      events.on('error', (error) => {
        events.close()
        this.#events = undefined
        this.#warn(error)
      })
      this.#events = events
    } catch (error) {
      this.#warn(error)
    }
  }

  close (): void {
    this.#events?.close()
    this.#events = undefined
  }

  #warn (error: unknown): void {
    if (this.#warned) return
    this.#warned = true
    this.log?.warn({ directory: this.path, code: codeOf(error) }, 'no change events for this directory; polling its files instead')
  }
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
