/**
 * The contract between this service and an identity provider.
 *
 * A provider answers one question, "whose credential is this?", in one of four
 * ways; everything else (parsing, cache, timeout, breaker, prefixes, the guard
 * of reserved names, audiences, metrics, audit) is wrapped around it.
 *
 * | it gives                 | which means                | the chain                          |
 * |--------------------------|----------------------------|------------------------------------|
 * | {@link Authentication}   | it is this user            | stops                              |
 * | {@link Denial}           | mine, and refused          | stops                              |
 * | `null`                   | not mine, or no such user  | asks the next one                  |
 * | it throws                | could not tell             | asks the next one, remembers that  |
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

/** Versions of this contract that this release speaks. */
export const SUPPORTED_CONTRACTS: readonly number[] = [1]

/** Why a provider refuses a credential that is its own. Ends in the audit line and a metric, never on the wire. */
export const PROVIDER_DENIAL_REASONS = ['wrong-credential', 'expired', 'disabled', 'locked', 'not-member', 'audience'] as const
export type ProviderDenialReason = typeof PROVIDER_DENIAL_REASONS[number]

/** "It is this user." */
export interface Authentication {
  /** `authentication.k8s.io` UserInfo, before the provider's prefixes. */
  readonly user: UserInfo
  /** Audiences that the credential is bound to. Absent: to none in particular. Empty: good for none. */
  readonly audiences?: readonly string[] | undefined
  /** When the credential stops being good; it is not cached beyond. */
  readonly expiresAt?: Date | undefined
  /** `false`: never cache this answer. */
  readonly cacheable?: boolean | undefined
}

/** "It is mine, and I refuse it." `username`: the account, where one was found; never what was merely typed. */
export interface Denial {
  readonly denied: ProviderDenialReason
  readonly username?: string | undefined
}

export type Answer = Authentication | Denial | null

/** What a log line of a provider may look like: an object with fields, and a message. */
export interface ProviderLog {
  debug: (fields: object, message: string) => void
  info: (fields: object, message: string) => void
  warn: (fields: object, message: string) => void
  error: (fields: object, message: string) => void
}

/** The surroundings of one question. */
export interface RequestContext {
  /** Audiences that the API server asked for; possibly none. For information: the answer is checked against them anyway. */
  readonly audiences: readonly string[]
  /** Aborts when nobody waits for the answer any more, or the provider's timeout has passed. */
  readonly signal: AbortSignal
  readonly log: ProviderLog
  /**
   * Wraps the one step that tests a password, under the canonical name of the
   * account (a directory entry's, a users file's): counts failures, slows
   * guessing down, bounds concurrent checks. `check` gives true for the right
   * password, false for a wrong one, and throws where it could not tell.
   * Rejects at once when the account is throttled or the queue is full; let
   * that rejection pass. The empty identity is nobody's, and never throttled.
   */
  attempt: (identity: string, check: () => Promise<boolean>) => Promise<boolean>
  /**
   * To call instead, before the answer is `null`, for a name that no account of
   * yours has: takes as long as the check of a wrong password, counts as one
   * against that name, and rejects as `attempt` does. Otherwise time, or the
   * first attempt that is throttled, tells which names exist. `name` is what
   * was typed, in the form in which you compare names: lower case, if case does
   * not matter. `decoy` is a check that costs what an account's does and is
   * never right, such as the hash of nothing; without one, the time is that of
   * recent checks.
   */
  attemptUnknown: (name: string, decoy?: () => Promise<boolean>) => Promise<void>
  /**
   * There when a person asks (`authn-webhook review --explain`): takes what was
   * found, mapped and left out, and why; one sentence a call, never a secret.
   */
  readonly explain?: ((sentence: string) => void) | undefined
}

/** The two things a bearer token can be asked about: the token as it is, or the password that it carries. */
export type CredentialType = 'token' | 'password'

