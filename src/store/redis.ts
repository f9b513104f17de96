/** The store that replicas share, in Redis or Valkey. */
import type { StoreConfig } from '../../schemas/login.js'
import { milliseconds } from '../authn/duration.js'
import { addressOf, createRedisClient } from './redis-client.js'
import { RedisConnection } from './redis-connection.js'
import { RedisFailures } from './redis-failures.js'
import type { OpenStore, StoreContext } from './index.js'

/** Of the keys of entries, behind the prefix of the config. */
const ENTRY = 'state:'
/** As many keys are in each of a few nodes, with hardly a doubt. */
const CLUSTER_PROBES = Array.from({ length: 16 }, (_, i) => `probe:${i}`)

/** Keys to try what the service needs with; in a cluster, some of each node. */
export function probesOf ({ cluster }: StoreConfig): readonly string[] {
  return cluster ? CLUSTER_PROBES : ['probe']
}

/** As `openStore`. */
export async function openRedisStore (config: StoreConfig, { log }: StoreContext): Promise<OpenStore> {
  const { host, port } = addressOf(config)
  const timeout = milliseconds(config.timeout)
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const connection = new RedisConnection({ createClient: () => createRedisClient(config), probes: probesOf(config), address, timeout, log })
  const failures = new RedisFailures({ connection, password: config.password, timeout, address, log })
  const set = async (key: string, value: string, seconds: number, condition?: 'NX'): Promise<boolean> => {
    const options = { expiration: { type: 'EX' as const, value: Math.max(1, Math.ceil(seconds)) }, ...condition && { condition } }
    return await connection.run(async client => await client.set(ENTRY + key, value, options)) !== null
  }
  return {
    get: async key => await connection.run(async client => await client.get(ENTRY + key)) ?? undefined,
    set: async (key, value, seconds) => { await set(key, value, seconds) },
    add: async (key, value, seconds) => await set(key, value, seconds, 'NX'),
    delete: async key => { await connection.run(async client => await client.del(ENTRY + key)) },
    ping: async () => { await connection.ping() },
    close: async () => { connection.close() },
    sharedFailuresOf: (provider, table) => failures.of(provider, table)
  }
}
