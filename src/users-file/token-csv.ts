/**
 * Kubernetes' static token file, `token,user,uid,"group1,group2"`, read as the
 * API server reads it (`tokenfile.go`): the groups are the fourth column,
 * further columns are ignored, and a line without a token is skipped.
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file
 */
import type { User } from '../../schemas/users.js'
import { digestToken } from '../authn/token-digest.js'
import { estimateTokenBits, MIN_TOKEN_BITS, whyUnpresentable } from '../authn/token-strength.js'
import type { FieldError } from '../errors.js'
import type { ImportedFile } from './import.js'

/** No message repeats a token, nor a column that may be one, such as the user name if columns are swapped. */
export function readTokenFile (text: string, imported: ImportedFile): void {
  const { records, errors } = parseCsv(text)
  for (const error of errors) imported.errors.push(error)
  // the line of each token, by its digest
  const digests = new Map<string, number>()
  for (const record of records) readRecord(record, imported, digests)
}

function readRecord ({ line, fields }: CsvRecord, { users, errors, warnings }: ImportedFile, digests: Map<string, number>): void {
  const [token, username, uid, groups = '', ...ignored] = fields
  const reject = (message: string): void => { errors.push({ path: '', line, message }) }
  const warn = (message: string): void => { warnings.push({ path: '', line, message }) }
  if (token === undefined || username === undefined || uid === undefined) return reject(`${fields.length} ${fields.length === 1 ? 'column' : 'columns'}; expected token,user,uid and, optionally, "group1,group2"`)
  if (token === '') return warn('skipped, as Kubernetes does: the token is empty')
  if (ignored.some((field) => field !== '')) warn('ignored the columns after the fourth, as Kubernetes does; if they are groups, put all of them between quotes: "group1,group2"')
  if (HTPASSWD_LINE.test(token)) return reject('looks like a line of an htpasswd file; use --format htpasswd')
  if (isHeader(token, username)) return reject('looks like a header, but token files have none: Kubernetes reads it as a user and a token; remove the line')
  if (estimateTokenBits(token) < MIN_TOKEN_BITS && RANDOM.test(username)) return reject('the user name looks like a token; expected token,user,uid in this order')
  const unpresentable = whyUnpresentable(token)
  if (unpresentable !== undefined) return reject(unpresentable)
  const hash = digestToken(token)
  if (digests.has(hash)) return reject(`the same token as on line ${digests.get(hash)}`)
  digests.set(hash, line)
  const user: User = { username, ...(uid !== '' && { uid }), ...readGroups(groups, warn) }
  const imported = users.get(username) ?? { user, line, tokens: [] }
  if (JSON.stringify(imported.user) !== JSON.stringify(user)) return reject(`the same user as on line ${imported.line}, with another uid or other groups`)
  users.set(username, imported)
  imported.tokens.push({ name: imported.tokens.length === 0 ? 'imported' : `imported-${imported.tokens.length + 1}`, hash })
  const bits = estimateTokenBits(token)
  if (bits < MIN_TOKEN_BITS) warn(`the token has at most ${bits} bits of entropy, fewer than ${MIN_TOKEN_BITS}; replace it soon with "authn-webhook users add-token"`)
}

/** Hashes of this project have commas. */
const HTPASSWD_LINE = /:\$scrypt\$/

/** A UUID, 16 random bytes in hexadecimal, or a token of this project. */
const RANDOM = /^(?:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|[\da-f]{32,}|awt_[\w-]{32,})$/i

function isHeader (token: string, username: string): boolean {
  return /^\s*#?\s*token\s*$/i.test(token) && /^\s*user(?:[ _-]?name)?\s*$/i.test(username)
}

/** Kubernetes keeps the white space in `"developers, on-call"`, and no binding matches. */
function readGroups (text: string, warn: (message: string) => void): Pick<User, 'groups'> {
  const raw = text.split(',')
  const groups = raw.map((group) => group.trim()).filter((group) => group !== '')
  if (raw.some((group) => group !== group.trim())) warn('removed white space around groups; Kubernetes does not, so check which bindings name these groups')
  return groups.length === 0 ? {} : { groups }
}

export interface CsvRecord {
  /** Where it begins, from 1: a quoted field may have line breaks. */
  readonly line: number
  readonly fields: readonly string[]
}

const PLAIN = /[^",\r\n]*/y
/** The end of a field: a comma, a line break, or the end of the text. */
const DELIMITER = /,|\r?\n|$/y

/**
 * Parses comma-separated values (RFC 4180). Skips empty lines.
 * @returns also an error for each line with wrong quotes
 */
export function parseCsv (text: string): { records: CsvRecord[], errors: FieldError[] } {
  const records: CsvRecord[] = []
  const errors: FieldError[] = []
  let line = 1
  let offset = 0
  while (offset < text.length) {
    const record = parseRecord(text, offset)
    if (record === undefined) {
      errors.push({ path: '', line, message: 'an unterminated quote, or a quote inside an unquoted field; enclose a field with quotes or commas in "…", and double the quotes in it' })
    } else if (record.fields.length > 1 || record.fields[0] !== '') {
      records.push({ line, fields: record.fields })
    }
    const end = record?.end ?? nextLine(text, offset)
    line += text.slice(offset, end).split('\n').length - 1
    offset = end
  }
  return { records, errors }
}

function parseRecord (text: string, start: number): { fields: string[], end: number } | undefined {
  const fields: string[] = []
  let offset = start
  for (;;) {
    const quoted = text[offset] === '"'
    const end = quoted ? endOfQuotes(text, offset) : endOf(PLAIN, text, offset)
    const next = end === undefined ? undefined : endOf(DELIMITER, text, end)
    if (end === undefined || next === undefined) return undefined
    fields.push(quoted ? text.slice(offset + 1, end - 1).replaceAll('""', '"') : text.slice(offset, end))
    if (text[end] !== ',') return { fields, end: next }
    offset = next
  }
}

/** The offset after the closing quote. A regular expression would overflow the stack at a field of megabytes. */
function endOfQuotes (text: string, open: number): number | undefined {
  for (let quote = text.indexOf('"', open + 1); quote !== -1; quote = text.indexOf('"', quote + 2)) {
    if (text[quote + 1] !== '"') return quote + 1
  }
  return undefined
}

function endOf (sticky: RegExp, text: string, offset: number): number | undefined {
  sticky.lastIndex = offset
  return sticky.test(text) ? sticky.lastIndex : undefined
}

function nextLine (text: string, offset: number): number {
  const end = text.indexOf('\n', offset)
  return end === -1 ? text.length : end + 1
}
