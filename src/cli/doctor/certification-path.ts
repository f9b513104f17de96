/**
 * The certification path to a trusted CA that stays valid for longest. Go tries
 * every path; OpenSSL, and so Node.js, follows a single one, which may end at an
 * expired root beside a valid one with the same key or name.
 */
import type { X509Certificate } from 'node:crypto'

export type CertificationPath = readonly [X509Certificate, ...X509Certificate[]]

/** `undefined` if no path ends at one of `anchors`. Any certificate can be an anchor, as in Go. */
export function findCertificationPath (certificate: X509Certificate, intermediates: readonly X509Certificate[], anchors: readonly X509Certificate[], now: number): CertificationPath | undefined {
  const trusted = new Set(anchors.map(({ fingerprint256 }) => fingerprint256))
  // extends each certificate once, on the path that stays valid for longest: servers decide how many they send
  const seen = new Set<string>()
  const open: CertificationPath[] = [[certificate]]
  for (;;) {
    const path = takeLongestValid(open, now)
    if (path === undefined) return undefined
    const last = path.at(-1)!
    if (trusted.has(last.fingerprint256)) return path
    if (seen.has(last.fingerprint256)) continue
    seen.add(last.fingerprint256)
    for (const issuer of [...anchors, ...intermediates]) if (isIssuedBy(last, issuer)) open.push([...path, issuer])
  }
}

/** Also true if a date is unreadable. */
export function isOutsideValidity ({ validFrom, validTo }: X509Certificate, now: number): boolean {
  return !(Date.parse(validTo) > now && Date.parse(validFrom) <= now)
}

function takeLongestValid (open: CertificationPath[], now: number): CertificationPath | undefined {
  const longest = open.reduce((best, path, index) => best === -1 || endOf(path, now) > endOf(open[best]!, now) ? index : best, -1)
  return open.splice(longest, longest === -1 ? 0 : 1)[0]
}

/** Milliseconds since the epoch; 0 if a certificate is not valid yet, or a date is unreadable. */
function endOf (path: CertificationPath, now: number): number {
  return Math.min(...path.map(({ validFrom, validTo }) => Date.parse(validFrom) <= now ? Date.parse(validTo) || 0 : 0))
}

/** By name and signature: to Go, key identifiers are only hints. */
function isIssuedBy (certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.issuer === issuer.subject && issuer.ca && certificate.verify(issuer.publicKey)
}
