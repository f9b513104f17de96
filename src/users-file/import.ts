/**
 * Users from the files that people had before: Kubernetes' static token file
 * and htpasswd. All errors are found at once, each with the line of the file
 * that is imported; no message repeats a token or a hash.
 */
import type { User, UserToken } from '../../schemas/users.js'
import { parsePasswordHash, whyWeak } from '../authn/password-hash.js'
import { findReservedNames } from '../authn/reserved.js'
import type { Users } from './users.js'
import { ValidationError, type FieldError } from '../errors.js'
import { readHtpasswd } from './htpasswd.js'
import type { Draft, Reading } from './import-draft.js'
import { readTokenFile } from './token-csv.js'
import { findUserErrors } from './read.js'

export const IMPORT_FORMATS = ['csv', 'htpasswd'] as const
export type ImportFormat = typeof IMPORT_FORMATS[number]

export interface Imported {
  readonly users: readonly User[]
  /** What was taken and yet should be looked at. */
  readonly warnings: readonly FieldError[]
}

export interface ImportOptions {
  readonly format: ImportFormat
  /** How errors name the text. */
  readonly file: string
  /** Groups of everybody, beside those of the file. */
  readonly groups: readonly string[]
  /** Who is there already. */
  readonly existing: Users
}

/** @throws ValidationError with everything that is wrong: then nothing is to be imported */
export function importUsers (text: string, { format, file, groups, existing }: ImportOptions): Imported {
  const reading: Reading = { drafts: new Map(), errors: [], warnings: [] }
  const readers = { csv: readTokenFile, htpasswd: readHtpasswd }
  readers[format](text.replace(/^\uFEFF/, ''), reading)
  const entries = [...reading.drafts.values()]
  const users = entries.map(({ user, tokens }) => withTokens(withGroups(user, groups), tokens))
  const errors = [...reading.errors, ...findErrors(users, entries), ...entries.flatMap(({ user, line }) => findExisting(user, line, existing))]
  if (errors.length > 0) throw new ValidationError(file, inOrder(errors))
  if (users.length === 0) throw new ValidationError(file, [{ path: '', message: 'holds no users' }])
  const warnings = users.flatMap((user, index) => warningsOf(user).map((message) => ({ path: '', line: entries[index]!.line, message })))
  return { users, warnings: inOrder([...reading.warnings, ...warnings]) }
}

function warningsOf (user: User): string[] {
  const weak = user.passwordHash === undefined ? undefined : whyWeak(parsePasswordHash(user.passwordHash).cost)
  return [...findReservedNames(user).map(({ message }) => message), ...weak === undefined ? [] : [weak]]
}

function inOrder (errors: readonly FieldError[]): FieldError[] {
  return [...errors].sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
}

function withGroups (user: User, groups: readonly string[]): User {
  const all = [...new Set([...user.groups ?? [], ...groups])]
  return all.length === 0 ? user : { ...user, groups: all }
}

/** `passwordHash` and `tokens` come last, as in every example. */
function withTokens ({ passwordHash, ...user }: User, tokens: UserToken[]): User {
  return { ...user, ...(passwordHash !== undefined && { passwordHash }), ...(tokens.length > 0 && { tokens }) }
}

/** What a users file would not take, with the lines of the imported file. */
function findErrors (users: readonly User[], drafts: readonly Draft[]): FieldError[] {
  return findUserErrors(users).map(({ path, message }) => {
    const [, index, rest = ''] = /^users\[(\d+)\]\.?(.*)$/.exec(path) ?? []
    return { path: rest, line: drafts[Number(index)]?.line, message }
  })
}

function findExisting ({ username }: User, line: number, existing: Users): FieldError[] {
  if (existing.byName(username) === undefined) return []
  return [{ path: '', line, message: `${JSON.stringify(username)} is in the users file already; take the line out, or remove that user first` }]
}
