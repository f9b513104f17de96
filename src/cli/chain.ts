/** The providers of a config without a listener, for commands that ask them in their own process. */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { Logger } from 'pino'
import { createAuthenticators, type OpenProvider } from '../authn/authenticator.js'
import { unobserved } from '../authn/observer.js'
import { closeProviders, openProviders } from '../authn/open-providers.js'
import type { ReviewRules } from '../authn/review.js'
import type { LoadedConfig } from '../config/load.js'
import { providerLog } from '../logger.js'

export interface OpenChain {
  readonly rules: ReviewRules
  readonly providers: readonly OpenProvider[]
  close: () => Promise<void>
}

export async function openChain ({ loaded: { config, dir, providers }, log }: { loaded: LoadedConfig, log: Logger }): Promise<OpenChain> {
  const open = await openProviders(providers, {
    throttle: config.throttle,
    allowMock: false,
    observer: unobserved,
    cpus: availableParallelism(),
    resolvePath: path => resolve(dir, path),
    logOf: name => providerLog(log, name)
  })
  return {
    rules: { chain: open.flatMap(createAuthenticators), audiences: config.audiences, maxTokenBytes: config.server.maxTokenBytes },
    providers: open,
    close: async () => { await closeProviders(open) }
  }
}
