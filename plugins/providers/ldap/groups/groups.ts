/**
 * The groups of an account, found in one of four modes: its `memberOf`, a
 * search, Active Directory's matching rule, or its `tokenGroups`. They are
 * filtered: groups below the base, with a name of their own, that match
 * `include`.
 */
import { DirectoryError } from '../../../../src/errors.js'
import type { Account } from '../accounts/accounts.js'
import type { Explain } from '../accounts/typed-names.js'
import { readEntry, type Search } from '../connection/directory.js'
import { isUnder, nameInDN, normalizeDN } from '../syntax/distinguished-name.js'
import type { LdapEntry } from '../connection/ldap-entry.js'
import { anyOf, fillFilter } from '../syntax/filter.js'
import { inBatches } from './batches.js'
import { attributesIn, fillGroupFilter } from './group-filter.js'
import { boundGroups, groupNameOf, type Group } from './group.js'
import { GroupNames } from './group-names.js'
import type { GroupSettings } from '../settings.js'
import { TokenGroups } from './token-groups.js'

/** LDAP_MATCHING_RULE_IN_CHAIN: Active Directory resolves nested groups itself. */
const IN_CHAIN = '(member:1.2.840.113556.1.4.1941:={dn})'

/** The attributes to read of the user's entry. */
export function groupAttributes ({ mode, filter }: GroupSettings): string[] {
  switch (mode) {
    case 'memberOf': return ['memberOf']
    case 'search': return attributesIn(filter)
    default: return []
  }
}

export interface Membership {
  /** Names for Kubernetes, sorted. */
  readonly names: string[]
  /** Whether the account is in the group of `requireGroup`; true without one. */
  readonly admitted: boolean
}

export interface GroupEvents {
  /** A group was dropped because another one has the same name. */
  readonly onDropped: () => void
  /** The account lacks the required group, but has one that differs only in case. */
  readonly onCaseMismatch: (name: string) => void
}

/** Groups, and the groups they are in: as DNs or as groups. */
interface Level<T> {
  readonly groups: readonly Group[]
  readonly parents: readonly T[]
}

export class Groups {
  readonly #settings: GroupSettings
  readonly #names: GroupNames
  #tokenGroups: TokenGroups | undefined
  readonly #events: GroupEvents

  constructor (settings: GroupSettings, events: GroupEvents) {
    this.#settings = settings
    this.#names = new GroupNames(settings)
    this.#events = events
  }

  async of (account: Account, search: Search, explain: Explain = () => {}): Promise<Membership> {
    const { mode, include, required } = this.#settings
    if (mode === 'none') return { names: [], admitted: true }
    const groups = await this.#find(account, search, explain)
    const shared = await this.#names.shared(groups, search)
    const named = groups.filter(({ dn, name }) => {
      if (!shared.has(name.normalize('NFC'))) return true
      this.#events.onDropped()
      explain(`dropped ${dn}: another group is also named ${name}`)
      return false
    })
    const admitted = required === '' || named.some(({ dn, name }) => name === required || normalizeDN(dn) === normalizeDN(required))
    if (!admitted) this.#explainMissing(named, explain)
    const included = named.filter(({ dn, name }) => {
      if (include === undefined || include.test(name)) return true
      explain(`dropped ${dn}: ${name} does not match groupSearch.include`)
      return false
    })
    for (const { dn, name } of included) explain(`group ${name}: ${dn}`)
    // directories return them in any order; all replicas should agree on one
    return { names: included.map(({ name }) => name).sort(), admitted }
  }

