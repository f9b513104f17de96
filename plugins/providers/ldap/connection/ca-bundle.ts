/**
 * The certificates of `tls.caFile` that are valid now. OpenSSL may take an
 * expired root for the end of the path and look no further, though the server
 * sent a cross-signed certificate of the same key that leads to a valid one.
 */
import type { X509Certificate } from 'node:crypto'

export class CABundle {
  readonly #certificates: ReadonlyArray<{ readonly pem: string, readonly from: number, readonly to: number }>

  constructor (certificates: readonly X509Certificate[]) {
    this.#certificates = certificates.map(certificate => ({ pem: certificate.toString(), from: Date.parse(certificate.validFrom), to: Date.parse(certificate.validTo) }))
  }

  /** PEM. If none is valid, all of them: the handshake then says what is wrong. */
  current (now: number): string {
    const valid = this.#certificates.filter(({ from, to }) => from <= now && now < to)
    return (valid.length > 0 ? valid : this.#certificates).map(({ pem }) => pem).join('')
  }
}
