/**
 * The users of a file that is watched. A new version replaces the old one as a
 * whole; one with faults replaces nothing, and is complained about.
 */
import { hash } from 'node:crypto'
import type { OpenContext } from '../../../src/authn/provider.js'
import type { Users } from '../../../src/authn/users.js'
import { FaultsError, formatFault } from '../../../src/errors.js'
import { parseUsers, readUsersText } from '../../../src/files/users.js'
import { watchFiles } from '../../../src/files/watch.js'

/** Faults that one log line names; "authn-webhook validate" names all. */
const MAX_LOGGED = 10

/** @throws FaultsError with everything that is wrong with the file */
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
  readonly #watch: { close: () => void }
  #users: Users | undefined
  /** Of the text that the users were read from. */
  #digest: string | undefined
  /** Whether the file as it is now has errors; the users are those of before. */
  #failed = false
  /** Reads one after another, so that an older text never replaces a newer one. */
  #reading: Promise<void> = Promise.resolve()
  #closed = false

  constructor (file: string, ctx: OpenContext) {
    this.#file = file
    this.#ctx = ctx
    // before the first read: nothing that changes meanwhile is missed
    this.#watch = watchFiles([file], () => {
      this.#reading = this.#reading.then(async () => { await this.#reload() })
    }, { log: ctx.log })
  }

  async open (): Promise<void> {
    const reading = this.#read()
    this.#reading = reading.then(() => {}, () => {})
    await reading
    this.#announce()
  }

  /** Those of the last good file. */
  get users (): Users {
    return this.#users!
  }

  close (): void {
    this.#closed = true
    this.#watch.close()
  }

  /** Gives whether there is anything new. */
  async #read (): Promise<boolean> {
    const text = await readUsersText(this.#file)
    const digest = hash('sha256', text)
    if (digest === this.#digest) return false
    this.#users = parseUsers(text, this.#file)
    this.#digest = digest
    return true
  }

  async #reload (): Promise<void> {
    if (this.#closed) return
    try {
      const different = await this.#read()
      if (different) {
        this.#ctx.changed()
        this.#announce()
      } else if (this.#failed) {
        this.#ctx.log.info({ file: this.#file }, 'the users file is again the one in force')
      }
      this.#failed = false
      this.#ctx.reloaded()
    } catch (error) {
      this.#failed = true
      this.#ctx.log.error({ file: this.#file, ...describe(error) }, 'the users file was not taken over; the last good one stays in force')
      this.#ctx.reloaded(error)
    }
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
  if (!(error instanceof FaultsError)) return { err: error }
  const { file, faults } = error
  return { count: faults.length, faults: faults.slice(0, MAX_LOGGED).map(fault => formatFault(file, fault)) }
}