  /** Names are case-sensitive, as in Kubernetes, although directories ignore case. */
  #explainMissing (groups: readonly Group[], explain: Explain): void {
    const { required } = this.#settings
    const similar = groups.find(({ name }) => fold(name) === fold(required))
    if (similar !== undefined) this.#events.onCaseMismatch(similar.name)
    explain(`not a member of ${required}, required by requireGroup${similar === undefined ? '' : `; ${similar.name} differs only in case`}`)
  }

  async #find (account: Account, search: Search, explain: Explain): Promise<Group[]> {
    const { mode, baseDN, nested } = this.#settings
    const { entry } = account
    switch (mode) {
      case 'memberOf': {
        const dns = entry.texts('memberOf')
        explain(`${entry.dn} is in ${dns.length} groups by its memberOf`)
        return await this.#climb(dns, async dns => await this.#read(dns, search, explain))
      }
      case 'tokenGroups': {
        const groups = await (this.#tokenGroups ??= new TokenGroups(this.#settings)).of(entry.dn, search)
        explain(`${entry.dn} is in ${groups.length} groups below ${baseDN} by its tokenGroups`)
        return groups
      }
      case 'inChain': return await this.#search(fillFilter(IN_CHAIN, { dn: entry.dn }), search, explain)
      default: {
        const filter = this.#filterFor(account, explain)
        const direct = filter === undefined ? [] : await this.#search(filter, search, explain)
        if (nested === 0) return direct
        return await this.#climb(direct, async (groups, isLast) => ({ groups, parents: isLast ? [] : await this.#parentsOf(groups, search, explain) }))
      }
    }
  }

  #filterFor ({ entry, username }: Account, explain: Explain): string | undefined {
    const { filter } = this.#settings
    const missing = attributesIn(filter).filter(attribute => entry.texts(attribute).length === 0)
    const filled = fillGroupFilter(filter, name => name === 'dn' ? [entry.dn] : name === 'username' ? [username] : entry.texts(name))
    if (missing.length > 0) explain(`${entry.dn} has no ${missing.join(', ')}, used by groupSearch.filter${filled === undefined ? ': no group can match' : ''}`)
    return filled
  }

  async #search (filter: string, search: Search, explain: Explain): Promise<Group[]> {
    const { baseDN, nameAttribute } = this.#settings
    const entries = await search({ baseDN, scope: 'sub', filter, attributes: [nameAttribute] })
    // not "no groups": RBAC would treat the user as someone else
    if (entries === undefined) throw new DirectoryError(`groupSearch.baseDN ${baseDN} does not exist, or the service account can't read it`)
    explain(`searched ${baseDN} for ${filter}: ${entries.length === 1 ? '1 group' : `${entries.length} groups`}`)
    return entries.flatMap(entry => this.#groupOf(entry, explain) ?? [])
  }

  async #parentsOf (groups: readonly Group[], search: Search, explain: Explain): Promise<Group[]> {
    const filters = groups.flatMap(({ dn }) => fillGroupFilter(this.#settings.filter, name => name === 'dn' ? [dn] : []) ?? [])
    return await inBatches(filters, async batch => await this.#search(anyOf(batch), search, explain))
  }

  /** Visits groups level by level, each once. */
  async #climb<T extends string | Group> (direct: readonly T[], visit: (level: readonly T[], isLast: boolean) => Promise<Level<T>>): Promise<Group[]> {
    const { nested } = this.#settings
    const found = new Map<string, Group>()
    let level = direct
    for (let depth = 0; depth <= nested && level.length > 0; depth++) {
      const distinct = new Map(level.map(item => [typeof item === 'string' ? item : item.dn, item]))
      boundGroups(distinct.size)
      const fresh = new Map([...distinct].map(([dn, item]) => [normalizeDN(dn), item]))
      for (const dn of found.keys()) fresh.delete(dn)
      const { groups, parents } = await visit([...fresh.values()], depth === nested)
      for (const group of groups) found.set(normalizeDN(group.dn), group)
      level = parents
    }
    return [...found.values()]
  }

  /** Takes names from the DNs if possible. Reads the groups' entries for nesting, and for names that are not in the DN. */
  async #read (dns: readonly string[], search: Search, explain: Explain): Promise<Level<string>> {
    const { baseDN, nameAttribute, nested } = this.#settings
    const [groups, parents]: [Group[], string[]] = [[], []]
    for (const dn of dns) {
      const name = nameInDN(dn, nameAttribute)
      if (baseDN !== '' && !isUnder(dn, baseDN)) {
        explain(`ignored ${dn}: it is not below ${baseDN}`)
      } else if (name !== undefined && nested === 0) {
        groups.push({ dn, name })
      } else {
        const entry = await readEntry(search, dn, [nameAttribute, 'memberOf'])
        if (entry === undefined) {
          explain(`ignored ${dn}: it can't be read`)
          continue
        }
        const group = this.#groupOf(entry, explain)
        if (group === undefined) continue
        groups.push(group)
        parents.push(...entry.texts('memberOf'))
      }
    }
    return { groups, parents }
  }

  #groupOf (entry: LdapEntry, explain: Explain): Group | undefined {
    const { nameAttribute } = this.#settings
    const name = groupNameOf(entry, nameAttribute)
    if (name !== undefined) return { dn: entry.dn, name }
    explain(`ignored ${entry.dn}: it has no single ${nameAttribute}`)
    return undefined
  }
}

function fold (name: string): string {
  return name.normalize('NFC').toLowerCase()
}
