/** Whether a store can be reached and does what the service needs; for checks of a config. */
import type { StoreConfig } from '../../schemas/login.js'
import { Deadline } from '../authn/deadline.js'
import { addressOf, createRedisClient, type RedisClient } from './redis-client.js'
import { describeProblem, NoAnswerError } from './redis-problem.js'
import { probesOf } from './redis.js'

/**
 * What is wrong, with host and port; `undefined`: nothing.
 * @param limit milliseconds
 * @throws Error as `createRedisClient`
 */
export async function findStoreProblem (config: StoreConfig, limit: number): Promise<string | undefined> {
  if (config.kind === 'memory') return undefined
  const client = createRedisClient(config)
  try {
    await new Deadline(limit).race(tryOut(client, probesOf(config)), () => new NoAnswerError(limit))
    return undefined
  } catch (error) {
    const { host, port } = addressOf(config)
    return `redis ${host}:${port} ${describeProblem(error)?.replace(/; retrying$/, '') ?? 'is unavailable'}`
  } finally {
    client.destroy()
  }
}

/** A client connects again and again, so its first error is the answer. */
async function tryOut (client: RedisClient, probes: readonly string[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    client.on('error', reject)
    client.on('node-error', reject)
    client.connect().then(async () => await Promise.all(probes.map(async key => await client.probe(key)))).then(() => { resolve() }, reject)
  })
}
