/**
 * The serving certificate, its key and the client CA, read and checked
 * together: `setSecureContext` replaces everything at once, so that start and
 * reload must build the same whole set.
 */
import { constants } from 'node:crypto'
import { createSecureContext, type TlsOptions } from 'node:tls'
import type { TlsConfig } from '../../schemas/config.js'
import { ValidationError } from '../errors.js'
import { readCertificates, readPrivateKey, refuseMismatch } from './pem.js'

export interface ServingCertificate {
  /** Everything that Node's TLS wants to know. Holds the private key: not for logs. */
  readonly secureOptions: TlsOptions
  /** Of the leaf, as the certificate writes it. */
  readonly subject: string
  /** DNS names and IP addresses; empty where the certificate has no SAN, which Go's clients refuse. */
  readonly names: string
  readonly validFrom: Date
  readonly validTo: Date
  /** PEM of the client CA as read, to see whether it changed. */
  readonly clientCA: string | undefined
}

/**
 * What API servers offer. OpenSSL's own list has finite field groups in Node 20,
 * whose key exchange takes the server 120 ms: a stranger needs but a few a second.
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
 * An expired certificate is read all the same: that is for readiness and the
 * log to tell, and the next renewal mends it without a restart.
 * @throws ValidationError that names the file at fault; it never quotes one
 */
export async function readServingCertificate ({ certFile, keyFile, clientCAFile, minVersion }: TlsConfig): Promise<ServingCertificate> {
  const certificate = await readCertificates(certFile)
  const { pem: key, key: privateKey } = await readPrivateKey(keyFile)
  refuseMismatch(certificate, privateKey, keyFile)
  const clientCA = clientCAFile === undefined ? undefined : (await readCertificates(clientCAFile)).pem

  const secureOptions: TlsOptions = {
    key,
    cert: certificate.pem,
    minVersion,
    honorCipherOrder: true,
    ecdhCurve: KEY_EXCHANGE_GROUPS,
    // no session is resumed: a resumed one would keep the verdict on a client
    // certificate beyond its expiry or the client CA's replacement. Nor does TLS 1.2
    // renegotiate: a connection is judged by the handshake that it began with
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    // probes carry no certificate: plugins/tls.ts enforces it on the review route
    requestCert: clientCA !== undefined,
    rejectUnauthorized: false,
    ...clientCA !== undefined && { ca: clientCA }
  }
  tryContext(certFile, secureOptions)
  const [leaf] = certificate.certificates
  return {
    secureOptions,
    subject: leaf.subject,
    names: leaf.subjectAltName ?? '',
    validFrom: new Date(leaf.validFrom),
    validTo: new Date(leaf.validTo),
    clientCA
  }
}

const DAY = 24 * 60 * 60 * 1000
/** Milliseconds before the expiry from which on `validate` warns, as `doctor` does. */
const SOON = 30 * DAY

export interface CertificateProblem {
  /** API servers refuse it as it is. */
  readonly refused: boolean
  /** As what follows the name of the certificate. */
  readonly message: string
}

/** What API servers will hold against the certificate, now or soon. @param now milliseconds since the epoch */
export function findCertificateProblems ({ names, validFrom, validTo }: Pick<ServingCertificate, 'names' | 'validFrom' | 'validTo'>, now: number, soon = SOON): CertificateProblem[] {
  const problems: CertificateProblem[] = []
  const left = validTo.getTime() - now
  if (names === '') problems.push({ refused: true, message: 'has no subject alternative name: API servers refuse it' })
  if (left <= 0) problems.push({ refused: true, message: `has expired on ${validTo.toISOString()}: API servers refuse it` })
  else if (left < soon) problems.push({ refused: false, message: `expires on ${validTo.toISOString()}, in ${Math.floor(left / DAY)} days` })
  if (validFrom.getTime() > now) problems.push({ refused: true, message: `is not valid before ${validFrom.toISOString()}: API servers refuse it` })
  return problems
}

/** What OpenSSL refuses beyond the above, such as keys that are too short. */
function tryContext (file: string, secureOptions: TlsOptions): void {
  try {
    createSecureContext(secureOptions)
  } catch (error) {
    const message = `is refused by OpenSSL: ${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}`
    throw Object.assign(new ValidationError(file, [{ path: '', message }]), { cause: error })
  }
}
