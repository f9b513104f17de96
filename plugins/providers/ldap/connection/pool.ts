/**
 * A bounded set of connections, each used by one question at a time. It knows
 * nothing of binds: the service account and the users have a pool each.
 */
import { DirectoryError } from '../../../../src/errors.js'
import type { LdapConnection } from './ldap-connection.js'
import type { Host } from './dial.js'
import type { PoolSettings } from '../settings.js'

/** Receives a connection, or `undefined` if a new one may be opened. */
type Waiter = (connection: LdapConnection | undefined) => void

/** Milliseconds. */
const LONGEST_SWEEP_INTERVAL = 30_000

export class Pool {
  readonly #settings: PoolSettings
  readonly #connect: (signal: AbortSignal) => Promise<LdapConnection>
  /** Last in, first out, so that surplus connections stay idle until they are closed. */
  readonly #idle: LdapConnection[] = []
  readonly #waiting = new Set<Waiter>()
  /** Connections in use, idle, and being opened. */
  #size = 0
  readonly #sweep: NodeJS.Timeout
  readonly #closing = new AbortController()

  constructor (settings: PoolSettings, connect: (signal: AbortSignal) => Promise<LdapConnection>) {
    this.#settings = settings
    this.#connect = connect
    this.#sweep = setInterval(() => { this.#closeStale(); this.#fill() }, Math.min(settings.idle, settings.age, LONGEST_SWEEP_INTERVAL)).unref()
    this.#fill()
  }

  /** Calls `use` with a connection, which returns to the pool unless it is closed by then. */
  async lend<T> (signal: AbortSignal, use: (connection: LdapConnection) => Promise<T>): Promise<T> {
    const connection = await this.#acquire(signal)
    try {
      return await use(connection)
    } finally {
      this.#release(connection)
    }
  }

  /** Closes idle connections to a host. */
  forget (host: Host): void {
    for (const connection of this.#idle) {
      if (connection.host === host) connection.close()
    }
  }

  /** Opens a connection now, and calls `done` if that succeeds. */
  warmUp (done: () => void): void {
    this.lend(this.#closing.signal, async () => { done() }).catch(() => {})
  }

  close (): void {
    this.#closing.abort(new DirectoryError('closed'))
    clearInterval(this.#sweep)
    for (const connection of this.#idle) connection.close()
    while (this.#wakeNext(undefined));
  }

  async #acquire (signal: AbortSignal): Promise<LdapConnection> {
    for (;;) {
      signal.throwIfAborted()
      this.#closing.signal.throwIfAborted()
      const idle = this.#idle.pop()
      if (idle !== undefined) {
        if (this.#isUsable(idle)) return idle
        this.#dismiss(idle)
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
      connection.onClose(() => { this.#dismissIdle(connection) })
      return connection
    } catch (error) {
      this.#size--
      this.#wakeNext(undefined)
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

  #release (connection: LdapConnection): void {
    if (!this.#isUsable(connection)) this.#dismiss(connection)
    else if (!this.#wakeNext(connection)) this.#idle.push(connection)
  }

  /** Hands over to the longest waiting question, if there is one. */
  #wakeNext (connection: LdapConnection | undefined): boolean {
    const [enter] = this.#waiting
    if (enter === undefined) return false
    this.#waiting.delete(enter)
    enter(connection)
    return true
  }

  #isUsable (connection: LdapConnection): boolean {
    return connection.open && !this.#closing.signal.aborted && performance.now() - connection.openedAt < this.#settings.age
  }

  #dismiss (connection: LdapConnection): void {
    connection.close()
    this.#size--
    this.#wakeNext(undefined)
  }

  #dismissIdle (connection: LdapConnection): void {
    const index = this.#idle.indexOf(connection)
    if (index === -1) return
    this.#idle.splice(index, 1)
    this.#dismiss(connection)
  }

  /** Closes connections that are too old, and idle ones beyond the minimum. */
  #closeStale (): void {
    const { idle, min } = this.#settings
    for (const connection of [...this.#idle]) {
      const isSurplus = this.#size > min && performance.now() - connection.usedAt >= idle
      if (isSurplus || !this.#isUsable(connection)) this.#dismissIdle(connection)
    }
  }

  /** Opens connections up to the minimum. Errors are ignored: the next question or sweep tries again. */
  #fill (): void {
    for (let count = this.#size; count < this.#settings.min; count++) {
      this.#open(this.#closing.signal).then(connection => { this.#release(connection) }, () => {})
    }
  }
}
