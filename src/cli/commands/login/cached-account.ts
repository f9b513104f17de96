/** The account that `logout` and `whoami` are about. */
import type { CachedAccount } from '../../../credential-plugin/cached-accounts.js'
import { CommandError } from '../../command-error.js'
import { readPartialAccount, type AccountOptions } from './account-options.js'

/**
 * The one that the options name, or the only one; `undefined` if there is none.
 * @throws CommandError if there are several
 */
export async function findCachedAccount (directory: string, options: AccountOptions): Promise<CachedAccount | undefined> {
  const { findCachedAccounts } = await import('../../../credential-plugin/cached-accounts.js')
  const [first, ...others] = findCachedAccounts(directory, await readPartialAccount(options))
  if (others.length === 0) return first
  const choices = [first!, ...others].map(({ entry: { issuer, client, username } }) => `--issuer ${issuer} --client ${client}${username === undefined ? '' : ` --username ${username}`}`)
  throw new CommandError(`several accounts are signed in; choose one with ${choices.join(', or ')}`)
}
