/**
 * Users from the files that people had before: Kubernetes' static token file
 * and htpasswd. All faults are found at once, each with the line of the file
 * that is imported; no message repeats a token or a hash.
 */
import { USERS_VERSION, type User, type UserToken } from '../../schemas/users.js'
import { digestToken } from '../authn/token-digest.js'
import { estimateTokenBits, MIN_TOKEN_BITS, whyUnpresentable } from '../authn/token-strength.js'
import type { Users } from '../authn/users.js'
import { FaultsError, type Fault } from '../errors.js'
import { parseCsv, type CsvRecord } from './csv.js'
import { parseUsers } from './users.js'

export const IMPORT_FORMATS = ['csv', 'htpasswd'] as const
export type ImportFormat = typeof IMPORT_FORMATS[number]

export interface Imported {
  readonly users: readonly User[]
  /** What was taken and yet should be looked at. */
  readonly warnings: readonly Fault[]
}

export interface ImportOptions {
  readonly format: ImportFormat
  /** How faults name the text. */
  readonly file: string
  /** Groups of everybody, beside those of the file. */
  readonly groups: readonly string[]
  /** Who is there already. */
  readonly existing: Users
}

/** A user, the line where it was read first, and what its columns said. */
interface Draft {
  readonly user: User
  readonly tokens: UserToken[]
  readonly line: number
}

interface Reading {
  readonly drafts: Map<string, Draft>
  /** Where each token was seen, by its digest. */
  readonly digests: Map<string, number>
  readonly faults: Fault[]
  readonly warnings: Fault[]
}

/** @throws FaultsError with everything that is wrong: then nothing is to be imported */
export function importUsers (text: string, { format, file, groups, existing }: ImportOptions): Imported {
  const reading: Reading = { drafts: new Map(), digests: new Map(), faults: [], warnings: [] }
  const readers = { csv: readCsv, htpasswd: readHtpasswd }
  readers[format](text.replace(/^\uFEFF/, ''), reading)
  const { drafts, faults, warnings } = reading
  const entries = [...drafts.values()]
  const users = entries.map(({ user, tokens }) => withTokens(withGroups(user, groups), tokens))
  faults.push(...findFaults(users, entries), ...entries.flatMap(({ user, line }) => findExisting(user, line, existing)))
  if (faults.length > 0) throw new FaultsError(file, faults.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)))
  if (users.length === 0) throw new FaultsError(file, [{ path: '', message: 'holds no users' }])
  return { users, warnings }
}

/** `token,user,uid,"group1,group2"`: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file */
function readCsv (text: string, reading: Reading): void {
  const { records, faults } = parseCsv(text)
  reading.faults.push(...faults)
  for (const record of records) readTokenRecord(record, reading)
}

function readTokenRecord ({ line, fields }: CsvRecord, { drafts, digests, faults, warnings }: Reading): void {
  const [token, username, uid, groups = ''] = fields
  const refuse = (message: string): void => { faults.push({ path: '', line, message }) }
  if (token === undefined || username === undefined || uid === undefined) return refuse(`${fields.length} columns; expected token,user,uid and, optionally, "group1,group2"`)
  if (fields.length > 4) return refuse(`${fields.length} columns; put several groups between quotes: token,user,uid,"group1,group2"`)
  const unpresentable = whyUnpresentable(token)
  if (unpresentable !== undefined) return refuse(unpresentable)
  const hash = digestToken(token)
  if (digests.has(hash)) return refuse(`the same token as on line ${digests.get(hash)}`)
  digests.set(hash, line)
  const user: User = { username, ...(uid !== '' && { uid }), ...(groups !== '' && { groups: groups.split(',').map((group) => group.trim()) }) }
  const draft = drafts.get(username) ?? { user, line, tokens: [] }
  if (JSON.stringify(draft.user) !== JSON.stringify(user)) return refuse(`${JSON.stringify(username)} has another uid or other groups than on line ${draft.line}`)
  drafts.set(username, draft)
  draft.tokens.push({ name: draft.tokens.length === 0 ? 'imported' : `imported-${draft.tokens.length + 1}`, hash })
  const bits = estimateTokenBits(token)
  if (bits < MIN_TOKEN_BITS) warnings.push({ path: '', line, message: `the token of ${JSON.stringify(username)} has ${bits} bits at most, ${MIN_TOKEN_BITS} are safe; replace it soon with "authn-webhook users add-token"` })
}

/** `user:hash`, one a line. */
function readHtpasswd (text: string, { drafts, faults }: Reading): void {
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    const line = index + 1
    if (content.trim() === '' || content.startsWith('#')) continue
    const [, username, passwordHash] = /^([^:]+):(.+)$/.exec(content) ?? []
    if (username === undefined || passwordHash === undefined) {
      faults.push({ path: '', line, message: 'expected user:hash' })
    } else if (drafts.has(username)) {
      faults.push({ path: '', line, message: `${JSON.stringify(username)} is on line ${drafts.get(username)!.line} already` })
    } else if (!/^\$2[aby]\$/.test(passwordHash)) {
      faults.push({ path: '', line, message: `the password of ${JSON.stringify(username)} is kept as ${kindOf(passwordHash)}, which is too easy to guess; set it anew with "htpasswd -B", or take the line out and use "authn-webhook users add"` })
    } else {
      drafts.set(username, { user: { username, passwordHash }, line, tokens: [] })
    }
  }
}

function kindOf (hash: string): string {
  if (hash.startsWith('$apr1$') || hash.startsWith('$1$')) return 'an MD5 hash'
  if (hash.startsWith('{SHA}')) return 'a SHA-1 hash'
  return 'a crypt hash or as plain text'
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
function findFaults (users: readonly User[], drafts: readonly Draft[]): Fault[] {
  try {
    parseUsers(JSON.stringify({ apiVersion: USERS_VERSION, users }), '')
    return []
  } catch (error) {
    if (!(error instanceof FaultsError)) throw error
    return error.faults.map(({ path, message }) => {
      const [, index, rest = ''] = /^users\[(\d+)\]\.?(.*)$/.exec(path) ?? []
      return { path: rest, line: drafts[Number(index)]?.line, message }
    })
  }
}

function findExisting ({ username }: User, line: number, existing: Users): Fault[] {
  if (existing.byName(username) === undefined) return []
  return [{ path: '', line, message: `${JSON.stringify(username)} is in the users file already; take the line out, or remove that user first` }]
}
