/** What an API server will think of the certificate. It is stricter than most: Go knows no common names. */
import { isIP } from 'node:net'
import type { X509Certificate } from 'node:crypto'
import { hostOf, type Target } from '../client.js'
import { parseCertificates, findInvalidDate } from '../../certificates/pem.js'
import { isOutOfTime, type Path } from './best-path.js'
import { failed, ok, skipped, warning, type Check } from './check.js'
import type { Handshake } from './handshake.js'

const DAY = 24 * 3_600_000
/** Milliseconds before the end from which on somebody should know. */
export const SOON = 30 * DAY

/** `san`, `chain` and `expiry`. `path`: from the certificate to what is trusted. `now`: milliseconds since the epoch. */
export function judgeCertificate ({ certificates, chainError }: Handshake, path: Path, target: Target, now: number): Check[] {
  const authorities = target.ca === undefined ? undefined : parseCertificates(target.ca, 'the CA', { withKeys: true })
  return [
    judgeNames(certificates[0], target.serverName ?? hostOf(target.server)),
    judgeChain(path, chainError, authorities, now),
    judgeTime(path, now)
  ]
}

function judgeNames (leaf: X509Certificate, name: string): Check {
  const names = leaf.subjectAltName
  const renew = `\`authn-webhook certs --out DIR --renew --san ${name}\` makes one with this name; with openssl, add -addext "subjectAltName=${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}" to \`openssl req\`, and -copy_extensions copy to \`openssl x509 -req\``
  if (names === undefined) return failed('san', 'the certificate has no subject alternative name; API servers refuse one with a common name alone', renew)
  const matches = isIP(name) === 0 ? leaf.checkHost(name, { subject: 'never', partialWildcards: false }) : leaf.checkIP(name)
  return matches === undefined
    ? failed('san', `the certificate is not for ${name}, but for ${names}`, `${renew}; or give one of its names as tls-server-name`)
    : ok('san', `the certificate is for ${name}`)
}

const NO_ISSUER = ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'CERT_SIGNATURE_FAILURE']

/** `authorities`: those of the CA file, where there is one. */
function judgeChain (path: readonly X509Certificate[], error: string | undefined, authorities: readonly X509Certificate[] | undefined, now: number): Check {
  const { issuer } = path[0]!
  const signed = `signed by ${nameOf(issuer)}`
  if (error === undefined) return ok('chain', `${signed}, which ${authorities === undefined ? 'this machine trusts' : 'the CA file holds'}`)
  // OpenSSL tells one error of several: of time, `expiry` tells more
  if (/EXPIRED|NOT_YET_VALID|ERROR_IN_CERT_NOT_(BEFORE|AFTER)_FIELD/.test(error) && path.some(certificate => isOutOfTime(certificate, now))) return skipped('chain', 'can be judged when the time of the certificate is right')
  if (!NO_ISSUER.includes(error)) return failed('chain', `the certificate is refused: ${error}`, '`authn-webhook certs` makes one that is not')
  if (authorities === undefined) return failed('chain', `${signed}, which this machine does not trust`, "give the service's CA: certificate-authority")
  const whose = authorities.some(({ subject }) => subject === issuer) ? 'which is another one than that of the same name in the CA file' : 'which the CA file does not hold'
  return failed('chain', `${signed}, ${whose}`, 'give the CA that signed it; a server behind an intermediate CA has to send that one along')
}

function judgeTime (path: readonly X509Certificate[], now: number): Check {
  // what a server shows was never read from a file, which would have refused it
  const unreadable = path.find(certificate => findInvalidDate(certificate) !== undefined)
  if (unreadable !== undefined) return failed('expiry', `${describe(unreadable)} has a ${findInvalidDate(unreadable)} that is not a date`, adviceFor(unreadable))
  const early = path.find(({ validFrom }) => Date.parse(validFrom) > now)
  if (early !== undefined) return failed('expiry', `${describe(early)} is not valid before ${iso(early.validFrom)}`, 'a clock is wrong: this one, or that of the machine that made it')
  const first = path.reduce((a, b) => Date.parse(b.validTo) < Date.parse(a.validTo) ? b : a)
  const left = Date.parse(first.validTo) - now
  const advice = adviceFor(first)
  if (left <= 0) return failed('expiry', `${describe(first)} expired on ${iso(first.validTo)}`, advice)
  const message = `${describe(first)} is good until ${iso(first.validTo)}`
  return left < SOON ? warning('expiry', `${message}: ${Math.floor(left / DAY)} days`, advice) : ok('expiry', message)
}

function adviceFor ({ ca }: X509Certificate): string {
  return ca ? 'rotate the authority: docs/operations.md, "Certificates and secrets"' : '`authn-webhook certs --out DIR --renew`, or what else makes your certificates; the service takes it up at once'
}

function describe ({ ca, subject }: X509Certificate): string {
  return ca ? `the authority ${nameOf(subject)}` : 'the certificate'
}

/** Of a distinguished name, which Node.js writes one part a line, on one line. */
function nameOf (distinguished: string): string {
  return JSON.stringify(distinguished.split('\n').join(', '))
}

function iso (time: string): string {
  return new Date(time).toISOString()
}
