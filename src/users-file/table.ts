/**
 * All users of a file in a few typed arrays, built by one thread and used by
 * another: they are transferred without a copy, and take no more memory than
 * their file. A user becomes an object when it is looked up (users.ts).
 */
import { HashTableBuilder, type HashTable } from './hash-table.js'
import { GrowingBytes, TextTableBuilder } from './text-table.js'
import { formatRecord, parseRecord, type UserRecord } from './user-record.js'

/** Records as JSON, concatenated. */
export interface RecordPart {
  /** The number of its first user. */
  readonly first: number
  readonly bytes: Uint8Array
  /** Where each record ends. */
  readonly ends: Uint32Array
}

export interface UsersTable {
  readonly size: number
  readonly parts: readonly RecordPart[]
  readonly names: HashTable
  readonly uids: HashTable
  /** The first user of each uid. */
  readonly uidOwners: Uint32Array
  /** 1 for each uid that several users have. */
  readonly sharedUids: Uint8Array
  /** 32 bytes each, in the order of users. */
  readonly digests: Uint8Array
  readonly tokens: HashTable
  /** The user of each digest. */
  readonly owners: Uint32Array
  /** The first digest of each user. */
  readonly firstTokens: Uint32Array
  /** A password hash of each cost, the most frequent cost first. */
  readonly hashesByCost: ReadonlyArray<{ readonly cost: string, readonly hash: string }>
}

const DIGEST = 32

/** `sha256:` and 64 hexadecimal digits → the bytes. */
export function digestBytes (digest: string): Buffer {
  return Buffer.from(digest.slice('sha256:'.length), 'hex')
}

export function recordOf ({ parts }: UsersTable, user: number): UserRecord {
  const { first, bytes, ends } = parts.findLast(part => part.first <= user)!
  const index = user - first
  return parseRecord(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', index === 0 ? 0 : ends[index - 1], ends[index]))
}

/** The bytes → `sha256:` and 64 hexadecimal digits. */
export function formatDigest (bytes: Buffer): string {
  return `sha256:${bytes.toString('hex')}`
}

export function digestAt ({ digests }: Pick<UsersTable, 'digests'>, token: number): Buffer {
  return Buffer.from(digests.buffer, digests.byteOffset + token * DIGEST, DIGEST)
}

/** Every buffer of a table, for a transfer to another thread. */
export function buffersOf ({ parts, names, uids, uidOwners, sharedUids, digests, tokens, owners, firstTokens }: UsersTable): ArrayBuffer[] {
  return [...parts.flatMap(({ bytes, ends }) => [bytes, ends]), names.slots, names.hashes, uids.slots, uids.hashes, uidOwners, sharedUids, digests, tokens.slots, tokens.hashes, owners, firstTokens].map(({ buffer }) => buffer as ArrayBuffer)
}

export class UsersTableBuilder {
  readonly #parts: RecordPart[] = []
  readonly #names = new TextTableBuilder()
  readonly #uids = new TextTableBuilder()
  readonly #uidOwners: number[] = []
  readonly #sharedUids: number[] = []
  readonly #tokens = new HashTableBuilder()
  readonly #digests = new GrowingBytes()
  /** The first user of each name. */
  readonly #named: number[] = []
  readonly #owners: number[] = []
  readonly #tokenIndexes: number[] = []
  readonly #firstTokens: number[] = []
  readonly #costs = new Map<string, { readonly hash: string, count: number }>()
  #pending: string[] = []

  /** Bytes of the records so far. */
  bytes = 0

  get size (): number {
    return this.#firstTokens.length
  }

  /**
   * @param cost of its password hash
   * @returns the user that has the name already
   */
  addUser (record: UserRecord, cost: string | undefined): number | undefined {
    const { username, uid } = record.info
    const { entry, known } = this.#names.add(username)
    if (!known) this.#named.push(this.size)
    if (uid !== undefined) this.#addUid(uid)
    this.#firstTokens.push(this.#owners.length)
    this.#pending.push(formatRecord(record))
    this.#count(record.passwordHash, cost)
    return known ? this.#named[entry] : undefined
  }

  /**
   * A token of the user that was added last.
   * @param index among the tokens of the user
   * @returns the token that has the digest already
   */
  addToken (digest: string, index: number): { readonly user: number, readonly index: number } | undefined {
    const bytes = digestBytes(digest)
    const { entry, known } = this.#tokens.add(bytes, token => this.#digests.equals(token * DIGEST, (token + 1) * DIGEST, bytes))
    if (known) return { user: this.#owners[entry]!, index: this.#tokenIndexes[entry]! }
    this.#digests.append(bytes)
    this.#owners.push(this.size - 1)
    this.#tokenIndexes.push(index)
    return undefined
  }

  /** Ends a part: its records are stored as bytes from now on. */
  endPart (): void {
    if (this.#pending.length === 0) return
    const first = this.size - this.#pending.length
    const bytes = Buffer.from(this.#pending.join(''))
    const ends = new Uint32Array(this.#pending.length)
    let end = 0
    this.#pending.forEach((record, index) => { ends[index] = end += Buffer.byteLength(record) })
    // a copy: small Buffers share memory, which can't be transferred
    this.#parts.push({ first, bytes: new Uint8Array(bytes), ends })
    this.bytes += bytes.length
    this.#pending = []
  }

  #addUid (uid: string): void {
    const { entry, known } = this.#uids.add(uid)
    if (!known) this.#uidOwners.push(this.size)
    this.#sharedUids[entry] = known ? 1 : 0
  }

  #count (hash: string | undefined, cost: string | undefined): void {
    if (hash === undefined || cost === undefined) return
    const known = this.#costs.get(cost)
    // a copy: a slice would keep the whole text
    if (known === undefined) this.#costs.set(cost, { hash: Buffer.from(hash).toString(), count: 1 })
    else known.count++
  }

  /** Requires that all names and tokens are different. */
  finish (): UsersTable {
    this.endPart()
    return {
      size: this.size,
      parts: this.#parts,
      names: this.#names.finish(),
      uids: this.#uids.finish(),
      uidOwners: Uint32Array.from(this.#uidOwners),
      sharedUids: Uint8Array.from(this.#sharedUids),
      digests: this.#digests.finish(),
      tokens: this.#tokens.finish(),
      owners: Uint32Array.from(this.#owners),
      firstTokens: Uint32Array.from(this.#firstTokens),
      hashesByCost: [...this.#costs].sort(([, a], [, b]) => b.count - a.count).map(([cost, { hash }]) => ({ cost, hash }))
    }
  }
}