/** An open provider. At least one of the two `authenticate…` methods is there. */
export interface IdentityProvider {
  /**
   * Kinds that are answered from memory at once (a digest and a look-up): with
   * the answer itself, not with a promise. They are asked without cache,
   * bulkhead, breaker and timeout, which would cost more than the answer. Their
   * context's `signal` never aborts.
   */
  readonly synchronous?: readonly CredentialType[]
  /**
   * Password checks that it bears at once, where they wait for a network. By
   * default as many as Node's threadpool bears; `throttle.maxConcurrent` of the
   * config goes before both.
   */
  readonly maxConcurrentChecks?: number
  /** Synchronous and cheap: could this be mine? `false` spares the question. */
  recognizes?: (credential: Credential) => boolean
  authenticateToken?: (token: string, ctx: RequestContext) => Answer | Promise<Answer>
  authenticatePassword?: (password: PasswordCredential, ctx: RequestContext) => Answer | Promise<Answer>
  /** The user by name, without a credential; for `authn-webhook review --username`. */
  lookup?: (username: string, ctx: RequestContext) => UserInfo | null | Promise<UserInfo | null>
  /** Rejects when the source of identities is unreachable, not when a file could not be reloaded. For information only: it never decides readiness. */
  ping?: (ctx: Pick<RequestContext, 'signal' | 'log'>) => void | Promise<void>
  close?: () => void | Promise<void>
}

/** What a provider gets when it is opened. */
export interface OpenContext {
  readonly log: ProviderLog
  /** Aborts when opening takes too long or the service stops meanwhile. */
  readonly signal: AbortSignal
  /** An absolute path from one that is relative to the config file. */
  resolvePath: (path: string) => string
  /** To call after a reload: cached answers are dropped, answers that began before are not stored, and a source that was left alone is asked again at once. */
  invalidate: () => void
  /** To call after a reload of a local source, with what went wrong if anything did; for metrics. */
  reportReload: (error?: unknown) => void
  /** Counts one of the definition's `events`; for metrics. */
  countEvent?: (event: string) => void
  /** The command that runs allows the mock provider (`serve --mock`). */
  readonly allowMock: boolean
}

/** What is wrong with a provider's config, or allowed but probably a mistake. */
export interface Finding {
  /** Below `config:`, such as `tls.mode`; empty for all of it. */
  readonly path: string
  readonly message: string
  /** It works, but a person should know. */
  readonly warning?: boolean
}

/** What a provider gets when its files are checked. */
export interface ValidateFilesContext extends Pick<OpenContext, 'resolvePath'> {
  /** Reports something in a file that works and that a person should know. */
  warn: (warning: FileWarning) => void
  /** Names of a user that are reserved for Kubernetes, so that this provider's prefixes and `reserved` keep them back. */
  findReservedNames: (user: Pick<UserInfo, 'username' | 'groups'>) => readonly ReservedName[]
}

/** A place in a file, and what a person should know of it. */
export interface FileWarning {
  readonly file: string
  /** In the file, such as `users[3].groups[0]`; empty for all of it. */
  readonly path: string
  /** Counted from 1, where known. */
  readonly line?: number | undefined
  readonly message: string
}

/** What a provider's place in the chain says beside `config:`. */
export interface ValidateContext {
  /** Budget of one question, such as `3s`. */
  readonly timeout: string
}

export interface IdentityProviderDefinition<Config = any> {
  readonly contract: number
  /** The word behind `kind:` in the config file. */
  readonly kind: string
  /** TypeBox or plain JSON Schema of the provider's `config:`. Defaults are filled in, unknown keys are errors where it says so. */
  readonly schema: object
  /**
   * Words for what an operator may want an alarm for, such as
   * `service-bind-rejected`: lower-case letters, digits and hyphens. Each is a
   * counter, 0 from the start.
   */
  readonly events?: readonly string[]
  /**
   * What a schema can't say of the config: rules across fields. It is called
   * with a config that fits the schema, and touches nothing.
   */
  validate?: (config: Config, slot: ValidateContext) => readonly Finding[]
  /** Must succeed with the network down; local files may be read. */
  open: (config: Config, ctx: OpenContext) => IdentityProvider | Promise<IdentityProvider>
  /**
   * For `authn-webhook validate`, which opens nothing: reads the local files
   * that `open` would read, and changes and asks nothing. Throws what is wrong
   * with them; several errors as an AggregateError. A secret of the config that
   * could not be read throws when it is revealed.
   */
  validateFiles?: (config: Config, ctx: ValidateFilesContext) => void | Promise<void>
}

/**
 * Checks a definition and gives it back. Pure; a plain object of the same form
 * does as well, so that a mounted file needs no import.
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
