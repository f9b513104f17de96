/**
 * Reads and checks the serving certificate, its key and the client CA together:
 * `setSecureContext` replaces everything at once, at the start as at a reload.
 */
import { constants } from 'node:crypto'
import { createSecureContext, type TlsOptions } from 'node:tls'
import type { TlsConfig } from '../../schemas/config.js'
import { ValidationError, codeOf } from '../errors.js'
import { readCertificates, readPrivateKey, assertKeyMatches } from './pem.js'

export interface ServingCertificate {
  /** Options of Node's TLS. They hold the private key: not for logs. */
  readonly secureOptions: TlsOptions
  readonly subject: string
  /** DNS names and IP addresses; empty if the certificate has no SAN. */
  readonly names: string
  readonly validFrom: Date
  readonly validTo: Date
  /** PEM of the client CA, to detect a change. */
  readonly clientCA: string | undefined
}

/**
 * What API servers offer. OpenSSL's default of Node 20 includes finite field groups,
 * whose key exchange costs the server 120 ms: a few a second are a denial of service.
 */
const KEY_EXCHANGE_GROUPS = firstSupported('X25519MLKEM768:X25519:P-256:P-384:P-521', 'X25519:P-256:P-384:P-521')

function firstSupported (...lists: readonly string[]): string {
  return lists.find(ecdhCurve => {
    try {
      createSecureContext({ ecdhCurve })
      return true
    } catch {
      return false
    }
  })!
}

/**
 * Accepts an expired certificate: readiness and the log report it, and the next
 * renewal fixes it without a restart.
 * @throws ValidationError that names the invalid file, without its content
 */
export async function readServingCertificate ({ certFile, keyFile, clientCAFile, minVersion }: TlsConfig): Promise<ServingCertificate> {
  const certificate = await readCertificates(certFile)
  const { pem: key, key: privateKey } = await readPrivateKey(keyFile)
  assertKeyMatches(certificate, privateKey, keyFile)
  const clientCA = clientCAFile === undefined ? undefined : (await readCertificates(clientCAFile)).pem

  const secureOptions: TlsOptions = {
    key,
    cert: certificate.pem,
    minVersion,
    honorCipherOrder: true,
    ecdhCurve: KEY_EXCHANGE_GROUPS,
    // a resumed session would keep the result for a client certificate beyond its
    // expiry or the client CA's replacement; a renegotiation could change it
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    // probes have no certificate: plugins/tls.ts enforces it on the review route
    requestCert: clientCA !== undefined,
    rejectUnauthorized: false,
    ...clientCA !== undefined && { ca: clientCA }
  }
  assertContext(certFile, secureOptions)
  const [{ subject, subjectAltName, validFrom, validTo }] = certificate.certificates
  return {
    secureOptions,
    subject,
    names: subjectAltName ?? '',
    validFrom: new Date(validFrom),
    validTo: new Date(validTo),
    clientCA
  }
}

const DAY = 24 * 60 * 60 * 1000
/** Milliseconds before the expiry when `validate` and `doctor` begin to warn. */
const SOON = 30 * DAY

export interface CertificateProblem {
  /** Clients reject the certificate as it is. */
  readonly rejected: boolean
  /** The end of a sentence that begins with the certificate. */
  readonly message: string
}

/** Why clients reject the certificate, now or soon. @param now milliseconds since the epoch */
export function findCertificateProblems ({ names, validFrom, validTo }: Pick<ServingCertificate, 'names' | 'validFrom' | 'validTo'>, now: number, { soon = SOON, clients = 'API servers' }: { readonly soon?: number, readonly clients?: string } = {}): CertificateProblem[] {
  const problems: CertificateProblem[] = []
  const left = validTo.getTime() - now
  if (names === '') problems.push({ rejected: true, message: `has no subject alternative name: ${clients} reject it` })
  if (left <= 0) problems.push({ rejected: true, message: `has expired on ${validTo.toISOString()}: ${clients} reject it` })
  else if (left < soon) problems.push({ rejected: false, message: `expires on ${validTo.toISOString()}, in ${Math.floor(left / DAY)} days` })
  if (validFrom.getTime() > now) problems.push({ rejected: true, message: `is not valid before ${validFrom.toISOString()}: ${clients} reject it` })
  return problems
}

/** @throws ValidationError if OpenSSL rejects them, such as keys that are too short */
function assertContext (file: string, secureOptions: TlsOptions): void {
  try {
    createSecureContext(secureOptions)
  } catch (error) {
    const message = `is rejected by OpenSSL: ${codeOf(error) ?? 'unknown reason'}`
    throw Object.assign(new ValidationError(file, [{ path: '', message }]), { cause: error })
  }
}
