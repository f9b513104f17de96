/**
 * One connection to one host, asked one thing at a time, never reopened: what
 * ldapts would do behind our back (connect again, unauthenticated) ends here.
 * Whatever takes too long, or is wanted by nobody any more, ends it.
 */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { Client, ResultCodeError, type Filter, type SearchOptions } from 'ldapts'
import { redactPasswords } from '../../../../src/authn/redaction.js'
import { DirectoryError } from '../../../../src/errors.js'
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
  /** More entries than this are not of interest; without it all of them are fetched, page by page. */
  readonly limit?: number
}

/** What the directory said to a bind. */
export interface BindResult {
  /** RFC 4511, 4.1.9; 0 is success. */
  readonly code: number
  /** What the server said, to tell one refusal from another. It may repeat secrets: not for logs. */
  readonly rawMessage: string
  /** The same without secrets. */
  readonly message: string
  readonly policy: PolicyError | undefined
}

const SIZE_LIMIT_EXCEEDED = 4
const NO_SUCH_OBJECT = 32

/** Codes by which a host says that it can't just now: busy, unavailable, and `other`. */
const HOST_TROUBLE = new Set([51, 52, 80])

export class LdapConnection {
  readonly host: Host
  readonly openedAt: number
  readonly #socket: CheckedSocket
  readonly #client: Client
  readonly #timeouts: Timeouts
  readonly #paging: Paging
  readonly #isEncrypted: boolean
  readonly #secrets: () => readonly string[]
  /** Of the bind that is under way. */
  #password: string | undefined
  /** A host that breaks off before it has said anything is not well. */
  #answered = false

