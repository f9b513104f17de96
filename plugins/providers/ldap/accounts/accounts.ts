/**
 * Finds the one account that a typed name or a uid means. Everything after it
 * uses the entry, never the typed name.
 */
import { EqualityFilter } from 'ldapts'
import { DirectoryError } from '../../../../src/errors.js'
import { LOCK, accountStateOf } from './account-state.js'
import { escapeInDN, nameInDN, normalizeDN, parentOf } from '../syntax/distinguished-name.js'
import { readEntry, type Search } from '../connection/directory.js'
import { valueOf, type LdapEntry } from '../connection/ldap-entry.js'
import { anyOf, fillFilter } from '../syntax/filter.js'
import { passwordVersionAttributes, passwordVersionOf, type PasswordVersion } from './password-version.js'
import type { LdapSettings } from '../settings.js'
import { TypedNames, type Explain, type NameCandidate } from './typed-names.js'

export interface Account {
  readonly entry: LdapEntry
  /** In the spelling of the entry. */
  readonly username: string
  readonly uid: string | undefined
  readonly extra: Record<string, string[]>
  /** Identifies the account: the same for every spelling, and stable. */
  readonly key: string
  readonly passwordVersion: PasswordVersion | undefined
}

export type FindResult = Account | 'not-found' | 'ambiguous' | { readonly unusable: string }

/** Entries per search; enough to see that a name is ambiguous. */
const LIMIT = 10

export class Accounts {
  readonly #settings: LdapSettings
  readonly #attributes: readonly string[]
  readonly #names: TypedNames

  /** @param extra additional attributes to read */
  constructor (settings: LdapSettings, extra: readonly string[]) {
    const { user, preset } = settings
    this.#settings = settings
    this.#names = new TypedNames(settings)
    this.#attributes = [...new Set([
      user.username, ...user.uid === undefined ? [] : [user.uid], ...Object.values(user.extra),
      ...this.#names.attributes, ...passwordVersionAttributes(preset.passwordAttributes), ...preset.stateAttributes, ...extra
    ])]
  }

  /** By the template. */
  dnOf (typed: string): string {
    return this.#settings.user.template.replaceAll('{username}', () => escapeInDN(typed))
  }

  async find (typed: string, search: Search, explain?: Explain): Promise<FindResult> {
    const candidates = this.#names.candidatesFor(typed)
    const entries = await this.#read(candidates, search, explain)
    const matching: LdapEntry[] = []
    for (const entry of entries) {
      if (await this.#names.match(entry, candidates, search)) matching.push(entry)
      else explain?.(`${entry.dn} has another name`)
    }
    const [entry, ...others] = this.#names.preferred(matching, typed, explain)
    if (others.length > 0 || entries.length >= LIMIT) return 'ambiguous'
    return entry === undefined ? 'not-found' : this.#accountOf(entry)
  }

  /**
   * Finds the account whose entry has the uid now, whatever its name and DN. It
   * is found by a name of the entry, so that it is the one that can log in.
   */
  async findByUid (uid: string, search: Search, explain?: Explain): Promise<FindResult> {
    const entries = await this.#readByUid(uid, search, explain)
    if (entries.length >= LIMIT) return 'ambiguous'
    let result: FindResult = 'not-found'
    for (const entry of entries) {
      const found = await this.#findByNameOf(entry, search, explain)
      if (found === 'not-found' || (isAccount(found) && found.uid !== uid)) continue
      if (isAccount(result) && isAccount(found)) return 'ambiguous'
      if (!isAccount(result)) result = found
    }
    return result
  }

  /** A key for a name that no entry has; spellings that would mean the same entry share it. */
  async unknownName (typed: string, search: Search): Promise<string> {
    return await this.#names.unknownName(typed, search)
  }

  /** `false` if unknown: some directories answer a bind to a locked account like one with a wrong password. */
  async isUnlocked (dn: string, search: Search): Promise<boolean> {
    const { stateAttributes } = this.#settings.preset
    if (!stateAttributes.includes(LOCK)) return true
    const entry = await readEntry(search, dn, [LOCK]).catch(() => undefined)
    return entry !== undefined && !accountStateOf(entry).maybeLocked
  }

  async #read (candidates: readonly NameCandidate[], search: Search, explain: Explain | undefined): Promise<LdapEntry[]> {
    const { user } = this.#settings
    const attributes = this.#attributes
    if (user.template !== '') {
      const dn = this.dnOf(candidates[0]!.name)
      explain?.(`read ${dn}`)
      const entry = await readEntry(search, dn, attributes)
      return entry === undefined ? [] : [entry]
    }
    const filter = anyOf(candidates.map(({ name }) => fillFilter(user.filter, { username: name })))
    const entries = await search({ baseDN: user.baseDN, scope: user.scope, filter, attributes, limit: LIMIT })
    if (entries === undefined) throw new DirectoryError(`userSearch.baseDN ${user.baseDN} does not exist, or the service account can't read it`)
    explain?.(`searched ${user.baseDN} for ${filter}: ${counted(entries)}`)
    return entries
  }

  async #readByUid (uid: string, search: Search, explain: Explain | undefined): Promise<LdapEntry[]> {
    const { user } = this.#settings
    const value = user.uid === undefined ? undefined : valueOf(user.uid, uid)
    if (user.uid === undefined || value === undefined) return []
    const base = user.template === '' ? user : { baseDN: parentOf(user.template), scope: 'one' as const }
    const entries = await search({ baseDN: base.baseDN, scope: base.scope, filter: new EqualityFilter({ attribute: user.uid, value }), attributes: this.#names.attributes, limit: LIMIT }) ?? []
    explain?.(`searched ${base.baseDN} for ${user.uid} ${uid}: ${counted(entries)}`)
    return entries
  }

  /** By the first of its names that means this entry and no other. */
  async #findByNameOf (entry: LdapEntry, search: Search, explain: Explain | undefined): Promise<FindResult> {
    let result: FindResult = 'not-found'
    for (const name of this.#names.namesOf(entry)) {
      const found = await this.find(name, search, explain)
      if (isAccount(found) && normalizeDN(found.entry.dn) === normalizeDN(entry.dn)) return found
      if (!isAccount(found) && found !== 'not-found') result = found
    }
    return result
  }

  #accountOf (entry: LdapEntry): FindResult {
    const { user, preset } = this.#settings
    const names = entry.texts(user.username)
    // of several values, the entry's own is the one in its DN
    const username = names.length === 1 ? names[0] : nameInDN(entry.dn, user.username)
    if (username === undefined) return { unusable: `${entry.dn} has ${names.length === 0 ? 'no' : 'several values of'} ${user.username}, or it can't be read` }
    const uid = user.uid === undefined ? undefined : entry.text(user.uid)
    const extra = Object.entries(user.extra).map(([key, attribute]) => [key, entry.texts(attribute)] as const).filter(([, values]) => values.length > 0)
    return {
      entry,
      username,
      uid,
      extra: Object.fromEntries(extra),
      key: uid ?? normalizeDN(entry.dn),
      passwordVersion: passwordVersionOf(entry, preset.passwordAttributes)
    }
  }
}

export function isAccount (found: FindResult): found is Account {
  return typeof found === 'object' && 'entry' in found
}

function counted (entries: readonly LdapEntry[]): string {
  return entries.length === 1 ? '1 entry' : `${entries.length} entries`
}
