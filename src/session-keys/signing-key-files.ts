/** The two files of a signing key: a private key that only the sign-in service can read, and its certificate. */
import type { KeyObject, X509Certificate } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { SigningKeyConfig } from '../../schemas/login.js'
import { assertKeyMatches, parseCertificates, parsePrivateKey } from '../certificates/pem.js'
import { readText } from '../documents/text.js'
import { assertP256, invalidFile } from './p256.js'

/** @throws ValidationError that names the file, without its content */
export async function readSigningKeyFiles ({ certFile, keyFile }: SigningKeyConfig): Promise<{ privateKey: KeyObject, certificate: X509Certificate }> {
  const [cert, key] = [await readPem(certFile), await readPem(keyFile)]
  if (hasPrivateKey(cert) && hasCertificate(key) && !hasPrivateKey(key)) throw invalidFile(certFile, `is the private key of the certificate in ${keyFile}: swap certFile and keyFile`)
  if (hasCertificate(key)) throw invalidFile(keyFile, hasPrivateKey(key) ? 'has a certificate beside the private key: move it to a file of its own' : 'has a certificate, not a private key')
  const certificates = parseCertificates(cert, certFile)
  if (certificates.length > 1) throw invalidFile(certFile, `has ${certificates.length} certificates; a signing key has one`)
  const privateKey = parsePrivateKey(key, keyFile)
  assertP256(privateKey, keyFile)
  assertP256(certificates[0].publicKey, certFile)
  assertKeyMatches({ file: certFile, certificates }, privateKey, keyFile)
  await assertPrivate(keyFile)
  return { privateKey, certificate: certificates[0] }
}

async function readPem (file: string): Promise<string> {
  const text = await readText(file)
  if (text.trim() === '') throw invalidFile(file, 'is empty')
  return text
}

function hasPrivateKey (pem: string): boolean {
  return /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)
}

function hasCertificate (pem: string): boolean {
  return pem.includes('-----BEGIN CERTIFICATE-----')
}

/**
 * Only the owner and the group may read the key, and only the owner may replace
 * it. The group may read it: Kubernetes gives a Secret to the group of the pod.
 */
async function assertPrivate (file: string): Promise<void> {
  const { mode } = await stat(file)
  const problem = (mode & 0o002) !== 0 ? 'world-writable' : (mode & 0o004) !== 0 ? 'world-readable' : (mode & 0o020) !== 0 ? 'group-writable' : undefined
  if (problem !== undefined) throw invalidFile(file, `is ${problem}, and anyone who has this key can sign in as any user: run "chmod 600 ${file}", or set the volume's defaultMode to 0440`)
}
