/**
 * A hash table in typed arrays: they are transferred between threads without a
 * copy, and take a tenth of a Map's memory. Keys are stored elsewhere; entries
 * are numbered in the order in which they were added.
 */
import { randomBytes } from 'node:crypto'

export interface HashTable {
  /** Entry + 1, or 0; a power of two of them. */
  readonly slots: Uint32Array
  /** By entry. */
  readonly hashes: Uint32Array
  /** Random, so that nobody can construct keys with the same hash. */
  readonly seed: number
}

export function hashOf (key: Uint8Array, seed: number): number {
  let hash = seed
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key[index]!, 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash >>> 0
}

/** @param hasKey whether an entry of that hash has the key */
export function findEntry ({ slots, hashes }: Pick<HashTable, 'slots' | 'hashes'>, hash: number, hasKey: (entry: number) => boolean): number | undefined {
  const mask = slots.length - 1
  for (let slot = hash & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
    const entry = slots[slot]! - 1
    if (hashes[entry] === hash && hasKey(entry)) return entry
  }
  return undefined
}

export class HashTableBuilder {
  #slots = new Uint32Array(16)
  #hashes = new Uint32Array(8)
  #size = 0
  readonly seed = randomBytes(4).readUInt32LE()

  /** @returns the new entry, or the one that has the key already */
  add (key: Uint8Array, hasKey: (entry: number) => boolean): { readonly entry: number, readonly known: boolean } {
    const hash = hashOf(key, this.seed)
    const known = findEntry({ slots: this.#slots, hashes: this.#hashes }, hash, hasKey)
    if (known !== undefined) return { entry: known, known: true }
    if (this.#size === this.#hashes.length) this.#grow()
    this.#hashes[this.#size] = hash
    insert(this.#slots, hash, this.#size)
    return { entry: this.#size++, known: false }
  }

  finish (): HashTable {
    return { slots: this.#slots, hashes: this.#hashes.slice(0, this.#size), seed: this.seed }
  }

  /** At most half of the slots are used, so that a search is short. */
  #grow (): void {
    const hashes = new Uint32Array(this.#hashes.length * 2)
    hashes.set(this.#hashes)
    this.#hashes = hashes
    this.#slots = new Uint32Array(hashes.length * 2)
    for (let entry = 0; entry < this.#size; entry++) insert(this.#slots, hashes[entry]!, entry)
  }
}

function insert (slots: Uint32Array, hash: number, entry: number): void {
  const mask = slots.length - 1
  let slot = hash & mask
  while (slots[slot] !== 0) slot = (slot + 1) & mask
  slots[slot] = entry + 1
}
