/** Whether an API server trusts what answers at a server: Go's judgement, and connections of Node.js that abide by it. */
import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import type { Target } from '../client.js'
import { parseCertificates } from '../../certificates/pem.js'
import { findBestPath, isOutOfTime, type Path } from './best-path.js'
import { judgeCertificate } from './certificate.js'
import { stops, type Check } from './check.js'
import { shakeHands, type Handshake } from './handshake.js'
import { reach } from './reach.js'

export interface Trust {
  /** Up to the one that stops an API server. */
  readonly checks: readonly Check[]
  /** What to ask at: of its CA bundle perhaps that CA alone at which the best path ends. */
  readonly target: Target
}

/** The way there, the handshake, the certificate. `patience`: milliseconds for a connection, and for a handshake. */
export async function examineTrust (target: Target, now: number, patience: number): Promise<Trust> {
  const way = await reach(target.server, patience)
  if (way.some(stops)) return { checks: way, target }
  const met = await meet(target, now, patience)
  if ('outcome' in met) return { checks: [...way, met], target }
  const { handshake, path } = met
  return { checks: [...way, ...handshake.checks, ...judgeCertificate(handshake, path, target, now)], target: met.target }
}

/** The target by whose CA a connection ends on the best path; as it is where nobody answers. */
export async function narrowTrust (target: Target, now: number, patience: number): Promise<Target> {
  const met = await meet(target, now, patience)
  return 'outcome' in met ? target : met.target
}

interface Meeting {
  readonly target: Target
  readonly handshake: Handshake
  readonly path: Path
}

/** A second handshake only where OpenSSL refuses what Go trusts; what it refuses then stays refused. */
async function meet (target: Target, now: number, patience: number): Promise<Meeting | Check> {
  const handshake = await shakeHands(target, patience)
  if ('outcome' in handshake) return handshake
  const { certificates: [leaf, ...above], certificates, chainError } = handshake
  const path = findBestPath(leaf, above, anchorsOf(target), now)
  const met = { target, handshake, path: path ?? certificates }
  if (chainError === undefined || path === undefined || path.some(certificate => isOutOfTime(certificate, now))) return met
  const narrowed = { ...target, ca: path.at(-1)!.toString() }
  const again = await shakeHands(narrowed, patience)
  return 'outcome' in again || again.chainError !== undefined ? met : { target: narrowed, handshake: again, path }
}

function anchorsOf ({ ca }: Target): X509Certificate[] {
  return ca === undefined ? rootCertificates.map(pem => new X509Certificate(pem)) : parseCertificates(ca, 'the CA', { withKeys: true })
}