  /** @param secrets what the host may know, and no log may tell, beside the passwords of binds on this connection */
  constructor (host: Host, socket: Socket, timeouts: Timeouts, paging = new Paging(), secrets: () => readonly string[] = () => []) {
    this.host = host
    this.openedAt = performance.now()
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
    // a last word is polite, and nobody waits for its way out
    if (this.open && this.#client.isConnected) this.#client.unbind().catch(() => {})
    this.#socket.destroy()
  }

  /** @throws DirectoryError; `undefined` where the base isn't there */
  async search (query: Query, signal: AbortSignal): Promise<LdapEntry[] | undefined> {
    try {
      if (query.limit !== undefined) return await this.#search(query, 0, signal)
      return await this.#paging.ask(this.host, async pageSize => await this.#search(query, pageSize, signal), refusal => this.#wordsOf(refusal))
    } catch (error) {
      if (!(error instanceof ResultCodeError)) throw error
      if (error.code === NO_SUCH_OBJECT) return undefined
      const inPages = error.cause instanceof ResultCodeError ? `; in pages: ${this.#wordsOf(error.cause)}` : ''
      throw new DirectoryError(`${this.host.name} refused a search under ${JSON.stringify(query.baseDN)}: ${this.#wordsOf(error)}${inPages}`, HOST_TROUBLE.has(error.code) ? 'host' : undefined)
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
    const found = await this.#ask('a search', this.#timeouts.search, signal, async () => pageSize === 0
      ? (await this.#client.search(baseDN, options)).searchEntries
      : await fetchPages(pageSize, async control => {
        const { searchEntries } = await this.#client.search(baseDN, options, control)
        return { entries: searchEntries, cookie: this.#socket.cookie }
      }))
    // ldapts takes it for success where a limit was asked for; the directory's own, a lower one, hides who else has the name
    if (this.#socket.resultCode === SIZE_LIMIT_EXCEEDED && found.length < limit!) {
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
   * @param name a DN, or what else Active Directory takes for one; never a word alone, which ldapts would take for a SASL mechanism
   * @param signal for a bind that nobody counts; without it, it is left to end by itself
   * @throws DirectoryError where the host gave no verdict
   */
  async bind (name: string, password: string, signal?: AbortSignal): Promise<BindResult> {
    // RFC 4513, 5.1.2: such a bind succeeds, and proves nothing
    if (password === '') throw new DirectoryError('a bind without a password is never sent')
    if (!/[=@\\]/.test(name)) throw new DirectoryError('a bind under what is no DN is never sent')
    const policy = new PasswordPolicyControl()
    this.#socket.allow(new Allowance(0))
    this.#password = password
    try {
      await this.#ask('a bind', this.#timeouts.bind, signal, async () => { await this.#client.bind(name, password, policy) })
      return { code: 0, rawMessage: '', message: '', policy: policy.error }
    } catch (error) {
      if (!(error instanceof ResultCodeError)) throw error
      if (HOST_TROUBLE.has(error.code)) throw new DirectoryError(`${this.host.name} can't take a bind now: ${this.#wordsOf(error)}`, 'host')
      return { code: error.code, rawMessage: resultMessage(error), message: this.#wordsOf(error), policy: policy.error }
    } finally {
      this.#password = undefined
    }
  }

  /** Active Directory gives long lists in parts: `memberOf;range=0-1499`. */
  async #complete (entry: LdapEntry, allowance: Allowance, signal: AbortSignal): Promise<void> {
    for (let next = entry.missing; next !== undefined; next = entry.missing) {
      const attributes = [next]
      allowance.extend(1)
      const { searchEntries: [part] } = await this.#ask('a search', this.#timeouts.search, signal, async () =>
        await this.#client.search(entry.dn, { scope: 'base', attributes, explicitBufferAttributes: BINARY_ATTRIBUTES }))
      if (part !== undefined) entry.add(part)
      if (entry.missing === next) throw new DirectoryError(`${this.host.name} gave a part of ${next.split(';')[0]} of ${this.#redact(entry.dn)}, and then no next one`)
    }
  }

  #wordsOf (error: ResultCodeError): string {
    return resultMessage(error, { isEncrypted: this.#isEncrypted, redact: words => this.#redact(words) })
  }

  /** A directory may repeat what it was given. */
  #redact (words: string): string {
    return redactPasswords(words, [...this.#secrets(), ...this.#password === undefined ? [] : [this.#password]])
  }

  /** Whoever stops waiting ends the connection: LDAP can't take a bind back, and an answer that is still to come would be nobody's. */
  async #ask<T> (what: string, timeout: number, signal: AbortSignal | undefined, operation: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    if (!this.open) throw new DirectoryError(`${this.host.name} broke off ${what}: ${this.#reasonOf('it closed the connection')}`, 'connection')
    let settled = false
    let stopped: Error | undefined
    const stop = (reason: Error): void => {
      if (settled) return
      stopped = reason
      this.#socket.destroy()
    }
    const late = (): void => { stop(new DirectoryError(`${this.host.name} did not answer ${what} within ${timeout} ms`, 'host')) }
    // an answer that lies there is read first: our own delay is not the directory's
    const timer = setTimeout(() => { setImmediate(late) }, timeout)
    const abort = (): void => { stop(signal!.reason as Error) }
    signal?.addEventListener('abort', abort, { once: true })
    try {
      const result = await operation()
      this.#answered = true
      return result
    } catch (error) {
      if (stopped !== undefined) throw stopped
      if (error instanceof ResultCodeError) {
        this.#answered = true
        throw error
      }
      // the stream of answers is broken, in one way or another
      this.#socket.destroy()
      const { error: invalid } = this.#socket
      if (invalid !== undefined) throw this.#errorOf(what, invalid)
      throw new DirectoryError(`${this.host.name} broke off ${what}: ${this.#reasonOf(this.#redact((error as Error).message).split('\n').pop()!)}`, this.#answered ? 'connection' : 'host')
    } finally {
      settled = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Why the connection ended, if more is known than `words`. */
  #reasonOf (words: string): string {
    const { failure, isBrokenOff } = this.#socket
    return describeTlsError(failure) ?? (isBrokenOff && !this.#answered ? describeEarlyClose(this.#isEncrypted) : words)
  }

  #errorOf (what: string, { message: words, lost }: AnswerError): DirectoryError {
    const { name } = this.host
    const message = printable(this.#redact(words))
    switch (lost) {
      case 'host': return new DirectoryError(`${name} gave an invalid answer to ${what}: ${message}`, 'host')
      case 'nothing': return new DirectoryError(`${name} gave too long an answer to ${what}: ${message}`)
      case 'connection': return new DirectoryError(`${name} broke off ${what}: ${message}`, this.#answered ? 'connection' : 'host')
    }
  }
}
