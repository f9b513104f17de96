/**
 * What is asked of the directory, over whichever host and connection: a search
 * as the service account, the test of a password, both in one.
 *
 * Users' binds have a pool of their own. On its connections nothing is ever
 * asked but the next bind, which ends the identity before it (RFC 4511, 4.2.1);
 * one on which something is asked as the user is closed afterwards.
 */
import type { LdapProviderConfig } from '../../../../schemas/providers/ldap.js'
import type { OpenContext } from '../../../../src/authn/provider.js'
import { redactPasswords } from '../../../../src/authn/redaction.js'
import { DirectoryError } from '../../../../src/errors.js'
import { LdapConnection, type Query } from './ldap-connection.js'
import { dial, hostOf, type DialSettings, type Host } from './dial.js'
import type { LdapEntry } from './ldap-entry.js'
import { Hosts } from './hosts.js'
import { Paging } from './pages.js'
import { Pool } from './pool.js'
import { ServiceBind } from './service-bind.js'
import type { LdapSettings } from '../settings.js'
import type { TlsCertificates } from './tls-files.js'
import { bindOutcomeOf, type BindOutcome } from './bind-outcome.js'

/** Entries, or `undefined` where the base isn't there. */
export type Search = (query: Query) => Promise<LdapEntry[] | undefined>

export interface CheckedPassword {
  readonly outcome: BindOutcome
  readonly host: Host
}

export interface DirectoryOptions {
  readonly config: LdapProviderConfig
  readonly settings: LdapSettings
  readonly certificates: () => TlsCertificates
  readonly ctx: Pick<OpenContext, 'log' | 'countEvent' | 'invalidate'>
}

const ROOT: Query = { baseDN: '', scope: 'base', attributes: ['1.1'], limit: 1 }

export class Directory {
  readonly #settings: LdapSettings
  readonly #dialing: DialSettings
  readonly #hosts: Hosts
  readonly #paging: Paging
  readonly #service: ServiceBind
  readonly #searches: Pool
  readonly #binds: Pool
  /** One connection of its own: no review ever waits for a ping. */
  readonly #pings: Pool

  constructor ({ config, settings, certificates, ctx: { log, countEvent, invalidate } }: DirectoryOptions) {
    this.#settings = settings
    this.#dialing = { tls: config.tls, certificates, timeout: settings.timeouts.connect, redact: words => redactPasswords(words, this.#service.secrets()) }
    this.#paging = new Paging(settings.pageSize, log)
    this.#hosts = new Hosts({
      hosts: config.urls.map(hostOf),
      log,
      probe: async (host, signal) => { await this.#probe(host, signal) },
      onLost: host => {
        countEvent?.('host-lost')
        this.#searches.forget(host)
        this.#binds.forget(host)
        this.#pings.forget(host)
      }
    })
    this.#service = new ServiceBind({
      bindDN: config.bindDN,
      password: config.bindPassword,
      log,
      onRefused: () => { countEvent?.('service-bind-refused') },
      onChanged: () => { this.#searches.trial(invalidate) }
    })
    const { pool, readsAsUser } = settings
    this.#searches = new Pool(readsAsUser ? { ...pool, min: 0 } : pool, async signal => await this.#connectAsService(signal))
    this.#binds = new Pool({ ...pool, min: 0 }, async signal => await this.#connect(signal))
    this.#pings = new Pool({ ...pool, min: 0, max: 1 }, async signal => readsAsUser ? await this.#connect(signal) : await this.#connectAsService(signal, { aside: true }))
  }

  /** As the service account, or anonymously. */
  async search (query: Query, signal: AbortSignal): Promise<LdapEntry[] | undefined> {
    return await this.#ask(this.#searches, signal, async connection => await connection.search(query, signal))
  }

  /**
   * Whether it is this entry's password. `signal` ends the wait for a
   * connection, not the bind itself: the directory counts what it was sent, so
   * its outcome has to count here too.
   */
  async checkPassword (dn: string, password: string, signal: AbortSignal): Promise<CheckedPassword> {
    return await this.#ask(this.#binds, signal, async connection => ({ outcome: bindOutcomeOf(await connection.bind(dn, password)), host: connection.host }))
  }

  /** The same, and what `use` makes of searches as that user, where the password is right. */
  async checkPasswordAndSearch<T> (dn: string, password: string, signal: AbortSignal, use: (search: Search) => Promise<T>): Promise<{ outcome: BindOutcome, used?: T }> {
    return await this.#ask(this.#binds, signal, async connection => {
      const outcome = bindOutcomeOf(await connection.bind(dn, password))
      if (outcome !== 'correct') return { outcome }
      try {
        return { outcome, used: await use(async query => await connection.search(query, signal)) }
      } finally {
        connection.close()
      }
    })
  }

  /** @throws DirectoryError where no host answers, or the service account is refused */
  async ping (signal: AbortSignal): Promise<void> {
    await this.#ask(this.#pings, signal, async connection => { await connection.search(ROOT, signal) })
  }

  close (): void {
    this.#hosts.close()
    this.#service.close()
    this.#searches.close()
    this.#binds.close()
    this.#pings.close()
  }

  /** Once more where the connection is lost: it may have lain idle for too long, or its host has just died. */
  async #ask<T> (pool: Pool, signal: AbortSignal, use: (connection: LdapConnection) => Promise<T>): Promise<T> {
    try {
      return await this.#lend(pool, signal, use)
    } catch (error) {
      if (!(error instanceof DirectoryError && error.lost !== undefined) || signal.aborted) throw error
      return await this.#lend(pool, signal, use)
    }
  }

  async #lend<T> (pool: Pool, signal: AbortSignal, use: (connection: LdapConnection) => Promise<T>): Promise<T> {
    return await pool.lend(signal, async connection => {
      try {
        return await use(connection)
      } catch (error) {
        this.#note(connection.host, error)
        throw error
      }
    })
  }

  async #connectAsService (signal: AbortSignal, { aside = false } = {}): Promise<LdapConnection> {
    this.#service.throwIfBackingOff()
    const connection = await this.#connect(signal)
    try {
      await (aside ? this.#service.bindForPing(connection, signal) : this.#service.bind(connection, signal))
      return connection
    } catch (error) {
      connection.close()
      this.#note(connection.host, error)
      throw error
    }
  }

  /** To the first host that takes it. */
  async #connect (signal: AbortSignal): Promise<LdapConnection> {
    let last: unknown
    for (const host of this.#hosts.inOrder()) {
      try {
        return await this.#reach(host, signal)
      } catch (error) {
        signal.throwIfAborted()
        this.#note(host, error)
        last = error
      }
    }
    throw last
  }

  async #reach (host: Host, signal: AbortSignal): Promise<LdapConnection> {
    return new LdapConnection(host, await dial(host, this.#dialing, signal), this.#settings.timeouts, this.#paging, () => this.#service.secrets())
  }

  #note (host: Host, error: unknown): void {
    if (isOfHost(error)) this.#hosts.markDown(host, error)
  }

  /** A frozen host still takes connections: only an answer counts. */
  async #probe (host: Host, signal: AbortSignal): Promise<void> {
    const connection = await this.#reach(host, signal)
    try {
      await connection.search(ROOT, signal)
    } catch (error) {
      if (isOfHost(error)) throw error
    } finally {
      connection.close()
    }
  }
}

function isOfHost (error: unknown): error is DirectoryError {
  return error instanceof DirectoryError && error.lost === 'host'
}
