/**
 * One connection to one host, with one request in flight at a time. It is never
 * reopened: ldapts would reconnect without the bind. A request that times out
 * or is aborted ends the connection.
 */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { Client, ResultCodeError, type Filter, type SearchOptions } from 'ldapts'
import { redactPasswords } from '../../../../src/authn/redaction.js'
import { DirectoryError, messageOf } from '../../../../src/errors.js'
import type { Host } from './dial.js'
import { Allowance } from '../messages/allowance.js'
import type { AnswerError } from '../messages/ber.js'
import { CheckedSocket } from './checked-socket.js'
import { BINARY_ATTRIBUTES, LdapEntry } from './ldap-entry.js'
import { PasswordPolicyControl, type PolicyError } from './password-policy.js'
import { fetchPages, Paging } from './pages.js'
import { printable } from '../messages/response.js'
import { resultMessage } from './result-message.js'
import type { Timeouts } from '../settings.js'
import { describeEarlyClose, describeTlsError } from './tls-errors.js'

export interface Query {
  readonly baseDN: string
  readonly scope: 'base' | 'one' | 'sub'
  readonly filter?: string | Filter
  readonly attributes: readonly string[]
  /** Maximum number of entries. Default: all, fetched page by page. */
  readonly limit?: number
}

export interface BindResult {
  /** RFC 4511, 4.1.9; 0 is success. */
  readonly code: number
  /** As the server sent it, to tell rejections apart. It may repeat secrets: do not log. */
  readonly rawMessage: string
  /** Redacted. */
  readonly message: string
  readonly policy: PolicyError | undefined
}

const SIZE_LIMIT_EXCEEDED = 4
const NO_SUCH_OBJECT = 32

/** busy, unavailable and other: the host can't answer now. */
const HOST_UNAVAILABLE = new Set([51, 52, 80])

export class LdapConnection {
  readonly host: Host
  readonly openedAt = performance.now()
  /** The end of the last request. */
  usedAt = this.openedAt
  readonly #socket: CheckedSocket
  readonly #client: Client
  readonly #timeouts: Timeouts
  readonly #paging: Paging
  readonly #isEncrypted: boolean
  readonly #secrets: () => readonly string[]
  /** Of the bind in flight. */
  #password: string | undefined
  /** A host that closes a connection before its first answer counts as down. */
  #answered = false

  /** @param secrets to redact from what the host says, besides the passwords of binds on this connection */
  constructor (host: Host, socket: Socket, timeouts: Timeouts, paging = new Paging(), secrets: () => readonly string[] = () => []) {
    this.host = host
    this.#socket = new CheckedSocket(socket)
    this.#timeouts = timeouts
    this.#paging = paging
    this.#secrets = secrets
    this.#isEncrypted = socket instanceof TLSSocket
    this.#client = new Client({ url: 'ldap://host', createConnection: () => this.#socket.asSocket() })
  }

  get open (): boolean {
    return this.#socket.readyState === 'open'
  }

  onClose (listener: () => void): void {
    this.#socket.once('close', listener)
  }

