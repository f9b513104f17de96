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

/** Two services with as many reviews behind them; all that differs is of how many tokens they were. */
export async function cachedTokens (bench) {
  const { world, plan } = bench
  const { many } = plan
  const config = world.write('cached.yaml', configOf(`{ name: numbered, kind: module, from: ${PROVIDER}, cache: { successTTL: 1h, maxEntries: 1000000 } }`))
  const start = async tokens => {
    const service = await startServer(world, peers.service(world, { config, expected: [[numberedToken(0), 'user-000000'], ['nobody', undefined]] }))
    await generate('many-tokens', service, { tokens, requests: many })
    return service
  }
  const [one, all] = [await start(1), await start(many)]
  await inRounds(bench, 'tokens in the cache', [
    [name(1, 'token'), async () => await measure(bench, one, 1)],
    [name(many, 'token'), async () => ({
      ...await measure(bench, all, many),
      bytesPerToken: Math.round((all.residentMemory - one.residentMemory) / many)
    })]
  ])
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
