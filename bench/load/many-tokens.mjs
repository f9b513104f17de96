// As many reviews as a server answers, 32 at a time over one HTTP/2 connection,
// with as many different tokens as wanted.
//
// order: { port, ca, tokens, seconds } or { port, ca, tokens, requests }
import { AUTHENTICATED, numberedToken, reviewOf } from '../people.mjs'
import { Wire } from './wire.mjs'

const IN_FLIGHT = 32
const DIGITS = 6
/** No multiple of it is a number of tokens that anybody asks for: one after the other, all of them come, in no order. */
const STRIDE = 7919

const { tokens, seconds, requests = Infinity, ...server } = JSON.parse(process.argv[2])
const template = Buffer.from(reviewOf(numberedToken(0)))
const digitsAt = template.indexOf('"', template.indexOf('"token":"') + '"token":"'.length) - DIGITS
let sent = 0
let answered = 0
let deadline = Infinity

const wire = await Wire.connect(server, template.length, (_number, answer) => {
  if (!answer.includes(AUTHENTICATED)) throw new Error('a review was not authenticated')
  answered++
  if (sent < requests && performance.now() < deadline) next()
  else if (answered === sent) finish()
})
const start = performance.now()
if (seconds !== undefined) deadline = start + seconds * 1000
for (let i = 0; i < Math.min(IN_FLIGHT, requests); i++) next()
wire.flush()

function next () {
  const body = Buffer.from(template)
  body.write(String(sent * STRIDE % tokens).padStart(DIGITS, '0'), digitsAt, 'latin1')
  wire.send(sent++, body)
}

function finish () {
  wire.close()
  console.log(JSON.stringify({ requests: answered, seconds: (performance.now() - start) / 1000 }))
}
