// Does the time of an answer tell whether a user exists? Wrong passwords of users
// and passwords of names that nobody has, in turn, at the token endpoint of the
// sign-in service; each user is tried once. Ends with 1 where the time tells.
//
// usage: node bench/unknown-users.mjs [TRIES]
import { pinThisProcess } from './cores.mjs'
import { addressOf, send, startSignIn } from './cases/sign-in.mjs'
import { percentile } from './statistics.mjs'
import { createWorld, usersWithPassword } from './world.mjs'

const tries = Number(process.argv[2] ?? 2_000)
/** Standard deviations: once in 16,000 runs by chance. */
const TELLS = 4

pinThisProcess()
const world = await createWorld({ node: process.execPath })
try {
  world.write('many-users.yaml', await usersWithPassword(tries / 2))
  const login = await startSignIn(world, '{ name: static, kind: static, config: { usersFile: many-users.yaml } }')
  const pairs = []
  for (let number = -20; number < tries / 2; number++) {
    const names = [`user-${Math.abs(number)}`, `nobody-${String(number).replace('-', 'x')}`]
    const order = Math.random() < 0.5 ? [0, 1] : [1, 0]
    const pair = []
    for (const which of order) pair[which] = await timeOf(login, names[which], number)
    if (number >= 0) pairs.push(pair)
  }
  report(pairs)
} finally {
  await world.close()
}

/** Milliseconds until the answer. */
async function timeOf (login, username, number) {
  const form = new URLSearchParams({ grant_type: 'password', client_id: 'production', scope: 'openid', username, password: `wrong-${number}` }).toString()
  const began = performance.now()
  const { status, text } = await send(login, 'POST', '/token', { from: addressOf(login.people++), form })
  const elapsed = performance.now() - began
  if (status !== 400 || JSON.parse(text).error !== 'invalid_grant') throw new Error(`answered with ${status}: ${text}`)
  return elapsed
}

function report (pairs) {
  for (const [which, name] of [[0, 'wrong passwords'], [1, 'unknown users']]) {
    const sorted = pairs.map(pair => pair[which]).sort((a, b) => a - b)
    console.log(`${name}: p10 ${percentile(sorted, 10).toFixed(2)}, median ${percentile(sorted, 50).toFixed(2)}, p90 ${percentile(sorted, 90).toFixed(2)} ms`)
  }
  const longer = pairs.filter(([wrong, unknown]) => unknown > wrong).length
  const deviations = (longer / pairs.length - 0.5) * 2 * Math.sqrt(pairs.length)
  console.log(`unknown users took longer in ${longer} of ${pairs.length} pairs: ${deviations.toFixed(1)} standard deviations from half of them`)
  if (Math.abs(deviations) > TELLS) process.exitCode = 1
}
