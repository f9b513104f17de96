/** Searches for many values: a filter has to fit into a message. */
import { EqualityFilter, OrFilter } from 'ldapts'
import type { Query } from '../connection/ldap-connection.js'
import type { Search } from '../connection/directory.js'
import type { LdapEntry } from '../connection/ldap-entry.js'

/** Values in one filter. */
const BATCH = 50

export async function inBatches<T, R> (values: readonly T[], search: (batch: readonly T[]) => Promise<readonly R[]>): Promise<R[]> {
  const results: R[] = []
  for (let from = 0; from < values.length; from += BATCH) results.push(...await search(values.slice(from, from + BATCH)))
  return results
}

/** Finds the entries below the base in which the attribute has one of the values. */
export async function searchByValues (attribute: string, values: ReadonlyArray<string | Buffer>, query: Pick<Query, 'baseDN' | 'attributes'>, search: Search): Promise<LdapEntry[]> {
  return await inBatches(values, async batch => {
    const filter = new OrFilter({ filters: batch.map(value => new EqualityFilter({ attribute, value })) })
    return await search({ ...query, scope: 'sub', filter }) ?? []
  })
}
