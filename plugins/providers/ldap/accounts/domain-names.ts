/**
 * The NetBIOS names of Active Directory's domains: `CORP` of
 * `DC=corp,DC=example,DC=com`, as in `CORP\alice`. They never change, so each is
 * read once.
 */
import { readEntry, type Search } from '../connection/directory.js'
import { normalizeDN } from '../syntax/distinguished-name.js'
import { fillFilter } from '../syntax/filter.js'

export class DomainNames {
  readonly #known = new Map<string, string>()

  async shortName (domain: string, search: Search): Promise<string | undefined> {
    if (domain === '') return undefined
    const key = normalizeDN(domain)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const root = await readEntry(search, '', ['configurationNamingContext'])
    const configuration = root?.text('configurationNamingContext')
    if (configuration === undefined) return undefined
    const [reference] = await search({
      baseDN: `CN=Partitions,${configuration}`,
      scope: 'one',
      filter: fillFilter('(&(objectClass=crossRef)(nCName={dn}))', { dn: domain }),
      attributes: ['nETBIOSName']
    }) ?? []
    const name = reference?.text('nETBIOSName')
    if (name !== undefined) this.#known.set(key, name)
    return name
  }
}
