/**
 * The keys of an issuer, by discovery. They are refreshed in the background
 * before they are stale, so that no token waits; an issuer that is down is asked
 * again after a growing backoff, and its keys stay valid for a while.
 */
import type { ProviderLog } from '../../../../src/authn/provider.js'
import { Deadline } from '../../../../src/authn/deadline.js'
import { KeySourceError, messageOf, UnavailableError } from '../../../../src/errors.js'
import { isSupported } from './algorithms.js'
import { Backoff } from './backoff.js'
import { discoveryURLOf } from './discovery.js'
import { KeyFetcher, type KeyFetcherOptions } from './key-fetcher.js'
import type { KeySet } from './key-set.js'
import type { KeySource, TokenHeader, VerificationKey } from './key-source.js'
import { LIFETIMES, type Lifetimes } from './lifetime.js'
import { unlessAborted } from './unless-aborted.js'

export interface RemoteKeysOptions {
  /** As in `iss`: an https URL. */
  readonly issuer: string
  /** Default: that of the issuer. */
  readonly discoveryURL?: string
  /** PEM, as of now: the file may change. Absent: the CAs that Node.js trusts. */
  readonly ca: () => string | undefined
  readonly log: ProviderLog
  /** Called after each fetch, with the error if it failed; for metrics. */
  readonly onRefresh?: (error?: unknown) => void
  /** A key is gone: answers that it verified must not be served from a cache. */
  readonly onKeysRemoved?: () => void
  /** Milliseconds since the last successful fetch after which the keys of an unreachable issuer are no longer used. */
  readonly maxAge?: number
  /** Milliseconds between two fetches for unknown keys. */
  readonly cooldown?: number
  /** Milliseconds of one request. */
  readonly timeout?: number
  readonly lifetimes?: Lifetimes
  /** Milliseconds that a token waits for a fetch; shorter than a provider's timeout, which counts against all its issuers. */
  readonly patience?: number
  /** Milliseconds of a clock that is never set back. */
  readonly now?: () => number
}

const MAX_AGE = 24 * 60 * 60_000
const COOLDOWN = 10_000
const TIMEOUT = 5_000
const PATIENCE = 2_000
/** Tokens that wait for a fetch; each has one of the provider's permits, 64 by default, which tokens with known keys need. */
const MAX_WAITING = 8
/** Milliseconds for which a ping relies on the last fetch. */
const PING_LIFE = 5_000

export function remoteKeys ({ discoveryURL, ...options }: RemoteKeysOptions): KeySource {
  const limits = { maxAge: MAX_AGE, cooldown: COOLDOWN, timeout: TIMEOUT, patience: PATIENCE, lifetimes: LIFETIMES, now: () => performance.now() }
  return new RemoteKeys({ ...limits, ...options, discoveryURL: discoveryURL ?? discoveryURLOf(options.issuer) })
}

type Options = KeyFetcherOptions & Required<Pick<RemoteKeysOptions, 'maxAge' | 'cooldown' | 'patience'>> & Pick<RemoteKeysOptions, 'onRefresh' | 'onKeysRemoved'>

class RemoteKeys implements KeySource {
  readonly #options: Options
  readonly #fetcher: KeyFetcher
  readonly #backoff: Backoff
  readonly #closing = new AbortController()
  #known: { readonly keys: KeySet, readonly at: number } | undefined
  #fetching: Promise<KeySet> | undefined
  #cooldownEnds = -Infinity
  /** Tokens that wait for a fetch. */
  #waiting = 0
  #timer: NodeJS.Timeout | undefined

  constructor (options: Options) {
    this.#options = options
    this.#fetcher = new KeyFetcher(options)
    this.#backoff = new Backoff(options.now)
  }

