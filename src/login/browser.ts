/**
 * Tells browsers apart by a random cookie, from before anyone signs in: a form is
 * accepted only from the browser that it was rendered for, and a sign-in goes on
 * only in the browser that typed the password (login CSRF).
 */
import { createHash, randomBytes } from 'node:crypto'
import type { CookiesSetOptions } from 'oidc-provider'
import type { Signatures } from './signatures.js'

/** Signed cookies of one request. */
export interface Cookies {
  get: (name: string) => string | undefined
  set: (name: string, value: string, options: CookiesSetOptions) => unknown
}

export interface BrowserOptions {
  readonly name: string
  readonly options: CookiesSetOptions
  /** Of form tokens. */
  readonly signatures: Signatures
}

export class Browser {
  readonly #cookies: Cookies
  readonly #settings: BrowserOptions
  #id: string | undefined

  constructor (cookies: Cookies, settings: BrowserOptions) {
    this.#cookies = cookies
    this.#settings = settings
    this.#id = cookies.get(settings.name)
  }

  /** A hidden field of a form. @param purpose what the form is for */
  formToken (purpose: string): string {
    const { name, options, signatures } = this.#settings
    if (this.#id === undefined) {
      this.#id = randomBytes(24).toString('base64url')
      this.#cookies.set(name, this.#id, options)
    }
    return signatures.sign(`${this.#id}\n${purpose}`)
  }

  accepts (formToken: unknown, purpose: string): boolean {
    return typeof formToken === 'string' && this.#id !== undefined && this.#settings.signatures.verify(`${this.#id}\n${purpose}`, formToken)
  }

  /** For the state of a sign-in, which the next request is compared with; `undefined`: none that we know. */
  get digest (): string | undefined {
    return this.#id === undefined ? undefined : createHash('sha256').update(this.#id).digest('base64url')
  }
}
