/**
 * How much a directory may answer to one question of ours. A search without a
 * limit of its own may be answered in pages; all of them count together.
 *
 * The figures leave room for a user in 5,000 groups, far more than a Kubernetes
 * user can have, and bound what a flood costs: memory, and the time in which
 * the event loop does nothing else.
 */
import { AnswerError, type ElementBudget } from './ber.js'

const MIB = 1024 * 1024

/** One message is one entry, at most. */
export const MAX_MESSAGE_BYTES = MIB

/** All messages of one answer. */
export const MAX_ANSWER_BYTES = 4 * MIB

/** BER elements of one answer: a value is one, an entry with a name and one value nine. */
export const MAX_ELEMENTS = 65_536

/** Entries of a search that asks for all of them. */
export const MAX_ENTRIES = 5_000

/** A referral to another part of the tree; Active Directory sends three or four with each search of a domain. */
export const MAX_REFERENCES = 1_000

export class Allowance implements ElementBudget {
  elements = MAX_ELEMENTS
  readonly #limit: number | undefined
  #entries: number
  #bytes = MAX_ANSWER_BYTES
  #references = MAX_REFERENCES

  /** @param limit entries that the question asks for at most, none for a bind; without it all are wanted */
  constructor (limit?: number) {
    this.#limit = limit
    this.#entries = limit ?? MAX_ENTRIES
  }

  /** Further entries, for a question that goes on. */
  extend (entries: number): void {
    this.#entries += entries
  }

  /** @throws AnswerError where a message of that length is more than may come */
  spendBytes (length: number): void {
    // entries can be large on a host that is well, a result can't
    const lost = this.#limit === 0 ? 'host' : 'nothing'
    if (length > MAX_MESSAGE_BYTES) throw new AnswerError(`a message is longer than ${MAX_MESSAGE_BYTES} bytes`, lost)
    this.#bytes -= length
    if (this.#bytes < 0) throw new AnswerError(`it is longer than ${MAX_ANSWER_BYTES} bytes`, lost)
  }

  spendEntry (): void {
    if (--this.#entries >= 0) return
    if (this.#limit !== undefined) throw new AnswerError(`it has more entries than the ${this.#limit} that were asked for`)
    throw new AnswerError(`it has more than ${MAX_ENTRIES} entries`, 'nothing')
  }

  spendReference (): void {
    if (--this.#references < 0) throw new AnswerError(`it has more than ${MAX_REFERENCES} references`)
  }
}