  async find (header: TokenHeader, signal: AbortSignal): Promise<readonly VerificationKey[]> {
    if (!isSupported(header.alg)) return []
    const known = this.#isYoungerThan(this.#options.maxAge) ? this.#known?.keys : undefined
    if (known === undefined) return await (await this.#obtain(signal)).find(header)
    const found = await known.find(header)
    // another algorithm for a known kid: the token is wrong, not the key new
    if (found.length > 0 || (header.kid !== undefined && known.has(header.kid))) return found
    return await (await this.#lookForNew(signal)).find(header)
  }

  async findNew (header: TokenHeader, signal: AbortSignal): Promise<readonly VerificationKey[]> {
    return await (await this.#lookForNew(signal)).find(header)
  }

  async ping (signal: AbortSignal): Promise<void> {
    if (this.#backoff.error === undefined && this.#isYoungerThan(PING_LIFE)) return
    this.#fetcher.forgetDiscovery()
    await unlessAborted(this.#fetch(), signal)
  }

  close (): void {
    clearTimeout(this.#timer)
    this.#closing.abort(new KeySourceError('the keys of the issuer are no longer in use'))
  }

  #isYoungerThan (age: number): boolean {
    return this.#known !== undefined && this.#options.now() - this.#known.at < age
  }

  /** Without keys, tokens share a fetch, or the error of the last one until it is time for another. */
  async #obtain (signal: AbortSignal): Promise<KeySet> {
    if (this.#fetching === undefined && this.#backoff.pending) throw this.#backoff.error
    return await this.#fetchFor(signal)
  }

  /**
   * Of what this resolves to, a missing key does not exist. In the cooldown,
   * nobody can tell: a stranger's random `kid` may have started it just before a
   * rotation. A denial would be wrong, and API servers would cache it. Waiting
   * would occupy the permits of the provider, so that random `kid`s keep out
   * everyone else. So the review is unavailable at once, and the first attempt
   * after the cooldown finds the new key. The reason is `busy`, because known
   * keys work, and a breaker must not open.
   */
  async #lookForNew (signal: AbortSignal): Promise<KeySet> {
    const { issuer, now, cooldown } = this.#options
    if (this.#fetching === undefined) {
      if (this.#backoff.pending) throw this.#backoff.error
      if (now() < this.#cooldownEnds) throw new UnavailableError('busy', { cause: new KeySourceError(`unknown key: issuer ${issuer} is asked for new keys at most every ${cooldown / 1000} s; not denied, since the key may be newer`) })
      this.#cooldownEnds = now() + cooldown
    }
    return await this.#fetchFor(signal)
  }

  /** Waits less than the time limit of a provider, which would count against all its issuers. */
  async #fetchFor (signal: AbortSignal): Promise<KeySet> {
    const { issuer, patience } = this.#options
    if (this.#waiting >= MAX_WAITING) throw new UnavailableError('busy', { cause: new KeySourceError(`${MAX_WAITING} other tokens wait for the keys of issuer ${issuer}`) })
    this.#waiting++
    try {
      return await new Deadline(patience).race(unlessAborted(this.#fetch(), signal), () => new KeySourceError(`issuer ${issuer} did not send its keys within ${patience / 1000} s`))
    } finally {
      this.#waiting--
    }
  }

  /** One at a time, shared by everyone who needs it. */
  async #fetch (): Promise<KeySet> {
    this.#closing.signal.throwIfAborted()
    this.#fetching ??= this.#refresh().finally(() => { this.#fetching = undefined })
    return await this.#fetching
  }

  async #refresh (): Promise<KeySet> {
    const { issuer, maxAge, log, onRefresh } = this.#options
    clearTimeout(this.#timer)
    try {
      const { keys, lifetime } = await this.#fetcher.fetch(this.#closing.signal)
      this.#closing.signal.throwIfAborted()
      this.#replace(keys)
      if (this.#backoff.error !== undefined) log.info({ issuer }, 'the keys of the issuer are available again')
      this.#backoff.succeed()
      this.#schedule(Math.min(lifetime, maxAge / 2))
      onRefresh?.()
      return keys
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#reportFailure(error)
      throw error
    }
  }

  /** @throws KeySourceError for an empty set: its keys are no longer valid, but that all tokens are wrong is unlikely */
  #replace (keys: KeySet): void {
    const { issuer, now, onKeysRemoved } = this.#options
    const previous = this.#known?.keys
    this.#known = keys.size === 0 ? undefined : { keys, at: now() }
    if (previous?.isWithin(keys) === false) onKeysRemoved?.()
    if (keys.size === 0) throw new KeySourceError(`no keys from issuer ${issuer}: its JWKS has no key that can verify signatures (${keys.skipped} others): check the keys of the issuer`)
  }

  #reportFailure (error: unknown): void {
    const { issuer, log, onRefresh } = this.#options
    const reason = messageOf(error)
    const isNew = this.#backoff.error === undefined || messageOf(this.#backoff.error) !== reason
    const delay = this.#backoff.fail(error)
    this.#schedule(delay)
    log[isNew ? 'warn' : 'debug']({ issuer, reason }, this.#known === undefined ? 'no keys of the issuer; retrying' : 'keys of the issuer not refreshed; keeping the previous ones and retrying')
    onRefresh?.(error)
  }

  #schedule (delay: number): void {
    this.#timer = setTimeout(() => { this.#fetch().catch(() => {}) }, delay).unref()
  }
}
