/** Rules across fields of the config, which a schema can't express. They skip fields that have an error of their own. */
import type { Config, IdentityProviderConfig } from '../../schemas/config.js'
import { parseDuration } from '../authn/duration.js'
import { didYouMean } from '../documents/spelling.js'
import type { FieldError } from '../errors.js'
import { entriesOf, errorList, type AddError } from './rule.js'
import { findSignInWarnings, validateSignIn } from './sign-in-rules.js'

/** @param known errors that `config` has already */
export function findRuleErrors (config: Config, known: readonly FieldError[]): FieldError[] {
  const { errors, addError } = errorList(known)
  const { identityProviders, sharedNames } = config
  const entries = entriesOf(identityProviders, 'identityProviders')
  validateListeners(config, addError)
  validateLimits(config, entries, addError)
  validateEntries(entries, addError)
  validateGroupsFrom(entries, addError)
  validatePrefixes(entries, 'usernamePrefix', sharedNames, addError)
  // the others' users have groups of one of these
  validatePrefixes(entries.filter(({ entry }) => entry.groupsFrom === undefined), 'groupPrefix', sharedNames, addError)
  validateSignIn(config, addError)
  return errors
}

/** The most wrong passwords in a row that NIST SP 800-63B allows. */
const MAX_ADVISABLE_FAILURES = 100

/** Finds what is allowed but probably a mistake. */
export function findWarnings (config: Config): FieldError[] {
  const { server, tls, throttle, identityProviders } = config
  const warnings: FieldError[] = findSignInWarnings(config)
  if (tls.clientCAFile === undefined && !isLoopback(server.host ?? '::')) {
    warnings.push({ path: 'tls', message: 'without clientCAFile, anyone who can reach the port can try tokens and passwords: set it to the CA of the API server\'s client certificate' })
  }
  if (throttle.maxFailures > MAX_ADVISABLE_FAILURES) {
    warnings.push({ path: 'throttle.maxFailures', message: `more than ${MAX_ADVISABLE_FAILURES} wrong passwords in a row hardly limit guessing: set it lower` })
  }
  identityProviders.forEach((entry, index) => {
    if (entry.groupsFrom !== undefined && entry.groupPrefix !== '') {
      warnings.push({ path: `identityProviders[${index}].groupPrefix`, message: `has no effect with groupsFrom: groups have the groupPrefix of "${providerOfGroups(entry)}"` })
    }
    for (const field of ['usernamePrefix', 'groupPrefix'] as const) {
      if (entry[field]?.startsWith('system:') === true) {
        warnings.push({ path: `identityProviders[${index}].${field}`, message: 'names that begin with "system:" are reserved for Kubernetes: they are dropped unless "reserved" allows them by name' })
      }
    }
  })
  return warnings
}

interface Entry {
  readonly entry: IdentityProviderConfig
  /** Its path. */
  readonly at: string
}

/** Routes of the admin listener; of the review listener if there is no other. */
export const PROBE_PATHS: readonly string[] = ['/livez', '/healthz', '/readyz', '/metrics']

function validateListeners ({ server, admin, tls, login }: Config, addError: AddError): void {
  if (tls?.clientNames?.length > 0 && tls.clientCAFile === undefined) {
    addError('tls.clientNames', 'requires tls.clientCAFile: without a CA, anyone can make a certificate with these names')
  }
  if ((admin ?? undefined) === undefined && PROBE_PATHS.includes(server?.path)) {
    addError('server.path', `is ${server.path}, which serves probes and metrics on this port: choose another path, or set admin to move probes and metrics to a port of their own`)
  }
  const listeners = Object.entries({ server, admin, login }).filter(([, listener]) => (listener ?? undefined) !== undefined) as Array<[string, Listener]>
  listeners.forEach(([name, listener], index) => {
    for (const [other, earlier] of listeners.slice(0, index)) {
      if (sharePort(listener, earlier)) addError(`${name}.port`, `must differ from ${other}.port: two listeners can't share a port`, [`${other}.port`, `${other}.host`, `${name}.host`])
    }
  })
}

type Listener = Pick<Config['server'], 'host' | 'port'>

function sharePort (one: Listener, other: Listener): boolean {
  if (one.port !== other.port || one.port === 0) return false
  return one.host === other.host || [one.host, other.host].some((host = '::') => ['::', '0.0.0.0'].includes(host))
}

