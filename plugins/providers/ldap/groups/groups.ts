/**
 * The groups of an account, by the mode of the config: what its entry names,
 * a search, Active Directory's matching rule, or its `tokenGroups`. Then what
 * may come out: groups below the base, names that one group alone has, and
 * those that the config wants.
 */
import { DirectoryError } from '../../../../src/errors.js'
import type { Account, Explain } from '../accounts/accounts.js'
import type { Search } from '../connection/directory.js'
import { isUnder, nameInDN, normalizeDN } from '../syntax/distinguished-name.js'
import type { LdapEntry } from '../connection/ldap-entry.js'
import { fillFilter } from '../syntax/filter.js'
import { attributesIn, fillGroupFilter } from './group-filter.js'
import { boundGroups, groupNameOf, type Group } from './group.js'
import { GroupNames } from './group-names.js'
import type { GroupSettings } from '../settings.js'
import { TokenGroups } from './token-groups.js'

/** LDAP_MATCHING_RULE_IN_CHAIN: Active Directory climbs from group to group itself. */
const IN_CHAIN = '(member:1.2.840.113556.1.4.1941:={dn})'

/** Groups in one question: a filter has to fit into a message. */
const BATCH = 50

/** Attributes of the user's entry that its groups are read from. */
export function groupAttributes ({ mode, filter }: GroupSettings): string[] {
  switch (mode) {
    case 'memberOf': return ['memberOf']
    case 'search': return attributesIn(filter)
    default: return []
  }
}

export interface Membership {
  /** Names for Kubernetes, in order. */
  readonly names: string[]
  /** Whether the group of `requireGroup` is among the account's; true where none is required. */
  readonly admitted: boolean
}

export interface GroupEvents {
  /** A group was left out since another one has its name. */
  readonly onDropped: () => void
  /** The account has no required group, but one of that name in other letters. */
  readonly onCaseMismatch: (name: string) => void
}

export class Groups {
  readonly #settings: GroupSettings
  readonly #names: GroupNames
  /** With its memory, which no other mode needs. */
  readonly #tokenGroups: TokenGroups | undefined
  readonly #events: GroupEvents

  constructor (settings: GroupSettings, events: GroupEvents) {
    this.#settings = settings
    this.#names = new GroupNames(settings)
    this.#tokenGroups = settings.mode === 'tokenGroups' ? new TokenGroups(settings) : undefined
    this.#events = events
  }

  async of (account: Account, search: Search, explain: Explain = () => {}): Promise<Membership> {
    const { mode, include, required } = this.#settings
    if (mode === 'none') return { names: [], admitted: true }
    const groups = await this.#found(account, search, explain)
    const shared = await this.#names.shared(groups, search)
    const named = groups.filter(({ dn, name }) => {
      if (!shared.has(name.normalize('NFC'))) return true
      this.#events.onDropped()
      explain(`left out ${dn}: another group is called ${name} too`)
      return false
    })
    const admitted = required === '' || named.some(({ dn, name }) => name === required || normalizeDN(dn) === normalizeDN(required))
    const near = admitted ? undefined : named.find(({ name }) => fold(name) === fold(required))
    if (near !== undefined) this.#events.onCaseMismatch(near.name)
    if (!admitted) explain(`is not in ${required}, which requireGroup wants${near === undefined ? '' : `; ${near.name} differs from it in upper and lower case`}`)
    const included = named.filter(({ dn, name }) => {
      if (include === undefined || include.test(name)) return true
      explain(`left out ${dn}: ${name} does not match groupSearch.include`)
      return false
    })
    for (const { dn, name } of included) explain(`group ${name}: ${dn}`)
    // directories have no order; replicas should agree on one
    return { names: included.map(({ name }) => name).sort(), admitted }
  }

