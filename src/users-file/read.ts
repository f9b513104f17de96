/**
 * Reads and checks a users file: the schema, then what a schema can't express.
 * Every error has its path and line, and all are found at once. A large file is
 * read in parts (list-parts.ts), since values take a hundred times the memory of
 * their text; what can't be cut is read as a whole.
 */
import { createHash, type Hash } from 'node:crypto'
import { getHeapStatistics } from 'node:v8'
import { USERS_VERSION, UsersFile, type User } from '../../schemas/users.js'
import { parsePart, shiftPath, splitList, type ListPart } from '../documents/list-parts.js'
import { findErrors } from '../documents/schema-errors.js'
import { decodeText } from '../documents/text.js'
import { validateDocument, validationError } from '../documents/yaml-file.js'
import { MAX_ERRORS, ValidationError, type FieldError } from '../errors.js'
import { MAX_USERS_BYTES, readBytes, readBytesSync, readPiecesSync, type FileVersion, type Read, type ReadOptions } from '../files/read.js'
import { EntryReader } from './entries.js'
import { assertFitsHeap } from './heap.js'
import type { UsersTable } from './table.js'
import { Users } from './users.js'

const KEY = 'users'

/** @throws ValidationError with every error, also if the file can't be read */
export async function readUsers (file: string, options?: ReadOptions): Promise<Users> {
  return new Users(tabulateUsers(await readUsersBytes(file, options), file))
}

/** @throws ValidationError if the file can't be read or isn't UTF-8 */
export async function readUsersText (file: string, options?: ReadOptions): Promise<string> {
  return decodeText(await readUsersBytes(file, options), file)
}

/** @throws ValidationError if the file can't be read */
export async function readUsersBytes (file: string, options: ReadOptions = {}): Promise<Buffer> {
  return bytesOf(await readBytes(file, { maxBytes: MAX_USERS_BYTES, ...options }), file)
}

/**
 * @param file for errors
 * @throws ValidationError with every error, in the order of lines
 */
export function parseUsers (text: string, file: string): Users {
  return new Users(tabulateUsers(Buffer.from(text), file))
}

/** The errors that {@link parseUsers} would find in these entries, with paths such as `users[3].uid`. */
export function findUserErrors (users: readonly User[]): FieldError[] {
  const value: UsersFile = { apiVersion: USERS_VERSION, users: [...users] }
  const errors = findErrors(value, UsersFile)
  const reader = new EntryReader()
  reader.read({ value, errors })
  return [...errors, ...reader.errors]
}

/** @throws ValidationError with every error */
export function tabulateUsers (bytes: Buffer, file: string): UsersTable {
  return tabulateParts(splitList([bytes], KEY), file) ?? tabulateWhole(decodeText(bytes, file), file)
}

/**
 * Reads a file piece by piece.
 * @param heapLimit of the thread that keeps the table
 * @returns undefined if the file is no longer this version
 * @throws ValidationError with every error
 */
export function tabulateFile (file: string, { digest, size }: FileVersion, heapLimit = getHeapStatistics().heap_size_limit): UsersTable | undefined {
  const hash = createHash('sha256')
  const parts = splitList(piecesOf(file, hash), KEY)
  if (parts !== undefined) assertFitsHeap(size, file, heapLimit)
  const table = tabulateParts(parts, file)
  if (table !== undefined) return hash.digest('hex') === digest ? table : undefined
  const bytes = bytesOf(readBytesSync(file, { maxBytes: MAX_USERS_BYTES }), file)
  return createHash('sha256').update(bytes).digest('hex') === digest ? tabulateWhole(decodeText(bytes, file), file) : undefined
}

function * piecesOf (file: string, hash: Hash): Generator<Buffer, void> {
  for (const read of readPiecesSync(file, { maxBytes: MAX_USERS_BYTES })) {
    const bytes = bytesOf(read, file)
    hash.update(bytes)
    yield bytes
  }
}

function bytesOf (read: Read, file: string): Buffer {
  if ('error' in read) throw new ValidationError(file, [{ path: '', message: read.error }])
  return read.bytes
}

function tabulateWhole (text: string, file: string): UsersTable {
  const draft = validateDocument<UsersFile>(text, { file, schema: UsersFile })
  const reader = new EntryReader(draft.errors)
  reader.read(draft)
  if (reader.errors.length > 0) throw validationError(draft, reader.errors)
  return reader.builder.finish()
}

/** @returns undefined if the file has to be read as a whole */
function tabulateParts (parts: Iterable<ListPart> | undefined, file: string): UsersTable | undefined {
  if (parts === undefined) return undefined
  const reader = new EntryReader()
  for (const { bytes, line } of parts) {
    const draft = parsePart<UsersFile>(bytes, { file, schema: UsersFile, key: KEY })
    if (draft === undefined) return undefined
    const first = reader.count
    const known = reader.errors.length
    for (const error of draft.errors) reader.errors.push({ ...error, path: shiftPath(error.path, KEY, first) })
    reader.read(draft)
    // lines are looked up now, since only the errors of a part are kept
    for (const error of reader.errors.splice(known)) {
      const within = error.line ?? draft.lineOf(shiftPath(error.path, KEY, -first))
      reader.errors.push({ ...error, line: within === undefined ? line : within + line - 1 })
    }
    if (reader.errors.length > MAX_ERRORS) break
    reader.builder.endPart()
    if (reader.builder.bytes > MAX_USERS_BYTES) throw new ValidationError(file, [{ path: '', message: 'holds too many values; split it up' }])
  }
  if (reader.errors.length > 0) throw new ValidationError(file, reader.errors.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)))
  return reader.builder.finish()
}
