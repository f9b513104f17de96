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

/** Milliseconds; a server that hangs must not hang the run. */
const LIMIT = 120_000

/**
 * A number of reviews, not a time: at the end none is under way, so all of the
 * server's work is counted. And h2load 1.52 never ends where a connection was made
 * after its time was over.
 * @param body file with the review
 * @returns `{ requests, seconds }`
 * @throws Error unless every answer is 2xx
 */
export async function h2load (server, { shape, body, requests }) {
  const { stdout } = await run(...cores.pinned(cores.LOAD, 'h2load', [
    ...SHAPES[shape],
    `--requests=${requests}`,
    // the one that Go's clients prefer, so that no server's preference decides
    '--tls13-ciphers=TLS_AES_128_GCM_SHA256',
    ...Object.entries(REVIEW_HEADERS).map(([name, value]) => `--header=${name}: ${value}`),
    `--data=${body}`,
    `https://127.0.0.1:${server.port}${REVIEW_PATH}`
  ]), { timeout: LIMIT })
  if (!stdout.includes(`\nrequests: ${requests} total, ${requests} started, ${requests} done, ${requests} succeeded, 0 failed, 0 errored, 0 timeout\nstatus codes: ${requests} 2xx,`)) {
    throw new Error(`not every review of ${server.name} was answered by 2xx:\n${stdout}${server.lastWords()}`)
  }
  const [, number, unit] = stdout.match(/^finished in ([\d.]+)(us|ms|s),/m)
  return { requests, seconds: number / { us: 1e6, ms: 1e3, s: 1 }[unit] }
}
