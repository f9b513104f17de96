/**
 * Binds connections as the service account. A refusal is our fault, not a
 * user's, and repeating it would lock the account: one attempt, then none for a
 * growing while, unless the password's file changes.
 */
import type { ProviderLog } from '../../../../src/authn/provider.js'
import type { Secret } from '../../../../schemas/primitives.js'
import { DirectoryError } from '../../../../src/errors.js'
import type { LdapConnection } from './ldap-connection.js'
import { serviceBindError } from './service-refusal.js'

export interface ServiceBindOptions {
  /** Empty: connections stay anonymous. */
  readonly bindDN: string
  readonly password: Secret | undefined
  readonly onRefused: () => void
  /** The password is another one than the directory refused. */
  readonly onChanged: () => void
  readonly log: ProviderLog
  /** Milliseconds of a clock that is never set back. */
  readonly now?: () => number
}

interface Backoff {
  readonly password: string
  /** Milliseconds until the next attempt. */
  readonly pause: number
  readonly until: number
  /** Why, and what to do. */
  readonly message: string
}

/** Milliseconds between two looks at the password while it is refused. */
const LOOK = 1_000

const FIRST_PAUSE = 30_000
const LONGEST_PAUSE = 15 * 60_000

export class ServiceBind {
  readonly #options: ServiceBindOptions
  readonly #now: () => number
  #refusal: Backoff | undefined
  /** One bind after another: a refused one is the only one. */
  #last: Promise<void> = Promise.resolve()
  #look: NodeJS.Timeout | undefined
  /** The password that a directory has seen last, which may be another one than now. */
  #sent = ''

  constructor (options: ServiceBindOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /** @throws DirectoryError while a refusal stands; before a connection is opened for nothing */
  throwIfBackingOff (): void {
    const refusal = this.#refusal
    if (refusal === undefined || this.#password !== refusal.password) return
    const rest = refusal.until - this.#now()
    if (rest > 0) throw new DirectoryError(`the directory refused the service account ${this.#options.bindDN} (${refusal.message}); next attempt in ${Math.ceil(rest / 1000)} s, or when the file of its password changes`)
  }

  /** @throws DirectoryError where the directory refuses, or gives no verdict */
  async bind (connection: LdapConnection, signal: AbortSignal): Promise<void> {
    if (this.#options.bindDN === '') return
    const turn = this.#last.then(async () => { await this.#attempt(connection, signal) })
    this.#last = turn.catch(() => {})
    await turn
  }

  /** The same after those that are under way, which nobody waits for. */
  async bindForPing (connection: LdapConnection, signal: AbortSignal): Promise<void> {
    if (this.#options.bindDN === '') return
    await this.#last
    await this.#attempt(connection, signal)
  }

  /** What the words of a directory must not bring into a log. */
  secrets (): readonly string[] {
    return [this.#password, this.#sent]
  }

  close (): void {
    clearInterval(this.#look)
  }

  get #password (): string {
    return this.#options.password?.reveal() ?? ''
  }

  async #attempt (connection: LdapConnection, signal: AbortSignal): Promise<void> {
    this.throwIfBackingOff()
    const { bindDN, log } = this.#options
    const password = this.#password
    this.#sent = password
    const refusal = serviceBindError(await connection.bind(bindDN, password, signal))
    if (refusal !== undefined) this.#refuse(password, refusal)
    if (this.#refusal !== undefined) log.info({ bindDN }, 'the directory takes the service account again')
    this.#refusal = undefined
    clearInterval(this.#look)
  }

  #refuse (password: string, message: string): never {
    const { bindDN, onRefused, log } = this.#options
    const pause = this.#refusal?.password === password ? Math.min(this.#refusal.pause * 2, LONGEST_PAUSE) : FIRST_PAUSE
    this.#refusal = { password, pause, until: this.#now() + pause, message }
    this.#lookForChange(password)
    onRefused()
    log.error({ bindDN, reason: message, retryInSeconds: pause / 1000 }, 'the directory refuses the service account; nobody can be looked up until it is accepted')
    throw new DirectoryError(`the directory refused the service account ${bindDN}: ${message}`)
  }

  /** Nobody may come for a while: a new password is tried without being asked. */
  #lookForChange (refused: string): void {
    clearInterval(this.#look)
    this.#look = setInterval(() => {
      if (this.#password === refused) return
      clearInterval(this.#look)
      this.#options.onChanged()
    }, LOOK).unref()
  }
}
