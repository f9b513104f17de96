/** Certificates and private keys in PEM files (RFC 7468), checked as far as one file can tell. */
import { X509Certificate, createPrivateKey, type KeyObject } from 'node:crypto'
import { ValidationError } from '../errors.js'
import type { ReadOptions } from '../files/read.js'
import { readText } from '../documents/text.js'

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g

export interface CertificateFile {
  readonly file: string
  /** The text of the file. */
  readonly pem: string
  /** In the order of the file, at least one. */
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]]
}

export interface KeyFile {
  readonly file: string
  readonly pem: string
  readonly key: KeyObject
}

/** @throws ValidationError where the file can't be read or holds anything but certificates */
export async function readCertificates (file: string, options?: ReadOptions): Promise<CertificateFile> {
  const pem = await readText(file, options)
  return { file, pem, certificates: parseCertificates(pem, file) }
}

/** `file` names the text in errors. `withKeys`: what else is in it is none of our business. */
export function parseCertificates (pem: string, file: string, { withKeys = false } = {}): [X509Certificate, ...X509Certificate[]] {
  const blocks = [...pem.matchAll(BLOCK)]
  // such a file is given to others: a key in it must not go along unseen
  if (!withKeys && blocks.some(([, label]) => label!.endsWith('PRIVATE KEY'))) throw invalidFile(file, 'holds a private key; give a file with certificates alone')
  const [first, ...others] = blocks.filter(([, label]) => label === 'CERTIFICATE').map(([block]) => parseCertificate(block, file))
  if (first === undefined) throw invalidFile(file, 'holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)')
  return [first, ...others]
}

function parseCertificate (block: string, file: string): X509Certificate {
  const certificate = decodeCertificate(block, file)
  // Node.js reads such a certificate, while Go refuses it; nobody could tell when it expires
  const unreadable = unreadableDateOf(certificate)
  if (unreadable !== undefined) throw invalidFile(file, `holds a certificate whose ${unreadable} is not a date; replace the certificate`)
  return certificate
}

function decodeCertificate (block: string, file: string): X509Certificate {
  try {
    return new X509Certificate(block)
  } catch (error) {
    throw invalidFile(file, 'holds a certificate that is damaged', error)
  }
}

/** By its name in a certificate; `undefined` if both dates can be read. */
export function unreadableDateOf ({ validFrom, validTo }: X509Certificate): 'notBefore' | 'notAfter' | undefined {
  if (Number.isNaN(Date.parse(validFrom))) return 'notBefore'
  return Number.isNaN(Date.parse(validTo)) ? 'notAfter' : undefined
}

/** @throws ValidationError where the file can't be read or holds no private key, or only an encrypted one */
export async function readPrivateKey (file: string, options?: ReadOptions): Promise<KeyFile> {
  const pem = await readText(file, options)
  return { file, pem, key: parsePrivateKey(pem, file) }
}

/** `file` names the text in errors. */
export function parsePrivateKey (pem: string, file: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)) throw invalidFile(file, 'holds an encrypted key; give one without a passphrase')
  try {
    return createPrivateKey(pem)
  } catch (error) {
    throw invalidFile(file, 'holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)', error)
  }
}

/** @throws ValidationError where the key is not that of the file's first certificate */
export function refuseMismatch ({ file, certificates }: Pick<CertificateFile, 'file' | 'certificates'>, key: KeyObject, keyFile: string): void {
  if (certificates[0].checkPrivateKey(key)) return
  // a chain upside down, which OpenSSL reports as a key of another certificate
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
  const error = new ValidationError(file, [{ path: '', message }])
  if (cause !== undefined) error.cause = cause
  return error
}
