/**
 * Active Directory's `tokenGroups`: what Windows puts into an access token,
 * including nested groups and the primary group. It lists SIDs; their names are
 * cached for a minute.
 */
import { LRUCache } from 'lru-cache'
import { DirectoryError } from '../../../../src/errors.js'
import { readEntry, type Search } from '../connection/directory.js'
import { sidOf } from '../connection/ldap-entry.js'
import { searchByValues } from './batches.js'
import { boundGroups, groupNameOf, type Group } from './group.js'
import type { GroupSettings } from '../settings.js'

/** Milliseconds for which a renamed group keeps its old name. */
const TTL = 60_000
const MAX_GROUPS = 20_000

export class TokenGroups {
  readonly #settings: GroupSettings
  /** By SID; empty if no group below the base has it. */
  readonly #known: LRUCache<string, { readonly group?: Group }>

  /** @param now milliseconds of a monotonic clock */
  constructor (settings: GroupSettings, now: () => number = () => performance.now()) {
    this.#settings = settings
    this.#known = new LRUCache({ max: MAX_GROUPS, ttl: TTL, perf: { now }, ttlResolution: 0 })
  }

  async of (dn: string, search: Search): Promise<Group[]> {
    const entry = await readEntry(search, dn, ['tokenGroups'])
    const sids = entry?.bytes('tokenGroups') ?? []
    // the primary group is always there
    if (sids.length === 0) throw new DirectoryError(`tokenGroups of ${dn} can't be read: make the service account a member of "Windows Authorization Access Group"`)
    boundGroups(sids.length)
    // before the search, during which one may expire
    const known = sids.map(sid => this.#known.get(sidOf(sid)))
    const fresh = await this.#resolve(sids.filter((_sid, index) => known[index] === undefined), search)
    return sids.flatMap((sid, index) => (known[index] ?? fresh.get(sidOf(sid)))?.group ?? [])
  }

  async #resolve (sids: readonly Buffer[], search: Search): Promise<Map<string, { readonly group?: Group }>> {
    const { baseDN, nameAttribute } = this.#settings
    const resolved = new Map<string, { readonly group?: Group }>(sids.map(sid => [sidOf(sid), {}]))
    for (const entry of await searchByValues('objectSid', sids, { baseDN, attributes: ['objectSid', nameAttribute] }, search)) {
      const [sid] = entry.bytes('objectSid')
      const name = groupNameOf(entry, nameAttribute)
      if (sid !== undefined && name !== undefined) resolved.set(sidOf(sid), { group: { dn: entry.dn, name } })
    }
    for (const [sid, group] of resolved) this.#known.set(sid, group)
    return resolved
  }
}