  close (): void {
    // a courtesy to the server; nobody waits for it
    if (this.open && this.#client.isConnected) this.#client.unbind().catch(() => {})
    this.#socket.destroy()
  }

  /** @returns `undefined` if the base does not exist */
  async search (query: Query, signal: AbortSignal): Promise<LdapEntry[] | undefined> {
    try {
      if (query.limit !== undefined) return await this.#search(query, 0, signal)
      return await this.#paging.ask(this.host, async pageSize => await this.#search(query, pageSize, signal), error => this.#messageOf(error))
    } catch (error) {
      if (!(error instanceof ResultCodeError)) throw error
      if (error.code === NO_SUCH_OBJECT) return undefined
      const inPages = error.cause instanceof ResultCodeError ? `; the paged search failed with: ${this.#messageOf(error.cause)}` : ''
      throw new DirectoryError(`${this.host.name} rejected a search under ${JSON.stringify(query.baseDN)}: ${this.#messageOf(error)}${inPages}`, HOST_UNAVAILABLE.has(error.code) ? 'host' : undefined)
    }
  }

  async #search ({ baseDN, scope, filter, attributes, limit }: Query, pageSize: number, signal: AbortSignal): Promise<LdapEntry[]> {
    const options: SearchOptions = {
      scope,
      attributes: [...attributes],
      explicitBufferAttributes: BINARY_ATTRIBUTES,
      timeLimit: Math.ceil(this.#timeouts.search / 1000),
      ...filter !== undefined && { filter },
      ...limit !== undefined && { sizeLimit: limit }
    }
    const allowance = new Allowance(limit)
    this.#socket.allow(allowance)
    const found = await this.#ask('search', signal, async () => pageSize === 0
      ? (await this.#client.search(baseDN, options)).searchEntries
      : await fetchPages(pageSize, async control => {
        const { searchEntries } = await this.#client.search(baseDN, options, control)
        return { entries: searchEntries, cookie: this.#socket.lastResult?.cookie }
      }))
    // ldapts reports success if the request had a limit; but a lower limit of the server hides other entries of the same name
    if (this.#socket.lastResult?.code === SIZE_LIMIT_EXCEEDED && limit !== undefined && found.length < limit) {
      throw new DirectoryError(`${this.host.name} stopped a search under ${JSON.stringify(baseDN)} after ${found.length} of ${limit} entries: raise its size limit for this account`)
    }
    const entries: LdapEntry[] = []
    for (const raw of found) {
      const entry = new LdapEntry(raw, this.host)
      if (entry.missing !== undefined) await this.#complete(entry, allowance, signal)
      entries.push(entry)
    }
    return entries
  }

  /**
   * @param name a DN, or another name that Active Directory accepts; ldapts would take a bare word for a SASL mechanism
   * @param signal aborts the bind. Absent for users' passwords: such a bind must finish, so that its result is counted
   * @throws DirectoryError if the host did not check the password
   */
  async bind (name: string, password: string, signal?: AbortSignal): Promise<BindResult> {
    // RFC 4513, 5.1.2: such a bind succeeds as an anonymous one
    if (password === '') throw new DirectoryError('binds with an empty password are not sent')
    if (!/[=@\\]/.test(name)) throw new DirectoryError('binds with a name that is not a DN are not sent')
    const policy = new PasswordPolicyControl()
    this.#socket.allow(new Allowance(0))
    this.#password = password
    try {
      await this.#ask('bind', signal, async () => { await this.#client.bind(name, password, policy) })
      return { code: 0, rawMessage: '', message: '', policy: policy.error }
    } catch (error) {
      if (!(error instanceof ResultCodeError)) throw error
      if (HOST_UNAVAILABLE.has(error.code)) throw new DirectoryError(`${this.host.name} can't process a bind now: ${this.#messageOf(error)}`, 'host')
      return { code: error.code, rawMessage: error.message, message: this.#messageOf(error), policy: policy.error }
    } finally {
      this.#password = undefined
    }
  }

  /** Active Directory returns long lists in parts: `memberOf;range=0-1499`. */
  async #complete (entry: LdapEntry, allowance: Allowance, signal: AbortSignal): Promise<void> {
    for (let next = entry.missing; next !== undefined; next = entry.missing) {
      const attributes = [next]
      allowance.extend(1)
      const { searchEntries: [part] } = await this.#ask('search', signal, async () =>
        await this.#client.search(entry.dn, { scope: 'base', attributes, explicitBufferAttributes: BINARY_ATTRIBUTES }))
      if (part !== undefined) entry.add(part)
      if (entry.missing === next) throw new DirectoryError(`${this.host.name} sent only a part of ${next.split(';')[0]} of ${this.#redact(entry.dn)}`)
    }
  }

  /** An abort ends the connection: LDAP can't cancel a bind, and a late answer would have no request. */
  async #ask<T> (operation: 'bind' | 'search', signal: AbortSignal | undefined, send: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    if (!this.open) throw this.#brokenOff(operation, 'it closed the connection', 'connection')
    let settled = false
    let stopped: Error | undefined
    const stop = (reason: Error): void => {
      if (settled) return
      stopped = reason
      this.#socket.destroy()
    }
    const timeout = this.#timeouts[operation]
    const expire = (): void => { stop(new DirectoryError(`${this.host.name} did not answer a ${operation} within ${timeout} ms`, 'host')) }
    // lets pending reads run first: if this event loop was blocked, the answer may have arrived
    const timer = setTimeout(() => { setImmediate(expire) }, timeout)
    const abort = (): void => { stop(signal!.reason as Error) }
    signal?.addEventListener('abort', abort, { once: true })
    try {
      const result = await send()
      this.#answered = true
      return result
    } catch (error) {
      if (stopped !== undefined) throw stopped
      if (error instanceof ResultCodeError) {
        this.#answered = true
        throw error
      }
      this.#socket.destroy()
      const { answerError } = this.#socket.closeReason
      throw answerError === undefined ? this.#brokenOff(operation, this.#redact(messageOf(error)).split('\n').pop()!) : this.#invalidAnswer(operation, answerError)
    } finally {
      settled = true
      this.usedAt = performance.now()
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  }

  #brokenOff (operation: string, message: string, lost: 'connection' | 'host' = this.#answered ? 'connection' : 'host'): DirectoryError {
    const { socketError, byPeer } = this.#socket.closeReason
    const reason = describeTlsError(socketError) ?? (byPeer === true && !this.#answered ? describeEarlyClose(this.#isEncrypted) : message)
    return new DirectoryError(`${this.host.name} aborted a ${operation}: ${reason}`, lost)
  }

  #invalidAnswer (operation: string, { message, lost }: AnswerError): DirectoryError {
    const { name } = this.host
    const reason = printable(this.#redact(message))
    switch (lost) {
      case 'host': return new DirectoryError(`${name} sent an invalid answer to a ${operation}: ${reason}`, 'host')
      case 'nothing': return new DirectoryError(`${name} sent too long an answer to a ${operation}: ${reason}`)
      case 'connection': return new DirectoryError(`${name} aborted a ${operation}: ${reason}`, this.#answered ? 'connection' : 'host')
    }
  }

  #messageOf (error: ResultCodeError): string {
    return resultMessage(error, this.#isEncrypted, text => this.#redact(text))
  }

  /** A directory may repeat what it received. */
  #redact (text: string): string {
    return redactPasswords(text, [...this.#secrets(), ...this.#password === undefined ? [] : [this.#password]])
  }
}
