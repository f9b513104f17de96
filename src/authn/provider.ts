/**
 * The contract between this service and an identity provider.
 *
 * A provider answers one question, "who does this credential belong to?", in one
 * of four ways. Everything else (parsing, cache, timeout, breaker, prefixes, the
 * guard of reserved names, audiences, metrics, audit) is wrapped around it.
 *
 * | the provider             | which means                 | the chain                              |
 * |--------------------------|-----------------------------|----------------------------------------|
 * | returns {@link Authentication} | it is this user       | stops                                  |
 * | returns {@link Denial}   | mine, and denied            | stops                                  |
 * | returns `null`           | not mine, or no such user   | continues                              |
 * | throws                   | unavailable                 | continues; a later denial is no denial |
 *
 * @example
 * ```ts
 * export default defineIdentityProvider({
 *   contract: 1,
 *   kind: 'constant',
 *   schema: { type: 'object', properties: { token: { type: 'string' } }, required: ['token'] },
 *   async open (config: { token: string }) {
 *     return {
 *       authenticateToken: (token) => token === config.token ? { user: { username: 'alice' } } : null
 *     }
 *   }
 * })
 * ```
 */
import type { UserInfo } from '../../schemas/token-review.js'
import { ContractMismatchError, InvalidProviderError } from '../errors.js'
import type { Credential, PasswordCredential } from './credential.js'
import type { ReservedName } from './reserved.js'

export type { Credential, PasswordCredential } from './credential.js'
export type { UserInfo } from '../../schemas/token-review.js'
export type { Secret } from '../../schemas/primitives.js'

/** Versions of this contract that this release supports. */
export const SUPPORTED_CONTRACTS: readonly number[] = [1]

/** Why a provider denies a credential of its own. Goes to the audit line and a metric, never on the wire. */
export const PROVIDER_DENIAL_REASONS = ['wrong-credential', 'expired', 'disabled', 'locked', 'not-member', 'audience', 'revoked'] as const
export type ProviderDenialReason = typeof PROVIDER_DENIAL_REASONS[number]

/** The credential belongs to this user. */
export interface Authentication {
  /** `authentication.k8s.io` UserInfo, before the provider's prefixes. */
  readonly user: UserInfo
  /** Audiences that the credential is bound to. Absent: not bound. Empty: valid for none. */
  readonly audiences?: readonly string[] | undefined
  /** When the credential expires; the answer is not cached beyond. */
  readonly expiresAt?: Date | undefined
  /** `false`: never cache this answer. */
  readonly cacheable?: boolean | undefined
  /**
   * Any text that changes when the password of the user changes, in the answers to
   * passwords and lookups: session tokens from before a change are denied. Absent:
   * unknown. Only digests of it leave the process.
   */
  readonly passwordVersion?: string | undefined
}

/** The credential is the provider's own, and not valid. `username`: the account, if one was found; never what was merely typed. */
export interface Denial {
  readonly denied: ProviderDenialReason
  readonly username?: string | undefined
}

export type Answer = Authentication | Denial | null

/** A log line takes an object with fields, and a message. */
export interface ProviderLog {
  debug: (fields: object, message: string) => void
  info: (fields: object, message: string) => void
  warn: (fields: object, message: string) => void
  error: (fields: object, message: string) => void
}

/** What a provider gets with each request. */
export interface RequestContext {
  /** Audiences that the API server requested; possibly none. For information: the answer is checked against them anyway. */
  readonly audiences: readonly string[]
  /** Aborts when nothing waits for the answer any more, or the provider's timeout has passed. */
  readonly signal: AbortSignal
  readonly log: ProviderLog
  /**
   * Wraps the one step that checks a password, under the canonical name of the
   * account (a directory entry's, a users file's): counts failures, slows down
   * guessing, bounds concurrent checks. Resolves to what `check` resolves to.
   * Rejects at once if the account is throttled or the queue is full; let that
   * rejection pass. The empty account is never throttled.
   */
  attempt: (account: string, check: () => Promise<CheckOutcome>) => Promise<CheckOutcome>
  /**
   * To call instead, before the answer is `null`, for a name without an account:
   * takes as long as the check of a wrong password, counts as one against that
   * name, and rejects as `attempt` does. Otherwise time, or the first attempt
   * that is throttled, tells which names exist. `name` is what was typed, in the
   * form in which you compare names: lower case, if case does not matter. `decoy`
   * is a check that costs what an account's does, such as of a random hash; its
   * result does not matter. Without one, the time is that of recent checks.
   */
  attemptUnknown: (name: string, decoy?: () => Promise<unknown>) => Promise<void>
  /**
   * Set if a person asks (`authn-webhook review --explain`): takes what was
   * found, mapped and dropped, and why; one sentence a call, never a secret.
   */
  readonly explain?: ((sentence: string) => void) | undefined
}

export const CHECK_OUTCOMES = ['correct', 'incorrect', 'uncounted'] as const

/**
 * What a password check found: the right password, a wrong one, or neither,
 * such as that the account is locked, which is no failure of the person.
 */
export type CheckOutcome = typeof CHECK_OUTCOMES[number]

/** What a bearer token can be: an opaque token (or JWT), and the password that it carries. */
export type CredentialType = 'token' | 'password'

/** Which user to look up: by name, as a person would type it, or by uid. */
export type LookupQuery = { readonly username: string } | { readonly uid: string }

