/** Fetches the keys of an issuer: discovery, unless it is still fresh, and the JWKS that it names. */
import type { ProviderLog } from '../../../../src/authn/provider.js'
import { KeySourceError, messageOf } from '../../../../src/errors.js'
import { discover, type Discovery } from './discovery.js'
import { fetchJSON, type FetchedDocument, type FetchOptions } from './fetch-json.js'
import { KeySet } from './key-set.js'
import { clockSkewOf, lifetimeOf, type Lifetimes } from './lifetime.js'

export interface KeyFetcherOptions {
  readonly issuer: string
  readonly discoveryURL: string
  readonly ca: () => string | undefined
  readonly log: ProviderLog
  /** Milliseconds for both requests together. */
  readonly timeout: number
  readonly lifetimes: Lifetimes
  readonly now: () => number
}

export interface FetchedKeys {
  /** Possibly empty. */
  readonly keys: KeySet
  /** Milliseconds. */
  readonly lifetime: number
}

const MAX_JWKS_BYTES = 1024 * 1024
/** Milliseconds; the usual tolerance for `exp` and `nbf` is less. */
const MAX_SKEW = 60_000

export class KeyFetcher {
  readonly #options: KeyFetcherOptions
  #discovery: { readonly jwksURI: URL, readonly until: number } | undefined
  #warnedOfSkew = false
  #warnedOfPrivateKeys = false

  constructor (options: KeyFetcherOptions) {
    this.#options = options
  }

  /** The next fetch begins with discovery. */
  forgetDiscovery (): void {
    this.#discovery = undefined
  }

  /** @throws KeySourceError */
  async fetch (signal: AbortSignal): Promise<FetchedKeys> {
    const { issuer, ca, timeout, lifetimes } = this.#options
    try {
      const options = { ca: ca(), timeout, deadline: AbortSignal.timeout(timeout), signal }
      const jwksURI = await this.#discover(options)
      const { document, headers } = await fetchJSON(jwksURI, { ...options, name: 'JWKS', maxBytes: MAX_JWKS_BYTES })
      const keys = await parseKeys(document, jwksURI)
      this.#report(keys, headers)
      return { keys, lifetime: lifetimeOf(headers, lifetimes) }
    } catch (error) {
      // the JWKS may have moved
      this.forgetDiscovery()
      throw new KeySourceError(`no keys from issuer ${issuer}: ${messageOf(error)}`)
    }
  }

  async #discover (options: Pick<FetchOptions, 'ca' | 'timeout' | 'deadline' | 'signal'>): Promise<Discovery['jwksURI']> {
    const { issuer, discoveryURL, lifetimes, now } = this.#options
    if (this.#discovery === undefined || this.#discovery.until <= now()) {
      const { jwksURI, headers } = await discover(issuer, discoveryURL, options)
      this.#discovery = { jwksURI, until: now() + lifetimeOf(headers, lifetimes) }
    }
    return this.#discovery.jwksURI
  }

  #report ({ size, skipped, hasPrivate }: KeySet, headers: FetchedDocument['headers']): void {
    const { issuer, log } = this.#options
    log.debug({ issuer, keys: size, skipped }, 'fetched the keys of the issuer')
    if (hasPrivate && !this.#warnedOfPrivateKeys) {
      this.#warnedOfPrivateKeys = true
      log.warn({ issuer }, 'the issuer publishes private keys: anyone can sign tokens with them; replace these keys')
    }
    const skew = clockSkewOf(headers)
    const isSkewed = Math.abs(skew) > MAX_SKEW
    if (isSkewed && !this.#warnedOfSkew) log.warn({ issuer, skewInSeconds: Math.round(skew / 1000) }, 'the clock of the issuer differs from the clock of this machine: tokens may be rejected as expired or not valid yet; synchronize the clocks')
    this.#warnedOfSkew = isSkewed
  }
}

async function parseKeys (document: unknown, { origin, pathname }: URL): Promise<KeySet> {
  try {
    return await KeySet.parse(document)
  } catch (error) {
    throw new KeySourceError(`JWKS ${origin}${pathname}: ${messageOf(error)}`)
  }
}
