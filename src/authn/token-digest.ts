/**
 * Opaque tokens. Only their SHA-256 is stored: from 128 bits of entropy on, a
 * fast digest is as safe as a slow one.
 */
import { hash, randomBytes } from 'node:crypto'
import { isText } from './mapping.js'

/** `sha256:` and 64 lower-case hexadecimal digits, as a users file holds it. */
export function digestToken (token: string): string {
  return `sha256:${hash('sha256', encoded(token))}`
}

/** What is no text has no UTF-8, and must not have the digest of another token: these bytes begin as no UTF-8 does. */
function encoded (token: string): string | Buffer {
  return isText(token) ? token : Buffer.from(`\uFEFF${token}`, 'utf16le')
}

/**
 * A new token of 256 bits: `awt_` and 64 hexadecimal digits. The prefix lets
 * secret scanners find it, and, read as base64, begins with control
 * characters: such a token is never taken for a `username:password`.
 */
export function generateToken (): string {
  return `awt_${randomBytes(32).toString('hex')}`
}
