/**
 * What a typed name can mean, and whether an entry really has it: directories
 * compare names in other ways than this code, and find more.
 */
import type { Search } from '../connection/directory.js'
import type { LdapEntry } from '../connection/ldap-entry.js'
import type { LdapSettings } from '../settings.js'
import { domainOf, dnsNameOf } from '../syntax/distinguished-name.js'
import { comparisonsOf, expectedValue, foldName, isSameName, typedName, type Comparison } from '../syntax/filter.js'
import { DomainNames } from './domain-names.js'

export type Explain = (sentence: string) => void

/** One interpretation of a typed name. */
export interface NameCandidate {
  readonly name: string
  readonly domain: string | undefined
}

export class TypedNames {
  readonly #settings: LdapSettings
  readonly #comparisons: readonly Comparison[]
  readonly #domains = new DomainNames()

  constructor (settings: LdapSettings) {
    const { template, filter } = settings.user
    this.#settings = settings
    this.#comparisons = template === '' ? comparisonsOf(filter) : templateComparison(template)
  }

  /** Those that hold names. */
  get attributes (): string[] {
    return this.#comparisons.map(({ attribute }) => attribute)
  }

  /** What could be typed for the entry. */
  namesOf (entry: LdapEntry): ReadonlySet<string> {
    return new Set(this.#comparisons.flatMap(comparison => entry.texts(comparison.attribute).flatMap(text => typedName(comparison, text) ?? [])))
  }

  /** Active Directory also accepts `CORP\alice` and `alice@corp.example.com`. */
  candidatesFor (typed: string): NameCandidate[] {
    const plain = { name: typed, domain: undefined }
    if (this.#settings.presetName !== 'activeDirectory' || this.#settings.user.template !== '') return [plain]
    const [, domain, name] = /^([^\\]+)\\([^\\]+)$/.exec(typed) ?? []
    if (domain !== undefined && name !== undefined) return [{ name, domain }]
    const [, account, suffix] = /^([^@]+)@([^@]+)$/.exec(typed) ?? []
    return account === undefined ? [plain] : [plain, { name: account, domain: suffix }]
  }

  /** Whether the entry has one of the names. */
  async match (entry: LdapEntry, candidates: readonly NameCandidate[], search: Search): Promise<boolean> {
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
  preferred (entries: readonly LdapEntry[], typed: string, explain: Explain | undefined): readonly LdapEntry[] {
    if (this.#settings.presetName !== 'activeDirectory') return entries
    const isPrincipal = (entry: LdapEntry): boolean => entry.texts('userPrincipalName').some(name => isSameName(name, typed))
    if (!entries.some(isPrincipal)) return entries
    for (const { dn } of entries.filter(entry => !isPrincipal(entry))) explain?.(`ignored ${dn}: ${typed} is the userPrincipalName of another account`)
    return entries.filter(isPrincipal)
  }

  /** A key for a name that no entry has; spellings that would mean the same entry share it. */
  async unknownName (typed: string, search: Search): Promise<string> {
    for (const { name, domain } of this.candidatesFor(typed)) {
      if (domain !== undefined && await this.#isInDomain(this.#settings.user.baseDN, domain, search)) return foldName(name)
    }
    return foldName(typed)
  }

  async #isInDomain (dn: string, domain: string, search: Search): Promise<boolean> {
    if (isSameName(domain, dnsNameOf(dn))) return true
    const short = await this.#domains.shortName(domainOf(dn), search)
    return short !== undefined && isSameName(domain, short)
  }
}

/** The entry has to have the value that its DN begins with. */
function templateComparison (template: string): Comparison[] {
  const [, attribute] = /^\s*([^=\s]+)\s*=/.exec(template) ?? []
  return attribute === undefined ? [] : [{ attribute, value: '{username}' }]
}
