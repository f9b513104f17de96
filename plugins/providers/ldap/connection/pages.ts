/**
 * Searches for all entries, in pages (RFC 2696) if the host allows it.
 * Directories can refuse or limit pages, for some accounts or for all; then the
 * search is repeated once without pages, and the host is remembered.
 */
import { Control, PagedResultsControl, ResultCodeError, type BerWriter, type Entry } from 'ldapts'
import type { ProviderLog } from '../../../../src/authn/provider.js'
import type { Host } from './dial.js'
import { PAGED_RESULTS } from '../messages/response.js'

/** sizeLimitExceeded and adminLimitExceeded: the limits with and without pages may differ. */
const LIMITS: readonly number[] = [4, 11]

/** unavailableCriticalExtension and unwillingToPerform */
const REFUSALS: readonly number[] = [...LIMITS, 12, 53]

const DEFAULT_SIZE = 500

export class Paging {
  readonly #size: number
  readonly #log: Pick<ProviderLog, 'info'> | undefined
  /** Hosts that answered only without pages. */
  readonly #refusing = new WeakSet<Host>()

  /** @param size entries in a page; 0: no pages */
  constructor (size = DEFAULT_SIZE, log?: Pick<ProviderLog, 'info'>) {
    this.#size = size
    this.#log = log
  }

  /**
   * Calls `search` with the page size that the host accepts, or with 0.
   * @param messageOf the message of an error for the log, redacted
   */
  async ask<T> (host: Host, search: (pageSize: number) => Promise<T>, messageOf: (error: ResultCodeError) => string): Promise<T> {
    if (this.#size === 0) return await search(0)
    const [first, second, codes] = this.#refusing.has(host) ? [0, this.#size, LIMITS] : [this.#size, 0, REFUSALS]
    try {
      return await search(first)
    } catch (error) {
      if (!(error instanceof ResultCodeError && codes.includes(error.code))) throw error
      const found = await search(second).catch((again: unknown) => { throw second === 0 ? withCause(again, error) : withCause(error, again) })
      if (second === 0) {
        this.#refusing.add(host)
        this.#log?.info({ host: host.name, reason: messageOf(error) }, 'directory host refuses paged searches; searching it without pages from now on')
      } else {
        this.#refusing.delete(host)
      }
      return found
    }
  }
}

/**
 * Fetches all entries; the last page has no cookie. ldapts' own loop ends at a
 * page without entries, though others may follow.
 */
export async function fetchPages (size: number, fetch: (control: Control) => Promise<{ entries: Entry[], cookie: Buffer | undefined }>): Promise<Entry[]> {
  const entries: Entry[] = []
  let cookie: Buffer | undefined
  do {
    const page = await fetch(new PageControl(size, cookie))
    for (const entry of page.entries) entries.push(entry)
    cookie = page.cookie
  } while (cookie !== undefined)
  return entries
}

/** ldapts sends its own control only from its own loop. */
class PageControl extends Control {
  readonly #value: { size: number, cookie?: Buffer }

  constructor (size: number, cookie: Buffer | undefined) {
    super(PAGED_RESULTS)
    this.#value = { size, ...cookie !== undefined && { cookie } }
  }

  protected override writeControl (writer: BerWriter): void {
    new PagedResultsControl({ value: this.#value }).writeControl(writer)
  }
}

/** The error without pages, with the one in pages as its cause. */
function withCause (error: unknown, cause: unknown): unknown {
  if (!(error instanceof ResultCodeError)) return error
  if (!(cause instanceof ResultCodeError)) return cause
  return Object.assign(error, { cause })
}
