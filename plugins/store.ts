/** Opens the store of sign-ins and shared counts, and closes it with the server. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Logger } from 'pino'
import type { StoreConfig } from '../schemas/login.js'
import { openStore, type OpenStore } from '../src/store/index.js'

declare module 'fastify' {
  interface FastifyInstance {
    store: OpenStore
  }
}

export interface StorePluginOptions {
  readonly config: StoreConfig
  readonly log: Logger
}

async function store (fastify: FastifyInstance, { config, log }: StorePluginOptions): Promise<void> {
  const open = await openStore(config, { log })
  fastify.decorate('store', open)
  fastify.addHook('onClose', async () => { await open.close() })
}

export default fp(store, { name: 'store' })
