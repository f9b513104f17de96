// Keeps the hashing of a server busy and the queue before it full, until it is told
// to stop: passwords of people who don't exist, none twice, so that no cache and no
// throttle stops them. Who is sent away for a full queue comes back a little later.
//
// order: { port, ca, inFlight }; says on stderr when the queue is full
import { setTimeout as delay } from 'node:timers/promises'
import { AUTHENTICATED, reviewOf } from '../people.mjs'
import { Wire } from './wire.mjs'

const PAUSE = 50
/** In the answer to who was not looked at; who was is merely not authenticated. */
const SENT_AWAY = '"error":'

const { inFlight, ...server } = JSON.parse(process.argv[2])
let asked = 0
let refused = 0
let sentAway = 0

const body = number => Buffer.from(reviewOf(Buffer.from(`nobody-${String(number).padStart(9, '0')}:wrong-password`).toString('base64')))
const wire = await Wire.connect(server, body(0).length, async (_number, answer) => {
  if (answer.includes(AUTHENTICATED)) throw new Error('somebody who does not exist was authenticated')
  if (answer.includes(SENT_AWAY)) {
    if (sentAway++ === 0) console.error('full')
    await delay(PAUSE)
  } else refused++
  next()
})
process.once('SIGTERM', () => {
  wire.close()
  console.log(JSON.stringify({ refused, sentAway }))
  process.exit()
})
for (let i = 0; i < inFlight; i++) next()

function next () {
  wire.send(asked, body(asked++))
  wire.flush()
}
