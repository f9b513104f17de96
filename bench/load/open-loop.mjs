// Reviews at a fixed rate, whether or not earlier ones have been answered, over one
// HTTP/2 connection. The clock of each starts when it was due, not when it could be
// sent: a server that stalls can't make its load wait (coordinated omission).
//
// Between two requests it does not sleep, since a timer comes late by up to a
// millisecond; how late a request still left is in the result.
//
// order: { port, ca, rate, seconds, token }
import { AUTHENTICATED, reviewOf } from '../people.mjs'
import { percentile } from '../statistics.mjs'
import { Wire } from './wire.mjs'

/** Seconds at the same rate before the clock starts: for both sides to get into their stride. */
const LEAD_IN = 0.3

const { rate, seconds, token, ...server } = JSON.parse(process.argv[2])
const body = Buffer.from(reviewOf(token))
const uncounted = Math.ceil(rate * LEAD_IN)
const total = uncounted + Math.round(rate * seconds)
/** Milliseconds. */
const gap = 1000 / rate
const latencies = new Float64Array(total)
const delays = new Float64Array(total)
let sent = 0
let answered = 0

const wire = await Wire.connect(server, body.length, (number, answer) => {
  if (!answer.includes(AUTHENTICATED)) throw new Error('a review was not authenticated')
  latencies[number] = performance.now() - (start + number * gap)
  answered++
})
const start = performance.now()
turn()

function turn () {
  const now = performance.now()
  for (; sent < total && start + sent * gap <= now; sent++) {
    delays[sent] = now - (start + sent * gap)
    wire.send(sent, body)
  }
  wire.flush()
  if (answered < total) setImmediate(turn)
  else finish()
}

function finish () {
  wire.close()
  const [counted, late] = [latencies, delays].map(values => values.slice(uncounted).sort())
  const of = (values, percent) => Math.round(percentile(values, percent) * 1e3) / 1e3
  console.log(JSON.stringify({
    requests: counted.length,
    p50: of(counted, 50),
    p90: of(counted, 90),
    p99: of(counted, 99),
    p999: of(counted, 99.9),
    slowest: of(counted, 100),
    lateness: of(late, 99)
  }))
}
