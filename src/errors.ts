/**
 * The errors of the libraries, with stable codes; those of the command line are in src/cli/command-error.ts.
 *
 * - HTTP errors become a Kubernetes `Status` (plugins/error-handler.ts).
 * - {@link UnavailableError} says why a provider could not answer.
 * - {@link ValidationError} carries everything that is wrong with a file at once.
 */
import createError from '@fastify/error'
import type { Status } from '../schemas/token-review.js'

/** Refusals of a request. No message repeats input. */
export const MethodNotAllowedError = createError('AUTHN_METHOD_NOT_ALLOWED', 'a TokenReview is created by POST', 405)
export const NotJsonError = createError('AUTHN_NOT_JSON', 'the content type must be application/json: with curl, add -H \'Content-Type: application/json\'', 415)
export const MalformedJsonError = createError('AUTHN_MALFORMED_JSON', 'the body is not valid JSON', 400)
export const InvalidTokenReviewError = createError('AUTHN_INVALID_TOKEN_REVIEW', '%s', 400)
export const BodyTooLargeError = createError('AUTHN_BODY_TOO_LARGE', 'the body is larger than this service reads', 413)
export const ClientCertificateRequiredError = createError('AUTHN_CLIENT_CERTIFICATE_REQUIRED', '%s', 401)
export const RouteNotFoundError = createError<[string]>('AUTHN_NOT_FOUND', 'not found: %s', 404)
export const OverloadedError = createError('AUTHN_OVERLOADED', 'this process is overloaded; ask again later', 429)

/** `metav1.StatusReason` of an HTTP code, where there is one. */
const STATUS_REASONS: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  408: 'Timeout',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  429: 'TooManyRequests',
  500: 'InternalError'
}

/** A refusal in the form that Kubernetes' clients read. */
export function statusOf (code: number, message: string): Status {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason: STATUS_REASONS[code] ?? 'Unknown', code }
}

/** A provider's definition that can't be used. */
export const ContractMismatchError = createError<[string, string]>('AUTHN_CONTRACT_MISMATCH', 'the provider speaks contract %s; this release supports: %s')
export const InvalidProviderError = createError<[string, ErrorOptions?]>('AUTHN_INVALID_PROVIDER', 'not an identity provider: %s')
export const MockNotAllowedError = createError('AUTHN_MOCK_NOT_ALLOWED', 'the mock provider authenticates everyone, whatever the token: start with "serve --mock", or set "allowMock: true" in its config')

export const UnknownProviderError = createError<[string]>('AUTHN_UNKNOWN_PROVIDER', '%s')
export const OpenTimeoutError = createError<[string, string]>('AUTHN_OPEN_TIMEOUT', 'identity provider "%s" did not open within %s; it must open with the network down')
export const ProviderOpenError = createError<[string, string, string, ErrorOptions?]>('AUTHN_PROVIDER_OPEN', 'identity provider "%s" (kind %s) could not be opened: %s')

/** A provider that the sign-in service can't use. */
export const LoginProviderError = createError<[string]>('AUTHN_LOGIN_PROVIDER', '%s')

export const ConfigNotFoundError = createError<[string]>('AUTHN_CONFIG_NOT_FOUND', '%s')
/** A file or directory that can't be created or written. */
export const FileWriteError = createError<[string, ErrorOptions]>('AUTHN_FILE_NOT_WRITABLE', '%s')
export const FileLockedError = createError<[string, ErrorOptions?]>('AUTHN_FILE_LOCKED', '%s')
/** A users file that can't be edited without touching what the edit is not about. */
export const UsersFileEditError = createError<[string, ErrorOptions?]>('AUTHN_USERS_FILE_NOT_EDITABLE', '%s')
/** A revocations file that can't be edited without touching what the edit is not about. */
export const RevocationsFileEditError = createError<[string, ErrorOptions?]>('AUTHN_REVOCATIONS_FILE_NOT_EDITABLE', '%s')
/** A kubeconfig that can't be changed without touching other entries, or that has another entry of the same name. */
export const KubeconfigEditError = createError<[string]>('AUTHN_KUBECONFIG_NOT_EDITABLE', '%s')
/** A key that is not in a directory of signing keys. */
export const SigningKeyDirectoryError = createError<[string]>('AUTHN_SIGNING_KEY_DIRECTORY', '%s')
/** A certificate that can't be issued, or a CA that can't issue it. */
export const CertificateError = createError<[string]>('AUTHN_CERTIFICATE', '%s')

