/**
 * Active Directory's own list of a user's groups, `tokenGroups`: what Windows
 * puts into an access token, with nesting and the primary group in it. It gives
 * SIDs; what they are called is asked once a minute.
 */
import { EqualityFilter, OrFilter } from 'ldapts'
import { LRUCache } from 'lru-cache'
import { DirectoryError } from '../../../../src/errors.js'
import type { Search } from '../connection/directory.js'
import { sidOf, type LdapEntry } from '../connection/ldap-entry.js'
import { boundGroups, groupNameOf, type Group } from './group.js'
import type { GroupSettings } from '../settings.js'

/** Milliseconds for which a renamed group keeps its old name. */
const MEMORY = 60_000
const MAX_GROUPS = 20_000

/** SIDs in one question: a filter has to fit into a message. */
const BATCH = 100

/** Without a group: there is none below the base. */
interface Resolved {
  readonly group?: Group
}

const NONE: Resolved = {}

export class TokenGroups {
  readonly #settings: GroupSettings
  /** By SID. */
  readonly #known: LRUCache<string, Resolved>

  /** @param now milliseconds of a clock that is never set back */
  constructor (settings: GroupSettings, now: () => number = () => performance.now()) {
    this.#settings = settings
    this.#known = new LRUCache({ max: MAX_GROUPS, ttl: MEMORY, perf: { now }, ttlResolution: 0 })
  }

  async of (dn: string, search: Search): Promise<Group[]> {
    const [entry] = await search({ baseDN: dn, scope: 'base', attributes: ['tokenGroups'], limit: 1 }) ?? []
    const sids = entry?.bytes('tokenGroups') ?? []
    // there is always the primary group
    if (sids.length === 0) throw new DirectoryError(`tokenGroups of ${dn} can't be read; make the service account a member of "Windows Authorization Access Group"`)
    boundGroups(sids.length)
    const known = sids.map(sid => this.#known.get(sidOf(sid)))
    const fresh = await this.#resolve(sids.filter((_sid, index) => known[index] === undefined), search)
    return sids.flatMap((sid, index) => (known[index] ?? fresh.get(sidOf(sid)))?.group ?? [])
  }

  async #resolve (sids: readonly Buffer[], search: Search): Promise<Map<string, Resolved>> {
    const { baseDN, nameAttribute } = this.#settings
    const resolved = new Map(sids.map(sid => [sidOf(sid), NONE]))
    for (let from = 0; from < sids.length; from += BATCH) {
      const batch = sids.slice(from, from + BATCH)
      const filter = new OrFilter({ filters: batch.map(value => new EqualityFilter({ attribute: 'objectSid', value })) })
      const entries: LdapEntry[] = await search({ baseDN, scope: 'sub', filter, attributes: ['objectSid', nameAttribute] }) ?? []
      for (const entry of entries) {
        const [sid] = entry.bytes('objectSid')
        const name = groupNameOf(entry, nameAttribute)
        if (sid !== undefined && name !== undefined) resolved.set(sidOf(sid), { group: { dn: entry.dn, name } })
      }
    }
    for (const [sid, group] of resolved) this.#known.set(sid, group)
    return resolved
  }
}
