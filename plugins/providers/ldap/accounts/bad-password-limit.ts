/**
 * `maxBadPasswordCount`: Active Directory counts wrong passwords from all its
 * clients, and locks the account at its own threshold. At a lower number, this
 * service stops sending binds. Binds of one account are sequential, since each
 * needs a fresh reading of the counter.
 */
import { UnavailableError } from '../../../../src/errors.js'
import { fileTime } from './account-state.js'
import { readEntry, type Search } from '../connection/directory.js'
import { domainOf } from '../syntax/distinguished-name.js'

/** Milliseconds; Active Directory resets the counter after this, unless the domain has another window. */
const DEFAULT_WINDOW = 30 * 60_000
const TICKS_PER_MILLISECOND = 10_000

export class BadPasswordLimit {
  readonly #limit: number
  readonly #onLimit: (dn: string) => void
  /** Milliseconds, by domain. */
  readonly #windows = new Map<string, number>()
  /** The last queued bind of each account. */
  readonly #last = new Map<string, Promise<void>>()

  constructor (limit: number, onLimit: (dn: string) => void) {
    this.#limit = limit
    this.#onLimit = onLimit
  }

  /** Calls `bind`. @throws UnavailableError `throttled` if the account is at the limit */
  async guard<T> (dn: string, search: Search, bind: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(dn) ?? Promise.resolve()).then(async () => {
      if (!await this.#isAtLimit(dn, search)) return await bind()
      this.#onLimit(dn)
      throw new UnavailableError('throttled')
    })
    const last = turn.then(() => {}, () => {})
    this.#last.set(dn, last)
    try {
      return await turn
    } finally {
      if (this.#last.get(dn) === last) this.#last.delete(dn)
    }
  }

  /** After its window, the counter keeps its value until the next bind. */
  async #isAtLimit (dn: string, search: Search): Promise<boolean> {
    const entry = await readEntry(search, dn, ['badPwdCount', 'badPasswordTime'])
    if (Number(entry?.text('badPwdCount') ?? 0) < this.#limit) return false
    const last = fileTime(entry?.text('badPasswordTime'))
    return last === undefined || Date.now() - last.getTime() < await this.#window(domainOf(dn), search)
  }

  async #window (domain: string, search: Search): Promise<number> {
    const known = this.#windows.get(domain)
    if (known !== undefined) return known
    const root = domain === '' ? undefined : await readEntry(search, domain, ['lockOutObservationWindow'])
    // a negative number of units of 100 ns
    const configured = -Number(root?.text('lockOutObservationWindow')) / TICKS_PER_MILLISECOND
    const window = configured > 0 ? configured : DEFAULT_WINDOW
    this.#windows.set(domain, window)
    return window
  }
}
