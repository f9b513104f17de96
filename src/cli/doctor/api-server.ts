/** Whether the live API server authenticates with the service: a TokenReview sent to the API server shows each step. */
import type { TokenReviewStatus, UserInfo } from '../../../schemas/token-review.js'
import { postReview, requestReview, type ReviewResponse, type Target } from '../client.js'
import type { CommandError } from '../command-error.js'
import { decodeStatus } from '../review-status.js'
import { failed, isBlocking, ok, skipped, unavailable, warning, type DoctorCheck } from './check.js'
import { PROVIDER_UNAVAILABLE } from './reviews.js'
import { bogusToken } from './test-review.js'

export interface ApiServerReview {
  /** The API server, with credentials of an admin. */
  readonly admin: Target
  /** A user's token; by default a random one. */
  readonly token?: string | undefined
}

/** In the order of the steps of a review. */
export const API_SERVER_CHECKS = ['api-server-connect', 'api-server-permission', 'api-server-webhook', 'api-server-review'] as const
const [CONNECT, PERMISSION, WEBHOOK, REVIEW] = API_SERVER_CHECKS

const V1 = 'authentication.k8s.io/v1'
const COMPARE_CONFIG = 'compare --authentication-token-webhook-config-file of every API server, which is read at startup; answers are cached for 2 min 10 s'
const REPEAT_ELSEWHERE = 'repeat this on a machine that can reach the service'

/** Those of {@link API_SERVER_CHECKS} up to the first that fails. */
export async function checkApiServer ({ admin, token: given }: ApiServerReview, service: Target): Promise<DoctorCheck[]> {
  const token = given ?? bogusToken().token
  const response = await postReview(endpoint(admin), V1, { token }).catch((error: CommandError) => error)
  if (response instanceof Error) return [unavailable(CONNECT, response.message, 'check "server" and the CA in the admin kubeconfig, and that the API server runs')]
  const status = decodeStatus(response.body['status'])
  const access = [checkConnect(response, status), checkPermission(response)]
  const blocking = access.findIndex(isBlocking)
  if (blocking !== -1 || typeof status === 'string') return access.slice(0, blocking + 1)
  const error = webhookError(status.error ?? '').replaceAll(token, '<token>')
  if (error !== '' && !status.authenticated) return [...access, ...explainError(error)]
  if (given === undefined) return [...access, ...explainBogus(status)]
  // the service's own answer to compare with, if it is reachable from here
  const direct = await requestReview(service, V1, { token }).catch(() => undefined)
  return [...access, ...status.authenticated ? explainAuthenticated(status, direct) : explainDenied(direct)]
}

function endpoint (admin: Target): Target {
  const server = new URL(admin.server)
  server.pathname = `${server.pathname.replace(/\/$/, '')}/apis/authentication.k8s.io/v1/tokenreviews`
  return { ...admin, server }
}

function checkConnect ({ code, body: { kind } }: ReviewResponse, status: TokenReviewStatus | string): DoctorCheck {
  const undecodable = kind === 'TokenReview' && typeof status === 'string' ? `, ${status}` : ''
  return (kind === 'Status' || kind === 'TokenReview') && undecodable === '' && code < 500
    ? ok(CONNECT, 'the API server answers')
    : failed(CONNECT, `not an API server, or an unhealthy one: HTTP ${code}${undecodable}`, 'check "server" in the admin kubeconfig; run `kubectl get --raw /readyz`')
}

function checkPermission ({ code, body }: ReviewResponse): DoctorCheck {
  const message = typeof body['message'] === 'string' ? body['message'] : String(code)
  if (code === 401) return failed(PERMISSION, `the API server rejects the admin's credentials: ${message}`, 'renew the credentials in the admin kubeconfig')
  if (code === 403) return failed(PERMISSION, message, 'use an admin who may create tokenreviews, or bind the ClusterRole system:auth-delegator')
  return body['kind'] === 'TokenReview'
    ? ok(PERMISSION, 'the admin may create TokenReviews')
    : failed(PERMISSION, `the API server rejects the request: ${code} ${message}`, "look at the API server's log")
}

/** The API server's error without its own denials: errors of authenticators come alone, or as a list in brackets. */
function webhookError (error: string): string {
  return error.replace(/^\[(.*)\]$/s, '$1').split(', ').filter(message => message !== 'invalid bearer token').join(', ')
}

/** The errors of an unavailable review: src/authn/review.ts, plugins/token-review.ts. */
const UNAVAILABLE = /identity provider ".*" is unavailable|^internal error$/

function explainError (error: string): DoctorCheck[] {
  if (!UNAVAILABLE.test(error)) return [failed(WEBHOOK, `the API server gets no answer from the webhook: ${error}`, 'look up this error in docs/operations.md, "Troubleshooting"')]
  return [ok(WEBHOOK, 'the API server calls the webhook'), unavailable(REVIEW, `the webhook reports: ${error}`, PROVIDER_UNAVAILABLE)]
}

function explainBogus ({ authenticated, user }: TokenReviewStatus): DoctorCheck[] {
  if (authenticated) {
    return [
      skipped(WEBHOOK, 'the webhook or another authenticator may have answered'),
      failed(REVIEW, `the API server authenticates a random token as ${usernameOf(user)}`, 'remove its authentication webhook now: it has a mock provider or a broken one')
    ]
  }
  return [
    warning(WEBHOOK, 'no error, but a random token does not show whether the API server calls the webhook', 'pass a valid token with --token-file'),
    ok(REVIEW, 'the API server denies a random token')
  ]
}

function explainAuthenticated ({ user }: TokenReviewStatus, direct: TokenReviewStatus | undefined): DoctorCheck[] {
  const known = `the API server authenticates this token as ${usernameOf(user)}`
  const review = ok(REVIEW, known)
  if (direct === undefined) return [warning(WEBHOOK, 'not compared: the service is unreachable from here', REPEAT_ELSEWHERE), review]
  if (direct.user?.username === user?.username) return [ok(WEBHOOK, 'the API server and the service agree'), review]
  const other = direct.authenticated ? `as ${usernameOf(direct.user)}` : 'does not'
  return [failed(WEBHOOK, `${known}, the service ${other}: another authenticator or another webhook answered, or the API server cached an older answer`, COMPARE_CONFIG)]
}

/** The API server denies the given token without an error. */
function explainDenied (direct: TokenReviewStatus | undefined): DoctorCheck[] {
  if (direct === undefined) {
    return [
      warning(WEBHOOK, 'no error, and not compared: the service is unreachable from here', REPEAT_ELSEWHERE),
      failed(REVIEW, 'the API server denies this token', "pass a valid token; the audit line in the service's log has the reason")
    ]
  }
  if (direct.authenticated) {
    return [failed(WEBHOOK, `the API server denies a token that the service authenticates as ${usernameOf(direct.user)}: it calls no webhook or another one, or cached an older answer`, COMPARE_CONFIG)]
  }
  return [
    skipped(WEBHOOK, 'the service itself does not authenticate this token'),
    direct.error === undefined
      ? failed(REVIEW, 'the service denies this token', "pass a valid token; run `authn-webhook review --explain` on the service's machine for the reason")
      : unavailable(REVIEW, `the service reports: ${direct.error}`, PROVIDER_UNAVAILABLE)
  ]
}

function usernameOf (user: UserInfo | undefined): string {
  return JSON.stringify(user?.username ?? '')
}
