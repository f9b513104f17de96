/** Where the public keys come from that verify the JWTs of an issuer: its JWKS, by network or in a file. */
import type { CryptoKey } from 'jose'

/** The keys of one issuer. */
export interface KeySource {
  /**
   * Keys that may have signed a token with this header: those of its `kid`, or,
   * without a `kid`, every key that fits `alg`. Empty if the issuer has none,
   * also after a refresh.
   * @throws KeySourceError if the keys are not known, and the issuer can't be reached
   * @throws UnavailableError `busy` if the `kid` is unknown, and the issuer was asked for new keys just before
   */
  find: (header: TokenHeader, signal: AbortSignal) => Promise<readonly VerificationKey[]>
  /**
   * As {@link find}, after the issuer was asked for new keys: for a token without
   * `kid`, of which only the signature tells that the key has been replaced.
   */
  findNew: KeySource['find']
  /** Rejects with a KeySourceError that says what is wrong with discovery or keys, and what to do. */
  ping: (signal: AbortSignal) => Promise<void>
  close: () => void
}

export interface TokenHeader {
  readonly alg: string
  readonly kid?: string
}

/** A public key, imported for the algorithm that was asked for. */
export interface VerificationKey {
  readonly kid: string | undefined
  /** The only algorithm of this key, if its issuer says so. */
  readonly alg: string | undefined
  readonly key: CryptoKey
}
