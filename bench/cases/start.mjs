// From the start of the process to the first answered review.
import * as peers from '../peers.mjs'
import { quietly } from '../quiet.mjs'
import { inRounds } from '../rounds.mjs'
import { spawnServer } from '../server.mjs'

export async function start (bench) {
  const { world, spare } = bench
  await inRounds(bench, 'cold start', [peers.service(world), peers.fastify(world)].map(peer => [peer.name, async () => await coldStart(world, spare, peer)]))
}

async function coldStart (world, spare, peer) {
  return await quietly(spare, undefined, async () => {
    const started = performance.now()
    const server = await spawnServer(world, peer)
    await server.ready()
    const milliseconds = performance.now() - started
    await server.check()
    await world.stopServers()
    return { start: Math.round(milliseconds * 10) / 10 }
  })
}
