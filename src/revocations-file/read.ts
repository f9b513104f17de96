/** Reads and validates a revocations file, a large one in parts, between which reviews are served. */
import { setImmediate } from 'node:timers/promises'
import { RevocationsFile, type Revocation } from '../../schemas/revocations.js'
import { parseTimestamp } from '../authn/timestamp.js'
import { parsePart, shiftPath, splitList, type ListPart } from '../documents/list-parts.js'
import { decodeText } from '../documents/text.js'
import { validateDocument, validationError, type ParsedDocument } from '../documents/yaml-file.js'
import { MAX_ERRORS, ValidationError, type FieldError } from '../errors.js'
import { readBytes } from '../files/read.js'
import { RevocationTable } from './revocations.js'

/** Plenty for 100,000 entries with every field. */
export const MAX_BYTES = 32 * 1024 * 1024

const KEY = 'revocations'

/** @throws ValidationError with every error, also if the file can't be read */
export async function readRevocations (file: string): Promise<RevocationTable> {
  return await parseRevocations(await readRevocationsBytes(file), file)
}

/** @throws ValidationError if the file can't be read */
export async function readRevocationsBytes (file: string): Promise<Buffer> {
  const read = await readBytes(file, { maxBytes: MAX_BYTES })
  if ('error' in read) throw new ValidationError(file, [{ path: '', message: read.error }])
  return read.bytes
}

/**
 * @param file for errors
 * @throws ValidationError with every error, in the order of lines
 */
export async function parseRevocations (bytes: Buffer, file: string): Promise<RevocationTable> {
  const parts = splitList([bytes], KEY)
  return (parts && await parseParts(parts, file)) ?? parseWhole(decodeText(bytes, file), file)
}

function parseWhole (text: string, file: string): RevocationTable {
  const document = validateDocument<RevocationsFile>(text, { file, schema: RevocationsFile })
  const table = new RevocationTable()
  const errors = [...document.errors, ...addEntries(document, table)]
  if (errors.length > 0) throw validationError(document, errors)
  return table
}

/** @returns undefined if the file has to be read as a whole */
async function parseParts (parts: Iterable<ListPart>, file: string): Promise<RevocationTable | undefined> {
  const table = new RevocationTable()
  const errors: FieldError[] = []
  let first = 0
  for (const { bytes, line } of parts) {
    await setImmediate()
    const part = parsePart<RevocationsFile>(bytes, { file, schema: RevocationsFile, key: KEY })
    if (part === undefined) return undefined
    for (const error of [...part.errors, ...addEntries(part, table)]) {
      const within = error.line ?? part.lineOf(error.path) ?? 1
      errors.push({ ...error, path: shiftPath(error.path, KEY, first), line: within + line - 1 })
    }
    if (errors.length > MAX_ERRORS) break
    first += part.value.revocations.length
  }
  if (errors.length > 0) throw new ValidationError(file, errors.sort((a, b) => a.line! - b.line!))
  return table
}

/** Adds the entries of a document, unless it has errors. @returns what the schema can't check */
function addEntries ({ value, errors }: ParsedDocument<RevocationsFile>, table: RevocationTable): FieldError[] {
  if (!Array.isArray(value?.revocations)) return []
  const known = new Set(errors.map(({ path }) => path))
  return value.revocations.flatMap((entry: Revocation | null, index) => {
    const path = `${KEY}[${index}]`
    const wrong = (['before', 'expires'] as const).filter(field => entry?.[field] !== undefined && timeOf(entry[field]) === undefined)
    if (entry !== null && errors.length === 0 && wrong.length === 0) table.add({ ...entry, before: timeOf(entry.before)?.getTime() })
    return wrong.map(field => ({ path: `${path}.${field}`, message: 'no such date or time' })).filter(({ path }) => !known.has(path))
  })
}

function timeOf (text: unknown): Date | undefined {
  return text === undefined ? undefined : parseTimestamp(String(text))
}
