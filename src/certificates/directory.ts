/**
 * A directory of certificates, as `certs` and `serve --demo` keep it:
 *
 *     tls.crt  tls.key     serving certificate
 *     ca.crt               who signed it: for the API server, curl, clientCAFile
 *     NAME.crt NAME.key    client certificates
 *     ca/ca.key            signs new ones; the service never needs it
 */
import type { X509Certificate } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CertificateError } from '../errors.js'
import type { CertificatePair } from './issue.js'
import { parseSubjectName } from './subject-name.js'
import { createFile, makeDirectory, writeFileAtomic } from '../files/write.js'
import { readCertificates, readPrivateKey } from './pem.js'

/** For a first try on one machine, and the name that API servers look for in the chart's certificate. */
export const DEFAULT_NAMES: readonly string[] = ['localhost', '127.0.0.1', '::1', 'authn-webhook.kube-system.svc']

/** Ten years: a new authority has to be brought to every control plane machine. */
export const AUTHORITY_DAYS = 3650
/** A year: a new leaf is one command. */
export const LEAF_DAYS = 365
/** `serve --demo` replaces a certificate that has less left. */
export const RENEWAL_DAYS = 30

const DAY = 24 * 60 * 60 * 1000

export interface Clock {
  /** Milliseconds since the epoch; for tests. */
  readonly now?: () => number
}

export interface Authority {
  readonly file: string
  readonly keyFile: string
  /** By this call. */
  readonly created: boolean
  readonly expiresAt: Date
  readonly certificate: X509Certificate
  readonly pair: CertificatePair
}

/** A certificate below the authority. */
export interface Leaf {
  readonly certFile: string
  readonly keyFile: string
  /** Its SANs, as parseSubjectName writes them; a client certificate has none. */
  readonly names: readonly string[]
  readonly expiresAt: Date
  /** Why nobody can use it any more, as the end of a sentence; absent where it is good. */
  readonly error?: string | undefined
}

/** Whether there is an authority in the directory, or a part of one. */
export function hasAuthority (directory: string): boolean {
  const { file, keyFile } = authorityFiles(directory)
  return existsSync(file) || existsSync(keyFile)
}

function authorityFiles (directory: string): { file: string, keyFile: string } {
  return { file: join(directory, 'ca.crt'), keyFile: join(directory, 'ca', 'ca.key') }
}

/**
 * The directory's authority; made where there is none.
 * @throws ValidationError; CertificateError where half of one is there, since a new one would not be trusted where the old one is
 */
export async function openAuthority (directory: string, { now = Date.now }: Clock = {}): Promise<Authority> {
  const { file, keyFile } = authorityFiles(directory)
  const created = !hasAuthority(directory)
  if (created) await createAuthority(file, keyFile, now)
  for (const [there, missing] of [[file, keyFile], [keyFile, file]] as const) {
    if (isMissing(missing)) throw new CertificateError(`${there} is there, but ${missing} is missing; put it back, or choose another directory for a new authority`)
  }
  const [{ certificates }, { key, pem }] = await Promise.all([readCertificates(file), readPrivateKey(keyFile)])
  // while a CA is replaced the file holds the old one and the new one
  const certificate = certificates.find((certificate) => certificate.checkPrivateKey(key))
  if (certificate === undefined) throw new CertificateError(`${keyFile} is not the key of a CA in ${file}; after a rotation, copy the new CA's ca/ca.key there too, or pass the directory where the new CA was made`)
  const expiresAt = expiryOf(certificate)
  if (expiresAt.getTime() <= now()) throw new CertificateError(`${file} expired on ${expiresAt.toISOString()}; make a new authority in another directory and bring its ca.crt to the API servers`)
  return { file, keyFile, created, certificate, expiresAt, pair: { cert: certificate.toString(), key: pem } }
}

/** A file that exists but cannot be accessed is not missing; reading it reports the reason. */
function isMissing (file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) === undefined
  } catch {
    return false
  }
}

async function createAuthority (file: string, keyFile: string, now: () => number): Promise<void> {
  const pki = await import('./issue.js')
  const { cert, key } = await pki.createAuthority({ commonName: 'authn-webhook CA', days: AUTHORITY_DAYS, now })
  await makeDirectory(dirname(file))
  await makeDirectory(dirname(keyFile), { mode: 0o700 })
  await createFile(keyFile, key, { mode: 0o600 })
  await createFile(file, cert)
}

/**
 * The leaf NAME.crt, whatever state it is in; `undefined` where there is none.
 * @throws ValidationError where the file is no certificate
 */
