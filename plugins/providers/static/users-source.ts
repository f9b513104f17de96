/**
 * The users of a file that is watched. A new version replaces the old one as a
 * whole; one with errors replaces nothing, and is complained about.
 */
import type { OpenContext } from '../../../src/authn/provider.js'
import { Users } from '../../../src/users-file/users.js'
import { ValidationError, formatFieldError } from '../../../src/errors.js'
import { openWatched, type Watched } from '../../../src/files/reload.js'
import { loadUsers } from '../../../src/users-file/load.js'

/** Errors that one log line names; "authn-webhook validate" names all. */
const MAX_LOGGED = 10

/** The users of one text. */
interface Version {
  readonly users: Users
  readonly digest: string
}

/** @throws ValidationError with everything that is wrong with the file */
export async function openUsersSource (file: string, ctx: OpenContext): Promise<UsersSource> {
  const source = new UsersSource(file, ctx)
  try {
    await source.open()
    ctx.signal.throwIfAborted()
    return source
  } catch (error) {
    source.close()
    throw error
  }
}

export class UsersSource {
  readonly #file: string
  readonly #ctx: OpenContext
  readonly #closing = new AbortController()
  #watched: Watched<Version> | undefined
  #version: Version | undefined
  /** Whether the file as it is now has errors; the users are those of before. */
  #failed = false

  constructor (file: string, ctx: OpenContext) {
    this.#file = file
    this.#ctx = ctx
  }

  async open (): Promise<void> {
    this.#watched = await openWatched({
      files: [this.#file],
      log: this.#ctx.log,
      read: async () => await this.#read(),
      onReload: (next, previous) => { this.#reloaded(next !== previous) },
      onError: error => {
        this.#failed = true
        this.#ctx.log.error({ file: this.#file, ...describe(error) }, 'the users file was not taken over; the last good one stays in force')
        this.#ctx.reportReload(error)
      }
    })
    this.#announce()
  }

  /** Those of the last good file. */
  get users (): Users {
    return this.#watched!.current.users
  }

  close (): void {
    this.#closing.abort()
    this.#watched?.close().catch(() => {})
  }

  /** The version that is there already, if the text is the same. */
  async #read (): Promise<Version> {
    const { digest, table } = await loadUsers(this.#file, { known: this.#version?.digest, signal: this.#closing.signal })
    if (table !== undefined) this.#version = { users: new Users(table), digest }
    return this.#version!
  }

  #reloaded (different: boolean): void {
    if (different) {
      this.#ctx.invalidate()
      this.#announce()
    } else if (this.#failed) {
      this.#ctx.log.info({ file: this.#file }, 'the users file is again the one in force')
    }
    this.#failed = false
    this.#ctx.reportReload()
  }

  #announce (): void {
    const { log } = this.#ctx
    const { size, costs } = this.users
    log.info({ file: this.#file, users: size }, 'users file loaded')
    if (size === 0) log.warn({ file: this.#file }, 'the users file lists nobody: this provider lets nobody in')
    if (costs.length > 1) log.warn({ file: this.#file, costs }, 'password hashes of different costs: the time of an answer can tell whether a name exists; make them alike with "authn-webhook hash password"')
  }
}

function describe (error: unknown): object {
  if (!(error instanceof ValidationError)) return { err: error }
  const { file, errors } = error
  return { count: errors.length, errors: errors.slice(0, MAX_LOGGED).map(each => formatFieldError(file, each)) }
}