/** An open provider. It has at least one of the two `authenticate…` methods. */
export interface IdentityProvider {
  /**
   * Credentials that are answered from memory (a digest and a look-up), with the
   * answer itself and not with a promise. They bypass cache, breaker, semaphore
   * and timeout; the `signal` of their context never aborts.
   */
  readonly synchronous?: readonly CredentialType[]
  /**
   * Password checks at once, if they wait for a network. By default as many as
   * Node's threadpool bears. `throttle.maxConcurrent` of the config overrides both.
   */
  readonly maxConcurrentChecks?: number
  /** Synchronous and cheap: could this be mine? */
  recognizes?: (credential: Credential) => boolean
  authenticateToken?: (token: string, ctx: RequestContext) => Answer | Promise<Answer>
  authenticatePassword?: (credential: PasswordCredential, ctx: RequestContext) => Answer | Promise<Answer>
  /**
   * Finds a user without a credential, and answers as to a valid one: the user, or
   * why this user may not log in. `null` if there is no such user. For `groupsFrom`
   * of other providers, and for `authn-webhook review --username`.
   */
  lookup?: (query: LookupQuery, ctx: RequestContext) => Answer | Promise<Answer>
  /** Rejects if the source of identities is unreachable, not if a file could not be reloaded. For information: it never decides readiness. */
  ping?: (ctx: Pick<RequestContext, 'signal' | 'log'>) => void | Promise<void>
  close?: () => void | Promise<void>
}

export interface OpenContext {
  readonly log: ProviderLog
  /** Aborts if opening takes too long or the service stops meanwhile. */
  readonly signal: AbortSignal
  /** An absolute path from one that is relative to the config file. */
  resolvePath: (path: string) => string
  /** To call after a reload: drops cached answers, does not store answers to earlier questions, and ends the pause of an open breaker. */
  invalidate: () => void
  /** To call after a reload of a local source, with the error if it failed; for metrics. */
  reportReload: (error?: unknown) => void
  /**
   * Counts one of the definition's `events`; for metrics. `source` tells apart
   * several sources of one provider, such as issuers: a text of the config, never
   * of a request. With a `count` of 0 the counter starts.
   */
  countEvent: (event: string, source?: string, count?: number) => void
  /** The command that runs allows the mock provider (`serve --mock`). */
  readonly allowMock: boolean
}

/** An error in a provider's config, or a warning: allowed, but probably a mistake. */
export interface Finding {
  /** Below `config:`, such as `tls.mode`; empty for all of it. */
  readonly path: string
  readonly message: string
  readonly warning?: boolean
}

/** What a provider's entry in the config has beside `config:`. */
export interface ValidateContext {
  /** Time limit of one request, such as `3s`. */
  readonly timeout: string
  /** `groupsFrom` of another provider needs this one's `lookup`. */
  readonly needsLookup?: boolean
}

export interface ValidateFilesContext extends Pick<OpenContext, 'resolvePath'> {
  /** Reports something in a file that works, but probably is a mistake. */
  warn: (warning: FileWarning) => void
  /** Names of a user that are reserved for Kubernetes, so that this provider's prefixes and `reserved` drop them. */
  findReservedNames: (user: Pick<UserInfo, 'username' | 'groups'>) => readonly ReservedName[]
}

export interface FileWarning {
  readonly file: string
  /** In the file, such as `users[3].groups[0]`; empty for all of it. */
  readonly path: string
  /** Counted from 1, if known. */
  readonly line?: number | undefined
  readonly message: string
}

export interface IdentityProviderDefinition<Config = any> {
  readonly contract: number
  /** The value of `kind:` in the config file. */
  readonly kind: string
  /** TypeBox or plain JSON Schema of the provider's `config:`. Defaults are filled in; unknown keys are errors if it says so. */
  readonly schema: object
  /**
   * Names of events that an operator may want an alert for, such as
   * `service-bind-rejected`: lower-case letters, digits and hyphens. Each is a
   * counter that starts at 0.
   */
  readonly events?: readonly string[]
  /** Rules that a schema can't express. Gets a config that fits the schema, and touches nothing. */
  validate?: (config: Config, ctx: ValidateContext) => readonly Finding[]
  /**
   * Reads the local files that `open` would read, and changes and connects to
   * nothing; for `authn-webhook validate`. Throws what is wrong with them, several
   * errors as an AggregateError. A secret that could not be read throws when it is
   * revealed.
   */
  validateFiles?: (config: Config, ctx: ValidateFilesContext) => void | Promise<void>
  /** Must succeed with the network down; local files may be read. */
  open: (config: Config, ctx: OpenContext) => IdentityProvider | Promise<IdentityProvider>
}

/**
 * Returns the definition, checked. A plain object of the same form works too, so
 * that a mounted file needs no import.
 * @throws ContractMismatchError, InvalidProviderError
 */
export function defineIdentityProvider<Config> (definition: IdentityProviderDefinition<Config>): IdentityProviderDefinition<Config> {
  if (definition === null || typeof definition !== 'object') throw new InvalidProviderError('the default export is not an object made by defineIdentityProvider')
  if (!SUPPORTED_CONTRACTS.includes(definition.contract)) {
    throw new ContractMismatchError(String(definition.contract), SUPPORTED_CONTRACTS.join(', '))
  }
  if (typeof definition.kind !== 'string' || definition.kind === '') throw new InvalidProviderError('"kind" is not a non-empty string')
  if (definition.schema === null || typeof definition.schema !== 'object') throw new InvalidProviderError('"schema" is not a JSON Schema')
  if (typeof definition.open !== 'function') throw new InvalidProviderError('"open" is not a function')
  return definition
}

export function isDenial (answer: Answer): answer is Denial {
  return answer !== null && 'denied' in answer
}