/** Room for a TokenReview without its token, which takes about 300 bytes. */
const REVIEW_BYTES = 512

function validateLimits ({ server, throttle }: Config, entries: readonly Entry[], addError: AddError): void {
  if (server?.maxTokenBytes > server?.bodyLimit - REVIEW_BYTES) {
    addError('server.maxTokenBytes', `must be at most ${server.bodyLimit - REVIEW_BYTES}: server.bodyLimit (${server.bodyLimit}) minus ${REVIEW_BYTES} for the rest of a TokenReview`, ['server.bodyLimit'])
  }
  if (isLonger(throttle?.baseDelay, throttle?.maxDelay)) {
    addError('throttle.baseDelay', `is ${throttle.baseDelay}, and must not be longer than throttle.maxDelay (${throttle.maxDelay})`, ['throttle.maxDelay'])
  }
  for (const { entry: { timeout }, at } of entries) {
    if (isLonger(timeout, server?.timeout)) addError(`${at}.timeout`, `is ${timeout}, and must not be longer than server.timeout (${server.timeout}), the time limit for a whole review`, ['server.timeout'])
  }
}

/** Compares two durations; the schema reports what is not a duration. */
function isLonger (one: unknown, other: unknown): boolean {
  const [a, b] = [one, other].map(text => typeof text === 'string' ? parseDuration(text) : undefined)
  return a !== undefined && b !== undefined && a > b
}

function validateEntries (entries: readonly Entry[], addError: AddError): void {
  const names = new Map<string, string>()
  for (const { entry: { name, kind, from }, at } of entries) {
    const namesake = names.get(name)
    if (namesake !== undefined) addError(`${at}.name`, `is already the name of ${namesake}: names must be unique, they identify providers in logs and metrics`)
    names.set(name, namesake ?? at)
    if (kind === 'module' && from === undefined) addError(`${at}.from`, 'is required with "kind: module": a package, or a path that starts with ./')
    if (kind !== 'module' && from !== undefined) addError(`${at}.from`, 'is only for "kind: module"')
  }
}

/** The name of the provider that `groupsFrom` names. */
export function providerOfGroups ({ groupsFrom }: Pick<IdentityProviderConfig, 'groupsFrom'>): string | undefined {
  return typeof groupsFrom === 'object' ? groupsFrom?.provider : groupsFrom
}

function validateGroupsFrom (entries: readonly Entry[], addError: AddError): void {
  for (const { entry, at } of entries) {
    const name = providerOfGroups(entry)
    if (typeof name !== 'string') continue
    const path = typeof entry.groupsFrom === 'string' ? `${at}.groupsFrom` : `${at}.groupsFrom.provider`
    const other = entries.find(({ entry }) => entry.name === name)
    if (other === undefined) addError(path, `no identity provider is named "${name}"${didYouMean(name, entries.map(({ entry }) => entry.name).filter(other => other !== entry.name))}`)
    else if (other.entry === entry) addError(path, 'must name another provider')
    else if (other.entry.groupsFrom !== undefined) addError(path, `names "${name}", whose own groups come from another provider: name that one`)
  }
}

/**
 * Two providers must not issue the same name: anyone who can choose their name in
 * one could impersonate a user of the other.
 */
function validatePrefixes (entries: readonly Entry[], field: 'usernamePrefix' | 'groupPrefix', shared: boolean, addError: AddError): void {
  if (entries.length < 2) return
  const what = field === 'usernamePrefix' ? 'users' : 'groups'
  const seen: Array<{ prefix: string, path: string }> = []
  for (const { entry, at } of entries) {
    const path = `${at}.${field}`
    const prefix = entry[field]
    if (prefix === undefined) {
      addError(path, `is required when there is more than one provider: their ${what} must have different prefixes`)
    } else if (typeof prefix === 'string' && !shared) {
      const clash = prefix === '' ? undefined : seen.find((other) => prefix.startsWith(other.prefix) || other.prefix.startsWith(prefix))
      if (prefix === '') addError(path, `must not be empty when there is more than one provider: two of them could issue the same ${what}; "sharedNames: true" allows this`)
      else if (clash !== undefined) addError(path, `overlaps with ${clash.path}: two providers could issue the same ${what}; "sharedNames: true" allows this`, [clash.path])
      else seen.push({ prefix, path })
    }
  }
}

function isLoopback (host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
