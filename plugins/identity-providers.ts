/**
 * Opens the configured identity providers in their order, each in a scope of
 * its own, and closes them in reverse. What surrounds a provider (cache,
 * throttle, resilience, names) is made here and nowhere else.
 */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import fp from 'fastify-plugin'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { IdentityProviderConfig, ThrottleConfig } from '../schemas/config.js'
import { AnswerCache } from '../src/authn/cache.js'
import type { ConfiguredProvider } from '../src/authn/configured-provider.js'
import { Deadline, PROVIDER_PATIENCE } from '../src/authn/deadline.js'
import { milliseconds } from '../src/authn/duration.js'
import type { OpenProvider } from '../src/authn/link.js'
import type { Observer } from '../src/authn/observer.js'
import { defineIdentityProvider, type IdentityProvider, type IdentityProviderDefinition, type ProviderLog } from '../src/authn/provider.js'
import { createResilience } from '../src/authn/resilience.js'
import { defaultConcurrency, Throttle } from '../src/authn/throttle.js'
import { ValidationError, InvalidProviderError, OpenTimeoutError, ProviderOpenError } from '../src/errors.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** In the order of the config. */
    identityProviders: OpenProvider[]
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
  /** Milliseconds; for tests. */
  readonly openTimeout?: number
}

async function identityProviders (fastify: FastifyInstance, options: IdentityProvidersOptions): Promise<void> {
  const open: OpenProvider[] = []
  fastify.decorate('identityProviders', open)
  for (const configured of options.providers) {
    await fastify.register(async scope => {
      const provider = await openProvider(configured, options)
      scope.addHook('onClose', async () => { await provider.provider.close?.() })
      open.push(provider)
    })
  }
}

async function openProvider ({ entry, definition }: ConfiguredProvider, options: IdentityProvidersOptions): Promise<OpenProvider> {
  const { name } = entry
  const { throttle, observer } = options
  const logger = options.log.child({ provider: name })
  // pino's methods with the order of arguments that the contract promises
  const log: ProviderLog = {
    debug: (fields, message) => { logger.debug(fields, message) },
    info: (fields, message) => { logger.info(fields, message) },
    warn: (fields, message) => { logger.warn(fields, message) },
    error: (fields, message) => { logger.error(fields, message) }
  }
  const cache = new AnswerCache({
    successTTL: milliseconds(entry.cache.successTTL),
    failureTTL: milliseconds(entry.cache.failureTTL),
    maxEntries: entry.cache.maxEntries,
    onResult: result => { observer.cached(name, result) }
  })
  const resilience = createResilience({
    timeout: milliseconds(entry.timeout),
    maxConcurrent: entry.maxConcurrent,
    onStateChange: state => { logger.warn({ breaker: state }, `circuit breaker is ${state}`) }
  })
  const provider = await openDefinition(entry, definition, options, log, () => {
    cache.flush()
    resilience.endPause()
  })
  return {
    name,
    kind: entry.kind,
    provider,
    log,
    observer,
    cache,
    names: { usernamePrefix: entry.usernamePrefix ?? '', groupPrefix: entry.groupPrefix ?? '', reserved: entry.reserved },
    throttle: new Throttle({
      maxFailures: throttle.maxFailures,
      baseDelay: milliseconds(throttle.baseDelay),
      maxDelay: milliseconds(throttle.maxDelay),
      maxConcurrent: throttle.maxConcurrent ?? provider.maxConcurrentChecks ?? defaultConcurrency(availableParallelism()),
      maxQueue: throttle.maxQueue,
      onThrottled: () => { observer.throttled(name) }
    }),
    resilience
  }
}

async function openDefinition (slot: IdentityProviderConfig, definition: IdentityProviderDefinition, options: IdentityProvidersOptions, log: ProviderLog, invalidate: () => void): Promise<IdentityProvider> {
  const { dir, observer, allowMock, openTimeout = PROVIDER_PATIENCE } = options
  const abort = new AbortController()
  const { events = [] } = definition
  observer.opened(slot.name)
  // an alarm needs a counter that was 0 before
  for (const event of events) observer.event(slot.name, event, 0)
  try {
    const opening = Promise.resolve(defineIdentityProvider(definition).open(slot.config, {
      log,
      signal: abort.signal,
      invalidate,
      allowMock,
      resolvePath: path => resolve(dir, path),
      reportReload: error => { observer.reloaded(slot.name, error) },
      countEvent: event => { if (events.includes(event)) observer.event(slot.name, event, 1) }
    }))
    const provider = await new Deadline(openTimeout).race(opening, () => new OpenTimeoutError(slot.name, `${openTimeout / 1000} s`))
    if (provider.authenticateToken === undefined && provider.authenticatePassword === undefined) {
      throw new InvalidProviderError('it has neither authenticateToken nor authenticatePassword')
    }
    return provider
  } catch (error) {
    abort.abort(error)
    // a file's errors already say where and what
    if (error instanceof ValidationError) throw error
    throw new ProviderOpenError(slot.name, slot.kind, error instanceof Error ? error.message : String(error), { cause: error })
  }
}

export default fp(identityProviders, { name: 'identity-providers' })
