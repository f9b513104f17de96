/**
 * Limits what a directory may answer to one request. The pages of a search
 * count together.
 *
 * The limits leave room for a user in 5,000 groups, and bound the memory and
 * the time on the event loop that a flood costs.
 */
import { AnswerError, type ElementBudget } from './ber.js'

const MIB = 1024 * 1024

/** A message holds one entry at most. */
export const MAX_MESSAGE_BYTES = MIB

export const MAX_ANSWER_BYTES = 4 * MIB

/** BER elements: one per value; an entry with one attribute and one value has nine. */
export const MAX_ELEMENTS = 65_536

/** Of a search without a limit. */
export const MAX_ENTRIES = 5_000

/** Active Directory sends three or four references with each search of a domain. */
export const MAX_REFERENCES = 1_000

export class Allowance implements ElementBudget {
  elements = MAX_ELEMENTS
  readonly #limit: number | undefined
  #entries: number
  #bytes = MAX_ANSWER_BYTES
  #references = MAX_REFERENCES

  /** @param limit maximum number of entries, 0 for a bind; without it, the request asks for all */
  constructor (limit?: number) {
    this.#limit = limit
    this.#entries = limit ?? MAX_ENTRIES
  }

  /** Adds entries, for a follow-up request. */
  extend (entries: number): void {
    this.#entries += entries
  }

  /** @throws AnswerError if a message of this length exceeds a limit */
  spendBytes (length: number): void {
    // entries can be large on a healthy host, a bind result can't
    const lost = this.#limit === 0 ? 'host' : 'nothing'
    if (length > MAX_MESSAGE_BYTES) throw new AnswerError(`a message is longer than ${MAX_MESSAGE_BYTES} bytes`, lost)
    this.#bytes -= length
    if (this.#bytes < 0) throw new AnswerError(`it is longer than ${MAX_ANSWER_BYTES} bytes`, lost)
  }

  spendEntry (): void {
    if (--this.#entries >= 0) return
    if (this.#limit !== undefined) throw new AnswerError(`it has more than the requested ${this.#limit} entries`)
    throw new AnswerError(`it has more than ${MAX_ENTRIES} entries`, 'nothing')
  }

  spendReference (): void {
    if (--this.#references < 0) throw new AnswerError(`it has more than ${MAX_REFERENCES} references`)
  }
}
