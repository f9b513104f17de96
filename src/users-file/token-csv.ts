/**
 * Kubernetes' static token file, `token,user,uid,"group1,group2"`, read as the
 * API server reads it (`tokenfile.go`): the groups are the fourth column,
 * further columns are ignored, and a line without a token is skipped.
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file
 */
import type { User } from '../../schemas/users.js'
import { digestToken } from '../authn/token-digest.js'
import { estimateTokenBits, MIN_TOKEN_BITS, whyUnpresentable } from '../authn/token-strength.js'
import { parseCsv, type CsvRecord } from './csv.js'
import type { Reading } from './import-draft.js'

/** No message repeats a token, nor a column that may be one or a part of one, as the user name is if columns are swapped. */
export function readTokenFile (text: string, reading: Reading): void {
  const { records, errors } = parseCsv(text)
  for (const error of errors) reading.errors.push(error)
  // where each token was seen first, by its digest
  const digests = new Map<string, number>()
  for (const record of records) readRecord(record, reading, digests)
}

function readRecord ({ line, fields }: CsvRecord, { drafts, errors, warnings }: Reading, digests: Map<string, number>): void {
  const [token, username, uid, groups = '', ...ignored] = fields
  const refuse = (message: string): void => { errors.push({ path: '', line, message }) }
  const warn = (message: string): void => { warnings.push({ path: '', line, message }) }
  if (token === undefined || username === undefined || uid === undefined) return refuse(`${fields.length} ${fields.length === 1 ? 'column' : 'columns'}; expected token,user,uid and, optionally, "group1,group2"`)
  if (token === '') return warn('skipped, as Kubernetes does: the token is empty')
  if (ignored.some((field) => field !== '')) warn('ignored the columns after the fourth, as Kubernetes does; if they are groups, put all of them between quotes: "group1,group2"')
  if (HTPASSWD_LINE.test(token)) return refuse('looks like a line of an htpasswd file; use --format htpasswd')
  if (isHeader(token, username)) return refuse('a header, which this format does not have: Kubernetes reads it as a user and a token; remove the line')
  if (estimateTokenBits(token) < MIN_TOKEN_BITS && RANDOM.test(username)) return refuse('the user name looks like a token; expected token,user,uid in this order')
  const unpresentable = whyUnpresentable(token)
  if (unpresentable !== undefined) return refuse(unpresentable)
  const hash = digestToken(token)
  if (digests.has(hash)) return refuse(`the same token as on line ${digests.get(hash)}`)
  digests.set(hash, line)
  const user: User = { username, ...(uid !== '' && { uid }), ...readGroups(groups, warn) }
  const draft = drafts.get(username) ?? { user, line, tokens: [] }
  if (JSON.stringify(draft.user) !== JSON.stringify(user)) return refuse(`the same user as on line ${draft.line}, with another uid or other groups`)
  drafts.set(username, draft)
  draft.tokens.push({ name: draft.tokens.length === 0 ? 'imported' : `imported-${draft.tokens.length + 1}`, hash })
  const bits = estimateTokenBits(token)
  if (bits < MIN_TOKEN_BITS) warn(`the token has ${bits} bits at most, ${MIN_TOKEN_BITS} are safe; replace it soon with "authn-webhook users add-token"`)
}

/** A hash of our own has commas. */
const HTPASSWD_LINE = /:\$scrypt\$/

/** A UUID, what `od` makes of 16 random bytes, or a token of ours. */
const RANDOM = /^(?:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|[\da-f]{32,}|awt_[\w-]{32,})$/i

/** What people write above the columns. */
function isHeader (token: string, username: string): boolean {
  return /^\s*#?\s*token\s*$/i.test(token) && /^\s*user(?:[ _-]?name)?\s*$/i.test(username)
}

/** Kubernetes keeps the white space in `"developers, on-call"`, and then no binding matches. */
function readGroups (text: string, warn: (message: string) => void): Pick<User, 'groups'> {
  const raw = text.split(',')
  const groups = raw.map((group) => group.trim()).filter((group) => group !== '')
  if (raw.some((group) => group !== group.trim())) warn('removed white space around groups; Kubernetes does not, so check which bindings name these groups')
  return groups.length === 0 ? {} : { groups }
}
