/**
 * A strict reader of BER as restricted by RFC 4511, 5.1: definite lengths, tags
 * of one byte, and every element ends within its parent. The caller spells out
 * the grammar, which bounds the nesting.
 */

/**
 * What is wrong with an answer, and what can't be used any more because of it:
 * the host, only the connection, or nothing, if the answer is well-formed but
 * too large.
 */
export class AnswerError extends Error {
  override readonly name = 'AnswerError'
  constructor (message: string, readonly lost: 'host' | 'connection' | 'nothing' = 'host') {
    super(message)
  }
}

export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  octetString: 0x04,
  enumerated: 0x0a,
  sequence: 0x30,
  set: 0x31
} as const

export interface Header {
  readonly tag: number
  /** Start of the content. */
  readonly start: number
  /** End of the content; may be beyond the bytes received so far. */
  readonly end: number
}

/** Bytes: tag, length of the length, length. */
export const LONGEST_HEADER = 6

/** The header of the element at `at`; `undefined` if more bytes are needed. */
export function readHeader (bytes: Buffer, at: number, end = bytes.length): Header | undefined {
  if (end - at < 2) return undefined
  const [tag, first] = [bytes.readUInt8(at), bytes.readUInt8(at + 1)]
  if ((tag & 0x1f) === 0x1f) throw new AnswerError('an element has a tag of several bytes')
  if (first < 0x80) return { tag, start: at + 2, end: at + 2 + first }
  const size = first & 0x7f
  if (size === 0) throw new AnswerError('an element has an indefinite length')
  if (size > 4) throw new AnswerError(`a length has ${size} bytes`)
  const start = at + 2 + size
  return start > end ? undefined : { tag, start, end: start + bytes.readUIntBE(at + 2, size) }
}

/** Elements that may still be read; shared by all messages of one answer. */
export interface ElementBudget {
  elements: number
}

/** The elements within one parent, in order. */
export class Elements {
  readonly #bytes: Buffer
  readonly #end: number
  readonly #budget: ElementBudget
  #at: number

  constructor (bytes: Buffer, budget: ElementBudget, at = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#budget = budget
    this.#at = at
    this.#end = end
  }

  /** The tag of the next element; `undefined` at the end. */
  get next (): number | undefined {
    return this.#at < this.#end ? this.#bytes[this.#at] : undefined
  }

  /** The elements within the next element. */
  enter (tag: number, what: string): Elements {
    const { start, end } = this.#take(tag, what)
    return new Elements(this.#bytes, this.#budget, start, end)
  }

  /** The content of the next element. */
  read (tag: number, what: string): Buffer {
    const { start, end } = this.#take(tag, what)
    return this.#bytes.subarray(start, end)
  }

  /** @param tag INTEGER or a tag in its place; LDAP has no negative numbers, and none beyond 31 bits */
  number (tag: number, what: string): number {
    const bytes = this.read(tag, what)
    if (bytes.length < 1 || bytes.length > 4) throw new AnswerError(`${what} is a number of ${bytes.length} bytes`)
    const value = bytes.readIntBE(0, bytes.length)
    if (value < 0) throw new AnswerError(`${what} is negative`)
    return value
  }

  /** Skips one element with its content. */
  skip (what: string): void {
    this.#take(this.next, what)
  }

  /** @throws AnswerError if an element is left */
  finish (what: string): void {
    if (this.next !== undefined) throw new AnswerError(`${what} has unexpected data at its end`)
  }

  #take (tag: number | undefined, what: string): Header {
    const header = readHeader(this.#bytes, this.#at, this.#end)
    if (header === undefined) throw new AnswerError(`${what} is missing`)
    if (header.tag !== tag) throw new AnswerError(`${what} has the wrong type`)
    if (header.end > this.#end) throw new AnswerError(`${what} exceeds its parent`)
    if (--this.#budget.elements < 0) throw new AnswerError('it has too many elements', 'nothing')
    this.#at = header.end
    return header
  }
}
