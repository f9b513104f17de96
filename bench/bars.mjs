// What this service has to reach, as data: a figure of one subject beside the same
// figure of another, at the same work, round by round. `atLeast` and `atMost` are
// bars; a comparison without either is told, and judged by nobody. Several subjects
// in `to` are added up.
//
// `speed` is reviews per second of processor time. Servers have a processor to
// themselves and are loaded until it is full, so it is their throughput; and it
// stays what it is where somebody else uses the machine.
import { ratios, summary } from './statistics.mjs'

/** On Node.js 24 a tenth less is enough. */
const NODE_24 = 0.9

const GO = 'go, 1 processor'

export const BARS = [
  { work: 'opaque, h2 × 1', figure: 'speed', of: 'service', to: GO, atLeast: 1.3 },
  { work: 'opaque, h2 × 1', figure: 'speed', of: 'service', to: 'limit', atLeast: 0.65 },
  { work: 'opaque, h2 × 1', figure: 'speed', of: 'service, Node 24', to: GO, atLeast: 1.3 * NODE_24 },
  { work: 'opaque, h2 × 1', figure: 'speed', of: 'service, Node 24', to: 'limit, Node 24', atLeast: 0.65 * NODE_24 },
  { work: 'JWT-sized, h2 × 1', figure: 'speed', of: 'service', to: GO },
  { work: 'JWT-sized, h2 × 1', figure: 'speed', of: 'service', to: 'limit' },
  { work: 'opaque, h2 × 4', figure: 'speed', of: 'service', to: GO },
  { work: 'opaque, h2 × 4', figure: 'speed', of: 'service', to: 'limit' },
  { work: 'opaque, h1 × 32', figure: 'speed', of: 'service', to: 'limit', atLeast: 0.6 },
  { work: 'opaque, h1 × 32', figure: 'speed', of: 'service', to: GO, atLeast: 0.6 },
  { work: 'opaque, h1 × 32', figure: 'speed', of: 'service', to: 'express', atLeast: 3 },
  { work: 'opaque, h1 × 32', figure: 'speed', of: 'service, Node 24', to: 'limit, Node 24', atLeast: 0.6 * NODE_24 },
  { work: 'opaque, h1 × 32', figure: 'speed', of: 'service, Node 24', to: GO, atLeast: 0.6 * NODE_24 },
  { work: 'opaque, h1 × 32', figure: 'speed', of: 'service, Node 24', to: 'express', atLeast: 3 * NODE_24 },
  { work: 'passwords, h2 × 1', figure: 'speed', of: 'service', to: 'service, opaque', atLeast: 0.9 },
  { work: 'passwords, h2 × 1', figure: 'speed', of: 'service', to: 'bcrypt', atLeast: 100 },
  { work: 'length of opaque tokens', figure: 'processorTime', of: '1.2 kB', to: '68 bytes', atMost: 1.15 },
  { work: 'cached JWT', figure: 'processorTime', of: 'JWT', to: 'password', atMost: 1.2 },
  { work: 'fresh JWTs', figure: 'processorTime', of: 'service', to: ['jose.jwtVerify', 'opaque'], atMost: 1.3 },
  { work: 'cached session token', figure: 'processorTime', of: 'session token', to: 'password', atMost: 1.2 },
  { work: 'fresh session tokens', figure: 'processorTime', of: 'service', to: ['jose.jwtVerify', 'opaque'], atMost: 1 },
  { work: 'sign-in page', figure: 'processorTime', of: 'service', atMost: 30_000 },
  { work: 'sign-in page', figure: 'bytes', of: 'service', atMost: 20_000 },
  { work: 'denials', figure: 'processorTime', of: 'unknown issuer', to: 'opaque, as long', atMost: 1.1 },
  { work: 'denials', figure: 'processorTime', of: 'unknown issuer', to: 'opaque, 68 bytes' },
  { work: '1000 reviews/s', figure: 'p99', of: 'service', to: 'limit', atMost: 1.5 },
  { work: '1000 reviews/s', figure: 'p99', of: 'service', to: GO, atMost: 1 },
  { work: 'wrong passwords', figure: 'p99', of: 'service', to: 'service, undisturbed', atMost: 3 },
  { work: 'tokens in the cache', figure: 'speed', of: 'many tokens', to: '1 token', atLeast: 0.9 },
  { work: 'tokens in the cache', figure: 'bytesPerToken', of: 'many tokens', atMost: 1000 },
  { work: 'users in the file', figure: 'speed', of: 'many users', to: '1 user', atLeast: 0.9 },
  { work: 'reload of many users', figure: 'p99', of: 'service', atMost: 50 },
  { work: 'reload of many users', figure: 'peak', of: 'service', atMost: 300 },
  { work: 'cold start', figure: 'start', of: 'service', to: 'fastify', atMost: 1.6 },
  { work: 'cached token of kubectl', figure: 'call', of: 'authn-webhook login', atMost: 150 },
  { work: 'cached token of kubectl', figure: 'call', of: 'kubectl authn login', atMost: 150 },
  { work: 'cached token of kubectl', figure: 'call', of: 'authn-webhook login', to: 'node alone' },
  { work: 'resident memory', figure: 'resident', of: 'service', to: 'fastify', atMost: 1.3 },
  { work: 'resident memory', figure: 'growth', of: 'service', atMost: 1.05 },
  { work: 'resident memory', figure: 'leaks', of: 'service', atMost: 0 }
]

/**
 * @returns the bars that `samples` can tell of, each with `median`, `least`,
 *   `most`, `noise` and `verdict`: reached, within the noise, missed, or none
 */
export function judge (samples, bars = BARS) {
  return bars.flatMap(bar => {
    const of = series(samples, bar.work, bar.of, bar.figure)
    const to = bar.to === undefined ? undefined : sum([bar.to].flat().map(subject => series(samples, bar.work, subject, bar.figure)))
    if (of.length === 0 || to?.length === 0) return []
    const ratio = summary(to === undefined ? of : ratios(of, to))
    return [{ ...bar, ...ratio, verdict: verdictOf(bar, ratio) }]
  })
}

/** A figure of every round. */
export function series (samples, work, subject, figure) {
  return samples.filter(sample => sample.work === work && sample.subject === subject && sample[figure] !== undefined)
    .sort((a, b) => a.round - b.round)
    .map(sample => sample[figure])
}

/** Round by round. */
function sum ([first, ...others]) {
  return first.map((value, round) => others.reduce((sum, series) => sum + series[round], value))
}

function verdictOf ({ atLeast, atMost }, { median, noise }) {
  if (atLeast === undefined && atMost === undefined) return undefined
  const lack = atLeast === undefined ? median - atMost : atLeast - median
  if (lack <= 0) return 'reached'
  return lack <= noise ? 'within the noise' : 'missed'
}
