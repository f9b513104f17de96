/** Makes clients of Redis or Valkey, of a single server or a cluster, from the config. */
import { createClient, createCluster, type RedisClientOptions } from '@redis/client'
import type { StoreConfig } from '../../schemas/login.js'
import { readBytesSync } from '../files/read.js'
import { scripts, type BeginReply, type BeginStep, type EndStep } from './failure-scripts.js'

/** What a single server and a cluster have in common, each for one key. */
export interface RedisClient {
  get: (key: string) => Promise<string | null>
  set: (key: string, value: string, options: { expiration: { type: 'EX', value: number }, condition?: 'NX' }) => Promise<string | null>
  del: (key: string) => Promise<number>
  beginAttempt: (key: string, step: BeginStep) => Promise<BeginReply>
  endAttempt: (key: string, step: EndStep) => Promise<number>
  probe: (key: string) => Promise<number>
  connect: () => Promise<unknown>
  destroy: () => void
  on: (event: 'error' | 'node-error' | 'ready', listener: (error: unknown) => void) => unknown
  readonly isOpen: boolean
}

/** Commands that wait for Redis; more are rejected. A frozen server must not fill memory. */
const MAX_WAITING = 1000
/** Milliseconds until a connection is open, TLS included. */
const CONNECT_TIMEOUT = 3_000
/** Milliseconds of silence of the node that is asked for the others. */
const DISCOVERY_TIMEOUT = 2_000

/** Milliseconds: doubled with each retry, up to two seconds; random, so that replicas don't reconnect at once. */
export function backoff (retries: number): number {
  return Math.min(100 * 2 ** retries, 2_000) * (0.5 + Math.random() / 2)
}

export interface RedisAddress {
  readonly host: string
  readonly port: number
  readonly database: number
  readonly tls: boolean
}

/** @throws Error if the config's `url` is missing or has a path that is not a database */
export function addressOf ({ url }: StoreConfig): RedisAddress {
  if (url === undefined) throw new Error('store.url is required when store.kind is redis')
  const { protocol, hostname, port, pathname } = new URL(url)
  const [, database] = /^\/?(\d{0,4})$/.exec(pathname) ?? []
  if (database === undefined) throw new Error('store.url has a path that is not the number of a database: end it with the port, or with /0')
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || 6379), database: Number(database), tls: protocol === 'rediss:' }
}

/**
 * Each call reads the CA file; each connection reads the password.
 * @throws Error if the CA file can't be read
 */
export function createRedisClient (config: StoreConfig): RedisClient {
  const { host, port, database, tls } = addressOf(config)
  const { username, password, cluster, keyPrefix } = config
  const socket = { connectTimeout: CONNECT_TIMEOUT, reconnectStrategy: backoff, ...tls ? { tls, ...caOf(config) } : {} }
  const options: Pick<RedisClientOptions, 'credentialsProvider' | 'disableOfflineQueue' | 'commandsQueueMaxLength' | 'maintNotifications' | 'disableClientInfo'> = {
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_WAITING,
    // Redis Enterprise only
    maintNotifications: 'disabled',
    // a permission less to give
    disableClientInfo: true,
    ...password !== undefined && { credentialsProvider: { type: 'async-credentials-provider', credentials: async () => ({ ...username !== undefined && { username }, password: password.reveal() }) } }
  }
  return cluster
    ? createCluster({ rootNodes: [{ socket: { host, port, socketTimeout: DISCOVERY_TIMEOUT } }], defaults: { ...options, socket }, scripts, keyPrefix })
    : createClient({ ...options, socket: { ...socket, host, port }, database, scripts, keyPrefix })
}

function caOf ({ caFile }: StoreConfig): { ca?: Buffer } {
  if (caFile === undefined) return {}
  const read = readBytesSync(caFile)
  if ('error' in read) throw new Error(`store.caFile: ${caFile} ${read.error}`)
  return { ca: read.bytes }
}
