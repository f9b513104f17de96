/**
 * Searches as the service account and checks passwords, on any host.
 *
 * Users' binds have their own pool. On its connections nothing follows a bind
 * but the next bind, which ends the previous identity (RFC 4511, 4.2.1); a
 * connection that searched as a user is closed.
 */
import type { LdapProviderConfig } from '../../../../schemas/providers/ldap.js'
import type { OpenContext } from '../../../../src/authn/provider.js'
import { redactPasswords } from '../../../../src/authn/redaction.js'
import { DirectoryError } from '../../../../src/errors.js'
import { bindOutcomeOf, type BindOutcome } from './bind-outcome.js'
import { LdapConnection, type Query } from './ldap-connection.js'
import { dial, hostOf, type DialSettings, type Host } from './dial.js'
import type { LdapEntry } from './ldap-entry.js'
import { Hosts } from './hosts.js'
import { Paging } from './pages.js'
import { Pool } from './pool.js'
import { ServiceBind } from './service-bind.js'
import type { LdapSettings } from '../settings.js'
import type { TlsCertificates } from './tls-files.js'

/** Resolves to `undefined` if the base does not exist. */
export type Search = (query: Query) => Promise<LdapEntry[] | undefined>

export async function readEntry (search: Search, dn: string, attributes: readonly string[]): Promise<LdapEntry | undefined> {
  const [entry] = await search({ baseDN: dn, scope: 'base', attributes, limit: 1 }) ?? []
  return entry
}

export interface CheckedPassword {
  readonly outcome: BindOutcome
  readonly host: Host
}

/** What came of the searches as a user, if the password was correct. */
export type UserSession<T> = { readonly outcome: 'correct', readonly result: T } | { readonly outcome: Exclude<BindOutcome, 'correct'> }

const ROOT: Query = { baseDN: '', scope: 'base', attributes: ['1.1'], limit: 1 }

export class Directory {
  readonly #settings: LdapSettings
  readonly #dialing: DialSettings
  readonly #hosts: Hosts
  readonly #paging: Paging
  readonly #service: ServiceBind
  readonly #searches: Pool
  readonly #binds: Pool
  /** One connection, so that no review waits for a ping. */
  readonly #pings: Pool

  constructor (config: LdapProviderConfig, settings: LdapSettings, certificates: () => TlsCertificates, { log, countEvent, invalidate }: Pick<OpenContext, 'log' | 'countEvent' | 'invalidate'>) {
    this.#settings = settings
    this.#dialing = { tls: config.tls, certificates, timeout: settings.timeouts.connect, redact: text => redactPasswords(text, this.#service.secrets()) }
    this.#paging = new Paging(settings.pageSize, log)
    this.#hosts = new Hosts({
      hosts: config.urls.map(hostOf),
      log,
      probe: async (host, signal) => { await this.#probe(host, signal) },
      onLost: host => {
        countEvent('host-lost')
        for (const pool of [this.#searches, this.#binds, this.#pings]) pool.forget(host)
      }
    })
    this.#service = new ServiceBind({
      bindDN: config.bindDN,
      password: config.bindPassword,
      log,
      onRejected: () => { countEvent('service-bind-rejected') },
      onChanged: () => { this.#searches.warmUp(invalidate) }
    })
    const { pool, readsAsUser } = settings
    this.#searches = new Pool(readsAsUser ? { ...pool, min: 0 } : pool, async signal => await this.#connectAsService(signal))
    this.#binds = new Pool({ ...pool, min: 0 }, async signal => await this.#connect(signal))
    this.#pings = new Pool({ ...pool, min: 0, max: 1 }, async signal => readsAsUser ? await this.#connect(signal) : await this.#connectAsService(signal, { forPing: true }))
  }

  /** As the service account, or anonymously. */
  async search (query: Query, signal: AbortSignal): Promise<LdapEntry[] | undefined> {
    return await this.#ask(this.#searches, signal, async connection => await connection.search(query, signal))
  }

  /**
   * Binds as an entry. `signal` ends the wait for a connection, not the bind:
   * the directory counts a password that was sent, so it has to count here too.
   */
  async checkPassword (dn: string, password: string, signal: AbortSignal): Promise<CheckedPassword> {
    return await this.#ask(this.#binds, signal, async connection => ({ outcome: bindOutcomeOf(await connection.bind(dn, password)), host: connection.host }))
  }

  /** Binds as an entry and, if the password is correct, lets `use` search as that user. */
  async checkPasswordAndSearch<T> (dn: string, password: string, signal: AbortSignal, use: (search: Search) => Promise<T>): Promise<UserSession<T>> {
    return await this.#ask(this.#binds, signal, async connection => {
      const outcome = bindOutcomeOf(await connection.bind(dn, password))
      if (outcome !== 'correct') return { outcome }
      try {
        return { outcome, result: await use(async query => await connection.search(query, signal)) }
      } finally {
        connection.close()
      }
    })
  }

  /** @throws DirectoryError if no host answers, or the service account is rejected */
  async ping (signal: AbortSignal): Promise<void> {
    await this.#ask(this.#pings, signal, async connection => { await connection.search(ROOT, signal) })
  }

  close (): void {
    this.#hosts.close()
    this.#service.close()
    for (const pool of [this.#searches, this.#binds, this.#pings]) pool.close()
  }

  /** Retries once if the connection is lost: it may have been idle for too long, or its host has just died. */
  async #ask<T> (pool: Pool, signal: AbortSignal, use: (connection: LdapConnection) => Promise<T>): Promise<T> {
    const lend = async (): Promise<T> => await pool.lend(signal, async connection => {
      try {
        return await use(connection)
      } catch (error) {
        this.#markIfDown(connection.host, error)
        throw error
      }
    })
    try {
      return await lend()
    } catch (error) {
      if (!(error instanceof DirectoryError && error.lost !== undefined) || signal.aborted) throw error
      return await lend()
    }
  }

  async #connectAsService (signal: AbortSignal, { forPing = false } = {}): Promise<LdapConnection> {
    this.#service.throwIfBackingOff()
    const connection = await this.#connect(signal)
    try {
      await this.#service.bind(connection, signal, { forPing })
      return connection
    } catch (error) {
      connection.close()
      this.#markIfDown(connection.host, error)
      throw error
    }
  }

  /** To the first host that accepts the connection. */
  async #connect (signal: AbortSignal): Promise<LdapConnection> {
    let last: unknown
    for (const host of this.#hosts.inOrder()) {
      try {
        return await this.#connectTo(host, signal)
      } catch (error) {
        signal.throwIfAborted()
        this.#markIfDown(host, error)
        last = error
      }
    }
    throw last
  }

  async #connectTo (host: Host, signal: AbortSignal): Promise<LdapConnection> {
    return new LdapConnection(host, await dial(host, this.#dialing, signal), this.#settings.timeouts, this.#paging, () => this.#service.secrets())
  }

  #markIfDown (host: Host, error: unknown): void {
    if (isHostLost(error)) this.#hosts.markDown(host, error)
  }

  /** With a search: a frozen host still accepts connections. */
  async #probe (host: Host, signal: AbortSignal): Promise<void> {
    const connection = await this.#connectTo(host, signal)
    try {
      await connection.search(ROOT, signal)
    } catch (error) {
      if (isHostLost(error)) throw error
    } finally {
      connection.close()
    }
  }
}

function isHostLost (error: unknown): error is DirectoryError {
  return error instanceof DirectoryError && error.lost === 'host'
}
