/**
 * Verified session tokens, so that a token that comes again costs no signature.
 * They are dropped when the keys change. Rejected tokens are not stored: anyone
 * can make any number of them.
 */
import { LRUCache } from 'lru-cache'
import type { ParsedCredential } from '../credential.js'
import { keyedDigest } from '../keyed-digest.js'
import { isRejected, verifySession, type RejectedSession, type Session, type SessionSettings } from './verify-session.js'

/** Of less than 2 KiB each. */
const MAX_SESSIONS = 10_000

export class VerifiedSessions {
  readonly #settings: SessionSettings
  readonly #now: () => number
  readonly #digest = keyedDigest(undefined, 'base64')
  readonly #sessions = new LRUCache<string, Session>({ max: MAX_SESSIONS })
  #keysVersion: number

  constructor (settings: SessionSettings, now: () => number) {
    this.#settings = settings
    this.#now = now
    this.#keysVersion = settings.keys.version
  }

  /** The session of a token that was verified before; it may have expired since. */
  get ({ digest }: ParsedCredential): Session | undefined {
    this.#dropAfterReload()
    return this.#sessions.get(this.#digest(digest))
  }

  async verify ({ token, digest }: ParsedCredential): Promise<Session | RejectedSession> {
    const { version } = this.#settings.keys
    const session = await verifySession(token, this.#settings, this.#now())
    this.#dropAfterReload()
    // a key that was withdrawn meanwhile vouches for nothing
    if (!isRejected(session) && version === this.#keysVersion) this.#sessions.set(this.#digest(digest), session)
    return session
  }

  #dropAfterReload (): void {
    const { version } = this.#settings.keys
    if (version === this.#keysVersion) return
    this.#keysVersion = version
    this.#sessions.clear()
  }
}
