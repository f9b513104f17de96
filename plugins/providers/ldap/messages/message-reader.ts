/** Cuts a stream of bytes into LDAP messages, without reading their content. */
import { AnswerError, LONGEST_HEADER, readHeader, Tag } from './ber.js'

/** First byte of a TLS port's answer to plaintext: RFC 8446, 5.1. */
const TLS_ALERT = 0x15

export class MessageReader {
  #chunks: Buffer[] = []
  #size = 0
  /** Length of the first message, once its header is complete. */
  #length: number | undefined

  /** Bytes that are not part of a returned message. */
  get size (): number {
    return this.#size
  }

  add (chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  /**
   * Returns the first message, once it is complete.
   * @param admit called with the length of a message as soon as it is known; throws if the message is too long
   */
  next (admit: (length: number) => void): Buffer | undefined {
    if (this.#length === undefined) {
      this.#length = this.#readLength()
      if (this.#length === undefined) return undefined
      admit(this.#length)
    }
    if (this.#size < this.#length) return undefined
    const all = this.#join()
    const message = all.subarray(0, this.#length)
    const rest = all.subarray(this.#length)
    this.#chunks = rest.length === 0 ? [] : [rest]
    this.#size = rest.length
    this.#length = undefined
    return message
  }

  #readLength (): number | undefined {
    let [first] = this.#chunks
    if (first === undefined) return undefined
    if (first.length < LONGEST_HEADER) first = this.#join()
    if (first[0] === TLS_ALERT) throw new AnswerError('it is a TLS message: this is a TLS port, use ldaps:// and tls.mode ldaps')
    if (first[0] !== Tag.sequence) throw new AnswerError('it does not begin like an LDAP message')
    return readHeader(first, 0)?.end
  }

  #join (): Buffer {
    const [first, ...others] = this.#chunks
    if (first !== undefined && others.length === 0) return first
    const joined = Buffer.concat(this.#chunks)
    this.#chunks = [joined]
    return joined
  }
}
