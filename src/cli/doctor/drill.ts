/**
 * The drill: the live API server is asked whose a token is, which takes it all
 * the way through the webhook and back. Each check is a hop.
 */
import type { TokenReviewStatus, UserInfo } from '../../../schemas/token-review.js'
import { decodeStatus, postReview, requestReview, type Answer, type Target } from '../client.js'
import type { CommandError } from '../command-error.js'
import { failed, ok, skipped, stops, unavailable, warning, type Check } from './check.js'
import { bogusToken } from './interview.js'

export interface Drill {
  /** An API server, and an admin's credentials. */
  readonly admin: Target
  /** Somebody's token; absent: one that nobody has. */
  readonly token?: string | undefined
}

/** In the order in which a token travels. */
export const DRILL_CHECKS = ['drill-reach', 'drill-permission', 'drill-webhook', 'drill-answer'] as const

const V1 = 'authentication.k8s.io/v1'
const IN_FORCE = 'compare --authentication-token-webhook-config-file of every API server, which reads that file when it starts; an answer is remembered for 2 min 10 s'
const PROVIDER = "that provider is down, slow or busy: `reason` of the audit line in the service's log"

/** Those of {@link DRILL_CHECKS} up to the hop that fails. */
export async function runDrill ({ admin, token: real }: Drill, service: Target): Promise<Check[]> {
  const token = real ?? bogusToken().token
  const answer = await postReview(endpoint(admin), V1, { token }).catch((error: CommandError) => error)
  if (answer instanceof Error) return [unavailable('drill-reach', answer.message, '"server" and the CA of the admin kubeconfig; is the API server up?')]
  const said = decodeStatus(answer.body['status'])
  const arrived = [checkReach(answer, said), checkPermission(answer)]
  const stop = arrived.findIndex(stops)
  if (stop !== -1 || typeof said === 'string') return arrived.slice(0, stop + 1)
  const error = othersWords(said.error ?? '').replaceAll(token, '<token>')
  if (error !== '' && !said.authenticated) return [...arrived, ...judgeError(error)]
  if (real === undefined) return [...arrived, ...judgeBogus(said)]
  // what the service says when nobody stands between; it may be out of reach from here
  const direct = await requestReview(service, V1, { token }).catch(() => undefined)
  return [...arrived, ...said.authenticated ? judgeKnown(said, direct) : judgeRefused(direct)]
}

function endpoint (admin: Target): Target {
  const server = new URL(admin.server)
  server.pathname = `${server.pathname.replace(/\/$/, '')}/apis/authentication.k8s.io/v1/tokenreviews`
  return { ...admin, server }
}

function checkReach ({ code, body: { kind } }: Answer, said: TokenReviewStatus | string): Check {
  const unread = kind === 'TokenReview' && typeof said === 'string' ? `, ${said}` : ''
  return (kind === 'Status' || kind === 'TokenReview') && unread === '' && code < 500
    ? ok('drill-reach', 'the API server answers')
    : failed('drill-reach', `what answers is no API server, or a sick one: ${code}${unread}`, '"server" of the admin kubeconfig; `kubectl get --raw /readyz`')
}

function checkPermission ({ code, body }: Answer): Check {
  const words = typeof body['message'] === 'string' ? body['message'] : String(code)
  if (code === 401) return failed('drill-permission', `the API server doesn't know this admin: ${words}`, 'renew the credentials of the admin kubeconfig')
  if (code === 403) return failed('drill-permission', words, 'use an admin who may create tokenreviews, or bind the ClusterRole system:auth-delegator')
  return body['kind'] === 'TokenReview'
    ? ok('drill-permission', 'this admin may create TokenReviews')
    : failed('drill-permission', `the API server refuses: ${code} ${words}`, 'look at its log')
}

/** What is left of the API server's error without its own "no": authenticators' errors come alone, or as a list in brackets. */
function othersWords (error: string): string {
  return error.replace(/^\[(.*)\]$/s, '$1').split(', ').filter(words => words !== 'invalid bearer token').join(', ')
}

/** Our own words for "could not tell": src/authn/review.ts, plugins/token-review.ts. */
const OURS = /identity provider ".*" is unavailable|^internal error$/

function judgeError (error: string): Check[] {
  if (!OURS.test(error)) return [failed('drill-webhook', `between the API server and the webhook: ${error}`, 'docs/operations.md, "At three in the morning", has these words and what to do')]
  return [ok('drill-webhook', 'the API server asks the webhook'), unavailable('drill-answer', `the webhook could not tell: ${error}`, PROVIDER)]
}

function judgeBogus ({ authenticated, user }: TokenReviewStatus): Check[] {
  if (authenticated) {
    return [
      skipped('drill-webhook', 'it may have been the webhook, or another authenticator'),
      failed('drill-answer', `the API server lets a random token in, as ${quoted(user)}`, 'take its authentication webhook out at once: a mock provider, or a broken one')
    ]
  }
  return [
    warning('drill-webhook', "no error; whether the webhook was asked, a token that nobody has can't tell", 'give a good one by --token-file'),
    ok('drill-answer', 'the API server refuses a random token')
  ]
}

/** The API server knows a real token. */
function judgeKnown ({ user }: TokenReviewStatus, direct: TokenReviewStatus | undefined): Check[] {
  const answer = ok('drill-answer', `the API server knows this token as ${quoted(user)}`)
  if (direct === undefined) return [warning('drill-webhook', 'whether it is the webhook that knows this token, can not be asked from here', 'repeat this where the service can be reached'), answer]
  if (direct.user?.username === user?.username) return [ok('drill-webhook', 'the API server and the service agree'), answer]
  const theirs = direct.authenticated ? `as ${quoted(direct.user)}` : 'not at all'
  return [failed('drill-webhook', `the API server knows this token as ${quoted(user)}, the service ${theirs}: another authenticator or another webhook knows it, or the API server remembers an older answer`, IN_FORCE)]
}

/** The API server refuses a real token, without an error. */
function judgeRefused (direct: TokenReviewStatus | undefined): Check[] {
  if (direct === undefined) {
    return [
      warning('drill-webhook', "no error; what the service says can't be asked from here", 'repeat this where the service can be reached'),
      failed('drill-answer', 'the API server refuses this token', "give a good one; the service's audit line tells what was wrong with it")
    ]
  }
  if (direct.authenticated) {
    return [failed('drill-webhook', `the API server refuses a token that the service knows as ${quoted(direct.user)}: it doesn't ask, asks another webhook, or remembers an older answer`, IN_FORCE)]
  }
  return [
    skipped('drill-webhook', 'the service, asked directly, does not know this token either'),
    direct.error === undefined
      ? failed('drill-answer', 'the service refuses this token', 'give a good one; `authn-webhook review --explain` on the service\'s machine tells what was wrong with it')
      : unavailable('drill-answer', `the service could not tell: ${direct.error}`, PROVIDER)
  ]
}

function quoted (user: UserInfo | undefined): string {
  return JSON.stringify(user?.username ?? '')
}
