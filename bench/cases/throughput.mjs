// As many reviews as a server answers: every body, every shape of connections,
// every peer.
import { h2load } from '../load/h2load.mjs'
import * as peers from '../peers.mjs'
import { quietly } from '../quiet.mjs'
import { inRounds } from '../rounds.mjs'
import { Server, startServer } from '../server.mjs'

export async function throughput (bench) {
  const { world, node24, plan } = bench
  const { bodies } = world
  const start = async peer => await startServer(world, peer)
  const goes = [await start(peers.go(world, 1)), await start(peers.go(world, 2))]
  const service = await start(peers.service(world))
  const limit = await start(peers.limit(world, 'h2'))
  const http1Limit = await start(peers.limit(world, 'h1'))
  const service24 = await start(peers.service(world, { name: 'service, Node 24', node: node24 }))
  const limit24 = await start(peers.limit(world, 'h2', { name: 'limit, Node 24', node: node24 }))
  const http1Limit24 = await start(peers.limit(world, 'h1', { name: 'limit, Node 24', node: node24 }))
  const express = await start(peers.express(world))
  const bcrypt = await start(peers.bcrypt(world))

  await measure(bench, 'opaque, h2 × 1', [service, limit, ...goes, service24, limit24], { shape: 'h2 × 1', body: bodies.short })
  await measure(bench, 'JWT-sized, h2 × 1', [service, limit, goes[0]], { shape: 'h2 × 1', body: bodies.long })
  await measure(bench, 'opaque, h2 × 4', [service, limit, ...goes], { shape: 'h2 × 4', body: bodies.short })
  await measure(bench, 'opaque, h1 × 32', [service, http1Limit, ...goes, express, service24, http1Limit24], { shape: 'h1 × 32', body: bodies.short })
  await measure(bench, 'passwords, h2 × 1', [
    service,
    { server: service, subject: 'service, opaque', body: bodies.short },
    { server: bcrypt, warmUp: plan.bcryptReviews }
  ], { shape: 'h2 × 1', body: bodies.password })
  await world.stopServers()
}

async function measure (bench, work, subjects, common) {
  const turns = []
  for (const subject of subjects) turns.push(await prepare(bench, { ...common, ...subject instanceof Server ? { server: subject } : subject }))
  await inRounds(bench, work, turns)
}

/** Each window has as many reviews as the one before says it will take. */
async function prepare ({ plan, spare }, { server, subject = server.name, warmUp = plan.warmUp, shape, body }) {
  const load = async requests => await h2load(server, { shape, body, requests })
  let last = await load(warmUp)
  return [subject, async () => await quietly(spare, server, async () => {
    last = await load(Math.max(Math.round(last.requests / last.seconds * plan.window), 1))
    return last
  })]
}
