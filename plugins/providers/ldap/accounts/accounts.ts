/**
 * Finds the one account that a typed name or a uid means. The directory
 * searches; this code checks that the entry really has that name. Everything
 * after it uses the entry, never the typed name.
 */
import { EqualityFilter } from 'ldapts'
import { DirectoryError } from '../../../../src/errors.js'
import { LOCK, accountStateOf } from './account-state.js'
import { domainOf, dnsNameOf, escapeInDN, nameInDN, normalizeDN, parentOf } from '../syntax/distinguished-name.js'
import { readEntry, type Search } from '../connection/directory.js'
import { valueOf, type LdapEntry } from '../connection/ldap-entry.js'
import { anyOf, comparisonsOf, expectedValue, fillFilter, foldName, isSameName, typedName, type Comparison } from '../syntax/filter.js'
import { DomainNames } from './domain-names.js'
import { passwordVersionAttributes, passwordVersionOf, type PasswordVersion } from './password-version.js'
import type { LdapSettings } from '../settings.js'

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

export type Explain = (sentence: string) => void

/** Entries per search; enough to see that a name is ambiguous. */
const LIMIT = 10

/** One interpretation of a typed name. */
interface NameCandidate {
  readonly name: string
  readonly domain: string | undefined
}

export class Accounts {
  readonly #settings: LdapSettings
  readonly #comparisons: readonly Comparison[]
  readonly #attributes: readonly string[]
  readonly #domains = new DomainNames()

  /** @param extra additional attributes to read */
  constructor (settings: LdapSettings, extra: readonly string[]) {
    const { user, preset } = settings
    this.#settings = settings
    this.#comparisons = user.template === '' ? comparisonsOf(user.filter) : templateComparison(user.template)
    this.#attributes = [...new Set([
      user.username, ...user.uid === undefined ? [] : [user.uid], ...Object.values(user.extra),
      ...this.#comparisons.map(({ attribute }) => attribute), ...passwordVersionAttributes(preset.passwordAttributes), ...preset.stateAttributes, ...extra
    ])]
  }

  /** By the template. */
  dnOf (typed: string): string {
    return this.#settings.user.template.replaceAll('{username}', () => escapeInDN(typed))
  }

  async find (typed: string, search: Search, explain?: Explain): Promise<FindResult> {
    const candidates = this.#candidatesFor(typed)
    const entries = await this.#read(candidates, search, explain)
    const matching: LdapEntry[] = []
    for (const entry of entries) {
      if (await this.#matches(entry, candidates, search)) matching.push(entry)
      else explain?.(`${entry.dn} has another name`)
    }
    const [entry, ...others] = this.#preferred(matching, typed, explain)
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
    for (const { name, domain } of this.#candidatesFor(typed)) {
      if (domain !== undefined && await this.#isInDomain(this.#settings.user.baseDN, domain, search)) return foldName(name)
    }
    return foldName(typed)
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
    const entries = await search({ baseDN: base.baseDN, scope: base.scope, filter: new EqualityFilter({ attribute: user.uid, value }), attributes: this.#comparisons.map(({ attribute }) => attribute), limit: LIMIT }) ?? []
    explain?.(`searched ${base.baseDN} for ${user.uid} ${uid}: ${counted(entries)}`)
    return entries
  }

  /** By the first of its names that means this entry and no other. */
  async #findByNameOf (entry: LdapEntry, search: Search, explain: Explain | undefined): Promise<FindResult> {
    const names = this.#comparisons.flatMap(comparison => entry.texts(comparison.attribute).flatMap(text => typedName(comparison, text) ?? []))
    let result: FindResult = 'not-found'
    for (const name of new Set(names)) {
      const found = await this.find(name, search, explain)
      if (isAccount(found) && normalizeDN(found.entry.dn) === normalizeDN(entry.dn)) return found
      if (!isAccount(found) && found !== 'not-found') result = found
    }
    return result
  }

  /** Active Directory also accepts `CORP\alice` and `alice@corp.example.com`. */
  #candidatesFor (typed: string): NameCandidate[] {
    const plain = { name: typed, domain: undefined }
    if (this.#settings.presetName !== 'activeDirectory' || this.#settings.user.template !== '') return [plain]
    const [, domain, name] = /^([^\\]+)\\([^\\]+)$/.exec(typed) ?? []
    if (domain !== undefined && name !== undefined) return [{ name, domain }]
    const [, account, suffix] = /^([^@]+)@([^@]+)$/.exec(typed) ?? []
    return account === undefined ? [plain] : [plain, { name: account, domain: suffix }]
  }

  async #matches (entry: LdapEntry, candidates: readonly NameCandidate[], search: Search): Promise<boolean> {
    for (const { name, domain } of candidates) {
      const hasName = this.#comparisons.some(comparison => {
        const expected = expectedValue(comparison, name)
        return entry.texts(comparison.attribute).some(text => isSameName(text, expected))
      })
      if (hasName && (domain === undefined || await this.#isInDomain(entry.dn, domain, search))) return true
    }
    return false
  }

  /** Like a domain controller: a userPrincipalName takes precedence over `sAMAccountName@domain` of another account. */
  #preferred (entries: readonly LdapEntry[], typed: string, explain: Explain | undefined): readonly LdapEntry[] {
    if (this.#settings.presetName !== 'activeDirectory') return entries
    const isPrincipal = (entry: LdapEntry): boolean => entry.texts('userPrincipalName').some(name => isSameName(name, typed))
    if (!entries.some(isPrincipal)) return entries
    for (const { dn } of entries.filter(entry => !isPrincipal(entry))) explain?.(`ignored ${dn}: ${typed} is the userPrincipalName of another account`)
    return entries.filter(isPrincipal)
  }

  async #isInDomain (dn: string, domain: string, search: Search): Promise<boolean> {
    if (isSameName(domain, dnsNameOf(dn))) return true
    const short = await this.#domains.shortName(domainOf(dn), search)
    return short !== undefined && isSameName(domain, short)
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

/** The entry has to have the value that its DN begins with. */
function templateComparison (template: string): Comparison[] {
  const [, attribute] = /^\s*([^=\s]+)\s*=/.exec(template) ?? []
  return attribute === undefined ? [] : [{ attribute, value: '{username}' }]
}
