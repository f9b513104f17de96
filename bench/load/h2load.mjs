// Throughput by h2load: as many reviews as a server answers, with a fixed number
// in flight.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import * as cores from '../cores.mjs'
import { REVIEW_HEADERS, REVIEW_PATH } from '../people.mjs'

const run = promisify(execFile)

/** How an API server connects, and how an old or a plain client does. */
export const SHAPES = {
  'h2 × 1': ['--clients=1', '--max-concurrent-streams=32'],
  'h2 × 4': ['--clients=4', '--max-concurrent-streams=16'],
  'h1 × 32': ['--h1', '--clients=32', '--max-concurrent-streams=1']
}

/**
 * @param body file with the review
 * @param amount `{ seconds }` or `{ requests }`
 * @returns `{ requests, seconds }`
 * @throws Error unless every answer is 2xx
 */
export async function h2load (server, { shape, body, seconds, requests }) {
  const { stdout } = await run(...cores.pinned(cores.LOAD, 'h2load', [
    ...SHAPES[shape],
    ...seconds === undefined ? [`--requests=${requests}`] : [`--duration=${seconds * 1000}ms`],
    // the one that Go's clients prefer, so that no server's preference decides
    '--tls13-ciphers=TLS_AES_128_GCM_SHA256',
    ...Object.entries(REVIEW_HEADERS).map(([name, value]) => `--header=${name}: ${value}`),
    `--data=${body}`,
    `https://127.0.0.1:${server.port}${REVIEW_PATH}`
  ]))
  const [, done, succeeded, failed, errored, late] = stdout.match(/^requests: .* (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/m)?.map(Number) ?? []
  const [, right] = stdout.match(/^status codes: (\d+) 2xx/m)?.map(Number) ?? []
  if (!(done > 0) || succeeded !== done || right !== done || failed + errored + late > 0) {
    throw new Error(`not every review of ${server.name} was answered by 2xx:\n${stdout}${server.lastWords()}`)
  }
  return { requests: done, seconds: seconds ?? secondsOf(stdout) }
}

function secondsOf (output) {
  const [, number, unit] = output.match(/^finished in ([\d.]+)(us|ms|s),/m)
  return number / { us: 1e6, ms: 1e3, s: 1 }[unit]
}
