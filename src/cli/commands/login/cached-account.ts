/** The account that `logout` and `whoami` are about. */
import type { CachedAccount } from '../../../credential-plugin/cached-accounts.js'
import { CommandError } from '../../command-error.js'
import { readPartialAccount, type AccountOptions } from './account-options.js'

/**
 * The one that the options name, or the only one whose token is valid, or the
 * only one; `undefined` if there is none.
 * @throws CommandError if there are several
 */
export async function findCachedAccount (directory: string, options: AccountOptions): Promise<CachedAccount | undefined> {
  const { findCachedAccounts } = await import('../../../credential-plugin/cached-accounts.js')
  const found = findCachedAccounts(directory, await readPartialAccount(options))
  const valid = found.filter(({ entry }) => entry.expiresAt * 1000 > Date.now())
  const candidates = valid.length > 0 ? valid : found
  const named = candidates.filter(({ entry: { issuer, client, username } }) => issuer === options.issuer && client === options.client && username === options.username)
  const [first, ...others] = named.length > 0 ? named : candidates
  if (others.length === 0) return first
  const choices = candidates.map(({ entry: { issuer, client, username } }) => `--issuer ${issuer} --client ${client}${username === undefined ? '' : ` --username ${username}`}`)
  throw new CommandError(`several accounts are signed in; choose one with ${choices.join(', or ')}`)
}
