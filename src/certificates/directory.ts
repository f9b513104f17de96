/**
 * A directory of certificates, as `certs` and `serve --demo` keep it:
 *
 *     tls.crt  tls.key     serving certificate
 *     ca.crt               its CA: for the API server, curl, clientCAFile
 *     NAME.crt NAME.key    client certificates
 *     ca/ca.key            signs new ones; the service never needs it
 */
import type { X509Certificate } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CertificateError } from '../errors.js'
import { createFile, makeDirectory, writeFileAtomic } from '../files/write.js'
import type { CertificatePair } from './issue.js'
import { readCertificates, readPrivateKey } from './pem.js'
import { parseSubjectName } from './subject-name.js'

/** For a first try on one machine, and the name that API servers expect in the chart's certificate. */
export const DEFAULT_NAMES: readonly string[] = ['localhost', '127.0.0.1', '::1', 'authn-webhook.kube-system.svc']

/** Ten years: a new CA has to be distributed to every control plane machine. */
export const CA_DAYS = 3650
/** A year: a new certificate is one command. */
export const CERTIFICATE_DAYS = 365
/** `serve --demo` replaces a certificate that has fewer days left. */
export const RENEWAL_DAYS = 30

const DAY = 24 * 60 * 60 * 1000

export interface Clock {
  /** Milliseconds since the epoch; for tests. */
  readonly now?: () => number
}

export interface CertificateAuthority {
  readonly certFile: string
  readonly keyFile: string
  /** By this call. */
  readonly created: boolean
  readonly expiresAt: Date
  readonly certificate: X509Certificate
  readonly pair: CertificatePair
}

/** A certificate below the CA. */
export interface IssuedCertificate {
  readonly certFile: string
  readonly keyFile: string
  /** Its SANs, as parseSubjectName writes them; a client certificate has none. */
  readonly names: readonly string[]
  readonly expiresAt: Date
  /** Why it can't be used, as the end of a sentence. */
  readonly error?: string | undefined
}

/** Whether the directory has a CA, or a part of one. */
export function hasCA (directory: string): boolean {
  const { certFile, keyFile } = caFiles(directory)
  return existsSync(certFile) || existsSync(keyFile)
}

function caFiles (directory: string): { certFile: string, keyFile: string } {
  return { certFile: join(directory, 'ca.crt'), keyFile: join(directory, 'ca', 'ca.key') }
}

/**
 * Opens the directory's CA, or creates one.
 * @throws ValidationError; CertificateError if half of one exists, since a new one would not be trusted where the old one is
 */
export async function openCA (directory: string, { now = Date.now }: Clock = {}): Promise<CertificateAuthority> {
  const { certFile, keyFile } = caFiles(directory)
  const created = !hasCA(directory)
  if (created) await createCAFiles(certFile, keyFile, now)
  for (const [present, missing] of [[certFile, keyFile], [keyFile, certFile]] as const) {
    if (isMissing(missing)) throw new CertificateError(`${present} exists, but ${missing} is missing; restore it, or choose another directory for a new CA`)
  }
  const [{ certificates }, { key, pem }] = await Promise.all([readCertificates(certFile), readPrivateKey(keyFile)])
  // during a rotation the file holds the old CA and the new one
  const certificate = certificates.find((certificate) => certificate.checkPrivateKey(key))
  if (certificate === undefined) throw new CertificateError(`${keyFile} is not the key of a CA in ${certFile}; after a rotation, copy the new CA's ca/ca.key there too, or pass the directory of the new CA`)
  const expiresAt = expiryOf(certificate)
  if (expiresAt.getTime() <= now()) throw new CertificateError(`${certFile} expired on ${expiresAt.toISOString()}; create a new CA in another directory and bring its ca.crt to the API servers`)
  return { certFile, keyFile, created, certificate, expiresAt, pair: { cert: certificate.toString(), key: pem } }
}

/** A file that exists but can't be accessed is not missing; reading it reports the reason. */
function isMissing (file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) === undefined
  } catch {
    return false
  }
}

async function createCAFiles (certFile: string, keyFile: string, now: () => number): Promise<void> {
  const { createCA } = await import('./issue.js')
  const { cert, key } = await createCA({ commonName: 'authn-webhook CA', days: CA_DAYS, now })
  await makeDirectory(dirname(certFile))
  await makeDirectory(dirname(keyFile), { mode: 0o700 })
  await createFile(keyFile, key, { mode: 0o600 })
  await createFile(certFile, cert)
}

/**
 * The certificate NAME.crt in whatever state it is; `undefined` if there is none.
 * @throws ValidationError if the file is not a certificate
 */
