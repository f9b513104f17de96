// Keeps the hashing of a server busy and the queue before it full, until it is told
// to stop: wrong passwords of one account, none twice, so that no cache stops them;
// the config of the server keeps the throttle from it. Those of unknown names would
// take no place in the queue. Who is sent away for a full queue comes back a little later.
//
// order: { port, ca, inFlight }; says on stderr when the queue is full
import { setTimeout as delay } from 'node:timers/promises'
import { AUTHENTICATED, PASSWORD_USER, reviewOf } from '../people.mjs'
import { Wire } from './wire.mjs'

const PAUSE = 50
/** In the answer to who was not looked at; who was is merely not authenticated. */
const SENT_AWAY = '"error":'

const { inFlight, ...server } = JSON.parse(process.argv[2])
let asked = 0
let refused = 0
let sentAway = 0

const body = number => Buffer.from(reviewOf(Buffer.from(`${PASSWORD_USER.username}:wrong-password-${String(number).padStart(9, '0')}`).toString('base64')))
const wire = await Wire.connect(server, body(0).length, async (_number, answer) => {
  if (answer.includes(AUTHENTICATED)) throw new Error('a wrong password was taken for the right one')
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
