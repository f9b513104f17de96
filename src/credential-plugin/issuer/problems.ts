/** Errors of the OpenID client as errors for people. */
import * as client from 'openid-client'
import { codeOf, messageOf } from '../../errors.js'
import type { Account } from '../account.js'
import type { Flow } from '../flows/flow.js'
import { SignInError } from '../sign-in-error.js'

/** The client reports what our fetch threw as the cause of another error. */
function ownError (error: unknown): SignInError | undefined {
  if (error instanceof SignInError) return error
  return error instanceof Error ? ownError(error.cause) : undefined
}

export function describeDiscoveryError (error: unknown, issuer: string): Error {
  const own = ownError(error)
  if (own !== undefined) return own
  const status = error instanceof Error && error.cause instanceof Response ? error.cause.status : undefined
  if (status !== undefined && status >= 500) return unavailable(`${issuer}: the sign-in service is not available (HTTP status ${status}): try again later`, error)
  if (codeOf(error) === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED') return unavailable(`${issuer}: its discovery document names another issuer: check --issuer, to the last slash`, error)
  return unavailable(`${issuer} is not an OpenID Connect issuer${status === undefined || status === 200 ? '' : ` (HTTP status ${status})`}: check --issuer; a proxy or a login page may answer in its place`, error)
}

/** Whether the same request may succeed later. */
export function isOutage (error: unknown): boolean {
  const status = error instanceof Error && error.cause instanceof Response ? error.cause.status : undefined
  return ownError(error)?.failure === 'unavailable' || codeOf(error) === 'OAUTH_TIMEOUT' || (status !== undefined && status >= 500)
}

/** What a request of `flow` failed with. */
export function describeFlowError (error: unknown, flow: Flow, account: Account): Error {
  const own = ownError(error)
  if (own !== undefined) return own
  if (isOAuthError(error)) return describeOAuthError(error, flow, account)
  const status = error instanceof Error && error.cause instanceof Response ? error.cause.status : undefined
  if (status !== undefined) return unavailable(status === 503 || status === 502 || status === 504 ? OUTAGE : `the sign-in service answered with HTTP status ${status}: ask its administrator`, error)
  if (error instanceof client.WWWAuthenticateChallengeError) return unavailable(`the sign-in service answered with HTTP status ${error.status} and a WWW-Authenticate header: a proxy may have answered in its place`, error)
  switch (codeOf(error)) {
    case 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED': return clockError('the token of the sign-in service has already expired or is not valid yet', error)
    case 'OAUTH_JWT_CLAIM_COMPARISON_FAILED': return unavailable('the token of the sign-in service is for another client, issuer or sign-in: check --issuer and --client', error)
    case 'OAUTH_TIMEOUT': return unavailable('the sign-in service does not answer: try again later', error)
    default: return error instanceof client.ClientError ? unavailable(`the answer of the sign-in service is not valid: ${messageOf(error)}: check --issuer`, error) : error as Error
  }
}

export function clockError (problem: string, cause?: unknown): SignInError {
  return new SignInError('unavailable', `${problem}: check the clock of this computer (it is ${new Date().toISOString().slice(0, 19)}Z), and that of the sign-in service`, { cause })
}

const OUTAGE = 'the sign-in service can\'t reach a system it depends on: try again later'
/** Characters of a description that are shown. */
const MAX_DESCRIPTION = 200

/** How oidc-provider says `unauthorized_client`. */
const NOT_ALLOWED = /(?:grant type|response_type|:device_code) is not allowed for this client$/

/** Issuers may send anything. */
function shortened (text: unknown): string | undefined {
  return typeof text === 'string' ? text.slice(0, MAX_DESCRIPTION) : undefined
}

/** Of RFC 6749, whichever way the service says it. */
function oauthCode ({ error, error_description: description }: OAuthError): string {
  return error === 'invalid_request' && NOT_ALLOWED.test(shortened(description) ?? '') ? 'unauthorized_client' : error
}

/** Whether the client may not use the flow. */
export function isNotAllowed (error: unknown): boolean {
  return isOAuthError(error) && ['unauthorized_client', 'unsupported_grant_type'].includes(oauthCode(error))
}

type OAuthError = client.ResponseBodyError | client.AuthorizationResponseError

function isOAuthError (error: unknown): error is OAuthError {
  return error instanceof client.ResponseBodyError || error instanceof client.AuthorizationResponseError
}

/** Errors of RFC 6749 (4.1.2.1, 5.2) and RFC 8628 (3.5). */
function describeOAuthError (error: OAuthError, flow: Flow, { client }: Account): SignInError {
  const description = shortened(error.error_description)
  const code = oauthCode(error)
  const failed = (message: string): SignInError => new SignInError('not-signed-in', message, { cause: error })
  switch (code) {
    case 'access_denied': return failed('the sign-in was denied: run the command again to repeat it')
    case 'expired_token': return failed('the code has expired: run the command again for a new one')
    case 'invalid_client': return failed(`the sign-in service does not know the client ${client}, or it needs a secret: check --client`)
    case 'unauthorized_client':
    case 'unsupported_grant_type': return failed(`the client ${client} does not allow this flow (${flow.label}): use ${flow.alternatives}`)
    case 'temporarily_unavailable': return unavailable('status' in error && error.status === 429 ? description ?? 'too many attempts; try again later' : OUTAGE, error)
    case 'invalid_grant': if (flow.name === 'password') return failed(description ?? 'the username or the password is wrong')
  }
  return failed(`the sign-in service has refused: ${description ?? code}${description === undefined ? '' : ` (${code})`}`)
}

function unavailable (message: string, cause: unknown): SignInError {
  return new SignInError('unavailable', message, { cause })
}
