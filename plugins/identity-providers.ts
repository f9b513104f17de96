/** Opens the configured identity providers, and closes them with the server. */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Logger } from 'pino'
import type { ThrottleConfig } from '../schemas/config.js'
import type { OpenProvider } from '../src/authn/authenticator.js'
import type { Observer } from '../src/authn/observer.js'
import { closeProviders, openProviders, type ConfiguredProvider } from '../src/authn/open-providers.js'
import type { SharedFailuresOf } from '../src/authn/shared-failures.js'
import { providerLog } from '../src/logger.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** In the order of the config. */
    identityProviders: readonly OpenProvider[]
  }
}

export interface IdentityProvidersOptions {
  readonly providers: readonly ConfiguredProvider[]
  /** What relative paths in the providers' config are relative to. */
  readonly dir: string
  readonly throttle: ThrottleConfig
  readonly allowMock: boolean
  readonly log: Logger
  readonly observer: Observer
  /** Failed-password counts that other processes share. */
  readonly sharedFailuresOf?: SharedFailuresOf | undefined
  /** Milliseconds; for tests. */
  readonly openTimeout?: number
}

async function identityProviders (fastify: FastifyInstance, { providers, dir, log, ...options }: IdentityProvidersOptions): Promise<void> {
  const open = await openProviders(providers, {
    ...options,
    cpus: availableParallelism(),
    resolvePath: path => resolve(dir, path),
    logOf: name => providerLog(log, name)
  })
  fastify.decorate('identityProviders', open)
  fastify.addHook('onClose', async () => { await closeProviders(open) })
}

export default fp(identityProviders, { name: 'identity-providers' })
