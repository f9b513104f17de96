/** How the service answers reviews, and whom it lets request them. */
import type { ApiVersion } from '../../../schemas/token-review.js'
import { parseCertificates } from '../../certificates/pem.js'
import { messageOf } from '../../errors.js'
import { readStatus, type Target } from '../client.js'
import { EXPIRES_SOON } from './certificate.js'
import { failed, ok, skipped, unavailable, warning, type DoctorCheck } from './check.js'
import { bogusPassword, bogusToken, requestTestReview, type Clock, type TestReview } from './test-review.js'

const V1: ApiVersion = 'authentication.k8s.io/v1'
const V1BETA1: ApiVersion = 'authentication.k8s.io/v1beta1'

/** In the order of the output. */
export const REVIEW_CHECKS = ['client-certificate', 'clock', 'v1', 'v1beta1', 'bogus-token', 'bogus-password', 'echo', 'latency'] as const

const LATENCY_REVIEWS = 5
/** Milliseconds. */
const SLOW = 1000
/** Milliseconds; the Date header has whole seconds. */
const CLOCK_DIFFERENCE = 10_000
export const PROVIDER_UNAVAILABLE = "that provider is down, slow or overloaded: see `reason` in the audit lines of the service's log"
const READ_LOGS = 'look at the logs of the service and of any proxy in front of it'
const OPEN_TO_ALL = 'anyone who can reach the port can try tokens and passwords'

/** Those of {@link REVIEW_CHECKS} that can be run. */
export async function checkReviews (target: Target, clock: Clock): Promise<DoctorCheck[]> {
  try {
    const first = await requestTestReview(target, V1, bogusToken(), clock)
    const { code, body: { message } } = first.response
    if (code === 401) return [clientRejected(typeof message === 'string' ? message : '401', target)]
    const beta = await requestTestReview(target, V1BETA1, bogusToken(), clock)
    const basics = [checkClock(first), checkVersion('v1', first), checkVersion('v1beta1', beta)]
    if (typeof readStatus(first.response, V1) === 'string') return [...basics, checkEcho([first, beta])]
    const password = await requestTestReview(target, V1, bogusPassword(), clock)
    const more: TestReview[] = []
    for (let count = 0; count < LATENCY_REVIEWS; count++) more.push(await requestTestReview(target, V1, bogusToken(), clock))
    return [
      await checkClientCertificate(target, clock),
      ...basics,
      checkBogus('bogus-token', 'a random token', first),
      checkBogus('bogus-password', 'a random password', password),
      checkEcho([first, beta, password, ...more]),
      checkLatency(more)
    ]
  } catch (error) {
    return [explainNoResponse(messageOf(error), target)]
  }
}

export function explainNoResponse (message: string, target: Target): DoctorCheck {
  // in TLS 1.3 the alert of a server that rejects the client arrives instead of the response
  return /alert.*certificate/i.test(message) ? clientRejected(message, target) : unavailable('v1', message, READ_LOGS)
}

function clientRejected (reason: string, { cert, authorization }: Target): DoctorCheck {
  const advice = cert === undefined && authorization === undefined
    ? 'set client-certificate and client-key; `authn-webhook certs --out DIR --client kube-apiserver` issues both'
    : "compare the credentials with tls.clientCAFile and tls.clientNames in the service's config"
  return failed('client-certificate', `the service rejects this client: ${reason}`, advice)
}

/** Repeats the review without the certificate: one that is not required protects nothing. */
async function checkClientCertificate (target: Target, clock: Clock): Promise<DoctorCheck> {
  const { cert, key, ...anonymous } = target
  if (cert === undefined || key === undefined) {
    return warning('client-certificate', `none is required: ${OPEN_TO_ALL}`, 'set tls.clientCAFile and tls.clientNames, and give the API server a certificate')
  }
  if (!await isRejected(anonymous, clock)) {
    return warning('client-certificate', `sent, but not required: ${OPEN_TO_ALL}`, "set tls.clientCAFile and tls.clientNames in the service's config")
  }
  const left = Date.parse(parseCertificates(cert, 'the client certificate', { withKeys: true })[0].validTo) - clock.now()
  return left < EXPIRES_SOON
    ? warning('client-certificate', `required and accepted; expires on ${new Date(clock.now() + left).toISOString()}`, 'issue a new one with `authn-webhook certs --out DIR --client NAME`; API servers read it at startup')
    : ok('client-certificate', 'required and accepted')
}

async function isRejected (target: Target, clock: Clock): Promise<boolean> {
  try {
    return (await requestTestReview(target, V1, bogusToken(), clock)).response.code === 401
  } catch {
    // other servers end the handshake
    return true
  }
}

function checkClock ({ response: { headers }, middle }: TestReview): DoctorCheck {
  const date = Date.parse(headers.date ?? '')
  if (Number.isNaN(date)) return skipped('clock', 'the response has no Date header')
  // truncated to seconds: on average half a second is missing
  const difference = date + 500 - middle
  const seconds = Math.round(Math.abs(difference) / 1000)
  return Math.abs(difference) > CLOCK_DIFFERENCE
    ? warning('clock', `the service's clock is ${seconds} s ${difference > 0 ? 'ahead of' : 'behind'} this machine's`, 'synchronise both by NTP: certificates and tokens expire by the clock')
    : ok('clock', `within ${CLOCK_DIFFERENCE / 1000} s of this machine's`)
}

function checkVersion (name: 'v1' | 'v1beta1', { response, apiVersion }: TestReview): DoctorCheck {
  const status = readStatus(response, apiVersion)
  if (typeof status !== 'string') return ok(name, `answered in ${apiVersion}`)
  const { code } = response
  if (code === 429 || code >= 500) return unavailable(name, status, READ_LOGS)
  return failed(name, status, code === 404 ? 'set the path of "server" to server.path of the service\'s config, by default /authenticate' : 'correct "server": another program or a proxy answers')
}

function checkBogus (name: string, what: string, { response, apiVersion }: TestReview): DoctorCheck {
  const status = readStatus(response, apiVersion)
  if (typeof status === 'string') return unavailable(name, status, READ_LOGS)
  if (status.authenticated) {
    return failed(name, `${what} is authenticated as ${JSON.stringify(status.user?.username)}`, 'remove this service from every API server now: it has a mock provider or a broken one')
  }
  return status.error === undefined ? ok(name, `${what} is denied`) : unavailable(name, `no answer for ${what}: ${status.error}`, PROVIDER_UNAVAILABLE)
}

function checkEcho (reviews: readonly TestReview[]): DoctorCheck {
  const repeated = reviews.some(({ secrets, response }) => secrets.some(secret => `${response.text}${JSON.stringify(response.headers)}`.includes(secret)))
  return repeated
    ? failed('echo', 'the response repeats the token', 'replace the server: anything that logs its responses logs tokens')
    : ok('echo', 'no response repeats the token')
}

function checkLatency (reviews: readonly TestReview[]): DoctorCheck {
  const sorted = reviews.map(({ milliseconds }) => Math.ceil(milliseconds)).sort((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)]
  const worst = Math.max(...sorted)
  const message = `${sorted.length} reviews: median ${median} ms, max ${worst} ms`
  return worst > SLOW
    ? warning('latency', message, 'each kubectl command waits this long: see authn_webhook_provider_request_duration_seconds, and put slow providers last')
    : ok('latency', message)
}
