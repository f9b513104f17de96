/**
 * A bearer token, parsed once and strictly. The API server sends everything
 * that it does not know itself: opaque tokens, JWTs of other issuers, and
 * passwords as base64("username:password").
 */
import { isUtf8 } from 'node:buffer'
import { digestToken } from './token-digest.js'

export interface PasswordCredential {
  readonly username: string
  readonly password: string
}

export interface Credential {
  /** The whole token, unchanged. */
  readonly token: string
  /** Three base64url parts, the first a JSON object: RFC 7519. Nothing is verified. */
  readonly jwt: boolean
  /** Set if the token is base64 of UTF-8 `username:password`. */
  readonly passwordCredential: PasswordCredential | undefined
}

export interface ParsedCredential extends Credential {
  /**
   * As of digestToken: a long token is hashed once. Never to be kept or written by
   * itself, since passwords could be guessed from it.
   */
  readonly digest: string
}

/** Parsed lazily, and once: an opaque token that the first provider knows is never parsed. */
class PresentedToken implements ParsedCredential {
  readonly token: string
  #digest: string | undefined
  #jwt: boolean | undefined
  #password: PasswordCredential | undefined | null = null

  constructor (token: string) {
    this.token = token
  }

  get digest (): string {
    this.#digest ??= digestToken(this.token)
    return this.#digest
  }

  get jwt (): boolean {
    this.#jwt ??= JWT.test(this.token)
    return this.#jwt
  }

  get passwordCredential (): PasswordCredential | undefined {
    if (this.#password === null) this.#password = parsePassword(this.token)
    return this.#password
  }
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const BASE64URL = /^[A-Za-z0-9_-]+={0,2}$/
// the last digit of a group of one (never valid), two and three: the bits left over
// must be zero, or several tokens would be the same password
const LAST_DIGITS = ['', '', 'AQgw', 'AEIMQUYcgkosw048']
const JWT = /^eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/
// C0, DEL and C1: never typed, and misread by logs and directories
const CONTROL = /\p{Cc}/u

export function parseCredential (token: string): ParsedCredential {
  return new PresentedToken(token)
}

/**
 * base64 of the standard or the URL alphabet (RFC 4648, not mixed), padding
 * optional, one trailing newline tolerated (`base64 | tr -d` is easily
 * forgotten); UTF-8 without errors; the first colon splits; neither half
 * empty; no control characters, but for the newline that `echo` adds.
 */
function parsePassword (token: string): PasswordCredential | undefined {
  const text = token.replace(/\r?\n$/, '')
  if (!BASE64.test(text) && !BASE64URL.test(text)) return undefined
  const decoded = decode(text)?.replace(/\r?\n$/, '')
  if (decoded === undefined) return undefined
  const colon = decoded.indexOf(':')
  if (colon < 1 || colon === decoded.length - 1 || CONTROL.test(decoded)) return undefined
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) }
}

function decode (text: string): string | undefined {
  const digits = text.replace(/=+$/, '')
  const over = digits.length % 4
  if (over !== 0 && LAST_DIGITS[over]?.includes(digits.slice(-1)) !== true) return undefined
  // padding is optional, but must be correct
  if (digits.length !== text.length && text.length % 4 !== 0) return undefined
  const bytes = Buffer.from(digits, 'base64url')
  // a TextDecoder that throws takes 5 µs, and opaque tokens are not text
  return isUtf8(bytes) ? bytes.toString() : undefined
}

/**
 * The bearer token that carries a password: the inverse of {@link parseCredential}.
 * @throws Error that says why no token can carry this name or password
 */
export function passwordToken ({ username, password }: PasswordCredential): string {
  if (username === '') throw new Error('the username is empty')
  if (username.includes(':')) throw new Error('a username with a colon can\'t have a password: the first colon of "username:password" ends the name')
  if (CONTROL.test(username)) throw new Error('the username contains a control character')
  if (password === '') throw new Error('the password is empty')
  if (CONTROL.test(password)) throw new Error('the password contains a control character, such as a tab or a line break')
  const token = Buffer.from(`${username}:${password}`).toString('base64')
  // half of a surrogate pair has no UTF-8
  if (decode(token) !== `${username}:${password}`) throw new Error('the username or the password is not Unicode text')
  return token
}
