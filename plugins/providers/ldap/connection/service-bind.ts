/**
 * Binds connections as the service account. Repeating a rejected bind would
 * lock the account, so the next attempt waits for a growing backoff, or until
 * the password changes.
 */
import type { ProviderLog } from '../../../../src/authn/provider.js'
import type { Secret } from '../../../../schemas/primitives.js'
import { DirectoryError } from '../../../../src/errors.js'
import { serviceBindError } from './bind-outcome.js'
import type { LdapConnection } from './ldap-connection.js'

export interface ServiceBindOptions {
  /** Empty: connections stay anonymous. */
  readonly bindDN: string
  readonly password: Secret | undefined
  readonly onRejected: () => void
  /** The password changed after it was rejected. */
  readonly onChanged: () => void
  readonly log: ProviderLog
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number
}

interface Backoff {
  /** The rejected one. */
  readonly password: string
  /** Milliseconds. */
  readonly delay: number
  readonly until: number
  readonly reason: string
}

/** Milliseconds between two reads of the password during a backoff. */
const PASSWORD_POLL = 1_000

const FIRST_DELAY = 30_000
const LONGEST_DELAY = 15 * 60_000

export class ServiceBind {
  readonly #options: ServiceBindOptions
  readonly #now: () => number
  #backoff: Backoff | undefined
  /** Binds follow one another, so that only one is rejected. */
  #last: Promise<void> = Promise.resolve()
  #poll: NodeJS.Timeout | undefined
  /** The password sent last; the current one may differ. */
  #sent = ''

  constructor (options: ServiceBindOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /** To call before a connection is opened. @throws DirectoryError during a backoff */
  throwIfBackingOff (): void {
    const backoff = this.#backoff
    if (backoff === undefined || this.#password !== backoff.password) return
    const rest = backoff.until - this.#now()
    if (rest > 0) throw new DirectoryError(`the directory rejected the service account ${this.#options.bindDN} (${backoff.reason}); next attempt in ${Math.ceil(rest / 1000)} s, or when its password file changes`)
  }

  /**
   * @param forPing no other bind waits for this one
   * @throws DirectoryError if the directory rejects the account or does not check the password
   */
  async bind (connection: LdapConnection, signal: AbortSignal, { forPing = false } = {}): Promise<void> {
    if (this.#options.bindDN === '') return
    const turn = this.#last.then(async () => { await this.#attempt(connection, signal) })
    if (!forPing) this.#last = turn.catch(() => {})
    await turn
  }

  /** To redact from what a directory says. */
  secrets (): readonly string[] {
    return [this.#password, this.#sent]
  }

  close (): void {
    clearInterval(this.#poll)
  }

  get #password (): string {
    return this.#options.password?.reveal() ?? ''
  }

  async #attempt (connection: LdapConnection, signal: AbortSignal): Promise<void> {
    this.throwIfBackingOff()
    const { bindDN, log } = this.#options
    const password = this.#password
    this.#sent = password
    const error = serviceBindError(await connection.bind(bindDN, password, signal))
    if (error !== undefined) this.#backOff(password, error)
    if (this.#backoff !== undefined) log.info({ bindDN }, 'the directory accepts the service account again')
    this.#backoff = undefined
    clearInterval(this.#poll)
  }

  #backOff (password: string, reason: string): never {
    const { bindDN, onRejected, log } = this.#options
    const delay = this.#backoff?.password === password ? Math.min(this.#backoff.delay * 2, LONGEST_DELAY) : FIRST_DELAY
    this.#backoff = { password, delay, until: this.#now() + delay, reason }
    this.#pollPassword(password)
    onRejected()
    log.error({ bindDN, reason, retryInSeconds: delay / 1000 }, 'the directory rejects the service account; nobody can log in until it is accepted')
    throw new DirectoryError(`the directory rejected the service account ${bindDN}: ${reason}`)
  }

  /** A new password is tried at once, even if no review comes in. */
  #pollPassword (rejected: string): void {
    clearInterval(this.#poll)
    this.#poll = setInterval(() => {
      if (this.#password === rejected) return
      clearInterval(this.#poll)
      this.#options.onChanged()
    }, PASSWORD_POLL).unref()
  }
}
