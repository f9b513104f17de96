/** Checks the serving certificate as an API server does. Go is stricter than most clients: it ignores common names. */
import { isIP } from 'node:net'
import type { X509Certificate } from 'node:crypto'
import { parseCertificates, findInvalidDate } from '../../certificates/pem.js'
import type { Target } from '../client.js'
import { hostOf } from '../server-url.js'
import { isOutsideValidity, type CertificationPath } from './certification-path.js'
import { failed, ok, skipped, warning, type DoctorCheck } from './check.js'
import type { TlsHandshake } from './tls-handshake.js'

const DAY = 24 * 3_600_000
/** A certificate that expires within as many milliseconds is a warning. */
export const EXPIRES_SOON = 30 * DAY

/** `san`, `chain` and `expiry`. `path`: from the certificate to a trusted CA. `now`: milliseconds since the epoch. */
export function checkCertificate ({ certificates, chainError }: TlsHandshake, path: CertificationPath, target: Target, now: number): DoctorCheck[] {
  const bundle = target.ca === undefined ? undefined : parseCertificates(target.ca, 'the CA', { withKeys: true })
  return [
    checkNames(certificates[0], target.serverName ?? hostOf(target.server)),
    checkChain(path, chainError, bundle, now),
    checkValidity(path, now)
  ]
}

function checkNames (certificate: X509Certificate, name: string): DoctorCheck {
  const names = certificate.subjectAltName
  const type = isIP(name) === 0 ? 'DNS' : 'IP'
  const addName = `add the name with \`authn-webhook certs --out DIR --renew --san ${name}\`; with openssl, pass -addext "subjectAltName=${type}:${name}" to \`openssl req\`, and -copy_extensions copy to \`openssl x509 -req\``
  if (names === undefined) return failed('san', 'the certificate has no subject alternative name; API servers ignore its common name', addName)
  const matches = type === 'DNS' ? certificate.checkHost(name, { subject: 'never', partialWildcards: false }) : certificate.checkIP(name)
  return matches === undefined
    ? failed('san', `the certificate is for ${names}, not for ${name}`, `${addName}; or set tls-server-name to one of its names`)
    : ok('san', `the certificate is for ${name}`)
}

const NO_ISSUER = ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'CERT_SIGNATURE_FAILURE']

/** `bundle`: the CAs of the CA file, if there is one. */
function checkChain (path: CertificationPath, error: string | undefined, bundle: readonly X509Certificate[] | undefined, now: number): DoctorCheck {
  const { issuer } = path[0]
  const signed = `signed by ${nameOf(issuer)}`
  if (error === undefined) return ok('chain', `${signed}, which ${bundle === undefined ? 'this machine trusts' : 'is in the CA file'}`)
  // OpenSSL reports one error of several; `expiry` says more about dates
  if (/EXPIRED|NOT_YET_VALID|ERROR_IN_CERT_NOT_(BEFORE|AFTER)_FIELD/.test(error) && path.some(certificate => isOutsideValidity(certificate, now))) return skipped('chain', 'not checked outside the validity period: see expiry')
  if (!NO_ISSUER.includes(error)) return failed('chain', `the certificate is rejected: ${error}`, 'issue another one, for example with `authn-webhook certs`')
  if (bundle === undefined) return failed('chain', `${signed}, which this machine does not trust`, "set certificate-authority to the service's CA")
  const known = bundle.some(({ subject }) => subject === issuer) ? 'but the CA in the CA file is a different one with the same name' : 'which is not in the CA file'
  return failed('chain', `${signed}, ${known}`, 'use the CA that signed it; a server with an intermediate CA must send that certificate too')
}

function checkValidity (path: CertificationPath, now: number): DoctorCheck {
  // certificates from files are already checked for this; those that a server sends are not
  const unreadable = path.find(certificate => findInvalidDate(certificate) !== undefined)
  if (unreadable !== undefined) return failed('expiry', `${describe(unreadable)} has a ${findInvalidDate(unreadable)} that is not a date`, renewal(unreadable))
  const early = path.find(({ validFrom }) => Date.parse(validFrom) > now)
  if (early !== undefined) return failed('expiry', `${describe(early)} is not valid before ${iso(early.validFrom)}`, 'check the clock of this machine, and of the machine that issued the certificate')
  const first = path.reduce((a, b) => Date.parse(b.validTo) < Date.parse(a.validTo) ? b : a)
  const left = Date.parse(first.validTo) - now
  if (left <= 0) return failed('expiry', `${describe(first)} expired on ${iso(first.validTo)}`, renewal(first))
  const message = `${describe(first)} is valid until ${iso(first.validTo)}`
  return left < EXPIRES_SOON ? warning('expiry', `${message}: ${Math.floor(left / DAY)} days left`, renewal(first)) : ok('expiry', message)
}

function renewal ({ ca }: X509Certificate): string {
  return ca ? 'rotate the CA: docs/operations.md, "Certificates and secrets"' : 'renew it, for example with `authn-webhook certs --out DIR --renew`; the service reloads it without a restart'
}

function describe ({ ca, subject }: X509Certificate): string {
  return ca ? `the CA ${nameOf(subject)}` : 'the certificate'
}

/** A distinguished name on one line; Node.js writes one part a line. */
function nameOf (distinguished: string): string {
  return JSON.stringify(distinguished.split('\n').join(', '))
}

function iso (time: string): string {
  return new Date(time).toISOString()
}
