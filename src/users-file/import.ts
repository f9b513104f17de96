/**
 * Imports users from Kubernetes' static token file and from htpasswd files. All
 * errors are found at once, each with its line; no message repeats a token or a
 * hash.
 */
import type { User, UserToken } from '../../schemas/users.js'
import { parsePasswordHash, whyWeak } from '../authn/password-hash.js'
import { findReservedNames } from '../authn/reserved.js'
import type { Users } from './users.js'
import { ValidationError, type FieldError } from '../errors.js'
import { readHtpasswd } from './htpasswd.js'
import { readTokenFile } from './token-csv.js'
import { findUserErrors } from './read.js'

export const IMPORT_FORMATS = ['csv', 'htpasswd'] as const
export type ImportFormat = typeof IMPORT_FORMATS[number]

export interface Imported {
  readonly users: readonly User[]
  readonly warnings: readonly FieldError[]
}

export interface ImportOptions {
  readonly format: ImportFormat
  /** For errors. */
  readonly file: string
  /** Groups of every user, besides those of the file. */
  readonly groups: readonly string[]
  /** Users that can't be imported again. */
  readonly existing: Users
}

/** The content of a file before it becomes users. */
export interface ImportedFile {
  /** By name. */
  readonly users: Map<string, ImportedUser>
  readonly errors: FieldError[]
  readonly warnings: FieldError[]
}

export interface ImportedUser {
  readonly user: User
  readonly tokens: UserToken[]
  /** Its first line. */
  readonly line: number
}

/** @throws ValidationError with every error */
export function importUsers (text: string, { format, file, groups, existing }: ImportOptions): Imported {
  const imported: ImportedFile = { users: new Map(), errors: [], warnings: [] }
  const readers = { csv: readTokenFile, htpasswd: readHtpasswd }
  readers[format](text.replace(/^\uFEFF/, ''), imported)
  const entries = [...imported.users.values()]
  const users = entries.map(({ user, tokens }) => withTokens(withGroups(user, groups), tokens))
  const errors = [...imported.errors, ...findErrors(users, entries), ...entries.flatMap(({ user, line }) => findExisting(user, line, existing))]
  if (errors.length > 0) throw new ValidationError(file, inOrder(errors))
  if (users.length === 0) throw new ValidationError(file, [{ path: '', message: 'holds no users' }])
  const warnings = users.flatMap((user, index) => warningsOf(user).map((message) => ({ path: '', line: entries[index]!.line, message })))
  return { users, warnings: inOrder([...imported.warnings, ...warnings]) }
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

/** Errors that the users file would have, with the lines of the imported file. */
function findErrors (users: readonly User[], entries: readonly ImportedUser[]): FieldError[] {
  return findUserErrors(users).map(({ path, message }) => {
    const [, index, rest = ''] = /^users\[(\d+)\]\.?(.*)$/.exec(path) ?? []
    return { path: rest, line: entries[Number(index)]?.line, message }
  })
}

function findExisting ({ username }: User, line: number, existing: Users): FieldError[] {
  if (existing.byName(username) === undefined) return []
  return [{ path: '', line, message: `${JSON.stringify(username)} is in the users file already; remove the line, or that user first` }]
}
