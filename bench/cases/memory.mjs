// A million reviews, and what they leave behind.
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { compareHeaps, countByConstructor } from '../heap.mjs'
import { ask } from '../load/ask.mjs'
import { h2load } from '../load/h2load.mjs'
import { SHORT_TOKEN } from '../people.mjs'
import * as peers from '../peers.mjs'
import { startServer } from '../server.mjs'
import { median } from '../statistics.mjs'

/** SIGUSR2 ends the service, as most signals do. */
const SNAPSHOT = 'SIGVTALRM'
const STEPS = 20

export async function memory (bench) {
  const { world } = bench
  const options = [`--heapsnapshot-signal=${SNAPSHOT}`, `--diagnostic-dir=${world.dir}`]
  const service = await startServer(world, peers.service(world, { options }))
  await load(bench, service)
  await findLeaks(bench, service)
  await world.stopServers()
  await load(bench, await startServer(world, peers.fastify(world)))
  await world.stopServers()
}

/** Resident memory along the way; the last half counts as rounds. */
async function load ({ world, plan, record, say }, server) {
  const steps = []
  say(`memory of ${server.name}, ${plan.reviews} reviews`)
  for (let step = 0; step < STEPS; step++) {
    await review(world, server, plan.reviews / STEPS)
    steps.push(server.residentMemory)
  }
  const [third, fourth] = [steps.slice(STEPS / 2, STEPS * 3 / 4), steps.slice(STEPS * 3 / 4)]
  const half = [...third, ...fourth]
  half.forEach((bytes, round) => {
    record('resident memory', server.name, round, { resident: bytes, ...round === half.length - 1 && { growth: median(fourth) / median(third), steps } })
  })
}

/** What there is more of after further reviews. After the memory was looked at, since a snapshot takes some itself. */
async function findLeaks ({ world, plan, record, say }, service) {
  say('heap snapshots')
  const reviews = plan.reviews / 5
  // the first one leaves behind what the second finds again
  await snapshot(world, service)
  const before = await snapshot(world, service)
  await review(world, service, reviews)
  const after = await snapshot(world, service)
  const grown = compareHeaps(before, after, reviews)
  record('resident memory', service.name, 0, { leaks: grown.length, grown, heapGrowth: after.bytes - before.bytes })
}

async function review (world, server, requests) {
  await h2load(server, { shape: 'h2 × 1', body: world.bodies.short, requests: Math.round(requests) })
}

async function snapshot (world, service) {
  service.signal(SNAPSHOT)
  const file = await appeared(world.dir)
  // it is written on the thread that answers, and who stood still for so long sheds at first
  while ((await ask(service, SHORT_TOKEN, 'h2')).status !== 200) await delay(100)
  const heap = countByConstructor(JSON.parse(readFileSync(file, 'utf8')))
  rmSync(file)
  return heap
}

async function appeared (dir) {
  for (;;) {
    const name = readdirSync(dir).find(name => name.endsWith('.heapsnapshot'))
    if (name !== undefined && statSync(join(dir, name)).size > 0) return join(dir, name)
    await delay(50)
  }
}