export async function findLeaf (directory: string, name: string, authority: Authority, { now = Date.now }: Clock = {}): Promise<Leaf | undefined> {
  const { certFile, keyFile } = leafFiles(directory, name)
  if (!existsSync(certFile)) return undefined
  const { certificates: [certificate] } = await readCertificates(certFile)
  const leaf = { certFile, keyFile, names: namesOf(certificate), expiresAt: expiryOf(certificate) }
  return { ...leaf, error: await errorOf(certificate, leaf, authority, now()) }
}

async function errorOf (certificate: X509Certificate, { keyFile, expiresAt }: Leaf, authority: Authority, now: number): Promise<string | undefined> {
  if (!existsSync(keyFile)) return `has no key: ${keyFile} is missing`
  const { key } = await readPrivateKey(keyFile)
  if (!certificate.checkPrivateKey(key)) return `does not belong to the key in ${keyFile}`
  if (!certificate.checkIssued(authority.certificate) || !certificate.verify(authority.certificate.publicKey)) return `was not signed by ${authority.file}`
  return expiresAt.getTime() <= now ? `expired on ${expiresAt.toISOString()}` : undefined
}

/** Writes a new tls.crt and tls.key. */
export async function issueServingLeaf (directory: string, authority: Authority, names: readonly string[], { now = Date.now }: Clock = {}): Promise<Leaf> {
  const pki = await import('./issue.js')
  return await writeLeaf(directory, 'tls', await pki.issueServing(authority.pair, { names, days: LEAF_DAYS, now }))
}

/** Writes a new NAME.crt and NAME.key, whose common name is NAME. */
export async function issueClientLeaf (directory: string, authority: Authority, name: string, { now = Date.now }: Clock = {}): Promise<Leaf> {
  const pki = await import('./issue.js')
  return await writeLeaf(directory, name, await pki.issueClient(authority.pair, { commonName: name, days: LEAF_DAYS, now }))
}

/** Right after each other: a service that reads in between finds a pair that does not match, and keeps its old one. */
async function writeLeaf (directory: string, name: string, { cert, key }: CertificatePair): Promise<Leaf> {
  const { certFile, keyFile } = leafFiles(directory, name)
  // of files that were there, owner and mode stay: the service may run as another user than this one
  await writeFileAtomic(keyFile, key, existsSync(keyFile) ? {} : { mode: 0o600 })
  await writeFileAtomic(certFile, cert, existsSync(certFile) ? {} : { mode: 0o644 })
  const { certificates: [certificate] } = await readCertificates(certFile)
  return { certFile, keyFile, names: namesOf(certificate), expiresAt: expiryOf(certificate) }
}

/**
 * A serving certificate that is good for `names`, for `serve --demo`: the one
 * that is there, unless it lacks a name, can't be used or soon expires.
 * @throws ValidationError, CertificateError
 */
export async function ensureServingCertificate (directory: string, names: readonly string[], clock: Clock = {}): Promise<Leaf & { readonly caFile: string, readonly created: boolean }> {
  const authority = await openAuthority(directory, clock)
  const leaf = await findLeaf(directory, 'tls', authority, clock)
  const wanted = names.map(parseSubjectName)
  const renewal = (clock.now ?? Date.now)() + RENEWAL_DAYS * DAY
  const good = leaf !== undefined && leaf.error === undefined && leaf.expiresAt.getTime() > renewal && wanted.every((name) => leaf.names.includes(name))
  if (good) return { ...leaf, caFile: authority.file, created: false }
  const issued = await issueServingLeaf(directory, authority, [...leaf?.names ?? [], ...wanted], clock)
  return { ...issued, caFile: authority.file, created: true }
}

/**
 * Refuses what is not the plain name of a file, or one of the directory's own.
 * @throws CertificateError
 */
export function refuseUnsafeName (name: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw new CertificateError(`${JSON.stringify(name)} can't name a client certificate's file: use 1 to 64 letters, digits, ".", "_" and "-", with a letter or digit first`)
  }
  // some file systems don't tell cases apart
  if (['ca', 'tls'].includes(name.toLowerCase())) throw new CertificateError(`${name}.crt is one of the directory's own files; choose another name for the client`)
}

function leafFiles (directory: string, name: string): { certFile: string, keyFile: string } {
  return { certFile: join(directory, `${name}.crt`), keyFile: join(directory, `${name}.key`) }
}

/** Node.js writes the SANs as `DNS:localhost, IP Address:0:0:0:0:0:0:0:1`. */
function namesOf ({ subjectAltName = '' }: X509Certificate): string[] {
  return [...subjectAltName.matchAll(/(?:DNS|IP Address):([^,"]+)/g)].map(([, name]) => parseSubjectName(name!))
}

function expiryOf ({ validTo }: X509Certificate): Date {
  return new Date(validTo)
}
