/** The provider under test with its credentials, as its author describes it. */
import { parseCredential, type Credential } from '../authn/credential.js'
import type { IdentityProviderDefinition, LookupQuery, PasswordCredential, ProviderDenialReason, UserInfo } from '../authn/provider.js'

/** An opaque token as it is, or a password, which is presented as base64("username:password"). */
export type Presented = string | PasswordCredential

export interface ValidCredential {
  readonly credential: Presented
  /** Exactly what the provider gives. */
  readonly user: UserInfo
  /** Checked where given. */
  readonly audiences?: readonly string[]
  /** Checked where given. */
  readonly expiresAt?: Date
  /** Other ways to write a password's username that mean the same account: `Alice` for `alice`. */
  readonly spellings?: readonly string[]
}

export interface RefusedCredential {
  readonly credential: Presented
  readonly reason: ProviderDenialReason
}

export interface DeniedAccount {
  readonly query: LookupQuery
  readonly reason: ProviderDenialReason
}

export interface ConformanceSubject {
  readonly definition: IdentityProviderDefinition
  /** What `open` is given: already validated, defaults filled in, secrets as `{ reveal }`. */
  readonly config: unknown
  /** Where relative paths of the config start; the working directory if absent. */
  readonly dir?: string
  /** At least one. Its secrets are looked for in logs, answers and errors: make them words that occur nowhere else. */
  readonly valid: readonly ValidCredential[]
  readonly refused?: readonly RefusedCredential[]
  /** Accounts that `lookup` denies, such as disabled ones. */
  readonly deniedAccounts?: readonly DeniedAccount[]
  /** Credentials that this provider does not know: the next provider is asked. */
  readonly foreign?: readonly Presented[]
  /** The same config with a source that refuses connections; absent for a provider that needs no network. */
  readonly unreachable?: unknown
  /** The same config with a source that accepts a request and never answers. */
  readonly silent?: unknown
  /** Changes the local source in a way that the provider notices by itself; absent if it reads none. */
  readonly reload?: () => void | Promise<void>
  /** Changes the password of a credential's account, first to another one and then back, in a way that the provider notices by itself. */
  readonly changePassword?: (credential: PasswordCredential, password: string) => void | Promise<void>
  /** The provider takes any token, as `mock` does. */
  readonly anyToken?: boolean
  /** As under `serve --mock`. */
  readonly allowMock?: boolean
  /** Milliseconds that anything may take; 5000 if absent. */
  readonly patience?: number
}

export type ValidPassword = ValidCredential & { readonly credential: PasswordCredential }

/** The bearer token that carries the credential. */
export function bearer (presented: Presented): string {
  if (typeof presented === 'string') return presented
  return Buffer.from(`${presented.username}:${presented.password}`).toString('base64')
}

export function parse (presented: Presented): Credential {
  return parseCredential(bearer(presented))
}

/** `valid[0]` rather than the credential itself, which must not end in a test's report either. */
export function labelled<T> (list: string, items: readonly T[] = []): Array<[label: string, item: T]> {
  return items.map((item, index) => [`${list}[${index}]`, item])
}

export function labelledPasswords (subject: ConformanceSubject): Array<[label: string, valid: ValidPassword]> {
  return labelled('valid', subject.valid).filter((item): item is [string, ValidPassword] => typeof item[1].credential !== 'string')
}
