/**
 * What a schema can't say of the config: rules across fields. Each rule looks
 * only at fields that are sound by themselves; the others have their faults.
 */
import type { Config, IdentityProviderConfig } from '../schemas/config.js'
import { parseDuration } from './authn/duration.js'
import type { Fault } from './errors.js'

/** Takes note of a fault, unless a field that it is about has one already. */
type Report = (path: string, message: string, about?: readonly string[]) => void

/** Faults across the fields of `config`; those that `known` explains already are left out. */
export function checkRules (config: Config, known: readonly Fault[]): Fault[] {
  const faults: Fault[] = []
  const isSound = (path: string): boolean => !known.some((fault) => isWithin(fault.path, path) || isWithin(path, fault.path))
  const report: Report = (path, message, about = []) => {
    if ([path, ...about].every(isSound)) faults.push({ path, message })
  }
  checkListeners(config, report)
  checkClientNames(config, report)
  checkTimers(config, report)
  if (Array.isArray(config.identityProviders)) {
    const slots = config.identityProviders.map((slot, index) => ({ slot, at: `identityProviders[${index}]` }))
      .filter(({ slot }) => typeof slot === 'object' && slot !== null)
    checkProviders(slots, report)
    checkPrefixes(slots, 'usernamePrefix', config.sharedNames, report)
    checkPrefixes(slots, 'groupPrefix', config.sharedNames, report)
  }
  return faults
}

/** What is allowed, and hardly meant. */
export function findWarnings ({ server, tls, identityProviders }: Config): Fault[] {
  const warnings: Fault[] = []
  if (tls.clientCAFile === undefined && !isLoopback(server.host ?? '::')) {
    warnings.push({ path: 'tls', message: 'without clientCAFile, whoever reaches the port may try tokens and passwords here; name the CA of the API server\'s client certificate' })
  }
  identityProviders.forEach((slot, index) => {
    for (const field of ['usernamePrefix', 'groupPrefix'] as const) {
      if (slot[field]?.startsWith('system:') === true) {
        warnings.push({ path: `identityProviders[${index}].${field}`, message: 'every name that begins with "system:" is reserved for Kubernetes, and does not come out unless "reserved" allows it by name' })
      }
    }
  })
  return warnings
}

interface Slot {
  readonly slot: IdentityProviderConfig
  readonly at: string
}

function isWithin (path: string, ancestor: string): boolean {
  return ancestor === '' || path === ancestor || path.startsWith(`${ancestor}.`) || path.startsWith(`${ancestor}[`)
}

function checkListeners ({ server, admin }: Config, report: Report): void {
  if (admin === undefined || admin === null) return
  if (admin.port !== server?.port || admin.port === 0) return
  const overlap = admin.host === server.host || [admin.host, server.host].some((host = '::') => ['::', '0.0.0.0'].includes(host))
  if (overlap) report('admin.port', 'must differ from server.port: two listeners can\'t share it', ['server.port', 'server.host', 'admin.host'])
}

function checkClientNames ({ tls }: Config, report: Report): void {
  if (tls?.clientNames?.length > 0 && tls.clientCAFile === undefined) {
    report('tls.clientNames', 'needs tls.clientCAFile: without a CA, names of client certificates prove nothing')
  }
}

/** Node's timers fire at once when they are set for longer than 2^31 ms. */
const MAX_TIMER = { hours: 576, milliseconds: 576 * 3_600_000 }

function checkTimers ({ server, identityProviders }: Config, report: Report): void {
  const check = (path: string, duration: unknown, isBudget: boolean): void => {
    const time = typeof duration === 'string' ? parseDuration(duration) : undefined
    if (time === undefined) return
    if (time === 0 && isBudget) report(path, 'must be more than 0')
    if (time > MAX_TIMER.milliseconds) report(path, `must be at most ${MAX_TIMER.hours}h`)
  }
  check('server.timeout', server?.timeout, true)
  check('server.maxConnectionAge', server?.maxConnectionAge, false)
  check('server.shutdownDelay', server?.shutdownDelay, false)
  if (!Array.isArray(identityProviders)) return
  identityProviders.forEach((slot, index) => {
    const path = `identityProviders[${index}].timeout`
    check(path, slot?.timeout, true)
    const [budget, whole] = [slot?.timeout, server?.timeout].map((text) => typeof text === 'string' ? parseDuration(text) : undefined)
    if (budget !== undefined && whole !== undefined && budget > whole) {
      report(path, `is ${slot.timeout}, and must not be longer than server.timeout, the ${server.timeout} of a whole review`, ['server.timeout'])
    }
  })
}

function checkProviders (slots: readonly Slot[], report: Report): void {
  const names = new Map<string, string>()
  for (const { slot: { name, kind, from }, at } of slots) {
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
function checkPrefixes (slots: readonly Slot[], field: 'usernamePrefix' | 'groupPrefix', shared: boolean, report: Report): void {
  if (slots.length < 2) return
  const what = field === 'usernamePrefix' ? 'users' : 'groups'
  const seen: Array<{ prefix: string, path: string }> = []
  for (const { slot, at } of slots) {
    const path = `${at}.${field}`
    const prefix = slot[field]
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
