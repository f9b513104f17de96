/**
 * What a schema can't say of the config: rules across fields. Each rule looks
 * only at fields that are sound by themselves; the others have their errors.
 */
import type { Config, IdentityProviderConfig } from '../../schemas/config.js'
import { parseDuration } from '../authn/duration.js'
import type { FieldError } from '../errors.js'

/** Takes note of an error, unless a field that it is about has one already. */
type Report = (path: string, message: string, about?: readonly string[]) => void

/** Errors across the fields of `config`; those that `known` explains already are left out. */
export function checkRules (config: Config, known: readonly FieldError[]): FieldError[] {
  const errors: FieldError[] = []
  const isSound = (path: string): boolean => !known.some((error) => isWithin(error.path, path) || isWithin(path, error.path))
  const report: Report = (path, message, about = []) => {
    if ([path, ...about].every(isSound)) errors.push({ path, message })
  }
  checkListeners(config, report)
  checkClientNames(config, report)
  checkLimits(config, report)
  if (Array.isArray(config.identityProviders)) {
    const entries = config.identityProviders.map((entry, index) => ({ entry, at: `identityProviders[${index}]` }))
      .filter(({ entry }) => typeof entry === 'object' && entry !== null)
    checkProviders(entries, report)
    checkPrefixes(entries, 'usernamePrefix', config.sharedNames, report)
    checkPrefixes(entries, 'groupPrefix', config.sharedNames, report)
  }
  return errors
}

/** Wrong passwords in a row: as many as NIST SP 800-63B allows. */
const MANY_FAILURES = 100

/** What is allowed but probably a mistake. */
export function findWarnings ({ server, tls, throttle, identityProviders }: Config): FieldError[] {
  const warnings: FieldError[] = []
  if (tls.clientCAFile === undefined && !isLoopback(server.host ?? '::')) {
    warnings.push({ path: 'tls', message: 'without clientCAFile, whoever reaches the port may try tokens and passwords here; name the CA of the API server\'s client certificate' })
  }
  if (throttle.maxFailures > MANY_FAILURES) {
    warnings.push({ path: 'throttle.maxFailures', message: `more than ${MANY_FAILURES} wrong passwords in a row are hardly a limit to guessing` })
  }
  identityProviders.forEach((entry, index) => {
    for (const field of ['usernamePrefix', 'groupPrefix'] as const) {
      if (entry[field]?.startsWith('system:') === true) {
        warnings.push({ path: `identityProviders[${index}].${field}`, message: 'every name that begins with "system:" is reserved for Kubernetes, and does not come out unless "reserved" allows it by name' })
      }
    }
  })
  return warnings
}

interface Entry {
  readonly entry: IdentityProviderConfig
  readonly at: string
}

function isWithin (path: string, ancestor: string): boolean {
  return ancestor === '' || path === ancestor || path.startsWith(`${ancestor}.`) || path.startsWith(`${ancestor}[`)
}

/** Routes of the review listener, unless there is an admin listener. */
export const PROBE_PATHS: readonly string[] = ['/livez', '/healthz', '/readyz', '/metrics']

function checkListeners ({ server, admin }: Config, report: Report): void {
  if (admin === undefined || admin === null) {
    if (PROBE_PATHS.includes(server?.path)) report('server.path', `is ${server.path}, which this port serves to probes and scrapers: choose another path, or set admin to give those a port of their own`)
    return
  }
  if (admin.port !== server?.port || admin.port === 0) return
  const overlap = admin.host === server.host || [admin.host, server.host].some((host = '::') => ['::', '0.0.0.0'].includes(host))
  if (overlap) report('admin.port', 'must differ from server.port: two listeners can\'t share it', ['server.port', 'server.host', 'admin.host'])
}

function checkClientNames ({ tls }: Config, report: Report): void {
  if (tls?.clientNames?.length > 0 && tls.clientCAFile === undefined) {
    report('tls.clientNames', 'needs tls.clientCAFile: without a CA, names of client certificates prove nothing')
  }
}

/** Beside the JSON of a TokenReview, a request holds a token; the rest of it takes some 300 bytes. */
const REVIEW_BYTES = 512

function checkLimits ({ server, throttle, identityProviders }: Config, report: Report): void {
  if (server?.maxTokenBytes > server?.bodyLimit - REVIEW_BYTES) {
    report('server.maxTokenBytes', `must be at most ${server.bodyLimit - REVIEW_BYTES}: server.bodyLimit, ${server.bodyLimit}, less ${REVIEW_BYTES} for the rest of a TokenReview`, ['server.bodyLimit'])
  }
  if (isLonger(throttle?.baseDelay, throttle?.maxDelay)) {
    report('throttle.baseDelay', `is ${throttle.baseDelay}, and must not be longer than throttle.maxDelay, ${throttle.maxDelay}`, ['throttle.maxDelay'])
  }
  if (!Array.isArray(identityProviders)) return
  identityProviders.forEach((entry, index) => {
    if (!isLonger(entry?.timeout, server?.timeout)) return
    report(`identityProviders[${index}].timeout`, `is ${entry.timeout}, and must not be longer than server.timeout, the ${server.timeout} of a whole review`, ['server.timeout'])
  })
}

/** Of two durations; of what is none, the schema tells. */
function isLonger (one: unknown, other: unknown): boolean {
  const [a, b] = [one, other].map(text => typeof text === 'string' ? parseDuration(text) : undefined)
  return a !== undefined && b !== undefined && a > b
}

function checkProviders (entries: readonly Entry[], report: Report): void {
  const names = new Map<string, string>()
  for (const { entry: { name, kind, from }, at } of entries) {
    const namesake = names.get(name)
    if (namesake !== undefined) report(`${at}.name`, `is the name of ${namesake} already; logs and metrics tell providers apart by it`)
    names.set(name, namesake ?? at)
    if (kind === 'module' && from === undefined) report(`${at}.from`, 'is missing: "kind: module" needs a package, or a path that starts with ./')
    if (kind !== 'module' && from !== undefined) report(`${at}.from`, 'is for "kind: module" alone')
  }
}

/**
 * Two sources of identities must not issue one name: whoever may choose a name
 * in the one would be somebody else's namesake of the other, with his rights.
 */
function checkPrefixes (entries: readonly Entry[], field: 'usernamePrefix' | 'groupPrefix', shared: boolean, report: Report): void {
  if (entries.length < 2) return
  const what = field === 'usernamePrefix' ? 'users' : 'groups'
  const seen: Array<{ prefix: string, path: string }> = []
  for (const { entry, at } of entries) {
    const path = `${at}.${field}`
    const prefix = entry[field]
    if (prefix === undefined) {
      report(path, `is missing: with several providers, each says how the names of its ${what} begin`)
    } else if (typeof prefix === 'string' && !shared) {
      const clash = prefix === '' ? undefined : seen.find((other) => prefix.startsWith(other.prefix) || other.prefix.startsWith(prefix))
      if (prefix === '') report(path, `must not be empty: with several providers, two of them could issue the same ${what}; "sharedNames: true" allows it`)
      else if (clash !== undefined) report(path, `begins like ${clash.path}: two providers could issue the same ${what}; "sharedNames: true" allows it`, [clash.path])
      else seen.push({ prefix, path })
    }
  }
}

function isLoopback (host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
