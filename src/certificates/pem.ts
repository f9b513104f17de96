/** Reads certificates and private keys from PEM files (RFC 7468). */
import { X509Certificate, createPrivateKey, type KeyObject } from 'node:crypto'
import { ValidationError } from '../errors.js'
import type { ReadOptions } from '../files/read.js'
import { readText } from '../documents/text.js'

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g

export interface CertificateFile {
  readonly file: string
  readonly pem: string
  /** In the order of the file, at least one. */
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]]
}

export interface KeyFile {
  readonly file: string
  readonly pem: string
  readonly key: KeyObject
}

/** @throws ValidationError if the file can't be read, has no certificates, or has a private key */
export async function readCertificates (file: string, options?: ReadOptions): Promise<CertificateFile> {
  const pem = await readText(file, options)
  return { file, pem, certificates: parseCertificates(pem, file) }
}

/** @param file for errors; `withKeys` allows private keys in the text */
export function parseCertificates (pem: string, file: string, { withKeys = false } = {}): [X509Certificate, ...X509Certificate[]] {
  const blocks = [...pem.matchAll(BLOCK)]
  // such files are passed on: a key in one must not leak
  if (!withKeys && blocks.some(([, label = '']) => label.endsWith('PRIVATE KEY'))) throw invalidFile(file, 'holds a private key; use a file with certificates only')
  const [first, ...others] = blocks.filter(([, label]) => label === 'CERTIFICATE').map(([block]) => parseCertificate(block, file))
  if (first === undefined) throw invalidFile(file, 'holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)')
  return [first, ...others]
}

function parseCertificate (block: string, file: string): X509Certificate {
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(block)
  } catch (error) {
    throw invalidFile(file, 'holds a damaged certificate', error)
  }
  // Node.js accepts such a certificate, Go does not
  const field = findInvalidDate(certificate)
  if (field !== undefined) throw invalidFile(file, `holds a certificate whose ${field} is not a date; replace the certificate`)
  return certificate
}

/** The field of a certificate that is not a date. */
export function findInvalidDate ({ validFrom, validTo }: X509Certificate): 'notBefore' | 'notAfter' | undefined {
  if (Number.isNaN(Date.parse(validFrom))) return 'notBefore'
  return Number.isNaN(Date.parse(validTo)) ? 'notAfter' : undefined
}

/** @throws ValidationError if the file can't be read, has no private key, or an encrypted one */
export async function readPrivateKey (file: string, options?: ReadOptions): Promise<KeyFile> {
  const pem = await readText(file, options)
  return { file, pem, key: parsePrivateKey(pem, file) }
}

/** @param file for errors */
export function parsePrivateKey (pem: string, file: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)) throw invalidFile(file, 'holds an encrypted key; use one without a passphrase')
  try {
    return createPrivateKey(pem)
  } catch (error) {
    throw invalidFile(file, 'holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)', error)
  }
}

/** @throws ValidationError if the key is not that of the file's first certificate */
export function assertKeyMatches ({ file, certificates }: Pick<CertificateFile, 'file' | 'certificates'>, key: KeyObject, keyFile: string): void {
  if (certificates[0].checkPrivateKey(key)) return
  // OpenSSL reports a chain in reverse order as a wrong key
  const index = certificates.findIndex((certificate) => certificate.checkPrivateKey(key))
  if (index === -1) throw invalidFile(keyFile, `does not belong to the certificate in ${file}`)
  throw invalidFile(file, `the certificate of ${keyFile} must come first; it is the ${ordinal(index + 1)} in this file`)
}

function ordinal (position: number): string {
  const suffix = ({ one: 'st', two: 'nd', few: 'rd' } as Record<string, string>)[ORDINALS.select(position)] ?? 'th'
  return `${position}${suffix}`
}

const ORDINALS = new Intl.PluralRules('en', { type: 'ordinal' })

function invalidFile (file: string, message: string, cause?: unknown): ValidationError {
  return Object.assign(new ValidationError(file, [{ path: '', message }]), cause === undefined ? {} : { cause })
}
