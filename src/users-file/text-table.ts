/** Builds hash tables whose keys are texts, without an object for each. */
import { HashTableBuilder, type HashTable } from './hash-table.js'

export class TextTableBuilder {
  readonly #table = new HashTableBuilder()
  readonly #bytes = new GrowingBytes()
  readonly #ends: number[] = []

  /** @returns the new entry, or the one that has the text already */
  add (text: string): { readonly entry: number, readonly known: boolean } {
    const key = Buffer.from(text)
    const added = this.#table.add(key, entry => this.#bytes.equals(this.#ends[entry - 1] ?? 0, this.#ends[entry]!, key))
    if (!added.known) this.#ends.push(this.#bytes.append(key))
    return added
  }

  finish (): HashTable {
    return this.#table.finish()
  }
}

export class GrowingBytes {
  #bytes = Buffer.alloc(4096)
  #length = 0

  /** @returns the end of what was appended */
  append (bytes: Uint8Array): number {
    while (this.#length + bytes.length > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], this.#bytes.length * 2)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
    return this.#length
  }

  equals (start: number, end: number, bytes: Uint8Array): boolean {
    return this.#bytes.compare(bytes, 0, bytes.length, start, end) === 0
  }

  /** A copy, which can be transferred. */
  finish (): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(0, this.#length))
  }
}
