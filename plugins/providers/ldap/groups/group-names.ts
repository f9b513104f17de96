/**
 * Which groups have a name of their own. A CN is unique only inside its
 * container: someone with the right to create groups in another container could
 * create a second `cluster-admins`. So this searches for other groups of the
 * same name, and a name of two groups counts for neither.
 */
import { LRUCache } from 'lru-cache'
import type { Search } from '../connection/directory.js'
import { domainOf, normalizeDN } from '../syntax/distinguished-name.js'
import { searchByValues } from './batches.js'
import { groupNameOf, type Group } from './group.js'
import type { GroupSettings } from '../settings.js'

/** Milliseconds for which a group remains the only known holder of its name. A second holder is searched for at once. */
const TTL = 60_000
const MAX_NAMES = 10_000

export class GroupNames {
  readonly #settings: GroupSettings
  /** Name → the DN of its only holder. */
  readonly #holders = new LRUCache<string, string>({ max: MAX_NAMES, ttl: TTL })

  constructor (settings: GroupSettings) {
    this.#settings = settings
  }

  /** Names that more than one group has. */
  async shared (groups: readonly Group[], search: Search): Promise<Set<string>> {
    const holders = new Map<string, Set<string>>()
    for (const group of groups) add(holders, group)
    const unknown = groups.filter(({ dn, name }) => !this.#isUnique(dn) && this.#holders.get(name) !== normalizeDN(dn)).map(({ name }) => name)
    const { baseDN, nameAttribute } = this.#settings
    for (const entry of await searchByValues(nameAttribute, [...new Set(unknown)], { baseDN, attributes: [nameAttribute] }, search)) {
      const name = groupNameOf(entry, nameAttribute)
      if (name !== undefined) add(holders, { dn: entry.dn, name })
    }
    const shared = new Set([...holders].filter(([, dns]) => dns.size > 1).map(([name]) => name))
    for (const [name, [dn]] of holders) {
      if (!shared.has(name)) this.#holders.set(name, dn, { noUpdateTTL: true })
    }
    return shared
  }

  /** A global catalog also has groups of other domains, which choose their names independently. */
  #isUnique (dn: string): boolean {
    const { uniqueNames, baseDN } = this.#settings
    return uniqueNames && (baseDN === '' || normalizeDN(domainOf(dn)) === normalizeDN(domainOf(baseDN)))
  }
}

/** Kubernetes compares names in NFC, character by character. */
function add (holders: Map<string, Set<string>>, { dn, name }: Group): void {
  const key = name.normalize('NFC')
  const dns = holders.get(key) ?? new Set()
  holders.set(key, dns.add(normalizeDN(dn)))
}
