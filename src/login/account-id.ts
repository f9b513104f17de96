/**
 * The ID of an account: the subject of its tokens, and a digest of the password
 * version at the sign-in. After a change of the password it finds nobody, which
 * ends the browser sessions of the account.
 */
import { digestPasswordVersion, subjectOf } from '../authn/sessions/session-claims.js'

/** Not in base64url, and the last one of an ID ends the subject, which may hold it. */
const SEPARATOR = '~'

/** @returns `undefined` if no claim can carry the uid */
export function accountIdOf (provider: string, uid: string | undefined, passwordVersion: string | undefined): string | undefined {
  const subject = uid === undefined ? undefined : subjectOf(provider, uid)
  return subject === undefined ? undefined : `${subject}${SEPARATOR}${passwordVersion === undefined ? '' : digestPasswordVersion(passwordVersion)}`
}

export function subjectOfAccount (accountId: string): string {
  return accountId.slice(0, accountId.lastIndexOf(SEPARATOR))
}

/** @returns `undefined` if the provider knows no password version */
export function passwordDigestOf (accountId: string): string | undefined {
  const digest = accountId.slice(accountId.lastIndexOf(SEPARATOR) + 1)
  return digest === '' ? undefined : digest
}
