/**
 * Keyed digests of secrets: equal for equal texts, and useless without the key.
 * One SHA-256 of key and text, since an HMAC takes several times as long. Its
 * protection against length extension is not needed: no digest serves as a proof.
 */
import { createHash, hash, randomBytes } from 'node:crypto'

/**
 * @param key of any length; by default random, so that digests can't be compared across processes
 * @param encoding 64 hexadecimal digits, or 44 characters to save memory
 */
export function keyedDigest (key: string | Buffer = randomBytes(32), encoding: 'hex' | 'base64' = 'hex'): (text: string) => string {
  // of one length, so that key and text are kept apart
  const prefix = createHash('sha256').update(key).digest('hex')
  return text => hash('sha256', prefix + text, encoding)
}
