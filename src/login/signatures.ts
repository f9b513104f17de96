/** Signs cookies and form tokens: the first key signs, all of them verify. */
import { createHmac, timingSafeEqual } from 'node:crypto'

/** In the form of a Keygrip, as the OpenID provider takes one. */
export class Signatures {
  readonly #keys: readonly Buffer[]

  constructor (keys: readonly Buffer[]) {
    this.#keys = keys
  }

  sign (text: string): string {
    return signWith(this.#keys[0]!, text)
  }

  verify (text: string, signature: string): boolean {
    return this.#keys.some(key => areEqual(signWith(key, text), signature))
  }

  /** Never that of a later key: the cookie would be signed again, for all paths of the host. */
  index (text: string, signature: string): number {
    return this.verify(text, signature) ? 0 : -1
  }
}

function signWith (key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}

function areEqual (a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