export type UnavailableReason =
  | 'timeout' // the provider took longer than its time limit
  | 'deadline' // the review's time limit passed, or its caller left
  | 'busy' // too many questions or password checks at once
  | 'breaker-open' // it failed so often that it is not asked for a while
  | 'source-down' // one of several sources of the provider is unreachable; the others may answer
  | 'throttled' // too many wrong passwords for this name
  | 'failed' // it threw, or broke its contract

/** Why a provider could not answer; it passes through third parties' code, so it is an exception. */
export class UnavailableError extends Error {
  readonly code = 'AUTHN_UNAVAILABLE'
  override readonly name = 'UnavailableError'
  constructor (readonly reason: UnavailableReason, options?: ErrorOptions) {
    super(reason, options)
  }
}

/**
 * A directory that did not answer, or not as it should. The message names the
 * host and what was asked of it; it goes to our log, and holds no password.
 */
export class DirectoryError extends Error {
  readonly code = 'AUTHN_DIRECTORY'
  override readonly name = 'DirectoryError'
  /** @param lost what is gone, and whether a new connection or another host may answer; absent: neither would */
  constructor (message: string, readonly lost?: 'connection' | 'host') {
    super(message)
  }
}

/**
 * Keys of an issuer that can't be had, and what to do. The message names URLs
 * without their queries, and holds no token.
 */
export class KeySourceError extends Error {
  readonly code = 'AUTHN_KEY_SOURCE'
  override readonly name = 'KeySourceError'
}

/** A listener that could not be opened; `cause` has Node's code, such as EADDRINUSE. */
export class ListenError extends Error {
  readonly code = 'AUTHN_LISTEN'
  override readonly name = 'ListenError'
  /** @param listener its field of the config */
  constructor (readonly listener: 'server' | 'admin' | 'login', readonly host: string, readonly port: number, cause: unknown) {
    super(`${listener} can't listen on port ${port} of ${host}`, { cause })
  }
}

/** One thing that is wrong with a file. */
export interface FieldError {
  /** Where in the document: `identityProviders[0].timeout`; empty for the document itself. */
  readonly path: string
  /** Counted from 1, where known. */
  readonly line?: number | undefined
  readonly message: string
}

/** Reported for one file. */
export const MAX_ERRORS = 1000

/** Everything that is wrong with one file, in its order; of very many the first ones, and that there are more. */
export class ValidationError extends Error {
  readonly code = 'AUTHN_VALIDATION'
  override readonly name = 'ValidationError'
  readonly errors: readonly FieldError[]
  constructor (readonly file: string, errors: readonly FieldError[]) {
    const told = errors.length <= MAX_ERRORS ? errors : [...errors.slice(0, MAX_ERRORS), { path: '', message: `more than ${MAX_ERRORS} errors; fix these first` }]
    super(told.map((error) => formatFieldError(file, error)).join('\n'))
    this.errors = told
  }
}

/** What to tell a person of it, a line each: errors of a file stand below each other. */
export function linesOf (error: Error): string[] {
  if (error instanceof ValidationError) return error.errors.map(each => formatFieldError(error.file, each))
  const { message, cause } = error
  if (!(cause instanceof ValidationError) || !message.endsWith(cause.message)) return [message]
  const words = message.slice(0, message.length - cause.message.length)
  const errors = linesOf(cause)
  return errors.length === 1 ? [words + errors[0]] : [words.trimEnd(), ...errors]
}

/** `users.yaml:7: users[1].uid: quote it` */
export function formatFieldError (file: string, { path, line, message }: FieldError): string {
  const place = line === undefined ? file : `${file}:${line}`
  return path === '' ? `${place}: ${message}` : `${place}: ${path}: ${message}`
}

/** Of whatever was thrown. Node.js leaves the message of several failed connection attempts empty. */
export function messageOf (error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message === '' && error instanceof AggregateError ? error.errors.map(messageOf).join(', ') : error.message
}

/** The code of an error of Node.js, such as ENOENT, or of OpenSSL. */
export function codeOf (error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
