/** Who is signed in on this computer. */
import { decodeJwt } from 'jose'
import { fingerprintOf, type Account } from './account.js'
import { readEntries, removeEntry, type Entry } from './cache/entries.js'
import { forgetFailure } from './cache/failures.js'

export interface CachedAccount {
  /** Of its file. */
  readonly key: string
  readonly entry: Entry
}

/** What the token says; the API server may know other groups. */
export interface Identity {
  readonly username: string
  readonly groups: readonly string[]
}

/** All that can be read: a file that is refused is no reason to keep the others. */
export function allCachedAccounts (directory: string): readonly CachedAccount[] {
  return accountsOf(readEntries(directory, true))
}

/** Those of the cache that match what is given of an account. */
export function findCachedAccounts (directory: string, { issuer, client, ca, username }: Partial<Account>): readonly CachedAccount[] {
  const matches = (given: string | undefined, cached: string | undefined): boolean => given === undefined || given === cached
  return accountsOf(readEntries(directory)).filter(({ entry }) =>
    matches(issuer, entry.issuer) && matches(client, entry.client) && matches(fingerprintOf(ca), entry.ca) && matches(username, entry.username))
}

function accountsOf (entries: ReturnType<typeof readEntries>): readonly CachedAccount[] {
  return [...entries].map(([key, entry]) => ({ key, entry }))
}

export function removeCachedAccount (directory: string, { key }: CachedAccount): void {
  removeEntry(directory, key)
  forgetFailure(directory, key)
}

/** Ends the session of the browser. Without the token: URLs are seen by other users, in the list of processes. */
export function endSessionURL ({ endSessionEndpoint, client }: Entry): URL | undefined {
  if (endSessionEndpoint === undefined || !URL.canParse(endSessionEndpoint)) return undefined
  const url = new URL(endSessionEndpoint)
  url.searchParams.set('client_id', client)
  return url.protocol === 'https:' ? url : undefined
}

/** `undefined` if the token is not a JWT: the entry is damaged. */
export function identityOf ({ token }: Entry): Identity | undefined {
  try {
    const { preferred_username: name, sub, groups } = decodeJwt(token)
    return {
      username: typeof name === 'string' ? name : sub ?? '',
      groups: Array.isArray(groups) ? groups.filter(group => typeof group === 'string') : []
    }
  } catch {
    return undefined
  }
}
