/**
 * `maxBadPasswordCount`: Active Directory counts wrong passwords itself, from
 * every door, and locks the account at its own number. Below that number people
 * may be let guess; at it, no bind is sent from here. Binds of one account
 * follow one another, or several would pass on the strength of one reading.
 */
import { UnavailableError } from '../../../../src/errors.js'
import { fileTime } from './account-state.js'
import type { Search } from '../connection/directory.js'
import { domainOf } from '../syntax/distinguished-name.js'

/** Milliseconds after which Active Directory counts from 0 again, where the domain doesn't say. */
const USUAL_WINDOW = 30 * 60_000
const TICKS_PER_MILLISECOND = 10_000

export class BadPasswordLimit {
  readonly #limit: number
  readonly #onLimit: (dn: string) => void
  /** Milliseconds, by domain. */
  readonly #windows = new Map<string, number>()
  /** The last bind of each account that is under way. */
  readonly #last = new Map<string, Promise<void>>()

  constructor (limit: number, onLimit: (dn: string) => void) {
    this.#limit = limit
    this.#onLimit = onLimit
  }

  /** What `bind` gives. @throws UnavailableError `throttled` where another wrong password might be one too many */
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

  /** The counter stays as it was when its time is over, until the next bind. */
  async #isAtLimit (dn: string, search: Search): Promise<boolean> {
    const [entry] = await search({ baseDN: dn, scope: 'base', attributes: ['badPwdCount', 'badPasswordTime'], limit: 1 }) ?? []
    if (Number(entry?.text('badPwdCount') ?? 0) < this.#limit) return false
    const last = fileTime(entry?.text('badPasswordTime'))
    return last === undefined || Date.now() - last.getTime() < await this.#window(domainOf(dn), search)
  }

  async #window (domain: string, search: Search): Promise<number> {
    const known = this.#windows.get(domain)
    if (known !== undefined) return known
    const [head] = domain === '' ? [] : await search({ baseDN: domain, scope: 'base', attributes: ['lockOutObservationWindow'], limit: 1 }) ?? []
    const text = head?.text('lockOutObservationWindow')
    // kept as a negative number of tenths of microseconds
    const written = -Number(text) / TICKS_PER_MILLISECOND
    const window = written > 0 ? written : USUAL_WINDOW
    this.#windows.set(domain, window)
    return window
  }
}
