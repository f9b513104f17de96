/**
 * Searches for every entry, in pages (RFC 2696) where the host allows them.
 * Directories can refuse pages or limit them, for some accounts or for all; the
 * same search is then asked once without them, and the host is remembered.
 */
import { Control, PagedResultsControl, ResultCodeError, type BerWriter, type Entry } from 'ldapts'
import type { ProviderLog } from '../../../../src/authn/provider.js'
import type { Host } from './dial.js'
import { PAGED_RESULTS } from '../messages/response.js'

/** sizeLimitExceeded and adminLimitExceeded: there may be another limit with pages than without. */
const LIMITS: readonly number[] = [4, 11]

/** unavailableCriticalExtension and unwillingToPerform */
const REFUSALS: readonly number[] = [...LIMITS, 12, 53]

const DEFAULT_SIZE = 500

export class Paging {
  readonly #size: number
  readonly #log: Pick<ProviderLog, 'info'> | undefined
  /** Hosts that gave without pages what they refused to give in pages. */
  readonly #refusing = new WeakSet<Host>()

  /** @param size entries in a page; 0: no pages */
  constructor (size = DEFAULT_SIZE, log?: Pick<ProviderLog, 'info'>) {
    this.#size = size
    this.#log = log
  }

  /**
   * What `search` gives, with the page size that the host accepts, or with 0.
   * @param wordsOf a refusal in words for the log, without secrets
   */
  async ask<T> (host: Host, search: (pageSize: number) => Promise<T>, wordsOf: (error: ResultCodeError) => string): Promise<T> {
    if (this.#size === 0) return await search(0)
    const [first, second, codes] = this.#refusing.has(host) ? [0, this.#size, LIMITS] : [this.#size, 0, REFUSALS]
    try {
      return await search(first)
    } catch (error) {
      if (!(error instanceof ResultCodeError && codes.includes(error.code))) throw error
      const found = await search(second).catch((again: unknown) => { throw second === 0 ? withCause(again, error) : withCause(error, again) })
      this.#learn(host, second, wordsOf(error))
      return found
    }
  }

  #learn (host: Host, pageSize: number, reason: string): void {
    if (pageSize !== 0) {
      this.#refusing.delete(host)
      return
    }
    this.#refusing.add(host)
    this.#log?.info({ host: host.name, reason }, 'a directory host refuses paged searches; asked without pages from now on')
  }
}

export interface Page {
  readonly entries: readonly Entry[]
  /** Empty on the last page. */
  readonly cookie: Buffer
}

/** All entries. ldapts' own loop ends at a page without entries, though others may follow it. */
export async function fetchPages (size: number, fetch: (control: Control) => Promise<Page>): Promise<Entry[]> {
  const entries: Entry[] = []
  let page = await fetch(new PageControl(size))
  for (;;) {
    for (const entry of page.entries) entries.push(entry)
    if (page.cookie.length === 0) return entries
    page = await fetch(new PageControl(size, page.cookie))
  }
}

/** ldapts sends its own control only from its own loop. */
class PageControl extends Control {
  readonly #value: { size: number, cookie?: Buffer }

  constructor (size: number, cookie?: Buffer) {
    super(PAGED_RESULTS)
    this.#value = { size, ...cookie !== undefined && { cookie } }
  }

  protected override writeControl (writer: BerWriter): void {
    new PagedResultsControl({ value: this.#value }).writeControl(writer)
  }
}

/** What the directory said without pages, and what in pages. */
function withCause (error: unknown, cause: unknown): unknown {
  if (!(error instanceof ResultCodeError)) return error
  if (!(cause instanceof ResultCodeError)) return cause
  return Object.assign(error, { cause })
}
