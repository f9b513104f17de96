/** A user as it is stored in the users table: short JSON. */
import type { UserInfo } from '../../schemas/token-review.js'

/** A user without the digests of its tokens, which the table stores separately. */
export interface UserRecord {
  readonly info: UserInfo
  readonly disabled: boolean
  /** Milliseconds since 1970. */
  readonly expiresAt?: number | undefined
  readonly passwordHash?: string | undefined
  readonly tokens: readonly TokenRecord[]
}

export interface TokenRecord {
  readonly name: string
  readonly expiresAt?: number | undefined
  readonly audiences?: readonly string[] | undefined
}

/** Without keys, which would be a quarter of the text. */
export function formatRecord ({ info: { username, uid, groups, extra }, disabled, expiresAt, passwordHash, tokens }: UserRecord): string {
  return JSON.stringify([username, uid ?? 0, groups ?? 0, extra ?? 0, disabled ? 1 : 0, expiresAt ?? '', passwordHash ?? 0, ...tokens.flatMap(({ name, expiresAt, audiences }) => [name, expiresAt ?? '', audiences ?? 0])])
}

/** An absent value is 0 or, in place of a number, an empty string. */
export function parseRecord (text: string): UserRecord {
  const [username, uid, groups, extra, disabled, expiresAt, passwordHash, ...rest] = JSON.parse(text)
  const tokens: TokenRecord[] = []
  for (let at = 0; at < rest.length; at += 3) {
    const [name, expiresAt, audiences] = rest.slice(at, at + 3)
    tokens.push({ name, expiresAt: expiresAt === '' ? undefined : expiresAt, audiences: audiences === 0 ? undefined : audiences })
  }
  return {
    info: { username, ...uid !== 0 && { uid }, ...groups !== 0 && { groups }, ...extra !== 0 && { extra } },
    disabled: disabled === 1,
    expiresAt: expiresAt === '' ? undefined : expiresAt,
    passwordHash: passwordHash === 0 ? undefined : passwordHash,
    tokens
  }
}
