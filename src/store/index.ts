/** Opens the store that the config names. */
import type { StoreConfig } from '../../schemas/login.js'
import type { ProviderLog } from '../authn/provider.js'
import type { SharedFailuresOf } from '../authn/shared-failures.js'
import { createMemoryStore } from './memory.js'
import type { Store } from './store.js'

export { StoreUnavailableError, type Store } from './store.js'

export interface StoreContext {
  readonly log: ProviderLog
}

export interface OpenStore extends Store {
  /** Failed-password counts, if other processes share this store. */
  readonly sharedFailuresOf?: SharedFailuresOf
}

/**
 * Opens without the network.
 * @throws Error if the config or a file that it names can't be used
 */
export async function openStore (config: StoreConfig, context: StoreContext): Promise<OpenStore> {
  if (config.kind === 'memory') return createMemoryStore()
  // processes without Redis don't load its client
  const { openRedisStore } = await import('./redis.js')
  return await openRedisStore(config, context)
}
