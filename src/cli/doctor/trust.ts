/** Whether an API server trusts a server: judged by Go's rules, with Node.js connections that follow them. */
import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import type { Target } from '../client.js'
import { parseCertificates } from '../../certificates/pem.js'
import { checkCertificate } from './certificate.js'
import { findCertificationPath, isOutsideValidity, type CertificationPath } from './certification-path.js'
import { isBlocking, type DoctorCheck } from './check.js'
import { checkConnection } from './connect.js'
import { performHandshake, type TlsHandshake } from './tls-handshake.js'

export interface Trust {
  /** Up to the first that blocks an API server. */
  readonly checks: readonly DoctorCheck[]
  /** The target for reviews; its `ca` may be narrowed to the CA at the end of the best path. */
  readonly target: Target
}

/** Checks connection, handshake and certificate. `timeout`: milliseconds for a connection, and for a handshake. */
export async function checkTrust (target: Target, now: number, timeout: number): Promise<Trust> {
  const connection = await checkConnection(target.server, timeout)
  if (connection.some(isBlocking)) return { checks: connection, target }
  const verified = await verify(target, now, timeout)
  if ('outcome' in verified) return { checks: [...connection, verified], target }
  const { handshake, path } = verified
  return { checks: [...connection, ...handshake.checks, ...checkCertificate(handshake, path, target, now)], target: verified.target }
}

/** The target with a `ca` by which OpenSSL accepts the best path; unchanged if there is no handshake. */
export async function withVerifiableCA (target: Target, now: number, timeout: number): Promise<Target> {
  const verified = await verify(target, now, timeout)
  return 'outcome' in verified ? target : verified.target
}

interface Verification {
  readonly target: Target
  readonly handshake: TlsHandshake
  readonly path: CertificationPath
}

/** Repeats the handshake only if OpenSSL rejects what Go trusts; if OpenSSL still rejects it, the first result stands. */
async function verify (target: Target, now: number, timeout: number): Promise<Verification | DoctorCheck> {
  const handshake = await performHandshake(target, timeout)
  if ('outcome' in handshake) return handshake
  const { certificates: [serving, ...intermediates], certificates, chainError } = handshake
  const path = findCertificationPath(serving, intermediates, anchorsOf(target), now)
  const first = { target, handshake, path: path ?? certificates }
  if (chainError === undefined || path === undefined || path.some(certificate => isOutsideValidity(certificate, now))) return first
  const narrowed = { ...target, ca: path.at(-1)!.toString() }
  const second = await performHandshake(narrowed, timeout)
  return 'outcome' in second || second.chainError !== undefined ? first : { target: narrowed, handshake: second, path }
}

function anchorsOf ({ ca }: Target): X509Certificate[] {
  return ca === undefined ? rootCertificates.map(pem => new X509Certificate(pem)) : parseCertificates(ca, 'the CA', { withKeys: true })
}
