/**
 * A bounded set of connections, each lent to one question at a time. It knows
 * nothing of who is bound on them: the service account's and the users' are
 * two pools.
 */
import { DirectoryError } from '../../../../src/errors.js'
import type { LdapConnection } from './ldap-connection.js'
import type { Host } from './dial.js'
import type { PoolSettings } from '../settings.js'

interface Idle {
  readonly connection: LdapConnection
  readonly since: number
}

/** Gets a connection, or `undefined` where there is room for a new one. */
type Waiter = (connection: LdapConnection | undefined) => void

/** Milliseconds between two looks at idle connections, at most. */
const LONGEST_SWEEP = 30_000

export class Pool {
  readonly #settings: PoolSettings
  readonly #connect: (signal: AbortSignal) => Promise<LdapConnection>
  /** The one that was used last is last, and first to be used again: what is too many grows old. */
  #idle: Idle[] = []
  readonly #waiting = new Set<Waiter>()
  /** Open ones, lent or idle, and those being opened. */
  #size = 0
  readonly #sweep: NodeJS.Timeout
  readonly #closing = new AbortController()

  constructor (settings: PoolSettings, connect: (signal: AbortSignal) => Promise<LdapConnection>) {
    this.#settings = settings
    this.#connect = connect
    this.#sweep = setInterval(() => { this.#clear(); this.#fill() }, Math.min(settings.idle, settings.age, LONGEST_SWEEP)).unref()
    this.#fill()
  }

  /** Lends a connection for the time that `use` takes. One that is closed by then is not used again. */
  async lend<T> (signal: AbortSignal, use: (connection: LdapConnection) => Promise<T>): Promise<T> {
    const connection = await this.#take(signal)
    try {
      return await use(connection)
    } finally {
      this.#giveBack(connection)
    }
  }

  /** Closes what is idle there; what is lent ends by itself. */
  forget (host: Host): void {
    for (const { connection } of this.#idle) {
      if (connection.host === host) connection.close()
    }
  }

  /** Opens one without being asked, and says when that went well. */
  trial (done: () => void): void {
    this.lend(this.#closing.signal, async () => { done() }).catch(() => {})
  }

  close (): void {
    this.#closing.abort(new DirectoryError('closed'))
    clearInterval(this.#sweep)
    for (const { connection } of this.#idle) connection.close()
    while (this.#next(undefined));
  }

  async #take (signal: AbortSignal): Promise<LdapConnection> {
    for (;;) {
      signal.throwIfAborted()
      this.#closing.signal.throwIfAborted()
      const idle = this.#idle.pop()
      if (idle !== undefined) {
        if (this.#isFit(idle.connection)) return idle.connection
        this.#dismiss(idle.connection)
      } else if (this.#size < this.#settings.max) {
        return await this.#open(signal)
      } else {
        const connection = await this.#turn(signal)
        if (connection !== undefined) return connection
      }
    }
  }

  async #open (signal: AbortSignal): Promise<LdapConnection> {
    this.#size++
    try {
      const connection = await this.#connect(signal)
      connection.onClose(() => { this.#dropIdle(connection) })
      return connection
    } catch (error) {
      this.#size--
      this.#next(undefined)
      throw error
    }
  }

  async #turn (signal: AbortSignal): Promise<LdapConnection | undefined> {
    return await new Promise((resolve, reject) => {
      const enter: Waiter = connection => {
        signal.removeEventListener('abort', leave)
        resolve(connection)
      }
      const leave = (): void => {
        this.#waiting.delete(enter)
        const reason: Error = signal.reason
        reject(reason)
      }
      this.#waiting.add(enter)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  #giveBack (connection: LdapConnection): void {
    if (!this.#isFit(connection)) this.#dismiss(connection)
    else if (!this.#next(connection)) this.#idle.push({ connection, since: performance.now() })
  }

  /** To whoever waits longest, if anybody does. */
  #next (connection: LdapConnection | undefined): boolean {
    const [enter] = this.#waiting
    if (enter === undefined) return false
    this.#waiting.delete(enter)
    enter(connection)
    return true
  }

  #isFit (connection: LdapConnection): boolean {
    return connection.open && !this.#closing.signal.aborted && performance.now() - connection.openedAt < this.#settings.age
  }

  #dismiss (connection: LdapConnection): void {
    connection.close()
    this.#size--
    this.#next(undefined)
  }

  #dropIdle (connection: LdapConnection): void {
    const rest = this.#idle.filter(idle => idle.connection !== connection)
    if (rest.length === this.#idle.length) return
    this.#idle = rest
    this.#dismiss(connection)
  }

  /** Closes what is old, and what nobody has used for long beyond the least number. */
  #clear (): void {
    const now = performance.now()
    let spare = this.#size - this.#settings.min
    for (const { connection, since } of [...this.#idle]) {
      const unused = now - since >= this.#settings.idle
      if (this.#isFit(connection) && !(unused && spare > 0)) continue
      spare--
      this.#dropIdle(connection)
    }
  }

  /** Up to the least number; what can't be opened now is opened when it is needed, or at the next look. */
  #fill (): void {
    for (let count = this.#size; count < this.#settings.min; count++) {
      this.#open(this.#closing.signal).then(connection => { this.#giveBack(connection) }, () => {})
    }
  }
}
