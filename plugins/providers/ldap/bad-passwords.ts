/**
 * `maxBadPasswordCount`: Active Directory counts wrong passwords itself, from
 * every door, and locks the account at its own number. Below that number people
 * may be let guess; at it, no bind is sent from here.
 */
import { fileTime } from './account-state.js'
import type { Search } from './directory.js'
import { domainOf } from './distinguished-name.js'
import type { Entry } from './entry.js'

export const COUNTER_ATTRIBUTES = ['badPwdCount', 'badPasswordTime']

/** Milliseconds after which Active Directory counts from 0 again, where the domain doesn't say. */
const USUAL_WINDOW = 30 * 60_000
const TICKS_PER_MILLISECOND = 10_000

export class BadPasswords {
  readonly #limit: number
  /** Milliseconds, by domain. */
  readonly #windows = new Map<string, number>()

  constructor (limit: number) {
    this.#limit = limit
  }

  /** Whether another wrong password might be one too many. The counter stays as it was when its time is over, until the next bind. */
  async isAtLimit (entry: Entry, search: Search, now = Date.now()): Promise<boolean> {
    if (Number(entry.text('badPwdCount') ?? 0) < this.#limit) return false
    const last = fileTime(entry.text('badPasswordTime'))
    return last === undefined || now - last.getTime() < await this.#window(domainOf(entry.dn), search)
  }

  async #window (domain: string, search: Search): Promise<number> {
    const known = this.#windows.get(domain)
    if (known !== undefined) return known
    const [head] = domain === '' ? [] : await search({ baseDN: domain, scope: 'base', attributes: ['lockOutObservationWindow'], limit: 1 }) ?? []
    const text = head?.text('lockOutObservationWindow')
    // kept as a negative number of tenths of microseconds
    const window = text === undefined ? USUAL_WINDOW : -Number(text) / TICKS_PER_MILLISECOND
    this.#windows.set(domain, window)
    return window
  }
}
