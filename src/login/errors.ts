/** Errors of the sign-in service: as OAuth errors for clients, as pages for people. */
import { StoreUnavailableError } from '../store/store.js'
import type { Library } from './library.js'
import type { ErrorModel } from './pages/models.js'
import { ERRORS } from './pages/texts.js'

/** An OAuth error response: RFC 6749, 5.2. */
export interface OAuthError {
  readonly error: string
  readonly error_description: string
}

const UNREACHABLE = 'the sign-in service can\'t reach a system it depends on; try again later'

/** The answer to a client while the store or a directory is unreachable; never a denial. */
export const TEMPORARILY_UNAVAILABLE: OAuthError = { error: 'temporarily_unavailable', error_description: UNREACHABLE }

/** As the OpenID provider throws it. Not sent to a redirect URI, since the client could only start over. */
export function temporarilyUnavailable ({ errors }: Library, { status = 503, description = UNREACHABLE, cause }: { status?: number, description?: string, cause?: unknown } = {}): Error {
  const error = new errors.TemporarilyUnavailable(description, { cause })
  return Object.assign(error, { status, statusCode: status, expose: true, allow_redirect: false })
}

/** An outage of the store as an error that the OpenID provider answers with; other errors as they are. */
export function translateOutage (library: Library, error: unknown): unknown {
  return error instanceof StoreUnavailableError ? temporarilyUnavailable(library, { cause: error }) : error
}

/** An error of OAuth that says what was wrong with a grant. */
export function invalidGrant ({ errors }: Library, description: string): Error {
  return Object.assign(new errors.InvalidGrant(description), { error_description: description })
}

/** The page for an error of the OpenID provider, whose descriptions hold no input. */
export function errorModel ({ error, error_description: description }: { error: string, error_description?: string | undefined }, cause: unknown): ErrorModel {
  if (cause instanceof Error && cause.name === 'SessionNotFound') return ERRORS.expired
  switch (error) {
    case 'temporarily_unavailable': return ERRORS.unavailable
    case 'server_error': return ERRORS.internal
    case 'invalid_redirect_uri': return ERRORS.unknownRedirect
    case 'invalid_client': return ERRORS.unknownClient
    default: return { ...ERRORS.invalidRequest, message: `${ERRORS.invalidRequest.message} (${error}${description === undefined ? '' : `: ${description}`})` }
  }
}
