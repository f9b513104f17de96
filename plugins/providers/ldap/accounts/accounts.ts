/**
 * From what was typed to the one account it means. The directory finds; whether
 * it is the one that was typed is looked at here, and everything that follows
 * speaks of the entry, never of what was typed.
 */
import { DirectoryError } from '../../../../src/errors.js'
import { LOCK, accountStateOf } from './account-state.js'
import { domainOf, dnsNameOf, escapeInDN, nameInDN, normalizeDN } from '../syntax/distinguished-name.js'
import type { Search } from '../connection/directory.js'
import type { LdapEntry } from '../connection/ldap-entry.js'
import { comparisonsOf, fillFilter, foldName, isSameName, expectedValue, type Comparison } from '../syntax/filter.js'
import type { DomainNames } from './domain-names.js'
import { passwordVersionAttributes, passwordVersionOf, type PasswordVersion } from './password-version.js'
import type { LdapSettings } from '../settings.js'

export interface Account {
  readonly entry: LdapEntry
  /** As the entry writes it. */
  readonly username: string
  readonly uid: string | undefined
  readonly extra: Record<string, string[]>
  /** One for every spelling, and for as long as the account lives. */
  readonly key: string
  readonly passwordVersion: PasswordVersion | undefined
}

export type FindResult = Account | 'nobody' | 'ambiguous' | { readonly unusable: string }

export type Explain = (sentence: string) => void

/** Enough to see that there are several. */
const LIMIT = 10

export class Accounts {
  readonly #settings: LdapSettings
  readonly #comparisons: readonly Comparison[]
  readonly #attributes: readonly string[]
  readonly #domains: DomainNames

