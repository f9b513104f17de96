/** Revoked tokens, in hash maps: a lookup takes the same time however many there are. */

/** The claims of a token that a revocation can match. */
export interface TokenClaims {
  readonly issuer: string
  readonly subject: string
  readonly jti?: string | undefined
  /** Claim `iat`: seconds since 1970. */
  readonly issuedAt?: number | undefined
}

/** An entry of the file, with `before` in milliseconds since 1970. */
export interface RevocationEntry {
  readonly issuer?: string | undefined
  readonly jti?: string | undefined
  readonly subject?: string | undefined
  readonly before?: number | undefined
}

/** Entries with the same issuer, or without one. */
interface Entries {
  readonly jtis: Set<string>
  /** When tokens of a subject are not revoked any more, in milliseconds since 1970; `Infinity`: never. */
  readonly subjects: Map<string, number>
}

export class RevocationTable {
  readonly #ofAnyIssuer = emptyEntries()
  readonly #byIssuer = new Map<string, Entries>()
  /** Number of entries that were added. */
  size = 0

  add ({ issuer, jti, subject, before = Infinity }: RevocationEntry): void {
    const entries = issuer === undefined ? this.#ofAnyIssuer : this.#byIssuer.get(issuer) ?? emptyEntries()
    if (issuer !== undefined) this.#byIssuer.set(issuer, entries)
    if (jti !== undefined) entries.jtis.add(jti)
    // of several entries for a subject, the one that revokes most counts
    if (subject !== undefined) entries.subjects.set(subject, Math.max(before, entries.subjects.get(subject) ?? -Infinity))
    this.size++
  }

  isRevoked (token: TokenClaims): boolean {
    return matches(this.#ofAnyIssuer, token) || matches(this.#byIssuer.get(token.issuer), token)
  }
}

function matches (entries: Entries | undefined, { jti, subject, issuedAt }: TokenClaims): boolean {
  if (entries === undefined) return false
  if (jti !== undefined && entries.jtis.has(jti)) return true
  const before = entries.subjects.get(subject)
  // a token that doesn't say when it was issued could be an old one
  return before !== undefined && (issuedAt === undefined || issuedAt * 1000 < before)
}

function emptyEntries (): Entries {
  return { jtis: new Set(), subjects: new Map() }
}
