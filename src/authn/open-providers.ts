/**
 * Opens the configured identity providers in their order. What surrounds a
 * provider (cache, throttle, resilience, names) is made here and nowhere else.
 */
import type { IdentityProviderConfig, ThrottleConfig } from '../../schemas/config.js'
import { InvalidProviderError, OpenTimeoutError, ProviderOpenError, ValidationError } from '../errors.js'
import type { OpenProvider } from './authenticator.js'
import { AnswerCache } from './cache.js'
import { Deadline, PROVIDER_PATIENCE } from './deadline.js'
import { milliseconds } from './duration.js'
import { createLookup } from './lookup.js'
import type { Observer } from './observer.js'
import { defineIdentityProvider, type IdentityProvider, type IdentityProviderDefinition, type OpenContext, type ProviderLog } from './provider.js'
import { Resilience } from './resilience.js'
import type { SharedFailuresOf } from './shared-failures.js'
import { defaultConcurrency, Throttle } from './throttle.js'

/** An entry of the config's `identityProviders`, and the definition of its kind. */
export interface ConfiguredProvider {
  readonly entry: IdentityProviderConfig
  readonly definition: IdentityProviderDefinition
}

export interface OpenProvidersOptions extends Pick<OpenContext, 'resolvePath' | 'allowMock'> {
  readonly throttle: ThrottleConfig
  /** The log of a provider. */
  readonly logOf: (provider: string) => ProviderLog
  readonly observer: Observer
  readonly cpus: number
  /** Failed-password counts that other processes share; by default none are. */
  readonly sharedFailuresOf?: SharedFailuresOf | undefined
  /** Milliseconds; for tests. */
  readonly openTimeout?: number
}

/** If one can't be opened, closes those before it and throws. */
export async function openProviders (configured: readonly ConfiguredProvider[], options: OpenProvidersOptions): Promise<OpenProvider[]> {
  const open: OpenProvider[] = []
  try {
    for (const each of configured) open.push(await openProvider(each, options))
    return open.map((each, index) => addGroupsFrom(each, configured[index]!.entry, open))
  } catch (error) {
    await closeProviders(open)
    throw error
  }
}

/** In reverse order. An error of one does not keep the others from closing. */
export async function closeProviders (open: readonly OpenProvider[]): Promise<void> {
  const errors: unknown[] = []
  for (const { provider } of open.toReversed()) {
    try {
      await provider.close?.()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors.length === 1 ? errors[0] : new AggregateError(errors, 'identity providers could not be closed')
}

async function openProvider ({ entry, definition }: ConfiguredProvider, options: OpenProvidersOptions): Promise<OpenProvider> {
  const { name } = entry
  const { throttle, observer } = options
  const log = options.logOf(name)
  const cache = new AnswerCache({
    successTTL: milliseconds(entry.cache.successTTL),
    failureTTL: milliseconds(entry.cache.failureTTL),
    maxEntries: entry.cache.maxEntries,
    onResult: result => { observer.cached(name, result) }
  })
  const resilience = new Resilience({
    timeout: milliseconds(entry.timeout),
    maxConcurrent: entry.maxConcurrent,
    onStateChange: state => { log.warn({ breaker: state }, `circuit breaker is ${state}`) }
  })
  const invalidate = (): void => {
    cache.flush()
    resilience.endPause()
  }
  const provider = await openDefinition(entry, definition, { ...options, log, invalidate })
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
      maxConcurrent: throttle.maxConcurrent ?? provider.maxConcurrentChecks ?? defaultConcurrency(options.cpus),
      maxQueue: throttle.maxQueue,
      onThrottled: () => { observer.throttled(name) },
      sharedFailuresOf: table => options.sharedFailuresOf?.(name, table)
    }),
    resilience
  }
}

/** @throws ProviderOpenError if the provider that it names can't look up users */
function addGroupsFrom (open: OpenProvider, { groupsFrom }: IdentityProviderConfig, all: readonly OpenProvider[]): OpenProvider {
  if (groupsFrom === undefined) return open
  const { provider, optional = false } = typeof groupsFrom === 'string' ? { provider: groupsFrom } : groupsFrom
  const other = all.find(({ name }) => name === provider)
  const lookup = other && createLookup(other)
  if (other === undefined || lookup === undefined) throw new ProviderOpenError(open.name, open.kind, `groupsFrom names "${provider}", which can't look up users without a credential`)
  return { ...open, groupsFrom: { open: other, lookup, optional } }
}

type Surroundings = OpenProvidersOptions & Pick<OpenContext, 'log' | 'invalidate'>

async function openDefinition ({ name, kind, config }: IdentityProviderConfig, definition: IdentityProviderDefinition, surroundings: Surroundings): Promise<IdentityProvider> {
  const { log, invalidate, observer, allowMock, resolvePath, openTimeout = PROVIDER_PATIENCE } = surroundings
  const abort = new AbortController()
  const { events = [] } = definition
  observer.opened(name)
  // for alerts on an increase, the series must start at 0
  for (const event of events) observer.event(name, event, 0)
  try {
    const opening = Promise.resolve(defineIdentityProvider(definition).open(config, {
      log,
      signal: abort.signal,
      allowMock,
      resolvePath,
      invalidate,
      reportReload: error => { observer.reloaded(name, error) },
      countEvent: (event, source, count = 1) => { if (events.includes(event)) observer.event(name, event, count, source) }
    }))
    const provider = await new Deadline(openTimeout).race(opening, () => new OpenTimeoutError(name, `${openTimeout / 1000} s`))
    if (provider.authenticateToken === undefined && provider.authenticatePassword === undefined) {
      throw new InvalidProviderError('it has neither authenticateToken nor authenticatePassword')
    }
    return provider
  } catch (error) {
    abort.abort(error)
    // already says which file and where
    if (error instanceof ValidationError) throw error
    throw new ProviderOpenError(name, kind, error instanceof Error ? error.message : String(error), { cause: error })
  }
}