  async #found (account: Account, search: Search, explain: Explain): Promise<Group[]> {
    const { mode, baseDN } = this.#settings
    const { entry } = account
    switch (mode) {
      case 'memberOf': {
        explain(`${entry.dn} is in ${entry.texts('memberOf').length} groups by its memberOf`)
        return await this.#climb(entry.texts('memberOf'), async dns => await this.#read(dns, search, explain))
      }
      case 'tokenGroups': {
        const groups = await this.#tokenGroups!.of(entry.dn, search)
        explain(`${entry.dn} is in ${groups.length} groups below ${baseDN} by its tokenGroups`)
        return groups
      }
      case 'inChain': return await this.#search(fillFilter(IN_CHAIN, { dn: entry.dn }), search, explain)
      default: {
        const filter = this.#filterFor(account, explain)
        const direct = filter === undefined ? [] : await this.#search(filter, search, explain)
        return await this.#climbFrom(direct, async groups => await this.#above(groups, search, explain))
      }
    }
  }

  #filterFor ({ entry, username }: Account, explain: Explain): string | undefined {
    const { filter } = this.#settings
    const missing = attributesIn(filter).filter(attribute => entry.texts(attribute).length === 0)
    const filled = fillGroupFilter(filter, name => name === 'dn' ? [entry.dn] : name === 'username' ? [username] : entry.texts(name))
    if (missing.length > 0) explain(`${entry.dn} has no ${missing.join(', ')}, which groupSearch.filter names${filled === undefined ? ': no group can match' : ''}`)
    return filled
  }

  async #search (filter: string, search: Search, explain: Explain): Promise<Group[]> {
    const { baseDN, nameAttribute } = this.#settings
    const entries = await search({ baseDN, scope: 'sub', filter, attributes: [nameAttribute] })
    // without groups somebody would be another person to RBAC, or no member any more
    if (entries === undefined) throw new DirectoryError(`groupSearch.baseDN ${baseDN} is not there, or the service account may not see it`)
    explain(`searched ${baseDN} for ${filter}: ${entries.length} groups`)
    return entries.flatMap(entry => this.#groupOf(entry, explain) ?? [])
  }

  async #above (groups: readonly Group[], search: Search, explain: Explain): Promise<Group[]> {
    const filters = groups.flatMap(({ dn }) => fillGroupFilter(this.#settings.filter, name => name === 'dn' ? [dn] : []) ?? [])
    const above: Group[] = []
    for (let from = 0; from < filters.length; from += BATCH) above.push(...await this.#search(any(filters.slice(from, from + BATCH)), search, explain))
    return above
  }

  /** Groups of groups, level by level, each once. */
  async #climbFrom (direct: readonly Group[], above: (groups: readonly Group[]) => Promise<Group[]>): Promise<Group[]> {
    const found = new Map(direct.map(group => [normalizeDN(group.dn), group]))
    let level = [...found.values()]
    for (let depth = 0; depth < this.#settings.nested && level.length > 0; depth++) {
      const higher = new Map((await above(level)).map(group => [group.dn, group]))
      boundGroups(higher.size)
      const next = new Map([...higher.values()].map(group => [normalizeDN(group.dn), group]))
      for (const dn of found.keys()) next.delete(dn)
      for (const [dn, group] of next) found.set(dn, group)
      level = [...next.values()]
    }
    return [...found.values()]
  }

  /** The same by what entries name; groups outside of the base don't count, and lead nowhere. */
  async #climb (direct: readonly string[], read: (dns: readonly string[]) => Promise<ReadGroup[]>): Promise<Group[]> {
    const found = new Map<string, Group>()
    let level = direct
    for (let depth = 0; depth <= this.#settings.nested && level.length > 0; depth++) {
      const named = new Set(level)
      boundGroups(named.size)
      const fresh = new Map([...named].map(dn => [normalizeDN(dn), dn]))
      for (const dn of found.keys()) fresh.delete(dn)
      const groups = await read([...fresh.values()])
      for (const { group } of groups) found.set(normalizeDN(group.dn), group)
      level = groups.flatMap(({ above }) => above)
    }
    return [...found.values()]
  }

  /** Names from the DNs themselves where they are there, and nobody wants to climb on; else from the groups' entries. */
  async #read (dns: readonly string[], search: Search, explain: Explain): Promise<ReadGroup[]> {
    const { baseDN, nameAttribute, nested } = this.#settings
    const groups: ReadGroup[] = []
    for (const dn of dns) {
      const name = nameInDN(dn, nameAttribute)
      if (baseDN !== '' && !isUnder(dn, baseDN)) {
        explain(`left out ${dn}: it is not below ${baseDN}`)
      } else if (name !== undefined && nested === 0) {
        groups.push({ group: { dn, name }, above: [] })
      } else {
        const [entry] = await search({ baseDN: dn, scope: 'base', attributes: [nameAttribute, 'memberOf'], limit: 1 }) ?? []
        const group = entry && this.#groupOf(entry, explain)
        if (entry === undefined) explain(`left out ${dn}: it can't be read`)
        if (group !== undefined) groups.push({ group, above: entry!.texts('memberOf') })
      }
    }
    return groups
  }

  #groupOf (entry: LdapEntry, explain: Explain): Group | undefined {
    const { nameAttribute } = this.#settings
    const name = groupNameOf(entry, nameAttribute)
    if (name !== undefined) return { dn: entry.dn, name }
    explain(`left out ${entry.dn}: it has no ${nameAttribute} of its own`)
    return undefined
  }
}

/** Names are compared letter by letter, since Kubernetes does; directories take these for one. */
function fold (name: string): string {
  return name.normalize('NFC').toLowerCase()
}

interface ReadGroup {
  readonly group: Group
  /** DNs of the groups that it is in. */
  readonly above: readonly string[]
}

function any (filters: readonly string[]): string {
  return filters.length === 1 ? filters[0]! : `(|${filters.join('')})`
}
