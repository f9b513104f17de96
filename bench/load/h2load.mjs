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
 * @returns `{ requests, perSecond, processorTime, busy }`: reviews answered, per
 *   second, microseconds of processor time for each, and how much of the time the
 *   server computed (1: one whole processor)
 * @throws Error unless every answer is 2xx
 */
export async function h2load (server, { shape, body, seconds, requests }) {
  const before = server.processorTime
  const started = performance.now()
  const { stdout } = await run(...cores.pinned(cores.LOAD, 'h2load', [
    ...SHAPES[shape],
    ...seconds === undefined ? [`--requests=${requests}`] : [`--duration=${seconds * 1000}ms`],
    // the one that Go's clients prefer, so that no server's preference decides
    '--tls13-ciphers=TLS_AES_128_GCM_SHA256',
    ...Object.entries(REVIEW_HEADERS).map(([name, value]) => `--header=${name}: ${value}`),
    `--data=${body}`,
    `https://127.0.0.1:${server.port}${REVIEW_PATH}`
  ]))
  const elapsed = (performance.now() - started) / 1000
  const processorTime = server.processorTime - before
  const done = answered(stdout, server)
  const measured = seconds ?? Number(stdout.match(/^finished in ([\d.]+)(m?s)/m)[1]) * (/finished in [\d.]+ms/.test(stdout) ? 1e-3 : 1)
  return { requests: done, perSecond: done / measured, processorTime: processorTime * 1000 / done, busy: processorTime / 1000 / elapsed }
}

function answered (output, { name, lastWords }) {
  const [, done, succeeded, failed, errored, late] = output.match(/^requests: .* (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/m)?.map(Number) ?? []
  if (!(done > 0) || succeeded !== done || failed + errored + late > 0) throw new Error(`not every review of ${name} was answered by 2xx:\n${output}${lastWords?.() ?? ''}`)
  return done
}
