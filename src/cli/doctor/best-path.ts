/**
 * Of all paths from a certificate to a CA that is trusted, the one that is good
 * for longest. Go tries every path; OpenSSL, and so Node.js, goes along one, and
 * may end at an expired root beside a good one of the same key or name.
 */
import type { X509Certificate } from 'node:crypto'

export type Path = readonly [X509Certificate, ...X509Certificate[]]

/**
 * `above`: what the server sent with it. `undefined` where no path ends at an anchor.
 * Any certificate can be an anchor, as in Go.
 */
export function findBestPath (leaf: X509Certificate, above: readonly X509Certificate[], anchors: readonly X509Certificate[], now: number): Path | undefined {
  const ends = new Set(anchors.map(({ fingerprint256 }) => fingerprint256))
  const seen = new Set<string>()
  // each certificate once, from the path that is good for longest on: servers decide what they send
  const open: Path[] = [[leaf]]
  for (;;) {
    const path = takeBest(open, now)
    if (path === undefined) return undefined
    const last = path.at(-1)!
    if (ends.has(last.fingerprint256)) return path
    if (seen.has(last.fingerprint256)) continue
    seen.add(last.fingerprint256)
    for (const issuer of [...anchors, ...above]) if (isIssued(last, issuer)) open.push([...path, issuer])
  }
}

/** Also if a date can't be read. */
export function isOutOfTime ({ validFrom, validTo }: X509Certificate, now: number): boolean {
  return !(Date.parse(validTo) > now && Date.parse(validFrom) <= now)
}

function takeBest (open: Path[], now: number): Path | undefined {
  const best = open.reduce((best, path, index) => best === -1 || endOf(path, now) > endOf(open[best]!, now) ? index : best, -1)
  return open.splice(best, best === -1 ? 0 : 1)[0]
}

/** Milliseconds since the epoch; 0 where it has not begun, or a date can't be read. */
function endOf (path: Path, now: number): number {
  return Math.min(...path.map(({ validFrom, validTo }) => Date.parse(validFrom) <= now ? Date.parse(validTo) || 0 : 0))
}

/** By name and signature: key identifiers are hints to Go, no more. */
function isIssued (certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.issuer === issuer.subject && issuer.ca && certificate.verify(issuer.publicKey)
}