export async function findCertificate (directory: string, name: string, ca: CertificateAuthority, { now = Date.now }: Clock = {}): Promise<IssuedCertificate | undefined> {
  const { certFile, keyFile } = certificateFiles(directory, name)
  if (!existsSync(certFile)) return undefined
  const { certificates: [certificate] } = await readCertificates(certFile)
  return { ...describe(certificate, certFile, keyFile), error: await errorOf(certificate, keyFile, ca, now()) }
}

function describe (certificate: X509Certificate, certFile: string, keyFile: string): IssuedCertificate {
  // Node.js writes the SANs as `DNS:localhost, IP Address:0:0:0:0:0:0:0:1`
  const names = [...(certificate.subjectAltName ?? '').matchAll(/(?:DNS|IP Address):([^,"]+)/g)].map(([, name]) => parseSubjectName(name!))
  return { certFile, keyFile, names, expiresAt: expiryOf(certificate) }
}

async function errorOf (certificate: X509Certificate, keyFile: string, ca: CertificateAuthority, now: number): Promise<string | undefined> {
  if (!existsSync(keyFile)) return `has no key: ${keyFile} is missing`
  const { key } = await readPrivateKey(keyFile)
  if (!certificate.checkPrivateKey(key)) return `does not belong to the key in ${keyFile}`
  if (!certificate.checkIssued(ca.certificate) || !certificate.verify(ca.certificate.publicKey)) return `was not signed by ${ca.certFile}`
  const expiresAt = expiryOf(certificate)
  return expiresAt.getTime() <= now ? `expired on ${expiresAt.toISOString()}` : undefined
}

/** Writes a new tls.crt and tls.key. */
export async function issueServingCertificate (directory: string, ca: CertificateAuthority, names: readonly string[], { now = Date.now }: Clock = {}): Promise<IssuedCertificate> {
  const { issueServing } = await import('./issue.js')
  return await writePair(directory, 'tls', await issueServing(ca.pair, { names, days: CERTIFICATE_DAYS, now }))
}

/** Writes a new NAME.crt and NAME.key, whose common name is NAME. */
export async function issueClientCertificate (directory: string, ca: CertificateAuthority, name: string, { now = Date.now }: Clock = {}): Promise<IssuedCertificate> {
  const { issueClient } = await import('./issue.js')
  return await writePair(directory, name, await issueClient(ca.pair, { commonName: name, days: CERTIFICATE_DAYS, now }))
}

/** A service that reads between the two writes finds a pair that does not match, and keeps its old one. */
async function writePair (directory: string, name: string, { cert, key }: CertificatePair): Promise<IssuedCertificate> {
  const { certFile, keyFile } = certificateFiles(directory, name)
  // existing files keep owner and mode: the service may run as another user
  await writeFileAtomic(keyFile, key, existsSync(keyFile) ? {} : { mode: 0o600 })
  await writeFileAtomic(certFile, cert, existsSync(certFile) ? {} : { mode: 0o644 })
  const { certificates: [certificate] } = await readCertificates(certFile)
  return describe(certificate, certFile, keyFile)
}

/**
 * A serving certificate for `names`, for `serve --demo`: the existing one,
 * unless it lacks a name, can't be used or expires soon.
 * @throws ValidationError, CertificateError
 */
export async function ensureServingCertificate (directory: string, names: readonly string[], clock: Clock = {}): Promise<IssuedCertificate & { readonly caFile: string, readonly created: boolean }> {
  const ca = await openCA(directory, clock)
  const existing = await findCertificate(directory, 'tls', ca, clock)
  const wanted = names.map(parseSubjectName)
  const renewal = (clock.now ?? Date.now)() + RENEWAL_DAYS * DAY
  const good = existing !== undefined && existing.error === undefined && existing.expiresAt.getTime() > renewal && wanted.every((name) => existing.names.includes(name))
  if (good) return { ...existing, caFile: ca.certFile, created: false }
  const issued = await issueServingCertificate(directory, ca, [...existing?.names ?? [], ...wanted], clock)
  return { ...issued, caFile: ca.certFile, created: true }
}

/** @throws CertificateError if the name is not a plain file name, or is that of a file of the directory */
export function assertClientName (name: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw new CertificateError(`${JSON.stringify(name)} can't name a client certificate's file: use 1 to 64 letters, digits, ".", "_" and "-", with a letter or digit first`)
  }
  // some file systems ignore case
  if (['ca', 'tls'].includes(name.toLowerCase())) throw new CertificateError(`${name}.crt is reserved for the directory's own certificate; choose another name for the client`)
}

function certificateFiles (directory: string, name: string): { certFile: string, keyFile: string } {
  return { certFile: join(directory, `${name}.crt`), keyFile: join(directory, `${name}.key`) }
}

function expiryOf ({ validTo }: X509Certificate): Date {
  return new Date(validTo)
}
