/**
 * Creates a CA and issues certificates, for `certs` and `serve --demo`; ECDSA
 * P-256 throughout, which every TLS library verifies fast.
 *
 * Import it lazily (`await import('./issue.js')`): its library takes longer to
 * load than the rest of a command.
 */
import 'reflect-metadata'
import { createPrivateKey, X509Certificate, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'
import { CertificateError } from '../errors.js'
import { parseSubjectName } from './subject-name.js'

/** A certificate and its private key, both PEM; the key as PKCS#8. */
export interface CertificatePair {
  readonly cert: string
  readonly key: string
}

interface Validity {
  readonly days: number
  /** Milliseconds since the epoch; for tests. */
  readonly now?: () => number
}

export interface CAOptions extends Validity {
  readonly commonName: string
}

export interface ServingOptions extends Validity {
  /** DNS names and IP addresses of the service. */
  readonly names: readonly string[]
  readonly commonName?: string
}

export interface ClientOptions extends CAOptions {
  readonly organization?: string
}

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY = 24 * 60 * 60 * 1000
// clocks in a cluster differ; a certificate must be valid at once on all machines
const CLOCK_SKEW = 60 * 60 * 1000
// RFC 5280, appendix A: ub-common-name, ub-organization-name
const MAX_NAME = 64

/** Creates a self-signed CA that can't sign other CAs. */
export async function createCA ({ commonName, days, now = Date.now }: CAOptions): Promise<CertificatePair> {
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: subject(commonName),
    notBefore: seconds(now() - CLOCK_SKEW),
    notAfter: seconds(now() + days * DAY),
    signingAlgorithm: ECDSA,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey)
    ]
  })
  return toPair(certificate, keys)
}

/** Creates a certificate that is no CA, by which a public key has a file. It is valid from now on. */
export async function createSelfSigned ({ commonName, days, now = Date.now }: CAOptions): Promise<CertificatePair> {
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: subject(commonName),
    notBefore: seconds(now()),
    notAfter: seconds(now() + days * DAY),
    signingAlgorithm: ECDSA,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)
    ]
  })
  return toPair(certificate, keys)
}

/** @throws CertificateError for a name that can't be in a certificate, or a CA that can't sign */
export async function issueServing (ca: CertificatePair, { names, days, commonName = 'authn-webhook', now = Date.now }: ServingOptions): Promise<CertificatePair> {
  if (names.length === 0) throw new CertificateError('a serving certificate needs at least one DNS name or IP address')
  const san = [...new Set(names.map(parseSubjectName))]
  return await issue(ca, subject(commonName), days, now, [
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension(san.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })))
  ])
}

/** `commonName` is what `tls.clientNames` of the config compares. */
export async function issueClient (ca: CertificatePair, { commonName, organization, days, now = Date.now }: ClientOptions): Promise<CertificatePair> {
  return await issue(ca, subject(commonName, organization), days, now, [
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])
  ])
}

async function issue (ca: CertificatePair, name: x509.Name, days: number, now: () => number, extensions: x509.Extension[]): Promise<CertificatePair> {
  const { issuer, signingKey } = await openCA(ca, now)
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.create({
    subject: name,
    issuer: issuer.subjectName,
    // strict verifiers reject a certificate that is valid when its CA is not
    notBefore: seconds(Math.max(now() - CLOCK_SKEW, issuer.notBefore.getTime())),
    notAfter: seconds(Math.min(now() + days * DAY, issuer.notAfter.getTime())),
    signingAlgorithm: ECDSA,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      ...extensions,
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey)
    ]
  })
  return toPair(certificate, keys)
}

async function openCA ({ cert, key }: CertificatePair, now: () => number) {
  const issuer = new x509.X509Certificate(cert)
  const privateKey = createPrivateKey(key)
  const certificate = new X509Certificate(cert)
  if (!certificate.ca) throw new CertificateError(`"${certificate.subject}" is not a CA`)
  if (!certificate.checkPrivateKey(privateKey)) throw new CertificateError("the CA's key does not belong to its certificate")
  if (privateKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new CertificateError("the CA's key is not an ECDSA P-256 key, the only type that this command supports")
  if (issuer.notAfter.getTime() <= now()) throw new CertificateError(`the CA expired on ${issuer.notAfter.toISOString()}`)
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
  const signingKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, ECDSA, false, ['sign'])
  return { issuer, signingKey }
}

function subject (commonName: string, organization?: string): x509.Name {
  // in a plain string, the library interprets quotes and a leading #
  const name = [{ CN: [{ utf8String: printable('common name', commonName) }] }]
  return new x509.Name(organization === undefined ? name : [{ O: [{ utf8String: printable('organization', organization) }] }, ...name])
}

function printable (what: string, value: string): string {
  if (value.trim() === '' || value.length > MAX_NAME || /\p{C}/u.test(value)) {
    throw new CertificateError(`the ${what} ${JSON.stringify(value)} is not 1 to ${MAX_NAME} printable characters`)
  }
  return value
}

async function generateKeys () {
  return await webcrypto.subtle.generateKey(ECDSA, true, ['sign', 'verify'])
}

async function toPair (certificate: x509.X509Certificate, { privateKey }: webcrypto.CryptoKeyPair): Promise<CertificatePair> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', privateKey)
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: `${x509.PemConverter.encode(pkcs8, x509.PemConverter.PrivateKeyTag)}\n`
  }
}

/** X.509 times have no fractions. */
function seconds (time: number): Date {
  return new Date(Math.floor(time / 1000) * 1000)
}