  /** @param extra further attributes that somebody wants to read of an account */
  constructor (settings: LdapSettings, domains: DomainNames, extra: readonly string[]) {
    const { user, preset } = settings
    this.#settings = settings
    this.#domains = domains
    this.#comparisons = user.template === '' ? comparisonsOf(user.filter) : templateComparison(user.template)
    this.#attributes = [...new Set([
      user.username, ...user.uid === undefined ? [] : [user.uid], ...Object.values(user.extra),
      ...this.#comparisons.map(({ attribute }) => attribute), ...passwordVersionAttributes(preset.passwordAttributes), ...preset.stateAttributes, ...extra
    ])]
  }

  /** The DN that a template makes of what was typed. */
  dnOf (typed: string): string {
    return this.#settings.user.template.replaceAll('{username}', () => escapeInDN(typed))
  }

  async find (typed: string, search: Search, explain?: Explain): Promise<FindResult> {
    const names = this.#readings(typed)
    const entries = await this.#candidates(names, search, explain)
    const meant: LdapEntry[] = []
    for (const entry of entries) {
      if (await this.#isMeant(entry, names, search)) meant.push(entry)
      else explain?.(`${entry.dn} is not called that`)
    }
    const [entry, ...others] = this.#preferred(meant, typed, explain)
    if (others.length > 0 || entries.length >= LIMIT) return 'ambiguous'
    return entry === undefined ? 'nobody' : this.#accountOf(entry)
  }

  /** One word for the spellings of a name that no entry has: those that would mean one entry, if it had. */
  async unknownName (typed: string, search: Search): Promise<string> {
    for (const { name, domain } of this.#readings(typed)) {
      if (domain !== undefined && await this.#isIn(this.#settings.user.baseDN, domain, search)) return foldName(name)
    }
    return foldName(typed)
  }

  async #candidates (names: readonly NameCandidate[], search: Search, explain: Explain | undefined): Promise<LdapEntry[]> {
    const { user } = this.#settings
    const attributes = this.#attributes
    if (user.template !== '') {
      const dn = this.dnOf(names[0]!.name)
      explain?.(`reads ${dn}`)
      return await search({ baseDN: dn, scope: 'base', attributes, limit: 1 }) ?? []
    }
    const filters = names.map(({ name }) => fillFilter(user.filter, { username: name }))
    const filter = filters.length === 1 ? filters[0]! : `(|${filters.join('')})`
    const entries = await search({ baseDN: user.baseDN, scope: user.scope, filter, attributes, limit: LIMIT })
    if (entries === undefined) throw new DirectoryError(`userSearch.baseDN ${user.baseDN} is not there, or the service account may not see it`)
    explain?.(`searched ${user.baseDN} for ${filter}: ${entries.length === 1 ? 'one entry' : `${entries.length} entries`}`)
    return entries
  }

  /** Active Directory knows an account as `CORP\alice` and `alice@corp.example.com` too. */
  #readings (typed: string): NameCandidate[] {
    const plain = { name: typed, domain: undefined }
    if (this.#settings.presetName !== 'activeDirectory' || this.#settings.user.template !== '') return [plain]
    const [, domain, name] = /^([^\\]+)\\([^\\]+)$/.exec(typed) ?? []
    if (domain !== undefined && name !== undefined) return [{ name, domain }]
    const [, account, suffix] = /^([^@]+)@([^@]+)$/.exec(typed) ?? []
    return account === undefined ? [plain] : [plain, { name: account, domain: suffix }]
  }

  async #isMeant (entry: LdapEntry, names: readonly NameCandidate[], search: Search): Promise<boolean> {
    for (const { name, domain } of names) {
      const called = this.#comparisons.some(comparison => {
        const wanted = expectedValue(comparison, name)
        return entry.texts(comparison.attribute).some(text => isSameName(text, wanted))
      })
      if (called && (domain === undefined || await this.#isIn(entry.dn, domain, search))) return true
    }
    return false
  }

  /** As a domain controller reads a name: a userPrincipalName comes before `sAMAccountName@domain` of another account. */
  #preferred (meant: readonly LdapEntry[], typed: string, explain: Explain | undefined): readonly LdapEntry[] {
    if (this.#settings.presetName !== 'activeDirectory') return meant
    const isPrincipal = (entry: LdapEntry): boolean => entry.texts('userPrincipalName').some(name => isSameName(name, typed))
    if (!meant.some(isPrincipal)) return meant
    for (const { dn } of meant.filter(entry => !isPrincipal(entry))) explain?.(`${dn} is left out: ${typed} is the userPrincipalName of another account`)
    return meant.filter(isPrincipal)
  }

  async #isIn (dn: string, domain: string, search: Search): Promise<boolean> {
    if (isSameName(domain, dnsNameOf(dn))) return true
    const short = await this.#domains.shortName(domainOf(dn), search)
    return short !== undefined && isSameName(domain, short)
  }

  /** Certainly? Some directories say no more of a locked account than of a wrong password. */
  async isUnlocked (dn: string, search: Search): Promise<boolean> {
    const { stateAttributes } = this.#settings.preset
    if (!stateAttributes.includes(LOCK)) return true
    const [entry] = await search({ baseDN: dn, scope: 'base', attributes: [LOCK], limit: 1 }).catch(() => undefined) ?? []
    return entry !== undefined && !accountStateOf(entry).maybeLocked
  }

  #accountOf (entry: LdapEntry): FindResult {
    const { user, preset } = this.#settings
    const names = entry.texts(user.username)
    // of several values the one in the DN is the entry's own
    const username = names.length === 1 ? names[0] : nameInDN(entry.dn, user.username)
    if (username === undefined) return { unusable: `${entry.dn} has ${names.length === 0 ? 'no' : 'several values of'} ${user.username}, or it may not be read` }
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

/** One way to read what was typed. */
interface NameCandidate {
  readonly name: string
  readonly domain: string | undefined
}

/** What a DN begins with has to be what the entry has. */
function templateComparison (template: string): Comparison[] {
  const [, attribute] = /^\s*([^=\s]+)\s*=/.exec(template) ?? []
  return attribute === undefined ? [] : [{ attribute, value: '{username}' }]
}
