/** Errors of the sign-in service: as OAuth errors for clients, as pages for people. */
import { StoreUnavailableError } from '../store/store.js'
import type { Library } from './library.js'
import type { ErrorModel } from './pages/models.js'

/** An OAuth error response: RFC 6749, 5.2. */
export interface OAuthError {
  readonly error: string
  readonly error_description: string
}

const AGAIN = 'Try again in a minute.'
const START_AGAIN = 'Go back to your application or run the kubectl command again to start a new sign-in.'

export const UNAVAILABLE: ErrorModel = { title: 'Sign-in is unavailable', message: 'The sign-in service can\'t reach a system it depends on.', advice: AGAIN }
export const EXPIRED: ErrorModel = { title: 'This sign-in is no longer active', message: 'It has expired, has already been completed, or was started in another browser.', advice: START_AGAIN }
export const FORM_EXPIRED: ErrorModel = { title: 'This form has expired', message: 'The form was not opened in this browser, or too long ago.', advice: START_AGAIN }
export const THROTTLED: ErrorModel = { title: 'Too many attempts', message: 'Too many attempts came from your network address.', advice: AGAIN }
export const CANCELLED: ErrorModel = { title: 'Sign-in cancelled', message: 'The device was not signed in.', advice: 'You can close this page.' }
export const NOT_FOUND: ErrorModel = { title: 'Page not found', message: 'The sign-in service has no such page.', advice: 'Check the address.' }
export const INTERNAL: ErrorModel = { title: 'Something went wrong', message: 'The sign-in service could not handle the request.', advice: `${AGAIN} If it happens again, tell your administrator.` }

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
  if (cause instanceof Error && cause.name === 'SessionNotFound') return EXPIRED
  switch (error) {
    case 'temporarily_unavailable': return UNAVAILABLE
    case 'server_error': return INTERNAL
    case 'invalid_redirect_uri': return { title: 'Unknown redirect URI', message: 'The application asks to be answered at an address that is not registered for it.', advice: 'The administrator of the sign-in service can add it to "redirectURIs" of the client.' }
    case 'invalid_client': return { title: 'Unknown application', message: 'The sign-in service does not know the client ID of the application.', advice: 'Check the client ID in the settings of the application.' }
    default: return { title: 'The application sent an invalid request', message: `${error}${description === undefined ? '' : `: ${description}`}`, advice: START_AGAIN }
  }
}
