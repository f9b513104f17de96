/** What a credential is for: the entries of the cache are kept by it. */
import { createHash } from 'node:crypto'

export interface Account {
  /** URL of the sign-in service. */
  readonly issuer: string
  /** ID of the client. */
  readonly client: string
  /** PEM of the CAs that are trusted instead of those of Node.js. */
  readonly ca?: string | undefined
  /** As typed; absent: the person tells the sign-in service. */
  readonly username?: string | undefined
}

/** Of issuer, client, CA and user; safe as the name of a file. */
export function keyOf ({ issuer, client, ca, username }: Account): string {
  return digest(JSON.stringify([issuer, client, fingerprintOf(ca) ?? null, username ?? null]))
}

/** Tells one CA from another. */
export function fingerprintOf (ca: string | undefined): string | undefined {
  return ca === undefined ? undefined : digest(ca.trim())
}

function digest (text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
