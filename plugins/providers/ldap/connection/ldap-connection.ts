/** What is asked on one connection to one host: searches and binds. */
import type { Socket } from 'node:net'
import { ResultCodeError, type Filter, type SearchOptions } from 'ldapts'
import { DirectoryError } from '../../../../src/errors.js'
import { Allowance } from '../messages/allowance.js'
import type { Timeouts } from '../settings.js'
import type { Host } from './dial.js'
import { BINARY_ATTRIBUTES, LdapEntry } from './ldap-entry.js'
import { fetchPages, Paging } from './pages.js'
import { PasswordPolicyControl, type PolicyError } from './password-policy.js'
import { Requests, type RequestOptions } from './requests.js'

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
  readonly #requests: Requests
  readonly #timeouts: Timeouts
  readonly #paging: Paging

  /** @param secrets to redact from what the host says, besides the passwords of binds on this connection */
  constructor (host: Host, socket: Socket, timeouts: Timeouts, paging = new Paging(), secrets: () => readonly string[] = () => []) {
    this.host = host
    this.#requests = new Requests({ host, socket, timeouts, secrets })
    this.#timeouts = timeouts
    this.#paging = paging
  }

  get open (): boolean {
    return this.#requests.open
  }

  /** The end of the last request. */
  get usedAt (): number {
    return this.#requests.usedAt
  }

  onClose (listener: () => void): void {
    this.#requests.onClose(listener)
  }

  close (): void {
    this.#requests.close()
  }

  /** @returns `undefined` if the base does not exist */
  async search (query: Query, signal: AbortSignal): Promise<LdapEntry[] | undefined> {
    try {
      if (query.limit !== undefined) return await this.#search(query, 0, signal)
      return await this.#paging.ask(this.host, async pageSize => await this.#search(query, pageSize, signal), error => this.#requests.messageOf(error))
    } catch (error) {
      if (!(error instanceof ResultCodeError)) throw error
      if (error.code === NO_SUCH_OBJECT) return undefined
      const inPages = error.cause instanceof ResultCodeError ? `; the paged search failed with: ${this.#requests.messageOf(error.cause)}` : ''
      throw new DirectoryError(`${this.host.name} rejected a search under ${JSON.stringify(query.baseDN)}: ${this.#requests.messageOf(error)}${inPages}`, HOST_UNAVAILABLE.has(error.code) ? 'host' : undefined)
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
    const request = { allowance: new Allowance(limit), signal }
    const found = await this.#requests.send('search', request, async client => pageSize === 0
      ? (await client.search(baseDN, options)).searchEntries
      : await fetchPages(pageSize, async control => {
        const { searchEntries } = await client.search(baseDN, options, control)
        return { entries: searchEntries, cookie: this.#requests.lastResult?.cookie }
      }))
    // ldapts reports success if the request had a limit; but a lower limit of the server hides other entries of the same name
    if (this.#requests.lastResult?.code === SIZE_LIMIT_EXCEEDED && limit !== undefined && found.length < limit) {
      throw new DirectoryError(`${this.host.name} stopped a search under ${JSON.stringify(baseDN)} after ${found.length} of ${limit} entries: raise its size limit for this account`)
    }
    const entries: LdapEntry[] = []
    for (const raw of found) {
      const entry = new LdapEntry(raw, this.host)
      if (entry.missing !== undefined) await this.#complete(entry, request)
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
    try {
      await this.#requests.send('bind', { allowance: new Allowance(0), signal, password }, async client => { await client.bind(name, password, policy) })
      return { code: 0, rawMessage: '', message: '', policy: policy.error }
    } catch (error) {
      if (!(error instanceof ResultCodeError)) throw error
      if (HOST_UNAVAILABLE.has(error.code)) throw new DirectoryError(`${this.host.name} can't process a bind now: ${this.#requests.messageOf(error, password)}`, 'host')
      return { code: error.code, rawMessage: error.message, message: this.#requests.messageOf(error, password), policy: policy.error }
    }
  }

  /** Active Directory returns long lists in parts: `memberOf;range=0-1499`. */
  async #complete (entry: LdapEntry, request: RequestOptions): Promise<void> {
    for (let next = entry.missing; next !== undefined; next = entry.missing) {
      const attributes = [next]
      request.allowance.extend(1)
      const { searchEntries: [part] } = await this.#requests.send('search', request, async client =>
        await client.search(entry.dn, { scope: 'base', attributes, explicitBufferAttributes: BINARY_ATTRIBUTES }))
      if (part !== undefined) entry.add(part)
      if (entry.missing === next) throw new DirectoryError(`${this.host.name} sent only a part of ${next.split(';')[0]} of ${this.#requests.redact(entry.dn)}`)
    }
  }
}
