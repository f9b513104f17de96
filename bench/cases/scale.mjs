// One token or a hundred thousand in the cache, one user or a hundred thousand in
// the file: what each review costs, and what each token takes.
import { fileURLToPath } from 'node:url'
import { generate } from '../load/generate.mjs'
import { numberedToken } from '../people.mjs'
import * as peers from '../peers.mjs'
import { quietly } from '../quiet.mjs'
import { inRounds } from '../rounds.mjs'
import { startServer } from '../server.mjs'
import { configOf, numberedUsers } from '../world.mjs'

const PROVIDER = fileURLToPath(new URL('../peers/directory.mjs', import.meta.url))

export async function cachedTokens (bench) {
  const { world, plan } = bench
  const config = world.write('cached.yaml', configOf(`{ name: numbered, kind: module, from: ${PROVIDER}, cache: { successTTL: 1h, maxEntries: 1000000 } }`))
  const service = await startServer(world, peers.service(world, { config, expected: [[numberedToken(0), 'user-000000'], ['nobody', undefined]] }))
  const { many } = plan
  // as many reviews as the many tokens will take, so that all that differs is how many are kept
  await generate('many-tokens', service, { tokens: 1, requests: many })
  const before = service.residentMemory
  await generate('many-tokens', service, { tokens: many, requests: many })
  await inRounds(bench, 'tokens in the cache', [1, many].map(tokens => [name(tokens, 'token'), async () => ({
    ...await measure(bench, service, tokens),
    ...tokens === many && { bytesPerToken: Math.round((service.residentMemory - before) / many) }
  })]))
  await world.stopServers()
}

export async function users (bench) {
  const { world, plan } = bench
  const turns = []
  for (const count of [1, plan.many]) {
    world.write(`users-${count}.yaml`, numberedUsers(count))
    const config = world.write(`static-${count}.yaml`, configOf(`{ name: static, kind: static, config: { usersFile: users-${count}.yaml } }`))
    const service = await startServer(world, peers.service(world, { config, expected: [[numberedToken(0), 'user-0'], [numberedToken(count), undefined]] }))
    await generate('many-tokens', service, { tokens: count, requests: plan.warmUp })
    turns.push([name(count, 'user'), async () => await measure(bench, service, count)])
  }
  await inRounds(bench, 'users in the file', turns)
  await world.stopServers()
}

async function measure ({ plan, spare }, service, tokens) {
  return await quietly(spare, service, async () => await generate('many-tokens', service, { tokens, seconds: plan.window }))
}

function name (count, noun) {
  return count === 1 ? `1 ${noun}` : `many ${noun}s`
}
