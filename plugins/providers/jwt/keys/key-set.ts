/** The keys of a JWKS (RFC 7517) that can verify signatures. */
import type { TokenHeader, VerificationKey } from './key-source.js'
import { isObject } from '../../../../src/authn/jwt/json.js'
import { isPrivate, readKey, type PublishedKey } from './verification-key.js'

/** Several times as many as large issuers have: importing a key takes up to a millisecond. */
export const MAX_KEYS = 200

export class KeySet {
  readonly #keys: readonly PublishedKey[]

  private constructor (keys: readonly PublishedKey[], readonly skipped: number, readonly hasPrivate: boolean) {
    this.#keys = keys
  }

  /** @throws Error with the end of a sentence that begins with the name of the document */
  static async parse (document: unknown): Promise<KeySet> {
    const keys = isObject(document) ? document['keys'] : undefined
    if (!Array.isArray(keys)) throw new Error('is not a JWKS: it has no list "keys"')
    if (keys.length > MAX_KEYS) throw new Error(`has more than ${MAX_KEYS} keys`)
    const usable: PublishedKey[] = []
    for (const jwk of keys) {
      const key = await readKey(jwk)
      if (key !== undefined) usable.push(key)
    }
    return new KeySet(usable, keys.length - usable.length, keys.some(isPrivate))
  }

  get size (): number {
    return this.#keys.length
  }

  has (kid: string): boolean {
    return this.#keys.some(key => key.kid === kid)
  }

  /** Whether each key is in `other` too. */
  isWithin (other: KeySet): boolean {
    const ids = new Set(other.#keys.map(({ id }) => id))
    return this.#keys.every(({ id }) => ids.has(id))
  }

  async find ({ alg, kid }: TokenHeader): Promise<VerificationKey[]> {
    const keys = this.#keys.filter(key => (kid === undefined || key.kid === kid) && key.algorithms.includes(alg))
    return await Promise.all(keys.map(async key => await key.for(alg)))
  }
}
