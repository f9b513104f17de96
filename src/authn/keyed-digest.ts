/**
 * Digests of secrets, under a key: equal for equal texts, and useless to whoever
 * hasn't the key. One SHA-256 of key and text, and not an HMAC, whose second pass
 * and set-up cost several times as much: what an HMAC adds is that a digest can't
 * be continued to that of a longer text, and nobody takes one of these for a proof.
 */
import { createHash, hash, randomBytes } from 'node:crypto'

/**
 * @param key of any length; random where absent, so that the digests are this process' own
 * @param encoding 64 hexadecimal digits, or 44 characters where the memory counts
 */
export function keyedDigest (key: string | Buffer = randomBytes(32), encoding: 'hex' | 'base64' = 'hex'): (text: string) => string {
  // of one length, so that key and text are kept apart
  const prefix = createHash('sha256').update(key).digest('hex')
  return text => hash('sha256', prefix + text, encoding)
}
