// How long a review takes at a rate that a server has time for, over one HTTP/2
// connection; and how much longer while wrong passwords keep its hashing busy.
import { ask } from '../load/ask.mjs'
import { begin, generate } from '../load/generate.mjs'
import { h2load } from '../load/h2load.mjs'
import { SHORT_TOKEN } from '../people.mjs'
import * as peers from '../peers.mjs'
import { quietly } from '../quiet.mjs'
import { inRounds } from '../rounds.mjs'
import { startServer } from '../server.mjs'
import { configOf } from '../world.mjs'

/** One is hashed, 64 wait: the rest is sent away. */
const WRONG_PASSWORDS = 72
const DISTURBED_RATE = 1000

export async function latency (bench) {
  const { world, plan, spare } = bench
  const servers = []
  for (const peer of [peers.service(world), peers.limit(world, 'h2'), peers.go(world, 1)]) servers.push(await warm(bench, peer))
  for (const [rate, seconds] of plan.rates) {
    await inRounds(bench, `${rate} reviews/s`, servers.map(server => [server.name, async () => await quietly(spare, server, async () => await measureLatency(server, rate, seconds))]))
  }
  await world.stopServers()
}

export async function disturbance (bench) {
  const { world, plan, spare } = bench
  // the account never closes: every password is hashed
  const config = world.write('disturbed.yaml', `${configOf('{ name: static, kind: static, config: { usersFile: users.yaml } }')}throttle: { maxFailures: 1000000 }\n`)
  const service = await warm(bench, peers.service(world, { config }))
  const measure = async () => await measureLatency(service, DISTURBED_RATE, plan.disturbed)
  await inRounds(bench, 'wrong passwords', [
    ['service, undisturbed', async () => await quietly(spare, service, measure)],
    ['service', async () => await quietly(spare, service, async () => await disturbed(service, measure))]
  ])
  await world.stopServers()
}

async function warm ({ world, plan }, peer) {
  const server = await startServer(world, peer)
  await h2load(server, { shape: 'h2 × 1', body: world.bodies.short, requests: plan.warmUp })
  return server
}

async function measureLatency (server, rate, seconds) {
  return await generate('open-loop', server, { rate, seconds, token: SHORT_TOKEN })
}

async function disturbed (service, measure) {
  const wrong = begin('wrong-passwords', service, { inFlight: WRONG_PASSWORDS })
  await wrong.full
  const figures = await measure()
  const { refused, sentAway } = await wrong.stop()
  if (!(refused > 0 && sentAway > 0)) throw new Error(`the queue was not kept full: ${refused} refused, ${sentAway} sent away`)
  await drained(service)
  return { ...figures, refused, sentAway }
}

/** The queue is first come, first served: when a newcomer's password is looked at, nobody waits. */
async function drained (service) {
  for (let attempt = 0; ; attempt++) {
    const newcomer = Buffer.from(`newcomer-${attempt}:wrong-password`).toString('base64')
    const { body: { status } } = await ask(service, newcomer, 'h2')
    if (status.error === undefined) return
  }
}
