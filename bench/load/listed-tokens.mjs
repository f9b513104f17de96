// As many reviews as are asked for, 32 at a time over one HTTP/2 connection, of the
// tokens of a file, one after the other, and again from the beginning after the last.
//
// order: { port, ca, file, first, requests, authenticated }
import { readFileSync } from 'node:fs'
import { AUTHENTICATED, DENIED, reviewOf } from '../people.mjs'
import { Wire } from './wire.mjs'

const IN_FLIGHT = 32

const { file, first = 0, requests, authenticated = true, ...server } = JSON.parse(process.argv[2])
const tokens = readFileSync(file, 'utf8').split('\n')
const bodies = Array.from({ length: Math.min(requests, tokens.length) }, (_, i) => Buffer.from(reviewOf(tokens[(first + i) % tokens.length])))
const expected = authenticated ? AUTHENTICATED : DENIED
let sent = 0
let answered = 0

const wire = await Wire.connect(server, bodies[0].length, (_number, answer) => {
  if (!answer.includes(expected)) throw new Error(`a review was not ${authenticated ? 'authenticated' : 'denied'}`)
  answered++
  if (sent < requests) next()
  else if (answered === sent) finish()
})
const start = performance.now()
for (let i = 0; i < Math.min(IN_FLIGHT, requests); i++) next()
wire.flush()

function next () {
  wire.send(sent, bodies[sent % bodies.length])
  sent++
}

function finish () {
  wire.close()
  console.log(JSON.stringify({ requests: answered, seconds: (performance.now() - start) / 1000 }))
}
