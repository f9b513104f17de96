/** Revoked tokens, in hash maps: a lookup takes the same time however many there are. */

/** The claims of a token that a revocation can match. */
export interface TokenClaims {
  readonly issuer: string
  readonly subject: string
  readonly jti?: string | undefined
  /** As Kubernetes knows the user of a session token, at the sign-in and now; absent for other tokens. */
  readonly usernames?: readonly string[] | undefined
  /** Claim `iat`: seconds since 1970. */
  readonly issuedAt?: number | undefined
}

/** An entry of the file, with `before` in milliseconds since 1970. */
export interface RevocationEntry {
  readonly issuer?: string | undefined
  readonly jti?: string | undefined
  readonly subject?: string | undefined
  readonly username?: string | undefined
  readonly before?: number | undefined
}

/** Entries with the same issuer, or without one. */
interface Entries {
  readonly jtis: Set<string>
  /** When tokens of a subject are not revoked any more, in milliseconds since 1970; `Infinity`: never. */
  readonly subjects: Map<string, number>
  /** The same of usernames. */
  readonly usernames: Map<string, number>
}

export class RevocationTable {
  readonly #ofAnyIssuer = emptyEntries()
  readonly #byIssuer = new Map<string, Entries>()
  /** Number of entries that were added. */
  size = 0

  add ({ issuer, jti, subject, username, before = Infinity }: RevocationEntry): void {
    const entries = issuer === undefined ? this.#ofAnyIssuer : this.#byIssuer.get(issuer) ?? emptyEntries()
    if (issuer !== undefined) this.#byIssuer.set(issuer, entries)
    if (jti !== undefined) entries.jtis.add(jti)
    if (subject !== undefined) revokeBefore(entries.subjects, subject, before)
    // as Kubernetes sees it
    if (username !== undefined) revokeBefore(entries.usernames, username.normalize('NFC'), before)
    this.size++
  }

  isRevoked (token: TokenClaims): boolean {
    return matches(this.#ofAnyIssuer, token) || matches(this.#byIssuer.get(token.issuer), token)
  }
}

/** Of several entries for one user, the one that revokes most counts. */
function revokeBefore (users: Map<string, number>, user: string, before: number): void {
  users.set(user, Math.max(before, users.get(user) ?? -Infinity))
}

function matches (entries: Entries | undefined, { jti, subject, usernames = [], issuedAt }: TokenClaims): boolean {
  if (entries === undefined) return false
  if (jti !== undefined && entries.jtis.has(jti)) return true
  const times = [entries.subjects.get(subject), ...usernames.map(username => entries.usernames.get(username))]
  // a token that doesn't say when it was issued could be an old one
  return times.some(before => before !== undefined && (issuedAt === undefined || issuedAt * 1000 < before))
}

function emptyEntries (): Entries {
  return { jtis: new Set(), subjects: new Map(), usernames: new Map() }
}
