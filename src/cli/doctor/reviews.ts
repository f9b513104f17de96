/** What the service answers, and to whom: the checks behind a connection that an API server would trust. */
import type { ApiVersion } from '../../../schemas/token-review.js'
import { readStatus, type Target } from '../client.js'
import { parseCertificates } from '../../certificates/pem.js'
import { SOON } from './certificate.js'
import { failed, ok, skipped, unavailable, warning, type Check } from './check.js'
import { ask, bogusPassword, bogusToken, type Clock, type Reply } from './interview.js'

const V1: ApiVersion = 'authentication.k8s.io/v1'
const V1BETA1: ApiVersion = 'authentication.k8s.io/v1beta1'

/** Their order on the screen. */
export const REVIEW_CHECKS = ['client-certificate', 'clock', 'v1', 'v1beta1', 'bogus-token', 'bogus-password', 'echo', 'latency'] as const

const REVIEWS = 5
const SLOW = 1000
/** The Date header counts whole seconds. */
const CLOCK_DIFFERENCE = 10_000

/** Those of {@link REVIEW_CHECKS} up to the one that ends the conversation. */
export async function checkReviews (target: Target, clock: Clock): Promise<Check[]> {
  try {
    const first = await ask(target, V1, bogusToken(), clock)
    if (first.answer.code === 401) return [refusedClient(wordsOf(first), target)]
    const beta = await ask(target, V1BETA1, bogusToken(), clock)
    const basics = [checkClock(first), checkVersion('v1', first), checkVersion('v1beta1', beta)]
    if (typeof readStatus(first.answer, first.apiVersion) === 'string') return [...basics, checkEcho([first, beta])]
    const password = await ask(target, V1, bogusPassword(), clock)
    const more: Reply[] = []
    for (let count = 0; count < REVIEWS; count++) more.push(await ask(target, V1, bogusToken(), clock))
    return [
      await checkClient(target, clock),
      ...basics,
      checkBogus('bogus-token', 'a random token', first),
      checkBogus('bogus-password', 'a random user and password', password),
      checkEcho([first, beta, password, ...more]),
      checkLatency(more)
    ]
  } catch (error) {
    return [explainFailure(error as Error, target)]
  }
}

/** Why a question had no answer. */
export function explainFailure ({ message }: Error, target: Target): Check {
  // some end the handshake of TLS 1.3 with an alert that arrives in place of the answer
  if (/alert.*certificate/i.test(message)) return refusedClient(message, target)
  return unavailable('v1', message, "look at the service's log, and at whatever stands between")
}

function wordsOf ({ answer: { body } }: Reply): string {
  return typeof body['message'] === 'string' ? body['message'] : '401'
}

function refusedClient (words: string, { cert, authorization }: Target): Check {
  const message = `the service refuses to be asked: ${words}`
  if (cert === undefined && authorization === undefined) {
    return failed('client-certificate', message, '`authn-webhook certs --out DIR --client kube-apiserver` makes one; give it with client-certificate and client-key')
  }
  return failed('client-certificate', message, "compare it with tls.clientCAFile and tls.clientNames of the service's config")
}

/** Asked once more without: a certificate that nobody looks at protects nothing. */
async function checkClient (target: Target, clock: Clock): Promise<Check> {
  const { cert, key, ...anonymous } = target
  if (cert === undefined || key === undefined) {
    return warning('client-certificate', 'none is required: whoever reaches the port may try passwords', 'set tls.clientCAFile and tls.clientNames, and give the API server a certificate')
  }
  if (!await isRefused(anonymous, clock)) {
    return warning('client-certificate', 'it is shown, but not required: whoever reaches the port may try passwords', "set tls.clientCAFile and tls.clientNames in the service's config")
  }
  const left = Date.parse(parseCertificates(cert, 'the client certificate', { withKeys: true })[0].validTo) - clock.now()
  return left < SOON
    ? warning('client-certificate', `required and accepted; it expires on ${new Date(clock.now() + left).toISOString()}`, '`authn-webhook certs --out DIR --client NAME` makes a new one; the API server reads it when it starts')
    : ok('client-certificate', 'required and accepted')
}

async function isRefused (target: Target, clock: Clock): Promise<boolean> {
  try {
    return (await ask(target, V1, bogusToken(), clock)).answer.code === 401
  } catch {
    // others end the handshake
    return true
  }
}

function checkClock ({ answer: { headers }, middle }: Reply): Check {
  const date = Date.parse(headers.date ?? '')
  if (Number.isNaN(date)) return skipped('clock', 'the answer has no Date header')
  // cut to seconds over there: half of one, on average
  const difference = date + 500 - middle
  const seconds = Math.round(Math.abs(difference) / 1000)
  return Math.abs(difference) > CLOCK_DIFFERENCE
    ? warning('clock', `the service's clock is ${seconds} s ${difference > 0 ? 'ahead of' : 'behind'} this one`, 'set both by NTP: certificates and tokens end by the clock')
    : ok('clock', 'differs by no more than the Date header can tell')
}

function checkVersion (name: 'v1' | 'v1beta1', reply: Reply): Check {
  const status = readStatus(reply.answer, reply.apiVersion)
  if (typeof status !== 'string') return ok(name, `answered in ${reply.apiVersion}`)
  const { code } = reply.answer
  if (code === 429 || code >= 500) return unavailable(name, status, 'the service, or what stands before it, is overloaded or broken: look at its log')
  return failed(name, status, code === 404 ? 'the path of "server" has to be server.path of the service\'s config: /authenticate' : 'something else answers there, or stands between: correct "server"')
}

function checkBogus (name: string, what: string, reply: Reply): Check {
  const status = readStatus(reply.answer, reply.apiVersion)
  if (typeof status === 'string') return unavailable(name, status, "look at the service's log")
  if (status.authenticated) {
    return failed(name, `${what} is let in, as ${JSON.stringify(status.user?.username)}`, 'take this service out of every API server at once: it has a mock provider, or a broken one')
  }
  return status.error === undefined
    ? ok(name, `${what} is refused`)
    : unavailable(name, `could not tell about ${what}: ${status.error}`, "that provider is down, slow or busy: `reason` of the audit line in the service's log")
}

function checkEcho (replies: readonly Reply[]): Check {
  const repeated = replies.some(({ secrets, answer }) => secrets.some(secret => `${answer.text}${JSON.stringify(answer.headers)}`.includes(secret)))
  return repeated
    ? failed('echo', 'the answer repeats the token', 'whatever logs answers now logs tokens: replace what answers there')
    : ok('echo', 'no answer repeats the token')
}

function checkLatency (replies: readonly Reply[]): Check {
  const sorted = replies.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b)
  const [median, worst] = [sorted[Math.floor(sorted.length / 2)]!, sorted.at(-1)!].map(Math.ceil)
  const message = `${sorted.length} reviews: median ${median} ms, max ${worst} ms`
  return worst! > SLOW
    ? warning('latency', message, 'every kubectl command waits that long: see authn_webhook_provider_request_duration_seconds, and put a slow provider last')
    : ok('latency', message)
}
