/**
 * Which group may call itself by a name. A CN is unique only inside its
 * container: where the right to make groups is delegated, somebody could make a
 * second `cluster-admins` elsewhere. So the directory is asked who else has the
 * name, and a name of two groups is nobody's.
 */
import { EqualityFilter, OrFilter } from 'ldapts'
import { LRUCache } from 'lru-cache'
import type { Search } from '../connection/directory.js'
import { domainOf, normalizeDN } from '../syntax/distinguished-name.js'
import { groupNameOf, type Group } from './group.js'
import type { GroupSettings } from '../settings.js'

/** Milliseconds that the only holder of a name is taken for the only one; another one is asked about at once. */
const MEMORY = 60_000
const MAX_NAMES = 10_000

/** Names in one question: a filter has to fit into a message. */
const BATCH = 50

export class GroupNames {
  readonly #settings: GroupSettings
  /** Name → the DN of its only holder. */
  readonly #holders = new LRUCache<string, string>({ max: MAX_NAMES, ttl: MEMORY })

  constructor (settings: GroupSettings) {
    this.#settings = settings
  }

  /** Names that more than one group has. */
  async shared (groups: readonly Group[], search: Search): Promise<Set<string>> {
    const holders = new Map<string, Set<string>>()
    for (const group of groups) add(holders, group)
    const unknown = groups.filter(({ dn, name }) => !this.#isUnique(dn) && this.#holders.get(name) !== normalizeDN(dn)).map(({ name }) => name)
    for (const group of await this.#named([...new Set(unknown)], search)) add(holders, group)
    const shared = new Set([...holders].filter(([, dns]) => dns.size > 1).map(([name]) => name))
    for (const [name, [dn]] of holders) {
      if (!shared.has(name)) this.#holders.set(name, dn!, { noUpdateTTL: true })
    }
    return shared
  }

  /** A global catalog has groups of other domains too, with names of their own making. */
  #isUnique (dn: string): boolean {
    const { uniqueNames, baseDN } = this.#settings
    return uniqueNames && (baseDN === '' || normalizeDN(domainOf(dn)) === normalizeDN(domainOf(baseDN)))
  }

  async #named (names: readonly string[], search: Search): Promise<Group[]> {
    const { baseDN, nameAttribute } = this.#settings
    const groups: Group[] = []
    for (let from = 0; from < names.length; from += BATCH) {
      const filters = names.slice(from, from + BATCH).map(value => new EqualityFilter({ attribute: nameAttribute, value }))
      const entries = await search({ baseDN, scope: 'sub', filter: new OrFilter({ filters }), attributes: [nameAttribute] }) ?? []
      for (const entry of entries) {
        const name = groupNameOf(entry, nameAttribute)
        if (name !== undefined) groups.push({ dn: entry.dn, name })
      }
    }
    return groups
  }
}

/** Kubernetes compares names in NFC, letter by letter. */
function add (holders: Map<string, Set<string>>, { dn, name }: Group): void {
  const key = name.normalize('NFC')
  const dns = holders.get(key) ?? new Set()
  holders.set(key, dns.add(normalizeDN(dn)))
}
